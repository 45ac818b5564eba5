"""A worker's own /healthz, /readyz and /metrics, and the watchdog that ends a worker which lives on and does nothing.

Exit codes tell too little: a worker that Kafka has dropped can go on living without a shard. So its readiness is the
age of its last heartbeat, poll and commit.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable

import msgspec

from agents.counters import Counters
from pipeline.log.faust_app import WayfareApp

log = logging.getLogger(__name__)

POLL_SECONDS = 60.0  # a consumer that lives polls every second, also when its buffers are full
COMMIT_SECONDS = 600.0  # longer than any turn and any pause of ClickHouse that passes by itself
REQUEST_SECONDS = 5.0
MOST_HEAD_BYTES = 16_384


def ailments(app: WayfareApp, session_timeout: float) -> dict[str, str]:
    """What is wrong with the worker's place in its group, by name; empty where nothing is."""
    found = {}
    if app.heartbeat_age >= session_timeout:
        found["membership"] = f"not acknowledged as a member of the group for {app.heartbeat_age:.0f} s"
    if app.poll_age > POLL_SECONDS:
        found["poll"] = f"last asked the log for records {app.poll_age:.0f} s ago"
    if app.commit_age > COMMIT_SECONDS:
        found["commit"] = f"last committed {app.commit_age:.0f} s ago, and work waits"
    return found


class HealthServer:
    """The three routes over plain HTTP/1.1, one request a connection. Port 0 takes a free one."""

    def __init__(self, port: int, ready: Callable[[], dict[str, str]], counters: Counters) -> None:
        self._port, self._ready, self._counters = port, ready, counters
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """A port that is taken is no reason to stop working: it is logged."""
        try:
            self._server = await asyncio.start_server(self._answer, port=self._port, limit=MOST_HEAD_BYTES)
        except OSError as error:
            log.warning("no /readyz: port %d cannot be listened at (%s)", self._port, error.strerror)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        away = (TimeoutError, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
        try:
            with contextlib.suppress(*away):
                async with asyncio.timeout(REQUEST_SECONDS):
                    head = await reader.readuntil(b"\r\n\r\n")
                    status, kind, body = self._route(head.split(b" ", 2))
                    writer.write(
                        b"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
                        % (status, kind, len(body))
                        + body
                    )
                    await writer.drain()
        finally:
            writer.close()

    def _route(self, words: list[bytes]) -> tuple[bytes, bytes, bytes]:
        path = words[1].split(b"?")[0] if len(words) == 3 and words[0] == b"GET" else b""
        if path == b"/healthz":
            return b"200 OK", b"application/json", b'{"status":"alive"}'
        if path == b"/readyz":
            wrong = self._ready()
            body = msgspec.json.encode({"ready": not wrong, **wrong})
            return b"503 Service Unavailable" if wrong else b"200 OK", b"application/json", body
        if path == b"/metrics":
            return b"200 OK", b"text/plain; version=0.0.4", self._counters.render().encode()
        missing = {"error": {"code": "not_found", "message": "there are /healthz, /readyz and /metrics"}}
        return b"404 Not Found", b"application/json", msgspec.json.encode(missing)
