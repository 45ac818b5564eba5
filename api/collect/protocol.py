"""HTTP for the collector without ASGI: uvicorn's protocol, which hands a request that has come whole straight on.

    bytes -> uvicorn's parser -> whole, and not one of several in a row? -> Collector.take -> one write
                                 else -> ASGI, as any other request

A task, its messages and two writes cost more than the collector's own work on a small request. What is overridden of
uvicorn are its inner steps `_start_asgi_task` and `data_received`; a version without them goes the ASGI way.

Senders repeat themselves: what the parser found in the head of a request is kept by the head's bytes, but for the
digits of its length. A request that comes whole under a head that is known is not parsed again.

A connection is held by who never ends a request as well as by who sends many: one that is not whole in time is given
up, whatever its route, and so is a connection on which nothing is asked.

No other protocol is spoken here. Java's HttpClient offers HTTP/2 with each request (`Upgrade: h2c`), which a server may
overlook; the parser would take the body for that other protocol. So it does not get to see the offer.
"""

import asyncio
import re
from collections.abc import Callable, MutableMapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.collect.addresses import unmapped
from api.collect.answers import CLOSE, Answer, Header, refusal

Take = Callable[[MutableMapping[str, Any], str, bytes, Callable[[Answer], None]], bool]
Head = tuple[bytes, bytes]  # what comes before and after the digits of its length

MOST_HEADS, MOST_HEAD = 4_096, 2_048  # how many are kept, of at most so many bytes
WHOLE_S = 40.0  # for a request to come whole; the collector itself answers slow bodies before
HEAD_LIMIT = 65_536  # bytes of a head, or after a body, that have no end yet: the parser keeps all of them
_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: (\d{1,9})\r\n")
_OFFER = re.compile(rb"\r\nupgrade:", re.IGNORECASE)
_OVERLOOKED = b"\r\nignored:"  # as long
REMEMBERED = ("path", "raw_path", "query_string", "method", "headers")  # of a scope
_NOBODY_WAITS = asyncio.Event()  # of a request that is there whole and taken without a task


def protocol_of(take: Take, whole_s: float = WHOLE_S) -> type[HttpToolsProtocol]:
    """The protocol class for `uvicorn.Config(http=...)`. `take` is Collector.take."""

    class Protocol(DirectProtocol):
        heads: ClassVar[dict[Head, MutableMapping[str, Any]]] = {}

    Protocol.take, Protocol.whole_s = staticmethod(take), whole_s
    return Protocol


