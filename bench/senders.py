"""Clients of a collector in a process of their own: so many connections, each with one request under way.

    python -m bench.senders HOST:PORT CONNECTIONS EVENTS SECONDS FIRST PID [KEY [PROTOCOL]]

Requests are prebuilt but for their message ids, which number the events of a run from FIRST on; so the ids that the log
must have are told by two numbers. The figures, of a window of SECONDS after a short start, go to stdout as JSON; CPU is
that of the process PID, the server's.
"""

import asyncio
import json
import re
import sys
import time
from base64 import b64encode
from random import Random
from typing import Any

import uvloop

from bench import trackers
from bench.events import events
from bench.machines import cpu_seconds

WARM_SECONDS = 0.5
TEMPLATES = 2_000  # events: their visitors fall to all partitions
NUMBER = b"bench-%012d"
_ID = re.compile(rb'"messageId":"([^"]*)"')
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Requests:
    """Requests of `count` events each; every one that is made has message ids of its own."""

    def __init__(self, host: str, count: int, first: int, key: str = "", protocol: str = "") -> None:
        self.count, self.number, self._turn = count, first, 0
        found = [event for _, event in events(TEMPLATES, devices=TEMPLATES // 4, seed=3)]
        Random(3).shuffle(found)
        batches = [found[start : start + count] for start in range(0, len(found) - count + 1, count)]
        if protocol:
            self._templates = [_tracker_template(host, batch, key, protocol) for batch in batches]
        else:
            self._templates = [_template(host, batch, key) for batch in batches]

    def __call__(self) -> bytes:
        template = self._templates[self._turn % len(self._templates)]
        self._turn += 1
        parts = list(template)
        number = self.number
        for place in range(1, len(parts), 2):
            parts[place] = NUMBER % number
            number += 1
        self.number = number
        return b"".join(parts)


def _template(host: str, batch: list[bytes], key: str) -> list[bytes]:
    """Parts of a request: every second one is a message id."""
    if len(batch) == 1:
        path, body = b"/v1/track", batch[0]  # whatever its type: what the body says counts
    else:
        path, body = b"/v1/batch", b'{"batch":[' + b",".join(batch) + b'],"sentAt":"2025-10-09T08:53:20.000Z"}'
    parts = _ID.split(body)
    for place in range(1, len(parts), 2):
        parts[place] = NUMBER % 0
    for place in range(0, len(parts), 2):
        before = b'"messageId":"' if place < len(parts) - 1 else b""
        after = b'"' if place else b""
        parts[place] = after + parts[place] + before
    head = b"POST %b HTTP/1.1\r\nHost: %b\r\nContent-Type: application/json\r\n" % (path, host.encode())
    if key:
        head += b"Authorization: Basic " + b64encode(f"{key}:".encode()) + b"\r\n"
    head += b"User-Agent: analytics-python/2.3.4\r\nContent-Length: %d\r\n\r\n" % sum(map(len, parts))
    parts[0] = head + parts[0]
    return parts


def _tracker_template(host: str, batch: list[bytes], key: str, protocol: str) -> list[bytes]:
    """The same for another tracker's protocol (see bench.trackers)."""
    path, own, body = trackers.request(protocol, batch, key)
    head = b"POST %b HTTP/1.1\r\nHost: %b\r\nContent-Type: application/json\r\n" % (path.encode(), host.encode())
    head += b"".join(b"%b: %b\r\n" % (name.encode(), value.encode()) for name, value in own.items())
    head += b"User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nContent-Length: %d\r\n\r\n" % len(body)
    between = (head + body).split(NUMBER % 0)
    parts = [NUMBER % 0] * (2 * len(between) - 1)
    parts[::2] = between
    return parts


class Run:
    """What all connections of a run share."""

    def __init__(self, requests: Requests, pid: int, seconds: float) -> None:
        self.requests, self.pid, self.seconds = requests, pid, seconds
        self.is_over = False
        self.answers: dict[int, int] = {}  # of the whole run, by status
        self.latencies: list[float] | None = None  # of the window; None before it
        self.trouble = ""

    async def measure(self) -> dict[str, object]:
        await asyncio.sleep(WARM_SECONDS)
        self.latencies = []
        started, cpu, own = time.perf_counter(), cpu_seconds(self.pid), time.process_time()
        await asyncio.sleep(self.seconds)
        took, window = time.perf_counter() - started, sorted(self.latencies)
        cpu, own = cpu_seconds(self.pid) - cpu, time.process_time() - own
        self.is_over = True
        at = lambda share: window[int(share * len(window))] * 1000 if window else 0.0  # noqa: E731
        return {
            "requests": len(window), "seconds": took, "server_cpu": cpu, "sender_cpu": own,
            "p50_ms": at(0.5), "p99_ms": at(0.99),
        }  # fmt: skip


class Connection(asyncio.Protocol):
    def __init__(self, run: Run, ended: "asyncio.Future[None]") -> None:
        self._run, self._ended, self._waiting = run, ended, b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(self._run.requests())

    def data_received(self, data: bytes) -> None:
        data = self._waiting + data if self._waiting else data
        head = data.find(b"\r\n\r\n")
        length = _LENGTH.search(data, 0, head) if head >= 0 else None
        if length is None or len(data) < head + 4 + int(length[1]):
            self._waiting = data
            return
        self._waiting = b""
        run = self._run
        status = int(data[9:12])
        run.answers[status] = run.answers.get(status, 0) + 1
        if not 200 <= status < 300:
            run.trouble = data.decode("latin-1")
        elif run.latencies is not None:
            run.latencies.append(time.perf_counter() - self._sent_at)
        if run.is_over:
            self._transport.close()
        else:
            self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._run.is_over:
            self._run.trouble = f"a connection was lost: {error}"
        if not self._ended.done():
            self._ended.set_result(None)


async def send(host: str, connections: int, requests: Requests, seconds: float, pid: int) -> dict[str, object]:
    """Every request that is sent is answered before it returns."""
    run = Run(requests, pid, seconds)
    loop = asyncio.get_running_loop()
    name, _, port = host.rpartition(":")
    ends = [loop.create_future() for _ in range(connections)]
    measured = asyncio.create_task(run.measure())
    for end in ends:
        await loop.create_connection(lambda end=end: Connection(run, end), name, int(port))
    figures = await measured
    await asyncio.wait(ends, timeout=30)
    return figures | {"answers": run.answers, "next": requests.number, "trouble": run.trouble}


def main() -> None:
    host, connections, count, seconds, first, pid, *key = sys.argv[1:]
    requests = Requests(host, int(count), int(first), *key)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figures = runner.run(send(host, int(connections), requests, float(seconds), int(pid)))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
