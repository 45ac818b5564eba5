"""The collector's HTTP answers: one error shape, and CORS headers on every one.

    {"error": {"code": "payload_too_large", "message": "what is wrong and what would be right", "request_id": "..."}}

A browser hands an answer to its page only with Access-Control-Allow-Origin on it, so errors carry it too; the origin
is echoed (never *) because beacons are sent with credentials. No cookie is read here, so that opens nothing.
"""

import secrets
from itertools import count
from typing import Any, NamedTuple

import msgspec

from pipeline.errors import LogFull, LogUnavailable, SaltMissing, UserMistake

Header = tuple[bytes, bytes]

ORIGIN_ANY: tuple[Header, ...] = ((b"access-control-allow-origin", b"*"),)
JSON_TYPE: Header = (b"content-type", b"application/json")
EXPOSED: Header = (b"access-control-expose-headers", b"x-request-id, retry-after")
CLOSE: Header = (b"connection", b"close")
RETRY_AFTER: tuple[Header, ...] = ((b"retry-after", b"2"),)
PREFLIGHT_SECONDS = b"86400"

_PROCESS = secrets.token_hex(6)
_numbers = count(1)


class Refused(UserMistake):
    """A request that is answered with 4xx as a whole: nothing of it is taken."""

    is_readable = True  # by the page that sent it

    def __init__(
        self, status: int, code: str, message: str, *, field: str = "", headers: tuple[Header, ...] = ()
    ) -> None:
        super().__init__(message, field=field, code=code)
        self.status, self.headers = status, headers


class Answer(NamedTuple):
    status: int
    headers: tuple[Header, ...]
    body: bytes
    is_readable: bool = True  # by the page that sent the request


def request_id() -> str:
    """A new name for a request: unique over processes, sortable within one."""
    return f"{_PROCESS}-{next(_numbers):x}"


def origin_headers(headers: dict[bytes, bytes], answer: Answer) -> tuple[Header, ...]:
    """What lets the page that sent the request read its answer, where it may."""
    if not answer.is_readable:
        return ()
    origin = headers.get(b"origin")
    if not origin:
        return ORIGIN_ANY
    return (
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"vary", b"Origin"),
    )


def taken(rejected: int) -> Answer:
    """200: the log has every event; `rejected` of them as rejects, told only where there are any."""
    return _success(b'{"success":true,"rejected":%d}' % rejected) if rejected else _ALL_TAKEN


def _success(body: bytes) -> Answer:
    return Answer(200, (JSON_TYPE, (b"content-length", b"%d" % len(body))), body)


_ALL_TAKEN = _success(b'{"success":true}')


def preflight(headers: dict[bytes, bytes]) -> Answer:
    """204 to a browser that asks whether it may send: any origin may, with any headers."""
    wanted = headers.get(b"access-control-request-headers", b"*")
    granted: tuple[Header, ...] = (
        (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
        (b"access-control-allow-headers", wanted),
        (b"access-control-max-age", PREFLIGHT_SECONDS),
    )
    if headers.get(b"access-control-request-private-network") == b"true":
        granted += ((b"access-control-allow-private-network", b"true"),)
    return Answer(204, granted, b"")


def refusal(status: int, code: str, message: str, *, field: str = "", headers: tuple[Header, ...] = ()) -> Answer:
    """4xx or 5xx in the house's one error shape, its request_id in a header too."""
    name = request_id()
    error: dict[str, Any] = {"code": code, "message": message}
    if field:
        error["field"] = field
    error["request_id"] = name
    body = msgspec.json.encode({"error": error})
    own = (JSON_TYPE, (b"content-length", b"%d" % len(body)), (b"x-request-id", name.encode()), EXPOSED)
    return Answer(status, own + headers, body)


def refused(error: UserMistake | LogFull | LogUnavailable) -> tuple[Answer, str]:
    """What a request is answered that is wrong, or that the log cannot take; and the code in it."""
    if isinstance(error, Refused):
        answer = refusal(error.status, error.code, error.message, field=error.field, headers=error.headers)
        return answer._replace(is_readable=error.is_readable), error.code
    if isinstance(error, UserMistake):  # of the log: a line that no record of it can hold
        return refusal(413, error.code, error.message), error.code
    if isinstance(error, LogFull):
        code, told = "log_full", "more waits for the log than may; send the same again later"
    elif isinstance(error, SaltMissing):
        code, told = "salt_missing", "an id of the day cannot be made now; send the same again later"
    else:
        code, told = "log_unavailable", "the log cannot be reached now; send the same again later"
    return refusal(503, code, told, headers=RETRY_AFTER), code


def must_be_few(events: int, most: int) -> None:
    """Raises Refused (413) for a request of more events than are taken at once."""
    if events > most:
        raise Refused(413, "too_many_events", f"{events} events; send at most {most} at once", field="batch")


def stopping() -> Refused:
    return Refused(503, "shutting_down", "this collector is stopping; send again", headers=(*RETRY_AFTER, CLOSE))


def too_slow(seconds: float) -> Refused:
    return Refused(408, "request_timeout", f"the body did not come within {seconds:g} s", headers=(CLOSE,))
