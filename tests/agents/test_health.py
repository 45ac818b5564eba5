"""A worker tells whether it lives, whether it has a part in the log, and what it counts."""

import asyncio
import contextlib
import socket
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from agents.counters import Counters
from agents.health import COMMIT_SECONDS, POLL_SECONDS, HealthServer, ailments


def worker(heartbeat: float = 1.0, poll: float = 1.0, commit: float = 1.0) -> Any:
    return SimpleNamespace(heartbeat_age=heartbeat, poll_age=poll, commit_age=commit)


@pytest.mark.parametrize(
    ("ages", "found"),
    [
        ({}, set()),
        ({"heartbeat": 29.9, "poll": POLL_SECONDS, "commit": COMMIT_SECONDS}, set()),
        ({"heartbeat": 30.0}, {"membership"}),
        ({"heartbeat": float("inf")}, {"membership"}),
        ({"poll": POLL_SECONDS + 1}, {"poll"}),
        ({"commit": COMMIT_SECONDS + 1}, {"commit"}),
    ],
)
def test_a_worker_that_the_log_has_dropped_is_unwell_though_it_lives(ages: dict[str, float], found: set[str]) -> None:
    assert set(ailments(worker(**ages), session_timeout=30.0)) == found


class Asked:
    """A server whose answers are read byte by byte."""

    def __init__(self, wrong: Any = dict) -> None:
        self.counters = Counters()
        self.server = HealthServer(0, wrong, self.counters)

    async def __aenter__(self) -> "Asked":
        await self.server.start()
        assert self.server._server is not None
        sockets = self.server._server.sockets
        self.port = next(one.getsockname()[1] for one in sockets if one.family is socket.AF_INET)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.stop()

    async def send(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        try:
            return await asyncio.wait_for(reader.read(), 5)
        finally:
            writer.close()

    async def get(self, path: str) -> tuple[int, bytes]:
        head, _, body = (await self.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())).partition(b"\r\n\r\n")
        assert b"Content-Length: %d" % len(body) in head
        return int(head.split()[1]), body


async def test_it_is_alive_and_ready_and_counts() -> None:
    async with Asked() as asked:
        asked.counters.add("accepted", 3)
        asked.counters.add("rejected", 2, "too_old")
        assert await asked.get("/healthz") == (200, b'{"status":"alive"}')
        assert await asked.get("/readyz?verbose") == (200, b'{"ready":true}')
        status, text = await asked.get("/metrics")
    assert status == 200
    assert b"\nwayfare_worker_accepted_total 3\n" in text
    assert b'\nwayfare_worker_rejected_total{reason="too_old"} 2\n' in text


async def test_it_is_not_ready_and_says_why() -> None:
    async with Asked(lambda: {"poll": "last asked the log 99 s ago"}) as asked:
        status, body = await asked.get("/readyz")
        assert (await asked.get("/healthz"))[0] == 200
    assert (status, msgspec.json.decode(body)["poll"]) == (503, "last asked the log 99 s ago")


async def test_another_path_has_the_one_error_shape() -> None:
    async with Asked() as asked:
        status, body = await asked.get("/metricsX")
    assert (status, msgspec.json.decode(body)["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("request_", [b"\r\n\r\n", b"GET\r\n\r\n", b"x" * 40_000, b"\x00\xff\r\n\r\n"])
async def test_what_is_no_request_hurts_nobody(request_: bytes) -> None:
    async with Asked() as asked:
        with contextlib.suppress(ConnectionResetError):
            assert b" 200 " not in (await asked.send(request_))[:20]
        assert (await asked.get("/healthz"))[0] == 200


async def test_a_port_that_is_taken_is_no_reason_to_stop_working() -> None:
    async with Asked() as asked:
        other = HealthServer(asked.port, dict, Counters())
        await other.start()
        await other.stop()
