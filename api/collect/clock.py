"""Time passing as records of the logs, so that idle shards, live segments and streams move on.

Every some seconds each partition of `events`, `changes` and `pairs` gets one control line with received_at = now.
A log that is full or away is left alone until the next time: events matter more than clock records.
"""

import asyncio
import time
from collections.abc import Callable

import msgspec

from api.collect.counters import Counters
from pipeline.errors import LogFull, LogUnavailable
from pipeline.log.port import LogWriter, Topic
from schemas.log import CHANGES, EVENTS, PAIRS, TOPICS, Line, Mark, PairNote


def wall_clock() -> int:
    """UTC now, ms."""
    return time.time_ns() // 1_000_000


def clock_record(name: str, partition: int, now: int) -> bytes:
    """The line that tells a partition of topic `name` (events, changes, pairs) that it is `now`, UTC ms.

    It is about no project; its device or customer is the partition's own number, which the partition rule maps there.
    """
    match name:
        case _ if name == EVENTS:
            return msgspec.json.encode(Line(p="", d=partition, r=now, c="clock"))
        case _ if name == CHANGES:
            return msgspec.json.encode(Mark(p="", c=partition, i=0, r=now, k="clock"))
        case _ if name == PAIRS:
            return msgspec.json.encode(PairNote(p="", a=0, b=0, r=now, k="clock"))
    raise ValueError(f"no topic {name!r}")


class Clock:
    """Appends clock records to every partition of each topic until its task is cancelled."""

    def __init__(
        self,
        writer: LogWriter,
        topic: Callable[[str], Topic],
        *,
        every_s: float = 10.0,
        counters: Counters | None = None,
        now: Callable[[], int] = wall_clock,
    ) -> None:
        """`topic` gives a topic as it is now, by name; it may raise LogUnavailable."""
        self._writer, self._topic, self._every_s, self._now = writer, topic, every_s, now
        self.counters = counters or Counters()

    async def run(self) -> None:
        """Ticks at once, then every `every_s` seconds."""
        while True:
            await self.tick()
            await asyncio.sleep(self._every_s)

    async def tick(self) -> None:
        """One record to every partition of each topic."""
        for name in TOPICS:
            try:
                topic = self._topic(name)
            except LogUnavailable:
                self.counters.clock_failures[name] += 1
                continue
            now = self._now()
            appends = (
                self._writer.append(name, partition, [clock_record(name, partition, now)])
                for partition in range(topic.partitions)
            )
            for outcome in await asyncio.gather(*appends, return_exceptions=True):
                if isinstance(outcome, LogFull | LogUnavailable):
                    self.counters.clock_failures[name] += 1
                elif isinstance(outcome, BaseException):
                    raise outcome
