"""The product's own agents over logs and a store in memory, with crashes between any two effects.

A schedule is random: which shard takes the next turn, how many records it takes, when the collector appends, where a
worker dies. Whatever happens, once the logs are drained the facts equal the pure core's from the same events.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from agents.identity import IdentityAgent
from agents.journeys import JourneysAgent
from agents.ports import Ports
from agents.sessions import SessionsAgent
from pipeline.domain.facts import BatchFacts, accepted, batch
from pipeline.domain.funnels import compile_funnel
from pipeline.domain.goals import compile_goals
from schemas.definitions import Funnel, Goal, Project
from schemas.facts import EventRow
from schemas.log import CHANGES, EVENTS, PAIRS, log_position
from tests.simulation.memory import MemoryFacts

PARTITIONS = {EVENTS: 2, CHANGES: 2, PAIRS: 1}


class Crash(Exception):
    """The worker dies here; what it had in memory is gone."""


@dataclass(frozen=True)
class Rulebook:
    """A snapshot of definitions that does not change."""

    projects: dict[str, Project]
    goals: dict[str, tuple[Goal, ...]]
    funnels: dict[str, tuple[Funnel, ...]]
    version: int = 1


class Book:
    def __init__(self, rulebook: Rulebook) -> None:
        self.rulebook = rulebook

    def snapshot(self) -> Any:
        return self.rulebook

    def refresh(self) -> None:
        """Nothing changes."""


@dataclass
class Delivery:
    topic: str
    partition: int
    generation: int
    records: list[tuple[int, int, bytes]]


class OpenIngest:
    """Ingest steps that pass rows through: a record's value is the number of its row."""

    def __init__(self, rows: list[EventRow]) -> None:
        self.rows = rows

    def accept_lines(self, value: bytes, generation: int, partition: int, offset: int) -> list[EventRow]:
        row = self.rows[int(value)]
        copy = EventRow(**{name: getattr(row, name) for name in row.__struct_fields__})
        copy.log_position = log_position(generation, partition, offset, 0)
        return [copy]


class World:
    def __init__(
        self, rows: list[EventRow], rulebook: Rulebook, seed: int, *, crashes: int = 3, cache_devices: int = 3
    ) -> None:
        self.rows, self.rulebook, self.random = rows, rulebook, Random(seed)
        self.crashes, self.cache_devices = crashes, cache_devices
        self.logs: dict[tuple[str, int], list[bytes]] = {(t, p): [] for t, n in PARTITIONS.items() for p in range(n)}
        self.committed = dict.fromkeys(self.logs, 0)
        self.facts = MemoryFacts(self._fault)
        self.agents = {shard: self._start(shard) for shard in self.logs}
        self.trace: list[str] = []

    def _fault(self, when: str, what: str) -> None:
        if self.crashes and self.random.random() < 0.05:
            self.crashes -= 1
            self.trace.append(f"crash {when} {what}")
            raise Crash

    def _start(self, shard: tuple[str, int]) -> Any:
        ports = Ports(self.facts, Book(self.rulebook), self._send, PARTITIONS.__getitem__, lambda: 0)  # type: ignore[arg-type]
        ports.do = self._do  # type: ignore[method-assign,assignment]
        if shard[0] == EVENTS:
            agent = SessionsAgent(ports, cache_devices=self.cache_devices)
            agent.ingest = OpenIngest(self.rows)  # type: ignore[assignment]
            return agent
        return JourneysAgent(ports) if shard[0] == CHANGES else IdentityAgent(ports)

    async def _do(self, work: Callable[..., Any], *arguments: Any) -> Any:
        return work(*arguments)

    async def _send(self, topic: str, partition: int, value: bytes) -> None:
        self._fault("before", f"send {topic}")
        self.logs[topic, partition].append(value)
        self._fault("after", f"send {topic}")

    async def run(self) -> None:
        """Appends every row and takes turns until all logs are drained."""
        waiting = list(range(len(self.rows)))
        while waiting or any(self.committed[shard] < len(log) for shard, log in self.logs.items()):
            if waiting and self.random.random() < 0.4:
                number = waiting.pop(0)
                self.logs[EVENTS, self.rows[number].device % PARTITIONS[EVENTS]].append(str(number).encode())
                continue
            shard = self.random.choice(
                [s for s, log in self.logs.items() if self.committed[s] < len(log)] or [(EVENTS, 0)]
            )
            await self._turn(shard)

    async def _turn(self, shard: tuple[str, int]) -> None:
        log, start = self.logs[shard], self.committed[shard]
        end = min(len(log), start + self.random.randint(1, 4))
        if start == end:
            return
        agent = self.agents[shard]
        delivery = Delivery(shard[0], shard[1], 1, [(offset, 0, log[offset]) for offset in range(start, end)])
        try:
            await agent.claims.hold({shard[1]})
            await agent.turn([agent.prepare(delivery)])
            self._fault("before", "ack")
            self.committed[shard] = end
        except Crash:
            self.agents[shard] = self._start(shard)

    def expected(self) -> BatchFacts:
        copies = []
        offsets = dict.fromkeys(range(PARTITIONS[EVENTS]), 0)
        for row in self.rows:
            partition = row.device % PARTITIONS[EVENTS]
            copy = EventRow(**{name: getattr(row, name) for name in row.__struct_fields__})
            copy.log_position = log_position(1, partition, offsets[partition], 0)
            offsets[partition] += 1
            copies.append(copy)
        (project,) = self.rulebook.projects.values()
        goals = compile_goals(self.rulebook.goals[project.name], project.currency)
        funnels = tuple(map(compile_funnel, self.rulebook.funnels[project.name]))
        return batch(accepted(copies), project, goals, funnels)


def drained(rows: list[EventRow], rulebook: Rulebook, seed: int, **options: int) -> World:
    """A world after all its events have come and all logs are drained."""
    world = World(rows, rulebook, seed, **options)
    asyncio.run(world.run())
    return world
