"""The steps that tell which event it is and whom it names: type, properties, identifiers, alias, message id."""

from functools import lru_cache
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
from pipeline.ingest.draft import Draft
from pipeline.ingest.incoming import NOTHING, UNDECODABLE, Identity, Known
from pipeline.ingest.properties import Reject, Stored, contacts, known, stored, with_names, with_prefix
from pipeline.ingest.redacted_event import kept_properties

TYPES = {name: name for name in ("track", "page", "screen", "identify", "group", "alias")}
TRUSTED = frozenset(("server", "vendor", "import"))
ALL_NAMES = Known.__struct_fields__
NEEDS_CONTENT = Reject("")  # no message id: the careful reader, which has the content, must do it


def put_type_and_name(draft: Draft) -> Reject | None:
    """A track call is named by its event, every other call by its type, whatever `event` it carries."""
    row, event = draft.row, draft.event
    kind = TYPES.get(event.type or "")
    if kind is None:
        return Reject("unknown_type", "type", "type must be track, page, screen, identify, group or alias")
    row.type = row.event = kind
    if kind == "track":
        name = (event.event or "").strip()
        if not name:
            return Reject("missing_event", "event", "a track call needs its name in `event`")
        row.event = intern(name)
    return None


def put_properties(draft: Draft) -> Reject | None:
    """Traits of identify and group calls, properties of all others, without e-mail and phone, inside the limits."""
    event, row = draft.event, draft.row
    kind, given = row.type, event.properties
    if kind == "identify" or kind == "group":
        traits = draft.context.traits if event.traits is NOTHING and kind == "identify" else event.traits
        found = stored(traits, "traits")
        if given is not NOTHING and isinstance(found, Stored):
            draft.known = known(given, ALL_NAMES, False)
    else:
        found = stored(given, "properties")
        if isinstance(found, Stored):
            draft.known = known(given, found.names, kind == "page" or kind == "screen")
    if not isinstance(found, Stored):
        return found
    text = found.text
    if draft.rules.parameters is not None and ("?" in text or "#" in text):
        text = kept_properties(text, draft.rules.parameters)
    if (event.name or event.category) and (kind == "page" or kind == "screen"):
        text = with_names(text, event.name, event.category, draft.known)
    if draft.line.i:
        text = with_prefix(text, draft.line.i)
    row.properties = text
    if kind != "group":  # a group's traits tell of the group, not of the person
        if found.emails or found.phones:
            draft.emails, draft.phones = found.emails, found.phones
        if event.traits is not NOTHING and kind != "identify":
            _add_contacts(draft, bytes(event.traits))
    if draft.context.traits is not NOTHING:
        _add_contacts(draft, bytes(draft.context.traits))
    return None


def _add_contacts(draft: Draft, traits: bytes) -> None:
    emails, phones = contacts(traits)
    draft.emails, draft.phones = draft.emails + emails, draft.phones + phones


def put_identity(draft: Draft) -> Reject | None:
    """Anonymous id, user id, e-mail, phone, vendor ids. Placeholders are none; who names nobody is rejected."""
    row, event, project = draft.row, draft.event, draft.line.p
    if type(event.anonymousId) is int or type(event.userId) is int or type(event.messageId) is int:
        for name, value in (
            ("anonymousId", event.anonymousId),
            ("userId", event.userId),
            ("messageId", event.messageId),
        ):
            if isinstance(value, int) and not -ID_LIMIT < value < ID_LIMIT:
                return Reject("number_out_of_range", name, "an id in digits must fit into 64 bits; send it as a string")
    row.device_id = id_text(event.anonymousId)
    if event.userId is not None and (text := id_text(event.userId)):
        row.user_id = text
        row.user = user_identifier(project, text)
    if draft.emails:
        row.email = first_email(project, draft.emails)
    if draft.phones:
        row.phone = first_phone(project, draft.phones)
    if draft.context.externalIds is not NOTHING:
        row.vendors = _vendors(project, bytes(draft.context.externalIds))
    group = event.groupId if event.groupId is not None else draft.context.groupId
    if group is not None:
        row.group_id = id_text(group)
    if not (row.device_id or row.user or row.email or row.phone or row.vendors):
        return Reject("missing_identity", "anonymousId", "needs anonymousId, userId, an e-mail, a phone or a vendor id")
    return None


@lru_cache(1 << 12)
def _vendors(project: str, raw: bytes) -> tuple[int, ...]:
    try:
        value = msgspec.json.decode(raw)
    except UNDECODABLE:
        return ()
    return vendor_identifiers(project, external_ids(value))


def put_alias(draft: Draft) -> Reject | None:
    """previousId of an alias call renames a user where the source is trusted; else it is a claim, which is refused."""
    row = draft.row
    row.is_trusted = draft.line.k in TRUSTED
    if row.type != "alias":
        return None
    previous = id_text(draft.event.previousId)
    if not previous or not row.user_id or previous == row.user_id:
        return Reject("invalid_alias", "previousId", "an alias needs previousId and userId, and they must differ")
    old = user_identifier(draft.line.p, previous)
    row.alias_of = old if row.is_trusted else claimed(old)
    return None


def message_text(value: Identity) -> str:
    """A message id as text, "" for none or a placeholder (many events would be one)."""
    if type(value) is str and len(value) > 20 and value[0].isalnum() and value[-1].isalnum() and value.strip("0-"):
        return value
    return id_text(value) if value is not None else ""


def message_hash(project: str, text: str) -> int:
    """64-bit message id: hash of the project and the client's id, never 0."""
    return xxhash.xxh3_64_intdigest(f"{project}\0{text}".encode()) or 1


def content_hash(project: str, content: bytes) -> int:
    """64-bit message id of an event that brings none: hash of the project and its content, never 0."""
    return xxhash.xxh3_64_intdigest(project.encode() + b"\0" + content) or 1


def put_message_id(draft: Draft) -> Reject | None:
    """Hash of the message id; without one of the content, so that the same content sent again is a duplicate."""
    text = message_text(draft.event.messageId)
    if not text and not draft.content:
        return NEEDS_CONTENT
    project = draft.line.p
    draft.row.message_id = message_hash(project, text) if text else content_hash(project, draft.content)
    return None
