"""What an agent may touch, so that the same agent runs on Kafka, on the embedded log and under a simulated clock."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from agents.counters import Counters
from pipeline.errors import LogUnavailable
from pipeline.store.definitions import Definitions, Snapshot
from pipeline.store.facts import Facts

P = ParamSpec("P")
T = TypeVar("T")


def since_boot() -> int:
    """ms since the machine began, whatever its clock on the wall is set to; on Linux those asleep, too."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) // 1_000_000


@dataclass
class Ports:
    facts: Facts
    definitions: Definitions
    send: Callable[[str, int, bytes], Awaitable[None]]  # topic, partition, value: returns once the log has it
    partitions: Callable[[str], int]  # of a topic
    now: Callable[[], int]  # UTC ms, by a clock that may be set
    monotonic: Callable[[], int] = since_boot  # ms since no matter when, for spans
    generation: Callable[[], int] = lambda: 1  # of the topics
    worker: str = "worker"
    silence: Callable[[], float] = lambda: 0.0  # seconds since the log last acknowledged this worker as a member
    session_timeout: float = 30.0  # seconds of silence after which others may own its shards
    sweep_after: float | None = None  # seconds after which no former owner can write any more; None = there is none

    counters: Counters = field(default_factory=Counters)

    def fence(self) -> None:
        """Raises LogUnavailable where this worker may have lost its shards: it must not write or send now."""
        if self.silence() >= self.session_timeout:
            raise LogUnavailable(
                "the log has not acknowledged this worker for too long: its shards may be others' by now"
            )

    async def do(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Runs a blocking store call beside the loop."""
        return await asyncio.to_thread(work, *arguments, **named)

    async def do_all(self, *works: Callable[[], None]) -> None:
        """The same for several, beside each other. Raises what the first of them raised, but not before all have ended:
        who tries again must not meet a write of the first try that lands after it has read."""
        ended = await asyncio.gather(*map(self.do, works), return_exceptions=True)
        for error in ended:
            if error is not None:
                raise error

    def snapshot(self) -> Snapshot:
        return self.definitions.snapshot()
