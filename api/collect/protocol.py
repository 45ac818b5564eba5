"""HTTP for the collector without ASGI: uvicorn's protocol, which hands a request that has come whole straight on.

    bytes -> uvicorn's parser -> whole, and not one of several in a row? -> Collector.take -> one write
                                 else -> ASGI, as any other request

A task, its messages and two writes cost more than the collector's own work on a small request. What is overridden of
uvicorn are its two inner steps `_start_asgi_task` and `data_received`; a version without them goes the ASGI way.
"""

from collections.abc import Callable, MutableMapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.collect.answers import CLOSE, Answer, Header

Take = Callable[[MutableMapping[str, Any], str, bytes, Callable[[Answer], None]], bool]


def protocol_of(take: Take) -> type[HttpToolsProtocol]:
    """The protocol class for `uvicorn.Config(http=...)`. `take` is Collector.take."""

    class Protocol(DirectProtocol):
        pass

    Protocol.take = staticmethod(take)
    return Protocol


class DirectProtocol(HttpToolsProtocol):
    take: Take
    _is_feeding = False
    _held: tuple[RequestResponseCycle, Any] | None = None
    _body = b""  # of the held request, where it has come in one piece

    def data_received(self, data: bytes) -> None:
        self._is_feeding = True
        try:
            super().data_received(data)
        finally:
            self._is_feeding = False
        if self._held is not None:
            (cycle, app), self._held = self._held, None
            body, self._body = self._body, b""
            if not self._is_taken(cycle, app, body):
                cycle.body[:0] = body
                super()._start_asgi_task(cycle, app)

    def on_body(self, body: bytes) -> None:
        if self._held is not None and not self._body and self.cycle is self._held[0]:
            self._body = body
        else:
            super().on_body(body)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self._is_feeding:
            self._held = cycle, app  # until it is seen how much of the request has come
        else:  # one of several in a row, when it is its turn
            super()._start_asgi_task(cycle, app)

    def _is_taken(self, cycle: RequestResponseCycle, app: Any, body: bytes) -> bool:
        if cycle.more_body or cycle.waiting_for_100_continue or app is not self.app or self.transport.is_closing():
            return False
        peer = self._peer(cycle)
        if peer is None:
            return False
        scope: Any = cycle.scope
        whole = body + cycle.body if cycle.body else body
        return self.take(scope, peer, whole, lambda answer: self._answer(cycle, answer))

    def _peer(self, cycle: RequestResponseCycle) -> str | None:
        """The sender's address, as uvicorn's middleware finds it behind proxies; None where only that can tell."""
        host = self.client[0] if self.client else ""
        forwarded = [value for name, value in cycle.scope["headers"] if name == b"x-forwarded-for"]
        if not forwarded:
            return host
        trusted = getattr(self.app, "trusted_hosts", None)
        told = getattr(trusted, "get_trusted_client_address", None)
        if trusted is None or told is None:
            return None
        if host not in trusted:
            return host
        first: str = told(b", ".join(forwarded).decode("latin1"))[0]
        return first or host

    def _answer(self, cycle: RequestResponseCycle, answer: Answer) -> None:
        if cycle.disconnected:
            return
        headers = answer.headers
        if not cycle.keep_alive and CLOSE not in headers:
            headers += (CLOSE,)
        cycle.response_started = cycle.response_complete = True
        start = status_and(answer.status, tuple(cycle.default_headers))
        self.transport.write(b"%b%b\r\n%b" % (start, lines_of(headers), answer.body))
        if CLOSE in headers:
            self.transport.close()
        cycle.on_response()


@lru_cache
def status_and(status: int, headers: tuple[Header, ...]) -> bytes:
    """Of an answer, the status line and the server's own headers, of which the date is new every second."""
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode() + lines_of(headers)


@lru_cache(1024)
def lines_of(headers: tuple[Header, ...]) -> bytes:
    return b"".join([b"%b: %b\r\n" % header for header in headers])
