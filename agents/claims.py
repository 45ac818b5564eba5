"""Terms: who may write a shard's facts, and the versions that make the newest owner's rows count.

A version is `term << 40 | counter`. Taking a shard writes a claim with a term greater than every term of the agent, so
whatever an earlier owner wrote loses, in whatever order the rows arrive.
"""

from typing import Any

from agents.ports import Ports
from pipeline.store.sql import load

COUNTER_BITS = 40


class Claims:
    """The shards that this worker holds for one agent, and its next version."""

    def __init__(self, agent: str, ports: Ports) -> None:
        self.agent, self.ports = agent, ports
        self.shards: set[int] = set()
        self._term = 0
        self._counter = 0
        self._told: dict[int, int] = {}

    async def hold(self, partitions: set[int]) -> None:
        """Claims those of the partitions that are not held yet."""
        fresh = sorted(partitions - self.shards)
        if fresh:
            await self.ports.do(self._claim, fresh)
            self.shards.update(fresh)

    def _claim(self, shards: list[int]) -> None:
        store = self.ports.facts.store
        ((greatest,),) = store.query(load("pipeline.store.reads", "terms"), {"agent": self.agent})
        self._term, self._counter = greatest + 1, 0
        count, at = len(shards), self.ports.now()
        store.insert(
            "claims",
            [
                [self.agent] * count,
                shards,
                [self._term] * count,
                [at] * count,
                [self.ports.worker] * count,
                [0] * count,
                [1] * count,
            ],
        )

    def drop(self, partition: int) -> None:
        self.shards.discard(partition)
        self._told.pop(partition, None)

    def version(self) -> int:
        """The version of retracts of one insert; its upserts have the next one."""
        self._counter += 2
        return self._term << COUNTER_BITS | self._counter

    async def tell(self, reached: dict[int, int]) -> None:
        """Records up to which received_at the facts of each shard are written: at most once a second a shard."""
        at = self.ports.now()
        due = {shard: received for shard, received in reached.items() if at - self._told.get(shard, 0) >= 1000}
        if not due:
            return
        self._told.update(dict.fromkeys(due, at))
        count = len(due)
        columns: list[list[Any]] = [[self.agent] * count, list(due), list(due.values()), [at] * count]
        await self.ports.do(self.ports.facts.store.insert, "progress", columns)
