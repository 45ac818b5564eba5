"""The id's cookie set by an answer instead of by a script: some browsers keep such a cookie longer.

    POST /wayfare.id    {"name": "wayfare_id", "value": "32 hex digits", "seconds": 34000000, "domain": "meadow.test"}

A browser takes it only where this host lies in the domain; a page may ask only for the domain that it is on.
"""

import re
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec
from fastapi import FastAPI, Request, Response

from api.query.errors import TooLarge
from api.snippet import SEGMENTS
from pipeline.errors import Forbidden, UserMistake

PATH: Final = "/wayfare.id"
MOST_BYTES: Final = 1000
_VALUE: Final = re.compile(r"([0-9a-f]{32})?")  # none: the cookie goes


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_$]{1,40}_id\Z")]
    value: str
    seconds: Annotated[int, msgspec.Meta(ge=0, le=34_560_000)]  # 400 days: no browser keeps one longer
    domain: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9.-]{0,253}\Z")]  # "": of this host alone


_decode = msgspec.json.Decoder(Order).decode


def install(app: FastAPI) -> None:
    """Adds the route, also beside the script where Segment's own snippet asks for it."""

    async def serve(request: Request) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                raise TooLarge(f"the body is larger than {MOST_BYTES} bytes")
        origin = request.headers.get("origin", "")
        return Response(status_code=204, headers=_headers(bytes(body), origin))

    for path in (PATH, SEGMENTS + PATH):
        app.add_route(path, serve, methods=["POST"], include_in_schema=False)


def _headers(body: bytes, origin: str) -> dict[str, str]:
    """Of the answer. Raises UserMistake, or Forbidden where the page is on another domain."""
    try:
        order = _decode(body)
    except msgspec.DecodeError as error:
        raise UserMistake(f"this is no cookie of the tracker: {error}", code="not_json") from error
    if not _VALUE.fullmatch(order.value):
        raise UserMistake("an id has 32 hex digits", field="value")
    page = urlsplit(origin)
    is_there = not order.domain or f".{page.hostname}".endswith(f".{order.domain}")
    if not page.hostname or not is_there:
        raise Forbidden("a page may set the cookie of the domain that it is on, and of no other", field="domain")
    parts = [f"{order.name}={order.value}", "Path=/", f"Max-Age={order.seconds}", "SameSite=Lax"]
    if order.domain:
        parts.append(f"Domain={order.domain}")
    if page.scheme == "https":
        parts.append("Secure")
    return {
        "Set-Cookie": "; ".join(parts),
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Cache-Control": "no-store",
        "Vary": "Origin",
    }
