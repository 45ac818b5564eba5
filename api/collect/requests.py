"""What the body of a request holds: one event, a batch, or the lines of an import.

    {"type": "track", "event": "Order Completed", ...}            /v1/track and the other single-event routes
    {"batch": [{...}, {...}], "writeKey": "...", "sentAt": "..."}  /v1/batch, /v1/import
    {...} \\n {...}                                                /v1/import as application/x-ndjson

JSON is taken under any Content-Type (browsers send text/plain to avoid a preflight); only NDJSON must be named.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from api.collect import salvage
from api.collect.answers import Refused
from api.collect.routing import Envelope, Routing, decode_envelope, routing_of

NDJSON = (b"application/x-ndjson", b"application/ndjson", b"application/jsonl")
MOST_SENT_AT = 64

Text = bytes | msgspec.Raw  # of one event, as it came


class Request(NamedTuple):
    events: Sequence[Text]
    write_key: object = None  # as the body gives it, of whatever type
    sent_at: str = ""
    decoded: Routing | None = None  # of a single event


def is_ndjson(headers: dict[bytes, bytes]) -> bool:
    return headers.get(b"content-type", b"").partition(b";")[0].strip().lower() in NDJSON


def lines_of(body: bytes) -> Request:
    """One event a line; empty lines are none."""
    return Request([line for line in body.split(b"\n") if line.strip()])


def batch_of(body: bytes, headers: dict[bytes, bytes]) -> Request:
    """The events of a batch. Raises Refused (400) where no batch can be made out in it."""
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
    return Request(envelope.batch, envelope.write_key, _sent_at(headers, envelope.sent_at))


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
    return Request([text], event.write_key, _sent_at(headers, event.sent_at), event)


def sent_at_text(value: object) -> str:
    """sentAt as the client wrote it; "" where it is neither text nor a number."""
    if isinstance(value, str):
        return value[:MOST_SENT_AT]
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
    return told.decode("latin-1")[:MOST_SENT_AT] if told else sent_at_text(written)


def _not_json(error: Exception) -> Refused:
    return Refused(400, "malformed_json", f"the body is not JSON in UTF-8: {error}")


def _too_deep() -> Refused:
    return Refused(400, "too_deep", "the body is nested far deeper than an event may be")
