"""What an agent stands on, in memory and without threads: ports, a table of claims, delivered batches."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.ports import Ports
from pipeline.log.batches import Batch


class FakeStore:
    """Keeps what is inserted. `faults`: errors to raise, one a call, before anything is done."""

    def __init__(self) -> None:
        self.rows: dict[str, list[tuple[Any, ...]]] = {}
        self.faults: list[Exception] = []
        self.insert_faults: list[Exception] = []
        self.meanwhile: list[Callable[[], None]] = []  # done once, in the middle of the next insert

    def query(self, sql: str, parameters: dict[str, Any]) -> list[tuple[int, ...]]:
        self._fault()
        if "is_swept" in sql:
            claims = {row[:3]: row for row in self.rows.get("claims", ()) if row[0] == parameters["agent"]}
            return [(shard, term, at, is_swept) for _, shard, term, at, _, is_swept, _ in claims.values()]
        terms = [row[2] for row in self.rows.get("claims", ()) if row[0] == parameters["agent"]]
        return [(max(terms, default=0),)]

    def insert(self, table: str, columns: Sequence[Sequence[Any]]) -> None:
        self._fault()
        if self.insert_faults:
            raise self.insert_faults.pop(0)
        self.rows.setdefault(table, []).extend(zip(*columns, strict=True))
        while self.meanwhile:
            self.meanwhile.pop()()

    def _fault(self) -> None:
        if self.faults:
            raise self.faults.pop(0)

    def told(self) -> list[tuple[int, int]]:
        """(shard, received_at) of every row of `progress`."""
        return [(row[1], row[2]) for row in self.rows.get("progress", ())]


class FakeDefinitions:
    """Counts how often it was asked to look again."""

    def __init__(self) -> None:
        self.refreshed = 0

    def refresh(self) -> None:
        self.refreshed += 1


@dataclass
class FakeFacts:
    store: FakeStore = field(default_factory=FakeStore)


def now() -> int:
    """The running loop's time, ms; outside of one that of its beginning."""
    try:
        return 1_000_000 + round(asyncio.get_running_loop().time() * 1000)
    except RuntimeError:
        return 1_000_000


class FakePorts(Ports):
    """Ports with a log that keeps what is sent. Time is the running loop's."""

    def __init__(self, partitions: int = 2) -> None:
        self.store = FakeStore()
        self.sent: list[tuple[str, int, list[bytes]]] = []
        self.send_faults: list[Exception] = []
        super().__init__(
            facts=FakeFacts(self.store),  # type: ignore[arg-type]
            definitions=FakeDefinitions(),  # type: ignore[arg-type]
            send=self._send,
            partitions=lambda topic: partitions,
            now=now,
            monotonic=now,
        )

    async def do(self, work: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        await asyncio.sleep(0)
        return work(*arguments, **named)

    async def _send(self, topic: str, partition: int, value: bytes) -> None:
        await asyncio.sleep(0)
        if self.send_faults:
            raise self.send_faults.pop(0)
        self.sent.append((topic, partition, value.split(b"\n")))


@dataclass
class FakeDelivered:
    """A batch as Faust hands it over; its name is the value of its only record."""

    value: Batch
    acked: int = 0

    def ack(self) -> bool:
        self.acked += 1
        return True


def delivered(name: str, partition: int = 0, lines: int = 1) -> FakeDelivered:
    return FakeDelivered(Batch("events", partition, 1, [(0, 0, "\n".join([name] * lines).encode())]))
