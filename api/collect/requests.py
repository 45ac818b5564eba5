"""What the body of a request holds: one event, a batch, or the lines of an import.

    {"type": "track", "event": "Order Completed", ...}            /v1/track and the other single-event routes
    {"batch": [{...}, {...}], "writeKey": "...", "sentAt": "..."}  /v1/batch, /v1/import
    {...} \\n {...}                                                /v1/import as application/x-ndjson

JSON is taken under any Content-Type (browsers send text/plain to avoid a preflight); only NDJSON must be named.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from api.collect import salvage
from api.collect.answers import Refused
from api.collect.routing import (
    Envelope,
    Routing,
    agents_of,
    decode_envelope,
    decode_event_lines,
    decode_events_of_batch,
    routing_of,
)
from api.collect.signs import may_hold_secret, may_name_phone
from pipeline.ingest.redaction import without_secrets

NDJSON = (b"application/x-ndjson", b"application/ndjson", b"application/jsonl")
MOST_SENT_AT = 64
FIRST_EVENT = 4_096  # bytes that the first event of a batch likely lies in
_TIME = re.compile(r"[\d-]{10}[T ][\d:]{5,8}(?:\.\d{1,9})?(?:Z|[+-][\d:]{2,5})?")
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

Text = bytes | msgspec.Raw  # of one event, as it came
NOTHING: tuple[Routing, ...] = ()


class Request(NamedTuple):
    events: Sequence[Text]
    write_key: object = None  # as the body gives it, of whatever type
    sent_at: str = ""
    # What was decoded of each event; of a batch only where nothing in it needs a closer look (see `plain`), else empty.
    decoded: Sequence[Routing] = NOTHING
    # False where no event needs to be looked through for an e-mail; for an IP address or a key; for names of such.
    has_signs: bool = True
    has_secrets: bool = True
    has_names: bool = True


def is_ndjson(headers: dict[bytes, bytes]) -> bool:
    return headers.get(b"content-type", b"").partition(b";")[0].strip().lower() in NDJSON


def lines_of(body: bytes) -> Request:
    """One event a line; empty lines are none."""
    lines = [stripped for line in body.split(b"\n") if (stripped := line.strip())]
    if not is_plain(body.replace(b"\n", b" ").replace(b"\r", b" ")):
        return Request(lines)
    try:
        decoded = decode_event_lines(body)
    except UNREADABLE:
        return Request(lines)
    if len(decoded) != len(lines):
        return Request(lines)
    return Request(lines, "", "", decoded, *_signs(body, decoded, 0))


def batch_of(body: bytes, headers: dict[bytes, bytes], key: str | None) -> Request:
    """The events of a batch. Raises Refused (400) where no batch can be made out in it.

    The write key, where it is known from the headers, is cut out of the events before they are read: browsers repeat it
    in each, so also in the first. With its name, quotes and colons it stands nowhere but between members.
    """
    if key and body.rfind(b'"writeKey"', 0, FIRST_EVENT) >= 0:
        body = body.replace(b',"writeKey":' + msgspec.json.encode(key), b"")
    try:
        envelope = _envelope(body)
    except msgspec.ValidationError as error:
        told = f"the body must be an object whose `batch` is an array of events: {error}"
        raise Refused(400, "invalid_body", told, field="batch") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _not_json(error) from error
    except RecursionError as error:
        raise _too_deep() from error
    if envelope.batch is None:
        raise Refused(400, "invalid_body", 'the body has no `batch`; send {"batch": [event, ...]}', field="batch")
    sent_at = _sent_at(headers, envelope.sent_at)
    decoded: Sequence[Routing] = NOTHING
    if is_plain(body):
        try:
            decoded = decode_events_of_batch(body)
        except UNREADABLE:
            decoded = NOTHING  # one of them needs a closer look
    if not decoded:
        return Request(envelope.batch, envelope.write_key, sent_at)
    own_keys = envelope.write_key.count("wf_") if isinstance(envelope.write_key, str) else 0
    return Request(envelope.batch, envelope.write_key, sent_at, decoded, *_signs(body, decoded, own_keys))


def _signs(body: bytes, decoded: Sequence[Routing], own_keys: int) -> tuple[bool, bool, bool]:
    """Of e-mails, of secrets and of phones in all of the events at once."""
    agents = agents_of(decoded) if b"\\" not in body else ()
    return _has_signs(body), may_hold_secret(body, own_keys, agents), may_name_phone(body)


def _has_signs(body: bytes) -> bool:
    """An e-mail's @ may be percent-encoded."""
    return body.find(b"@") >= 0 or body.find(b"%") >= 0


def is_plain(body: bytes) -> bool:
    """True where the bytes of every event that can be decoded as Plain can go into a line as they are: text in UTF-8
    without line breaks between tokens, without names that are written with escapes.
    """
    if b"\n" in body or b"\r" in body or (b"\\" in body and b"\\u" in body):
        return False
    try:
        return body.isascii() or bool(body.decode())
    except UnicodeDecodeError:
        return False


def single_of(body: bytes, headers: dict[bytes, bytes]) -> Request:
    """The one event of a body. Raises Refused (400) where it is no JSON object."""
    text = body.strip()
    try:
        event = routing_of(text)
    except msgspec.ValidationError as error:
        raise Refused(400, "invalid_body", f"the body must be one event, a JSON object: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _not_json(error) from error
    except RecursionError as error:
        raise _too_deep() from error
    return Request([text], event.write_key, _sent_at(headers, event.sent_at), (event,))


def sent_at_text(value: object) -> str:
    """sentAt as the client wrote it, without what is no time; "" where it is neither text nor a number."""
    if isinstance(value, str):
        if value.isdecimal():  # since 1970, as Snowplow's clients write it
            return value[:MOST_SENT_AT]
        return value if _TIME.fullmatch(value) else without_secrets(value)[:MOST_SENT_AT]
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _envelope(body: bytes) -> Envelope:
    try:
        return decode_envelope(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        marked = salvage.marked(body)
        if marked is None:
            raise
        return decode_envelope(marked)


def _sent_at(headers: dict[bytes, bytes], written: object) -> str:
    """RudderStack's browser client tells the time of this very attempt in a header."""
    told = headers.get(b"sentat")
    return sent_at_text(told.decode("latin-1") if told else written)


def _not_json(error: Exception) -> Refused:
    return Refused(400, "malformed_json", f"the body is not JSON in UTF-8: {error}")


def _too_deep() -> Refused:
    return Refused(400, "too_deep", "the body is nested far deeper than an event may be")
