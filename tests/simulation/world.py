"""The product's own agents and turns over logs and a store in memory, with faults between any two effects.

A schedule is random: which worker takes or ends the next turn, over which of its shards, how many records it takes,
when the collector appends, when a definition is changed and when each worker sees it, when a shard goes to another
worker, where a worker dies or the store is away. Whatever happens, once the logs are drained the facts equal the pure
core's from the same events under the definitions in force.

    logs        events 0, 1   changes 0, 1   pairs 0
    workers     a [events 0, events 1, pairs 0]   b [changes 0, changes 1]   ... shards move in the middle of turns
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec

from agents.claims import CLOCKS_APART_MS
from agents.identity import IdentityAgent
from agents.journeys import JourneysAgent
from agents.pace import LARGE
from agents.ports import Ports
from agents.sessions import SessionsAgent
from agents.turns import Taken, Turns, Work
from api.collect.clock import clock_record
from api.query import decisions, fills, saved
from pipeline.domain.facts import BatchFacts, accepted, batch
from pipeline.domain.funnels import compile_funnel
from pipeline.domain.goals import compile_goals
from pipeline.errors import LogUnavailable, StoreUnavailable
from pipeline.log.batches import Batch
from pipeline.log.port import Topic
from pipeline.store.definitions import Definitions
from schemas.definitions import Decision, Funnel, Goal, Project
from schemas.facts import EventRow, Rejected
from schemas.log import CHANGES, EVENTS, PAIRS, Line, log_position
from tests.agents.virtual_time import run
from tests.simulation.memory import MemoryFacts

MOST_MOMENTS = 20_000
MOST_LATE_MS = CLOCKS_APART_MS // 2  # of an insert that a frozen worker was at
CHANGE = fills.Change(fills.PROJECT, 1, 2)
PARTITIONS = {EVENTS: 2, CHANGES: 2, PAIRS: 1}
Shard = tuple[str, int]
Received = EventRow | Rejected


class Crash(Exception):
    """The worker dies here; what it had in memory is gone."""


@dataclass(frozen=True)
class Change:
    """A definition that is saved: a goal, a funnel, a project or a decision; or taken back, by its name."""

    project: str
    definition: Goal | Funnel | Project | Decision
    is_taken_back: bool = False

    async def make(self, runtime: Any) -> None:
        """As the routes do it."""
        one, project = self.definition, Project(self.project)
        known = runtime.definitions.refresh()
        if isinstance(one, Project):
            runtime.definitions.save(one)
            if one.name in known.projects:
                await saved.tell(runtime, one.name, CHANGE, restitch="sessions")
        elif isinstance(one, Decision):
            made = {each.name for each in runtime.definitions.decisions(project.name)}
            if not self.is_taken_back:
                await decisions.decide(runtime, project, one, "operator")
            elif one.name in made:
                await decisions.revoke(runtime, project, one.name, "it was wrong", "operator")
        elif not self.is_taken_back:
            save: Any = saved.save_goal if isinstance(one, Goal) else saved.save_funnel
            await save(runtime, project, one)
        elif isinstance(one, Goal) and one.name in {goal.name for goal in known.goals[project.name]}:
            await saved.delete(runtime, project, "goal", one.name)
        elif isinstance(one, Funnel) and one.name in {funnel.name for funnel in known.funnels[project.name]}:
            await saved.delete(runtime, project, "funnel", one.name)


Step = Received | Change


@dataclass
class Odds:
    """How likely what is, at each moment at which it may happen; at most `most` crashes, outages, moves, freezes each.

    With freezes nobody sweeps while an insert is still to land: the sweep's wait is as long as an insert may take.
    """

    crash: float = 0.02
    away: float = 0.02
    move: float = 0.02
    freeze: float = 0  # before an insert, for good; the insert lands later
    look: float = 0.005  # a worker sees by itself which definitions have changed
    most: int = 3
    cache_devices: int = 3
    large_customer: int = LARGE  # from so many rows on a customer rests between two times


CALM = Odds(crash=0, away=0, move=0, look=0.05, cache_devices=100)


class OpenIngest:
    """Ingest steps that pass rows through: a line is the number of its row and when it was received."""

    def __init__(self, rows: Sequence[Step]) -> None:
        self.rows = rows

    def accept_lines(self, value: bytes, generation: int, partition: int, offset: int) -> list[Received | Line]:
        if value.startswith(b"{"):
            return list(msgspec.json.Decoder(Line).decode_lines(value))
        number, received_at = map(int, value.split())
        row = self.rows[number]
        assert not isinstance(row, Change)
        position = log_position(generation, partition, offset, 0)
        return [msgspec.structs.replace(row, log_position=position, received_at=received_at)]


class AsOfNow(dict[str, Project]):
    """The projects that an agent knows when it is asked: what is told of an event's origin is not judged anew."""

    def __init__(self, agent: SessionsAgent) -> None:
        super().__init__()
        self.agent = agent

    def get(self, name: str, default: Any = None) -> Any:
        return self.agent.rules.projects.get(name, default)


