"""Terms: who may write a shard's facts, and the versions that make the newest owner's rows count.

A version is `term << 40 | counter`. Taking a shard writes a claim with a term greater than every term of the agent, so
whatever an earlier owner wrote loses, in whatever order the rows arrive. The counter is the time since the claim, in
half ms, so a version tells when its row was about to be written. It is measured by a clock that nobody sets: only the
times of claims, which workers compare with each other's, are read from the clock on the wall.

An owner that froze in the middle of inserts may bring rows late that its heir never had, and so never overwrites.
Once nobody else can be writing, the heir does again what it finds such rows of (a sweep):

    older owner   writes .... frozen: its last inserts ............... land
    heir                                claim ................. sweep: rows of older terms from about the claim on
    seconds                             0                       session timeout + what an insert takes

Of these, each older owner's last rows are enough. One that may still write was a member of the group less than a
session timeout ago, by the clock of its own that its versions are of; a version is taken before it asks itself that. So
between an insert that was under way when it lost the shard and the last one that it wrote there lies no more than that
and what an insert takes, however long it was frozen and whatever clocks say. The sweep takes twice that, and `SLOW_MS`.
Of another partition count all are done again: its shards had been cut otherwise, and one of its owners may have gone on
long in another shard of the same devices.
"""

import threading
from typing import Any

from agents.ports import Ports
from agents.watermarks import READS, SAYS, say
from pipeline.errors import LogUnavailable
from pipeline.store.late import Late
from pipeline.store.sql import load
from schemas.log import shard_number

COUNTER_BITS = 40
CLOCKS_APART_MS = 600_000  # of two workers, at most: a step back of 5 min on one of them, and as much again
SLOW_MS = 150_000  # a store that says nothing of an insert for this long has been given up, and the insert begun anew


class Claims:
    """The shards that this worker holds for one agent, and its next version."""

    def __init__(self, agent: str, ports: Ports) -> None:
        self.agent, self.ports = agent, ports
        self.shards: set[int] = set()
        self._term = 0
        self._counter, self._guard = 0, threading.Lock()
        self._began = 0  # the term, `monotonic`
        self._unswept: dict[int, tuple[int, int]] = {}  # shard -> when it was claimed (`monotonic`), with which term
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
            for dropped in set(fresh) - self._turn:  # while it was claimed: its next owner sweeps
                self._unswept.pop(dropped, None)

    def _claim(self, shards: list[int]) -> None:
        store = self.ports.facts.store
        ((greatest,),) = store.query(load("pipeline.store.reads", "terms"), {"agent": self.agent})
        term, count, at, began = greatest + 1, len(shards), self.ports.now(), self.ports.monotonic()
        store.insert(
            "claims",
            [
                [self.agent] * count,
                list(map(self._number, shards)),
                [term] * count,
                [at] * count,
                [self.ports.worker] * count,
                [0] * count,
                [1] * count,
            ],
        )
        # not before it is written: a term that nobody knows of is given twice
        self._term, self._counter, self._began = term, 0, began
        self._unswept.update(dict.fromkeys(shards, (began, term)))

    def drop(self, partition: int) -> None:
        """The partition is another worker's now. A turn over it must not write any more."""
        self.shards.discard(partition)
        self._unswept.pop(partition, None)
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
        with self._guard:  # tables are written beside each other
            self._counter = max(self._counter + 2, 2 * (self.ports.monotonic() - self._began))
            return self._term << COUNTER_BITS | self._counter

    async def due(self) -> dict[int, Late]:
        """Shards that can be swept now, each with the rows that may have come late."""
        after = self.ports.sweep_after
        if after is None:
            return {}
        span, now = round(after * 1000), self.ports.monotonic()
        due = {shard: term for shard, (began, term) in self._unswept.items() if now - began >= span}
        if not due:
            return {}
        claims = await self.ports.do(self._read)
        found: dict[int, Late] = {}
        for shard, term in due.items():
            # An owner before this one may have died, or handed over, before it swept.
            # The first of a generation does so, too, of all shards of the one before: they were cut otherwise.
            own = self._number(shard)
            is_first = not any(of == own and is_swept for of, _, _, is_swept in claims)
            unswept = [(of, at) for of, _, at, is_swept in claims if not is_swept]
            cut_otherwise = [at for of, at in unswept if is_first and of < self._number(0)]
            since = min([at for of, at in unswept if of == own] + cut_otherwise) - span - CLOCKS_APART_MS
            older = {each: at for _, each, at, _ in claims if each < term}
            ranges = [
                (each << COUNTER_BITS | max(0, 2 * (since - at)), (each + 1) << COUNTER_BITS)
                for each, at in sorted(older.items())
                if 2 * (since - at) < 1 << COUNTER_BITS
            ]
            found[shard] = Late(ranges, 1 << COUNTER_BITS if cut_otherwise else 2 * (2 * span + SLOW_MS))
        return found

    async def swept(self, shard: int) -> None:
        """Everything that a sweep of the shard found has been sent to be done again."""
        own, (_, held) = self._number(shard), self._unswept.get(shard, (0, 0))
        claims = [
            (of, term, at, is_swept)
            for of, term, at, is_swept in await self.ports.do(self._read)
            if of == own and not is_swept and term <= held  # of whoever took it over since, nothing is done yet
        ]
        if not claims:
            return
        terms, count = [term for _, term, _, _ in claims], len(claims)
        times = [at for _, _, at, _ in claims]
        by = [self.ports.worker] * count
        columns: list[list[Any]] = [[self.agent] * count, [own] * count, terms, times, by, [1] * count, [2] * count]
        await self.ports.do(self.ports.facts.store.insert, "claims", columns)
        self._unswept.pop(shard, None)

    def _number(self, shard: int) -> int:
        return shard_number(self.ports.generation(), shard)

    def _read(self) -> list[tuple[int, int, int, bool]]:
        """Shard, term, when it was claimed, and whether it has been swept: of all claims of the agent."""
        rows = self.ports.facts.store.query(load("pipeline.store.reads", "claims"), {"agent": self.agent})
        return [(shard, term, at, bool(is_swept)) for shard, term, at, is_swept in rows]

    async def tell(self, reached: dict[int, int]) -> None:
        """Records up to which received_at the facts of each shard are written, and says so to those who come after it.

        News only, and at most once a second a shard. All that belongs to it has been sent. Of what was told the latest
        received_at counts, whatever the clocks of those who told it: it is its own version.
        """
        at = self.ports.now()
        due = {shard: received for shard, received in reached.items() if self._is_due(shard, received, at)}
        if not due:
            return
        count = len(due)
        shards = list(map(self._number, due))
        columns: list[list[Any]] = [[self.agent] * count, shards, list(due.values()), list(due.values())]
        await self.ports.do(self.ports.facts.store.insert, "progress", columns)
        await say(self.ports, READS[self.agent], due, SAYS[self.agent])
        self._told.update({shard: (at, received) for shard, received in due.items()})

    def _is_due(self, shard: int, received: int, at: int) -> bool:
        told_at, told = self._told.get(shard, (0, 0))
        return received != told and not 0 <= at - told_at < 1000  # a clock that was set back ends no progress
