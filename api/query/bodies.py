"""Bodies of requests: bounded, and JSON to the letter, before anything is made of them.

Python's own reader takes NaN, and half of a surrogate pair, which no answer could send back; so they are refused here.
"""

from collections.abc import Callable, Coroutine
from typing import Any, Final

import msgspec
from fastapi import Request, Response
from fastapi.routing import APIRoute

from api.query.errors import TooLarge
from pipeline.errors import InvalidQuestion

MOST_BYTES: Final = 262_144


class JsonRoute(APIRoute):
    """A route whose body, where it has one, is JSON of at most `most_bytes`. It is read before the key is looked at."""

    most_bytes = MOST_BYTES

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        if self.body_field is None:
            return handler

        async def checked(request: Request) -> Response:
            bounded = _Bounded(request.scope, request.receive)
            bounded.most_bytes = self.most_bytes
            _check(bounded.headers.get("content-type", ""), await bounded.body())
            return await handler(bounded)

        return checked


class _Bounded(Request):
    most_bytes = MOST_BYTES

    async def body(self) -> bytes:
        if not hasattr(self, "_body"):
            chunks, size = [], 0
            async for chunk in self.stream():
                size += len(chunk)
                if size > self.most_bytes:
                    raise TooLarge(f"the body is larger than {self.most_bytes} bytes")
                chunks.append(chunk)
            self._body = b"".join(chunks)
        return self._body


def _check(content_type: str, body: bytes) -> None:
    """InvalidQuestion unless the body is JSON and says so."""
    media = content_type.partition(";")[0].strip().lower()
    if media != "application/json" and not media.endswith("+json"):
        raise InvalidQuestion("send JSON and say so: Content-Type: application/json", code="not_json")
    if not body.strip():
        raise InvalidQuestion("the body is empty: send one JSON object, at least {}", code="not_json")
    try:
        msgspec.json.decode(body)
        body.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidQuestion(f"the body is not JSON: {str(error)[:200]}", code="not_json") from error