class OpenSessions(SessionsAgent):
    """The agent, with ingest steps that pass rows through."""

    def __init__(self, rows: Sequence[Step], ports: Ports, cache_devices: int) -> None:
        self.opened = OpenIngest(rows)
        super().__init__(ports, cache_devices=cache_devices, piece_devices=2)

    def prepare(self, batch: Batch) -> Any:
        partition, items, _ = super().prepare(batch)
        return partition, items, AsOfNow(self)

    def _rules(self) -> Any:
        rules = super()._rules()
        self.ingest = self.opened  # type: ignore[assignment]
        return rules


@dataclass
class Delivery:
    """A batch in a worker's hands; it counts as acknowledged only while the shard has not gone to another."""

    world: "World"
    shard: Shard
    value: Batch

    def ack(self) -> bool:
        if not self.value.revoked:
            assert self.world.committed[self.shard] == self.value.first, "acknowledged out of order"
            self.world.committed[self.shard] = self.value.last + 1
        return True


class Worker:
    """One process: definitions as it sees them, and turns for each of the three agents."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.definitions = Definitions(world.facts.store)
        self.definitions.refresh()
        self.position: dict[Shard, int] = {}  # of the shards it holds: what is delivered next
        self.taken: dict[str, list[list[Taken]]] = {topic: [] for topic in PARTITIONS}
        ports = Ports(world.facts, self.definitions, world.send, PARTITIONS.__getitem__, world.now, world.now)
        self.ports = ports
        ports.do, ports.do_all = self._do, self._do_all  # type: ignore[method-assign]
        journeys = JourneysAgent(ports, turn_customers=2, piece_customers=3, large_customer=world.odds.large_customer)
        works: dict[str, Work] = {
            EVENTS: SessionsAgent(ports, cache_devices=world.odds.cache_devices)
            if world.is_ingesting
            else OpenSessions(world.steps, ports, world.odds.cache_devices),
            CHANGES: journeys,
            PAIRS: IdentityAgent(ports),
        }
        self.turns = {topic: Turns(work, limit=10, fail=self._fail) for topic, work in works.items()}
        self.turns[CHANGES].left = journeys.left
        self.held: list[Delivery] = []

    @staticmethod
    async def _do(work: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        return work(*arguments, **named)

    async def _do_all(self, *works: Callable[[], None]) -> None:
        """In any order: of what is done beside each other a crash may leave any part. No other error ends the rest."""
        away: Exception | None = None
        for work in self.world.random.sample(works, len(works)):
            try:
                await self.ports.do(work)
            except (LogUnavailable, StoreUnavailable) as error:
                away = error
        if away:
            raise away

    @staticmethod
    def _fail(error: BaseException) -> None:
        raise AssertionError("an agent has ended") from error

    async def take(self, topic: str) -> bool:
        """Batches of some of its shards, decoded; False where there are none or enough wait already."""
        random = self.world.random
        waiting = [shard for shard in self.position if shard[0] == topic and self._left(shard)]
        if not waiting or len(self.taken[topic]) > 1:
            return False
        for shard in random.sample(waiting, random.randint(1, len(waiting))):
            for _ in range(random.choice((1, 1, 2))):
                if count := min(self._left(shard), random.randint(1, 4)):
                    start = self.position[shard]
                    self.position[shard] = start + count
                    records = [(at, 0, self.world.logs[shard][at]) for at in range(start, start + count)]
                    delivery = Delivery(self.world, shard, Batch(topic, shard[1], 1, records))
                    self.held.append(delivery)
                    await self.turns[topic].put(delivery)
        taken: list[Taken] = []
        while not self.turns[topic].queue.empty():
            taken += await self.turns[topic]._take(None)
        self.taken[topic].append(taken)
        return True

    async def turn(self, topic: str) -> None:
        """The next turn, or what an agent without one does: tells how far it has come."""
        if self.taken[topic] or self.turns[topic].waiting:
            await self.turns[topic]._turn(self.taken[topic].pop(0) if self.taken[topic] else [])
        if self.world.quiet or self.world.random.random() < 0.5:  # else beside the next one
            await self.turns[topic]._tell()
        await self.turns[topic]._sweep()

    def gain(self, shard: Shard) -> None:
        self.position[shard] = self.world.committed[shard]

    def lose(self, shard: Shard) -> None:
        del self.position[shard]
        for delivery in self.held:
            delivery.value.revoked |= delivery.shard == shard
        self.turns[shard[0]].revoked(shard[1])

    def has_swept(self, shard: Shard) -> bool:
        """Whether it holds the shard and has done again what may have come late before it did."""
        claims = self.turns[shard[0]].work.claims
        return shard[1] in claims.shards and shard[1] not in claims._unswept

    def is_idle(self, topic: str) -> bool:
        """Whether a turn would do nothing: no batch, nothing to tell, nothing to sweep."""
        turns = self.turns[topic]
        claims, reached = turns.work.claims, turns._reached.items()
        return not (
            self.taken[topic]
            or turns.waiting
            or claims._unswept
            or any(shard[0] == topic and self._left(shard) for shard in self.position)
            or any(claims._told.get(shard, (0, 0))[1] != received for shard, received in reached)
        )

    def is_behind(self) -> bool:
        return any(self.world.committed[shard] < len(self.world.logs[shard]) for shard in self.position)

    def _left(self, shard: Shard) -> int:
        return len(self.world.logs[shard]) - self.position[shard]


@dataclass
class Api:
    """The process that saves definitions. What it tells reaches the log later, each partition's records in order."""

    world: "World"
    definitions: Definitions
    store: Any
    told: list[tuple[Shard, bytes]] = field(default_factory=list)

    @property
    def writer(self) -> "Api":
        return self

    @staticmethod
    def topic(name: str) -> Topic:
        return Topic(name, 1, PARTITIONS[name])

    async def append(self, topic: str, partition: int, lines: list[bytes]) -> None:
        self.told += [((topic, partition), line) for line in lines]

    def release(self, shard: Shard) -> None:
        """The next record for the shard reaches its log."""
        at = next(at for at, (to, _) in enumerate(self.told) if to == shard)
        _, line = self.told.pop(at)
        received = msgspec.json.decode(line)
        received["r"] = self.world.tick()
        self.world.logs[shard].append(msgspec.json.encode(received))


