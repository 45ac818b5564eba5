"""Terms: who may write a shard's facts, and the versions that make the newest owner's rows count.

A version is `term << 40 | counter`. Taking a shard writes a claim with a term greater than every term of the agent, so
whatever an earlier owner wrote loses, in whatever order the rows arrive.
"""

from typing import Any

from agents.ports import Ports
from agents.watermarks import READS, SAYS, say
from pipeline.errors import LogUnavailable
from pipeline.store.sql import load

COUNTER_BITS = 40


class Claims:
    """The shards that this worker holds for one agent, and its next version."""

    def __init__(self, agent: str, ports: Ports) -> None:
        self.agent, self.ports = agent, ports
        self.shards: set[int] = set()
        self._term = 0
        self._counter = 0
        self._turn: set[int] = set()  # what the turn is about, and still this worker's
        self._is_whole = True
        self._told: dict[int, tuple[int, int]] = {}  # shard -> when, what

    async def hold(self, partitions: set[int]) -> None:
        """Begins a turn over the partitions, and claims those of them that are not held yet."""
        self._turn, self._is_whole = set(partitions), True
        fresh = sorted(partitions - self.shards)
        if fresh:
            # Who held them before may have acknowledged the record that told of a definition which is new to us.
            await self.ports.do(self.ports.definitions.refresh)
            await self.ports.do(self._claim, fresh)
            self.shards |= self._turn.intersection(fresh)

    def _claim(self, shards: list[int]) -> None:
        store = self.ports.facts.store
        ((greatest,),) = store.query(load("pipeline.store.reads", "terms"), {"agent": self.agent})
        term, count, at = greatest + 1, len(shards), self.ports.now()
        store.insert(
            "claims",
            [
                [self.agent] * count,
                shards,
                [term] * count,
                [at] * count,
                [self.ports.worker] * count,
                [0] * count,
                [1] * count,
            ],
        )
        self._term, self._counter = term, 0  # not before it is written: a term that nobody knows of is given twice

    def drop(self, partition: int) -> None:
        """The partition is another worker's now. A turn over it must not write any more."""
        self.shards.discard(partition)
        self._told.pop(partition, None)
        if partition in self._turn:
            self._turn.discard(partition)
            self._is_whole = False

    def version(self) -> int:
        """The version of retracts of one insert; its upserts have the next one.

        Raises LogUnavailable where a shard of the turn was dropped: what is still held of it is to be done again.
        """
        if not self._is_whole:
            raise LogUnavailable(f"a shard of the {self.agent} agent's turn has become another worker's")
        self._counter += 2
        return self._term << COUNTER_BITS | self._counter

    async def tell(self, reached: dict[int, int]) -> None:
        """Records up to which received_at the facts of each shard are written, and says so to those who come after it.

        News only, and at most once a second a shard. All that belongs to it has been sent.
        """
        at = self.ports.now()
        due = {shard: received for shard, received in reached.items() if self._is_due(shard, received, at)}
        if not due:
            return
        count = len(due)
        columns: list[list[Any]] = [[self.agent] * count, list(due), list(due.values()), [at] * count]
        await self.ports.do(self.ports.facts.store.insert, "progress", columns)
        await say(self.ports, READS[self.agent], due, SAYS[self.agent])
        self._told.update({shard: (at, received) for shard, received in due.items()})

    def _is_due(self, shard: int, received: int, at: int) -> bool:
        told_at, told = self._told.get(shard, (0, 0))
        return received != told and at - told_at >= 1000
