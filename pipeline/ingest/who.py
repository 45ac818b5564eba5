"""The steps that tell which event it is and whom it names: type and name, identifiers, alias, message id."""

from sys import intern

import msgspec
import xxhash

from pipeline.domain.identifiers import claimed
from pipeline.ingest.device_key import (
    ID_LIMIT,
    external_ids,
    first_email,
    first_phone,
    id_text,
    user_identifier,
    vendor_identifiers,
)
from pipeline.ingest.incoming import NOTHING, UNDECODABLE, Context, Identity, Incoming
from pipeline.ingest.properties import Reject
from pipeline.ingest.remembered import remembered

TYPES = {name: name for name in ("track", "page", "screen", "identify", "group", "alias")}
TRUSTED = frozenset(("server", "vendor", "import"))


def type_and_name(kind: str | None, event: str | None) -> tuple[str, str] | Reject:
    """A track call is named by its event, every other call by its type, whatever `event` it carries."""
    known = TYPES.get(kind or "")
    if known is None:
        return Reject("unknown_type", "type", "type must be track, page, screen, identify, group or alias")
    if known != "track":
        return known, known
    name = _name(event) if event else ""
    if not name:
        return Reject("missing_event", "event", "a track call needs its name in `event`")
    return known, name


@remembered(1 << 12)
def _name(event: str) -> str:
    return intern(event.strip())


# Columns of an event: device_id, user, email, phone, vendors, user_id, group_id.
Who = tuple[str, int, int, int, tuple[int, ...], str, str]


def identity(
    event: Incoming, context: Context, project: str, emails: tuple[str, ...], phones: tuple[str, ...]
) -> Who | Reject:
    """Anonymous id, user id, e-mail, phone, vendor ids. Placeholders are none; who names nobody is rejected."""
    anonymous, own = event.anonymousId, event.userId
    if own is None and type(anonymous) is str and type(event.messageId) is not int:
        is_alone = not emails and not phones and context.externalIds is NOTHING
        if is_alone and event.groupId is None and context.groupId is None and (device_id := long_text(anonymous)):
            return device_id, 0, 0, 0, (), "", ""  # most events name their device and nobody
    if type(anonymous) is int or type(own) is int or type(event.messageId) is int:
        for name, value in (("anonymousId", anonymous), ("userId", own), ("messageId", event.messageId)):
            if isinstance(value, int) and not -ID_LIMIT < value < ID_LIMIT:
                return Reject("number_out_of_range", name, "an id in digits must fit into 64 bits; send it as a string")
    device_id = long_text(anonymous)
    user_id = id_text(own) if own is not None else ""
    user = user_identifier(project, user_id) if user_id else 0
    email = first_email(project, emails) if emails else 0
    phone = first_phone(project, phones) if phones else 0
    vendors = () if context.externalIds is NOTHING else _vendors(project, bytes(context.externalIds))
    group = event.groupId if event.groupId is not None else context.groupId
    if not (device_id or user or email or phone or vendors):
        return Reject("missing_identity", "anonymousId", "needs anonymousId, userId, an e-mail, a phone or a vendor id")
    return device_id, user, email, phone, vendors, user_id, id_text(group) if group is not None else ""


@remembered(1 << 12)
def _vendors(project: str, raw: bytes) -> tuple[int, ...]:
    try:
        value = msgspec.json.decode(raw)
    except UNDECODABLE:
        return ()
    return vendor_identifiers(project, external_ids(value))


def alias_of(project: str, previous_id: Identity, user_id: str, is_trusted: bool) -> int | Reject:
    """previousId of an alias call renames a user where the source is trusted; else it is a claim, which is refused."""
    previous = id_text(previous_id)
    if not previous or not user_id or previous == user_id:
        return Reject("invalid_alias", "previousId", "an alias needs previousId and userId, and they must differ")
    old = user_identifier(project, previous)
    return old if is_trusted else claimed(old)


def long_text(value: Identity) -> str:
    """An id as text, "" for none or a placeholder. Of a long one two characters tell that it needs no look inside."""
    if type(value) is str and len(value) > 20 and value[0].isalnum() and value[-1].isalnum() and value.strip("0-"):
        return value
    return id_text(value) if value is not None else ""


message_text = long_text  # without one many events would be one


def message_hash(project: str, text: str) -> int:
    """64-bit message id: hash of the project and the client's id, never 0."""
    return xxhash.xxh3_64_intdigest(f"{project}\0{text}".encode()) or 1


def content_hash(project: str, content: bytes) -> int:
    """64-bit message id of an event that brings none: hash of the project and its content, never 0."""
    return xxhash.xxh3_64_intdigest(project.encode() + b"\0" + content) or 1