class DirectProtocol(HttpToolsProtocol):
    take: Take
    heads: ClassVar[dict[Head, MutableMapping[str, Any]]]  # scopes of requests, without what is the connection's
    whole_s: ClassVar[float]
    _is_whole = True  # as far as a request has begun
    _begun_at = 0.0  # the loop's time
    _late: asyncio.TimerHandle | None = None
    _is_between = True  # the parser has read a request to its end, and nothing after it
    _is_feeding = False
    _is_in_head = False
    _head_bytes = 0  # since an unfinished head began or its body's last piece came, without the data that did so
    _awaited: RequestResponseCycle | None = None  # taken, and not answered yet
    _answered_at = 0.0  # the loop's time
    _held: tuple[RequestResponseCycle, Any] | None = None
    _body = b""  # of the held request, where it has come in one piece

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.client:  # as trusted proxies are named
            self.client = unmapped(self.client[0]), self.client[1]
        self._late = self.loop.call_later(self.whole_s, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._late is not None:
            self._late.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        was_between = self._is_between
        if was_between and self._is_known(data):
            return
        self._is_feeding = True
        self._head_bytes += len(data)
        try:
            super().data_received(_without_offer(data) if was_between or self._is_in_head else data)
        finally:
            self._is_feeding = False
        if not self._is_whole and self._head_bytes > HEAD_LIMIT and not self.transport.is_closing():
            self._held = None
            self._give_up(431, "head_too_large", f"a request's head, and what follows its body, has {HEAD_LIMIT} bytes")
            return
        if not self._is_whole and self._late is None:
            self._late = self.loop.call_later(self.whole_s, self._look)
        if self._held is not None:
            (cycle, app), self._held = self._held, None
            body, self._body = self._body, b""
            if not self._is_taken(cycle, app, body):
                cycle.body[:0] = body
                super()._start_asgi_task(cycle, app)
            elif was_between and self._is_between:
                self._remember(data, cycle, body)
        elif self._is_whole and self.cycle is not None and self.cycle.response_complete:
            self._rest()  # empty lines between two requests

    def _rest(self) -> None:
        """Closes the connection when it has rested for as long as it may, since the last answer."""
        if self.timeout_keep_alive_task is None and not self.transport.is_closing():
            rest = self._answered_at + self.timeout_keep_alive - self.loop.time()
            self.timeout_keep_alive_task = self.loop.call_later(max(rest, 0), self.timeout_keep_alive_handler)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Who has shut his side may still read: what was taken of him is answered, then the connection ends."""
        awaited = self._awaited
        if awaited is None or awaited is not self.cycle or awaited.response_complete or not self._is_whole:
            return False
        awaited.keep_alive = False
        return True

    def on_message_begin(self) -> None:
        self._is_between = self._is_whole = False
        self._is_in_head, self._head_bytes = True, 0
        self._begun_at = self.loop.time()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_in_head:  # else it follows a body, and is none
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        super().on_headers_complete()

    def _look(self) -> None:
        """Gives up a request that is not whole yet, and a connection that has asked nothing."""
        self._late = None
        if self.transport.is_closing() or (self._is_whole and self.cycle is not None):
            return
        has_open = self.cycle is not None and not self.cycle.response_complete
        left = max(self._begun_at, self._answered_at) + self.whole_s - self.loop.time()
        if self._is_whole:
            self.transport.close()
        elif left > 0 or self.pipeline or (self._is_in_head and has_open):  # one before it is not answered yet
            self._late = self.loop.call_later(left if left > 0 else self.whole_s, self._look)
        else:
            self._give_up(408, "request_timeout", f"the request did not come within {self.whole_s:g} s")

    def _give_up(self, status: int, code: str, message: str) -> None:
        """Closes the connection, with an answer to a request that is not whole where it has none yet."""
        if not self._is_in_head and self.cycle.response_started:
            self.transport.close()
            return
        told = refusal(status, code, message, headers=(CLOSE,))
        start = status_and(told.status, tuple(self.server_state.default_headers))
        self.transport.write(b"%b%b\r\n%b" % (start, lines_of(told.headers), told.body))
        self.transport.close()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._is_whole = True
        self._is_between = self.cycle.keep_alive and not self.parser.should_upgrade()

    def on_body(self, body: bytes) -> None:
        self._head_bytes = 0
        if self._held is not None and not self._body and self.cycle is self._held[0]:
            self._body = body
        else:
            super().on_body(body)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self._is_feeding:
            self._held = cycle, app  # until it is seen how much of the request has come
        else:  # one of several in a row, when it is its turn
            super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        self._answered_at = self.loop.time()
        if self.timeout_keep_alive_task is None or self.pipeline:
            super().on_response_complete()
        else:  # one timer for many requests
            self.server_state.total_requests += 1

    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if self.cycle is not None and not self.cycle.response_complete:
            return  # its answer begins another
        if self._answered_at + self.timeout_keep_alive > self.loop.time():
            self._rest()
        else:
            super().timeout_keep_alive_handler()

    def _is_known(self, data: bytes) -> bool:
        """Whether it is a whole request under a known head, and taken; else nothing has happened."""
        found = _head_of(data)
        if found is None or (self.cycle is not None and not self.cycle.response_complete):
            return False
        head, start = found
        scope = self.heads.get(head)
        if scope is None or self.limit_concurrency is not None:
            return False
        before, self.cycle = self.cycle, self._cycle(scope)
        if self._is_taken(self.cycle, self.app, data[start:]):
            return True
        self.cycle = before
        return False

    def _cycle(self, scope: MutableMapping[str, Any]) -> RequestResponseCycle:
        cycle = RequestResponseCycle(
            scope=scope,  # type: ignore[arg-type]
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=_NOBODY_WAITS,
            expect_100_continue=False,
            keep_alive=True,
            on_response=self.on_response_complete,
        )
        cycle.more_body = False
        return cycle

    def _remember(self, data: bytes, cycle: RequestResponseCycle, body: bytes) -> None:
        """The head of a request that was all of the data: the parser would find the same in it again."""
        found = _head_of(data)
        if found is not None and len(body) == len(data) - found[1] and len(found[0][0]) + len(found[0][1]) <= MOST_HEAD:
            if len(self.heads) >= MOST_HEADS:
                self.heads.clear()
            scope: Any = cycle.scope
            self.heads[found[0]] = {name: scope[name] for name in REMEMBERED}

    def _is_taken(self, cycle: RequestResponseCycle, app: Any, body: bytes) -> bool:
        if cycle.more_body or cycle.waiting_for_100_continue or app is not self.app or self.transport.is_closing():
            return False
        peer = self._peer(cycle)
        if peer is None:
            return False
        scope: Any = cycle.scope
        whole = body + cycle.body if cycle.body else body
        is_taken = self.take(scope, peer, whole, lambda answer: self._answer(cycle, answer))
        if is_taken:
            self._awaited = cycle
        return is_taken

    def _peer(self, cycle: RequestResponseCycle) -> str | None:
        """The sender's address, as uvicorn's middleware finds it behind proxies; None where only that can tell."""
        host = self.client[0] if self.client else ""
        forwarded = [value for name, value in cycle.scope["headers"] if name == b"x-forwarded-for"]
        if not forwarded or not self.config.proxy_headers:
            return host
        trusted = getattr(self.app, "trusted_hosts", None)
        told = getattr(trusted, "get_trusted_client_address", None)
        if trusted is None or told is None:
            return None
        if host not in trusted:
            return host
        first: str = told(b", ".join(forwarded).decode("latin1"))[0]
        return unmapped(first) or host

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


def _without_offer(data: bytes) -> bytes:
    """Data that begins in a head, without the offer of another protocol in that head."""
    end = data.find(b"\r\n\r\n")
    end = len(data) if end < 0 else end
    return _OFFER.sub(_OVERLOOKED, data[:end]) + data[end:] if _OFFER.search(data, 0, end) else data


def _head_of(data: bytes) -> tuple[Head, int] | None:
    """The head of data that is one whole request by the length in it, and where the body starts; else None."""
    end = data.find(b"\r\n\r\n") + 4
    length = _LENGTH.search(data, 0, end - 2) if end > 4 else None
    if length is None or end + int(length[1]) != len(data):
        return None
    return (data[: length.start(1)], data[length.end(1) : end]), end


@lru_cache
def status_and(status: int, headers: tuple[Header, ...]) -> bytes:
    """Of an answer, the status line and the server's own headers, of which the date is new every second."""
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode() + lines_of(headers)


@lru_cache(1024)
def lines_of(headers: tuple[Header, ...]) -> bytes:
    return b"".join([b"%b: %b\r\n" % header for header in headers])
