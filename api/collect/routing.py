"""The few fields of an event that the collector reads; everything else passes through as bytes.

The collector is more lenient than ingest, which judges types: it needs to know where an event goes, and no more.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Literal, get_args

import msgspec
from msgspec import UNSET, UnsetType

from pipeline.ingest.device_key import device_key

Type = Literal["track", "page", "screen", "identify", "group", "alias"]
TYPES = get_args(Type)
_INT_LIMIT = 1 << 64
MOST_DEVICES, MOST_ID = 1 << 14, 128  # that are remembered of a project; characters of one
_NAMES = {"anonymous_id": "anonymousId", "user_id": "userId", "write_key": "writeKey", "sent_at": "sentAt"}


_CONTEXT_NAMES = {"user_agent": "userAgent", "consent_management": "consentManagement"}


class Context(msgspec.Struct, gc=False, rename=_CONTEXT_NAMES):
    ip: Any = None
    user_agent: Any = None
    consent: Any = None
    consent_management: Any = None


class Routing(msgspec.Struct, gc=False, rename=_NAMES):
    """What decides where an event goes and whether it can be one at all."""

    type: Any = None
    event: Any = None
    anonymous_id: Any = None
    user_id: Any = None
    context: Context | None = None
    write_key: Any = None
    sent_at: Any = None


class _Loose(Routing, gc=False, rename=_NAMES):
    context: Any = None


class _PlainBag(msgspec.Struct, gc=False, rename={"ip_address2": "ipAddress"}):
    """Properties or traits that name no address, in the usual spellings of that."""

    ip: UnsetType = UNSET
    ip_address: UnsetType = UNSET
    ip_address2: UnsetType = UNSET


class _PlainContext(Context, gc=False, rename=_CONTEXT_NAMES):
    ip: UnsetType = UNSET
    request_ip: UnsetType = UNSET
    traits: _PlainBag | None = None


class Plain(Routing, gc=False, rename=_NAMES):
    """An event of a known type that names no address: where it does, even twice or in vain, it cannot be decoded.
    Names of phone numbers are looked for in the bytes (signs.may_name_phone).
    """

    type: Type
    context: _PlainContext | None = None
    ip: UnsetType = UNSET
    request_ip: UnsetType = UNSET
    properties: _PlainBag | None = None
    traits: _PlainBag | None = None


class Envelope(msgspec.Struct, rename={"write_key": "writeKey", "sent_at": "sentAt"}):
    """Body of /v1/batch and /v1/import."""

    batch: list[msgspec.Raw] | None = None
    write_key: Any = None
    sent_at: Any = None


class _Batch(msgspec.Struct):
    batch: list[Plain]


decode_envelope = msgspec.json.Decoder(Envelope).decode


def decode_events_of_batch(body: bytes) -> list[Plain]:
    """The routing fields of a whole batch in one pass. Raises msgspec.DecodeError where one of them is not plain."""
    return _decode_batch(body).batch


decode_event_lines = msgspec.json.Decoder(Plain).decode_lines
decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_routing = msgspec.json.Decoder(Routing).decode
_decode_loose = msgspec.json.Decoder(_Loose).decode
_decode_batch = msgspec.json.Decoder(_Batch).decode
_decode_any = msgspec.json.Decoder().decode


def routing_of(text: bytes) -> Routing:
    """What an event's bytes, without space around them, say about its way; a context that is no object says nothing.

    Raises msgspec.ValidationError where it is no object, DecodeError or UnicodeDecodeError where it is no JSON in
    UTF-8, RecursionError where it is nested out of all bounds.
    """
    if not text.isascii():
        text.decode()
    try:
        return _decode_routing(text)
    except msgspec.ValidationError:
        found = _decode_loose(text)
        found.context = None
        return found


def agents_of(events: Iterable[Routing]) -> list[object]:
    """What stands as the user agents of those that tell one."""
    return [event.context.user_agent for event in events if event.context is not None]


def device_of(project: str, text: bytes, event: Routing) -> int:
    """Identifier of the event's device key, 0 where it names nobody.

    Only an event without a usable anonymousId and userId is decoded whole, for its e-mail, phone or vendor ids. Raises
    msgspec.ValidationError where it then holds a number beyond what can be read.
    """
    try:
        device, _ = device_in_digits(project, event.anonymous_id, event.user_id)
    except TypeError:  # an id of a type that no id has
        device = 0
    return device or device_key(project, _decode_any(text))


Way = tuple[int, bytes]  # an event's partition, and its device key as it goes into a line; NOWHERE: it names nobody
NOWHERE: Way = (-1, b"")


class Ways(dict[str, Way]):
    """The ways of events by an anonymousId that is text, which most have. State: those of a project that were seen."""

    def __init__(self, project: str, partitions: int) -> None:
        self._project, self._partitions = project, partitions

    def __missing__(self, anonymous_id: str) -> Way:
        found = self.by_ids(anonymous_id, None)
        if len(anonymous_id) <= MOST_ID:
            if len(self) >= MOST_DEVICES:
                self.clear()
            self[anonymous_id] = found
        return found

    def by_ids(self, anonymous_id: object, user_id: object) -> Way:
        """By whatever stands as these two."""
        try:
            device, digits = device_in_digits(self._project, anonymous_id, user_id)
        except TypeError:  # an id of a type that no id has
            return NOWHERE
        return (device % self._partitions, digits + b',"e":') if device else NOWHERE


ways_of = lru_cache(16)(Ways)  # one look-up of a text by what is known of a project


def device_in_digits(project: str, anonymous_id: object, user_id: object) -> tuple[int, bytes]:
    """Identifier of the device key that these two ids give, and its digits; 0 where none of them can be one.

    Raises TypeError for an object or an array.
    """
    for each in (anonymous_id, user_id):  # a sender chooses how long it is: of long ones none is remembered
        if type(each) is str and len(each) > MOST_ID:
            return _device.__wrapped__(project, anonymous_id, user_id)
    return _device(project, anonymous_id, user_id)


@lru_cache(1 << 16, typed=True)  # typed: true is not the id 1
def _device(project: str, anonymous_id: object, user_id: object) -> tuple[int, bytes]:
    device = device_key(project, {"anonymousId": anonymous_id, "userId": user_id})
    return device, b"%d" % device


def has_number_as_id_out_of_range(event: Routing) -> bool:
    """An id in digits that does not fit into 64 bits cannot be stored as it was meant."""
    return any(
        isinstance(value, int) and not -_INT_LIMIT < value < _INT_LIMIT for value in (event.anonymous_id, event.user_id)
    )
