"""A collector over a log in memory, and the requests that tests send to it."""

import asyncio
import gzip
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import msgspec

from api.collect.asgi import Collector
from api.collect.limits import Limits
from pipeline.log.port import Topic
from schemas.definitions import Key
from schemas.log import Line

KEYS = {
    "web-key": Key("site", "shop", "write", "h1", source="site"),
    "server-key": Key("server", "shop", "write", "h2", source="backend", source_kind="server"),
    "old-key": Key("old", "shop", "write", "h3", revoked=True),
    "read-key": Key("reader", "shop", "read", "h4"),
    "admin-key": Key("admin", "shop", "admin", "h5"),
    "local-token": Key("local", "", "admin", ""),
    "WRITEKEY123": Key("captured", "shop", "write", "h6", source="site"),
}
TOPIC = Topic("wayfare-events-1", 1, 4)
NOW = 1_700_000_000_000


class ByPartition:
    """A LogWriter that takes lines of many partitions one by one."""

    async def append(self, topic: str, partition: int, lines: list[bytes]) -> None:
        raise NotImplementedError

    async def append_all(self, topic: str, lines: Mapping[int, list[bytes]]) -> None:
        await asyncio.gather(*(self.append(topic, *each) for each in lines.items()))


class MemoryLog(ByPartition):
    """A LogWriter that keeps what it was given; `fail` is asked before each append and may raise."""

    def __init__(self) -> None:
        self.appended: list[tuple[str, int, list[bytes]]] = []
        self.fail: Callable[[int], None] = lambda partition: None

    async def append(self, topic: str, partition: int, lines: list[bytes]) -> None:
        self.fail(partition)
        self.appended.append((topic, partition, list(lines)))

    async def close(self) -> None: ...

    @property
    def raw(self) -> list[bytes]:
        return [line for _, _, lines in self.appended for line in lines]

    @property
    def lines(self) -> list[Line]:
        return [msgspec.json.decode(line, type=Line) for line in self.raw]

    @property
    def line(self) -> Line:
        (only,) = self.lines
        return only

    @property
    def event(self) -> Any:
        return event_of(self.line)


class Door:
    """The collector, its log, and a client that speaks HTTP to it."""

    def __init__(self, **given: Any) -> None:
        self.log = MemoryLog()
        self.collector = Collector(
            keys=given.pop("keys", KEYS.get),
            has_project={"shop", "other"}.__contains__,
            **{
                "writer": self.log,
                "topic": lambda: TOPIC,
                "places": {"203.0.113.9": ("DE", "BE", "Berlin"), "198.51.100.7": ("FR", "", "Paris")}.get,
                "now": lambda: NOW,
                **given,
            },
        )
        transport = httpx.ASGITransport(self.collector, client=("198.51.100.7", 5000))  # type: ignore[arg-type]
        self.client = httpx.AsyncClient(transport=transport, base_url="http://collector")

    @property
    def counters(self) -> Any:
        return self.collector.counters

    async def post(
        self, path: str, body: Any = b"", *, key: str | None = "web-key", headers: dict[str, str] | None = None
    ) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"authorization": basic(key)} if key is not None else {}
        return await self.client.post(path, content=content, headers={**given, **(headers or {})})

    async def batch(self, *events: Any, **how: Any) -> httpx.Response:
        return await self.post("/v1/batch", {"batch": list(events)}, **how)


def basic(key: str) -> str:
    return "Basic " + b64encode(f"{key}:".encode()).decode()


def track(name: str = "Order Completed", who: str = "anon-1", **more: Any) -> dict[str, Any]:
    return {"type": "track", "event": name, "anonymousId": who, "messageId": f"m-{name}-{who}", **more}


def event_of(line: Line) -> Any:
    return msgspec.json.decode(line.e)


def gzipped(body: Any) -> bytes:
    return gzip.compress(body if isinstance(body, bytes) else json.dumps(body).encode())


def small_limits() -> Limits:
    return Limits(body=2_000, import_body=6_000, event=500, events=20, chunk=3, read_s=0.05)
