"""An event as clients send it (Segment's format), with only the fields that a rule reads; the rest is skipped.

Two readers give the same: the typed decoder (fast, refuses a line of which one field has a wrong type) and `lenient`,
which reads field by field, drops what has a wrong type, and names it.
"""

from functools import cache
from typing import Any, TypeVar, get_args

import msgspec
from msgspec import Raw

Identity = str | int | None
NOTHING = Raw(b"")
UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Page(msgspec.Struct, gc=False):
    url: str | None = None
    path: str | None = None
    title: str | None = None
    referrer: str | None = None


class Campaign(msgspec.Struct, gc=False):
    source: str | None = None
    medium: str | None = None
    name: str | None = None


class Named(msgspec.Struct, gc=False):
    """context.os (name) and context.device (type)."""

    name: str | None = None
    type: str | None = None


class Location(msgspec.Struct, gc=False):
    country: str | None = None
    region: str | None = None
    city: str | None = None


class SenderSession(msgspec.Struct, gc=False):
    id: Identity = None
    new: bool | None = None


class Context(msgspec.Struct, gc=False):
    page: Raw = NOTHING  # a `Page`, read where its bytes are new (page.py)
    userAgent: str | None = None
    campaign: Campaign | None = None
    device: Named | None = None
    os: Named | None = None
    channel: str | None = None
    location: Location | None = None
    session: SenderSession | None = None
    sessionId: Identity = None
    sessionStart: bool | None = None  # RudderStack: the first event of a session of its client
    sequence: int | None = None
    groupId: Identity = None
    traits: Raw = NOTHING
    externalIds: Raw = NOTHING


class Incoming(msgspec.Struct, gc=False):
    type: str | None = None
    event: str | None = None
    messageId: Identity = None
    anonymousId: Identity = None
    userId: Identity = None
    groupId: Identity = None
    previousId: Identity = None
    timestamp: str | int | float | None = None
    originalTimestamp: str | int | float | None = None
    sentAt: str | int | float | None = None
    name: str | None = None
    category: str | None = None
    channel: str | None = None
    sequence: int | None = None
    context: Context | None = None
    properties: Raw = NOTHING
    traits: Raw = NOTHING


class Known(msgspec.Struct, frozen=True, gc=False):
    """The properties that a rule reads. Numbers stay text where their digits matter."""

    name: str | None = None
    category: str | None = None
    url: str | None = None
    path: str | None = None
    title: str | None = None
    referrer: str | None = None
    revenue: Raw = NOTHING
    value: Raw = NOTHING
    total: Raw = NOTHING
    currency: str | None = None
    cost: Raw = NOTHING
    new_session: bool | None = None
    session_id: Identity = None
    engaged_ms: int | float | None = None
    engagement_time_msec: int | float | None = None
    engaged_time: int | float | None = None
    seconds: int | float | None = None


class Received(msgspec.Struct, gc=False):
    """schemas.log.Line with its event decoded."""

    p: str
    d: int
    r: int
    s: str = ""
    k: str = ""
    t: str = ""
    a: str = ""
    g: tuple[str, str, str] | None = None
    i: str = ""
    x: str = ""
    w: str = ""
    c: str = ""
    e: Incoming = msgspec.field(default_factory=Incoming)


S = TypeVar("S", bound=msgspec.Struct)


@cache
def _fields(cls: type[msgspec.Struct]) -> tuple[tuple[str, Any], ...]:
    """(name, type) of each field: looking annotations up takes longer than decoding them."""
    return tuple((field.name, field.type) for field in msgspec.structs.fields(cls))


@cache
def _undecoded(cls: type[msgspec.Struct]) -> type[msgspec.Struct]:
    names = [name for name, _ in _fields(cls)]
    return msgspec.defstruct(f"Undecoded{cls.__name__}", [(name, Raw, NOTHING) for name in names], gc=False)


def lenient(cls: type[S], raw: Raw | bytes, wrong: list[str], prefix: str = "") -> S:
    """A struct of a JSON object, taking only fields with a right type; `wrong` gets the others' names.

    An empty array counts as an empty object (PHP writes it so). Raises msgspec.ValidationError for anything else that
    is no object, DecodeError and UnicodeDecodeError for what is no JSON or no text.
    """
    if not bytes(raw).strip(b"[] \t\r\n"):
        return cls()
    parts = msgspec.json.decode(raw, type=_undecoded(cls))
    values: dict[str, Any] = {}
    for name, kind in _fields(cls):
        part: Raw = getattr(parts, name)
        if len(bytes(part)) == 0:
            continue
        if kind is Raw:
            values[name] = part
            continue
        try:
            values[name] = msgspec.json.decode(part, type=kind)
        except msgspec.ValidationError:
            inner = [t for t in get_args(kind) if isinstance(t, type) and issubclass(t, msgspec.Struct)]
            if inner and bytes(part)[:1] in (b"{", b"["):
                try:
                    values[name] = lenient(inner[0], part, wrong, f"{prefix}{name}.")
                    continue
                except msgspec.ValidationError:  # an array
                    pass
            wrong.append(prefix + name)
    return cls(**values)