class World:
    def __init__(
        self, steps: Sequence[Step], seed: int, odds: Odds, workers: int = 2, is_ingesting: bool = False
    ) -> None:
        """`is_ingesting`: the logs hold what collectors write, which goes through the ingest steps."""
        self.steps, self.random, self.odds, self.is_ingesting = steps, Random(seed), odds, is_ingesting
        self.trace: list[str] = []
        self.quiet = True  # no faults
        self.fate: Callable[[str, str], None] = self._chance  # before and after each effect
        self.clock, self.milliseconds = 0, 0
        self.weights = [self.random.choice((1, 4, 16)) for _ in PARTITIONS]  # some agents are slower than others
        self.haste = self.random.choice((0.02, 0.1, 0.3))  # of the steps
        self.left = dict.fromkeys(("crash", "away", "move", "freeze", "tick"), odds.most)
        self.logs: dict[Shard, list[bytes]] = {(t, p): [] for t, n in PARTITIONS.items() for p in range(n)}
        self.committed = dict.fromkeys(self.logs, 0)
        self.facts = MemoryFacts(self._fault)
        self.facts.memory.tick = self.tick
        self.facts.memory.freeze = self._freeze
        self.late: list[tuple[int, Callable[[], None]]] = []  # inserts of frozen workers: since when, what lands them
        self.positions: dict[int, int] = {}  # number of a step -> its place in the log
        self.waiting = list(range(len(steps)))
        self.api = Api(self, Definitions(self.facts.store), self.facts.store)
        self.api.definitions.save(Project("shop"))
        self.workers = [Worker(self) for _ in range(workers)]
        self.owner = {shard: self.random.randrange(workers) for shard in self.logs}
        for shard, owner in self.owner.items():
            self.workers[owner].gain(shard)

    def tick(self) -> int:
        self.clock += 1
        return self.clock

    def now(self) -> int:
        self.milliseconds += self.random.choice((0, 100, 2_000))
        return self.milliseconds

    # ---- what happens between two effects

    def _fault(self, when: str, what: str) -> None:
        self.fate(when, what)

    def _chance(self, when: str, what: str) -> None:
        if self.quiet:
            return
        if self._befalls("move", self.odds.move):
            self.move(self.random.choice(list(self.logs)))
        if self.random.random() < self.odds.look:
            self.random.choice(self.workers).definitions.refresh()
        if self._befalls("crash", self.odds.crash):
            self.trace.append(f"crash {when} {what}")
            raise Crash
        if self._befalls("away", self.odds.away):
            self.trace.append(f"away {when} {what}")
            raise LogUnavailable("away") if what.startswith("send") else StoreUnavailable("away")

    def _freeze(self, table: str, land: Callable[[], None]) -> None:
        if not self.quiet and self._befalls("freeze", self.odds.freeze):
            self.trace.append(f"freeze {table}")
            self.late.append((self.milliseconds, land))
            raise Crash  # to everybody else it is dead

    def _land(self) -> None:
        """Inserts of frozen workers land at random, and in time; only then may others sweep."""
        for one in list(self.late):
            if self.random.random() < 0.02 or self.milliseconds - one[0] > MOST_LATE_MS:
                self.trace.append("late")
                self.late.remove(one)
                one[1]()
        for worker in self.workers:
            worker.ports.sweep_after = None if self.late else 0.0

    def _is_swept(self) -> bool:
        held = self.owner.items()
        return not self.odds.freeze or (
            not self.late and all(self.workers[owner].has_swept(shard) for shard, owner in held)
        )

    def _befalls(self, what: str, odds: float) -> bool:
        if not self.left[what] or self.random.random() >= odds:
            return False
        self.left[what] -= 1
        return True

    async def send(self, topic: str, partition: int, value: bytes) -> None:
        self._fault("before", f"send {topic}")
        self.logs[topic, partition].append(value)
        self._fault("after", f"send {topic}")

    def move(self, shard: Shard, to: int | None = None) -> None:
        """To another worker, or to the same one once more."""
        self.trace.append(f"move {shard}")
        self.workers[self.owner[shard]].lose(shard)
        self.owner[shard] = self.random.randrange(len(self.workers)) if to is None else to
        self.workers[self.owner[shard]].gain(shard)

    def die(self, number: int) -> None:
        lost = list(self.workers[number].position)
        self.workers[number] = Worker(self)
        for shard in lost:
            self.owner[shard] = self.random.randrange(len(self.workers))
            self.workers[self.owner[shard]].gain(shard)

    # ---- the schedule

    async def run(self, whole: Callable[["World"], None]) -> None:
        """Does every step and takes turns until all logs are drained and `data_until` tells so.

        `whole` is called as soon as `data_until` has reached the last event: nothing may be missing then.
        """
        while self.waiting or self.api.told:
            await self._moment()
        last = self.clock

        def told() -> None:
            if self.data_until() >= last and self._is_filled():
                whole(self)

        self.facts.memory.on_progress = told
        for _ in range(MOST_MOMENTS):
            if not self._is_behind():
                if self.data_until() >= last and self._is_swept():
                    return
                self._clock_records()
            await self._moment()
        raise AssertionError(f"it never comes to an end: {self.trace}")

    async def settle(self, *workers: int) -> None:
        """These workers do all that waits for them, in a plain order."""
        while any(self.workers[number].is_behind() for number in workers):
            for number in workers:
                for topic in PARTITIONS:
                    await self.workers[number].take(topic)
                    try:
                        await self.workers[number].turn(topic)
                    except Crash:
                        self.die(number)

    def _is_filled(self) -> bool:
        """As questions judge it: each shard has no more pieces, and all that they marked has been worked on."""
        found = fills.fills(self.facts.store, "shop") + fills.fills(self.facts.store, "mart")
        return all(one.is_done(self.data_until()) for one in found)

    def data_until(self) -> int:
        return self.facts.memory.data_until(len(self.logs))

    async def _moment(self) -> None:
        if self.odds.freeze:
            self._land()
        if self.waiting and self.random.random() < self.haste:
            await self.step()
        elif self.api.told and self.random.random() < 0.4:
            self.api.release(self.random.choice(self.api.told)[0])
        elif self.random.random() < self.odds.look:
            self.random.choice(self.workers).definitions.refresh()
        elif self._befalls("move", self.odds.move):
            self.move(self.random.choice(list(self.logs)))
        elif self._befalls("tick", 0.02):
            self._clock_records()
        else:
            await self._work()

    def _clock_records(self) -> None:
        """As the collector's clock writes them."""
        at = self.tick()
        for topic, partition in self.logs:
            self.logs[topic, partition].append(clock_record(topic, partition, at))

    def _is_behind(self) -> bool:
        return any(self.committed[shard] < len(log) for shard, log in self.logs.items())

    async def step(self) -> None:
        step = self.steps[self.waiting[0]]
        if isinstance(step, Change):
            self.trace.append(f"change {self.waiting.pop(0)}")
            await step.make(self.api)
        else:
            self.append()

    def append(self) -> None:
        """The next step is an event: it reaches the log."""
        number = self.waiting.pop(0)
        step = self.steps[number]
        assert not isinstance(step, Change)
        shard = EVENTS, step.device % PARTITIONS[EVENTS]
        self.positions[number] = log_position(1, shard[1], len(self.logs[shard]), 0)
        self.logs[shard].append(b"%d %d" % (number, self.tick()))

    async def _work(self) -> None:
        busy = [
            (number, topic, weight)
            for number, worker in enumerate(self.workers)
            for topic, weight in zip(PARTITIONS, self.weights, strict=True)
            if not worker.is_idle(topic)
        ]
        if not busy:  # all wait for the next step
            if self.waiting:
                await self.step()
            return
        ((number, topic, _),) = self.random.choices(busy, [weight for _, _, weight in busy])
        worker = self.workers[number]
        if self.random.random() < 0.5 and await worker.take(topic):
            return
        self.quiet = False
        try:
            await worker.turn(topic)
        except Crash:
            self.die(number)
        finally:
            self.quiet = True

    # ---- what the logs amount to

    def accepted(self) -> Iterator[EventRow]:
        """The events that count: of each id the first in the log that can be used."""
        yield from accepted([row for row in self._received() if isinstance(row, EventRow)])

    def rejected(self) -> list[tuple[int, int, int]]:
        """(device, message id, log position) of what has no copy that can be used: the first in the log."""
        used = {(row.device, row.message_id) for row in self.accepted()}
        first: dict[tuple[int, int], int] = {}
        for row in self._received():
            if isinstance(row, Rejected) and (row.device, row.message_id) not in used:
                first.setdefault((row.device, row.message_id), row.log_position)
        return [(*name, position) for name, position in first.items()]

    def _received(self) -> Iterator[Received]:
        for number, position in self.positions.items():
            row = self.steps[number]
            assert not isinstance(row, Change)
            yield msgspec.structs.replace(row, log_position=position)

    def expected(self) -> BatchFacts:
        snapshot, out = self.api.definitions.refresh(), BatchFacts()
        events = list(self.accepted())
        for project in snapshot.projects.values():
            goals = compile_goals(snapshot.goals[project.name], project.currency)
            funnels = tuple(map(compile_funnel, snapshot.funnels[project.name]))
            facts = batch(
                [event for event in events if event.project == project.name],
                project,
                goals,
                funnels,
                snapshot.decisions[project.name],
            )
            for name, rows in vars(facts).items():
                getattr(out, name).extend(rows)
        return out


def drained(
    steps: Sequence[Step], seed: int, odds: Odds, workers: int, whole: Callable[[World], None] = lambda world: None
) -> World:
    """A world after all its steps have been done and all logs are drained; for `whole` see `World.run`."""

    async def main() -> World:
        world = World(steps, seed, odds, workers)
        await world.run(whole)
        return world

    return run(main())
