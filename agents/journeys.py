"""The journeys agent: from the log `changes` to journeys, conversions and entries into saved funnels.

A turn reads the changed customers whole, stitches them, and writes the difference to what is stored. A mark whose
identifier belongs to another customer now goes on to that one, so a merge or a split is marks to the old names. Large
customers come last in a turn, one at a time, and rest between two times (pace.py): what waits of them is left in its
batch, with all that a clock says behind it.
"""

from collections import defaultdict
from dataclasses import dataclass, field

import msgspec

from agents.claims import Claims
from agents.fills import Fills
from agents.outbox import Outbox, encode, send_lines
from agents.pace import LARGE, Customer, Pace
from agents.ports import Ports
from agents.rules import Rules
from agents.watermarks import Watermarks, say
from pipeline.domain.customers import CustomerFacts, customer_facts
from pipeline.log.batches import Batch
from pipeline.store.facts import difference
from pipeline.store.late import Late
from schemas.facts import Conversion, EventRow, FunnelEntry, Journey, Ownership, Touchpoint
from schemas.log import CHANGES, EVENTS, PAIRS, Mark

PIECE_CUSTOMERS = 10_000  # stitched anew in one turn where a definition has changed

_decode = msgspec.json.Decoder(Mark).decode_lines
Define = tuple[int, str, int]  # partition, project, the customer up to which all have been done


@dataclass
class Rows:
    journeys: list[Journey] = field(default_factory=list)
    conversions: list[Conversion] = field(default_factory=list)
    entries: list[FunnelEntry] = field(default_factory=list)
    old_journeys: list[Journey] = field(default_factory=list)
    old_conversions: list[Conversion] = field(default_factory=list)
    old_entries: list[FunnelEntry] = field(default_factory=list)


class JourneysAgent:
    def __init__(
        self,
        ports: Ports,
        *,
        turn_customers: int = 2_000,
        piece_customers: int = PIECE_CUSTOMERS,
        large_customer: int = LARGE,
    ) -> None:
        """`piece_customers`: most that a changed definition has stitched anew in one turn; `large_customer`: rows."""
        self.ports, self.turn_customers, self.piece_customers = ports, turn_customers, piece_customers
        self.claims = Claims("journeys", ports)
        self.fills = Fills("journeys", ports)
        self.rules = Rules(ports.snapshot())
        self.heard = Watermarks(ports.partitions, EVENTS, PAIRS)
        self.forwarded = Watermarks(ports.partitions, CHANGES)  # marks that other shards of this agent sent on
        self.said: dict[int, int] = {}  # up to when a partition's marks have been sent on
        self.pace = Pace(ports.monotonic, large_customer)
        self._resting: set[Customer] = set()  # in this turn
        self._held: set[int] = set()  # partitions with a mark of theirs

    def forget(self, partition: int | None = None) -> None:
        """Nothing is cached but who is large."""
        self.pace.forget()

    def prepare(self, batch: Batch) -> tuple[int, list[Mark]]:
        return batch.partition, [mark for _, _, value in batch.records for mark in _decode(value)]

    def left(self, partition: int, marks: list[Mark]) -> list[Mark]:
        """What the turn that has just ended has not done of a batch: marks of those who rest, and what clocks say."""
        if partition not in self._held:
            return []
        return [mark for mark in marks if mark.k == "clock" or (not mark.k and (mark.p, mark.c) in self._resting)]

    async def sweep(self, shard: int, late: Late) -> None:
        partitions = self.ports.partitions(CHANGES)
        found = await self.ports.do(self.ports.facts.customers_written, shard, partitions, late)
        lines = [encode(Mark(p=project, c=customer, i=customer)) for project, customer in sorted(found)]
        await send_lines(self.ports, CHANGES, shard, lines)

    async def turn(self, prepared: list[tuple[int, list[Mark]]]) -> dict[int, int]:
        told: list[tuple[int, Mark]] = []
        named: dict[str, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
        define: dict[Define, set[int]] = defaultdict(set)
        self._rest(prepared)
        for partition, marks in prepared:
            for mark in marks:
                if mark.k == "define":
                    define[partition, mark.p, mark.i].update(mark.f)
                elif not mark.k:
                    if (mark.p, mark.c) not in self._resting:
                        named[mark.p][mark.c].add(mark.i)
                elif mark.i and partition not in self._held:
                    told.append((partition, mark))
        if define:
            await self.ports.do(self.ports.definitions.refresh)
        if self.ports.snapshot() is not self.rules.snapshot:
            self.rules = Rules(self.ports.snapshot())
        outbox = Outbox(self.ports)
        large = {(p, c): told_of for p, marks_of in named.items() for c, told_of in self._large_of(p, marks_of).items()}
        for project, marks_of in named.items():
            await self._in_parts(project, marks_of, outbox)
        await outbox.send()
        for (project, customer), identifiers in large.items():
            began, outbox = self.ports.monotonic(), Outbox(self.ports)
            weights = await self.ports.do(self._customers, project, {customer: identifiers}, outbox, False)
            await outbox.send()
            self.pace.stitched((project, customer), weights.get(customer, 0), self.ports.monotonic() - began)
        for (partition, project, after), fills in sorted(define.items()):
            await self._everybody(partition, project, after, fills)
        await self._hear(told)
        return {partition: self.forwarded.reached(partition) for partition in {of for of, _ in prepared}}

    def _rest(self, prepared: list[tuple[int, list[Mark]]]) -> None:
        """Who rests in this turn, and the partitions that he holds up: nothing behind his mark counts as done."""
        resting: dict[int, set[Customer]] = defaultdict(set)
        for partition, marks in prepared:
            for mark in marks:
                if not mark.k and self.pace.rests((mark.p, mark.c)):
                    resting[partition].add((mark.p, mark.c))
        self._held = self.pace.held(resting)
        self._resting = {customer for partition in self._held for customer in resting[partition]}

    def _large_of(self, project: str, marks_of: dict[int, set[int]]) -> dict[int, set[int]]:
        """Takes the large ones out of those who are marked."""
        return {c: marks_of.pop(c) for c in sorted(marks_of) if self.pace.is_large((project, c))}

    async def _hear(self, told: list[tuple[int, Mark]]) -> None:
        """What the turn's clock lines tell holds now; where that is news, all shards hear that no more is sent on."""
        for partition, mark in told:
            self.heard.hear(partition, mark.i, mark.r)
            self.forwarded.hear(partition, mark.i, mark.r)
        reached = {partition: self.heard.reached(partition) for partition in {of for of, _ in told}}
        news = {partition: at for partition, at in reached.items() if at > self.said.get(partition, 0)}
        if news:
            await say(self.ports, CHANGES, news, (CHANGES,))
            self.said.update(news)

    async def _everybody(self, partition: int, project: str, after: int, fills: set[int]) -> None:
        """A definition changed: every customer of the project in the partition is stitched anew, piece by piece."""
        if not await self.ports.do(self.fills.waiting, project, partition, fills, after):
            return
        partitions, outbox = self.ports.partitions(CHANGES), Outbox(self.ports)
        found = await self.ports.do(self.ports.facts.customers_of_shard, project, partition, partitions, after)
        piece = found[: self.piece_customers]
        await self._in_parts(project, {customer: {customer} for customer in piece}, outbox, everybody=True)
        await outbox.send()
        last = piece[-1] if len(found) > len(piece) else None
        if last is not None:
            line = Mark(p=project, c=partition, i=last, k="define", f=tuple(sorted(fills)))
            await send_lines(self.ports, CHANGES, partition, [encode(line)])
        await self.ports.do(self.fills.told, project, partition, fills, len(piece), len(found), last)

    async def _in_parts(
        self, project: str, told: dict[int, set[int]], outbox: Outbox, *, everybody: bool = False
    ) -> None:
        customers = sorted(told)
        for start in range(0, len(customers), self.turn_customers):
            part = {customer: told[customer] for customer in customers[start : start + self.turn_customers]}
            for customer, rows in (await self.ports.do(self._customers, project, part, outbox, everybody)).items():
                self.pace.stitched((project, customer), rows, 0)

    def _customers(self, project: str, marks: dict[int, set[int]], outbox: Outbox, everybody: bool) -> dict[int, int]:
        """Returns of how many touchpoints and named events each one was stitched."""
        facts = self.ports.facts
        customer_of = facts.customers(project, {*marks, *(i for identifiers in marks.values() for i in identifiers)})
        for customer, identifiers in marks.items():
            for identifier in {customer, *identifiers}:
                if customer_of[identifier] != customer:
                    outbox.mark(project, customer_of[identifier], identifier, 0)
        living = [customer for customer in marks if customer_of[customer] == customer]
        new, weights = self._stitched(project, living)
        self.ports.counters.add("customers", len(living))
        journeys, conversions = facts.journeys(project, marks), facts.conversions(project, marks)
        entries = facts.funnel_entries(project, marks) if self.rules.funnels(project) or everybody else {}
        rows = Rows()
        for customer in marks:  # who is a customer no more has no facts in `new`: the stored ones are retracted
            wanted = new.get(customer, CustomerFacts())
            up, gone = difference(journeys.get(customer, ()), wanted.journeys, lambda row: (row.started_at, row.id))
            rows.journeys += up
            rows.old_journeys += gone
            met, unmet = difference(
                conversions.get(customer, ()), wanted.conversions, lambda row: (row.occurred_at, row.id)
            )
            rows.conversions += met
            rows.old_conversions += unmet
            entered, left = difference(
                entries.get(customer, ()),
                wanted.entries,
                lambda row: (row.funnel, row.entered_at, row.id, row.standing),
            )
            rows.entries += entered
            rows.old_entries += left
        for upserts, retracts in (
            (rows.journeys, rows.old_journeys),
            (rows.conversions, rows.old_conversions),
            (rows.entries, rows.old_entries),
        ):
            version = self.claims.version()  # before the fence: of who may still write it is no later than that allows
            self.ports.fence()  # for each table anew: a worker may freeze between any two
            facts.write(upserts, retracts, version)
        return weights

    def _stitched(self, project: str, customers: list[int]) -> tuple[dict[int, CustomerFacts], dict[int, int]]:
        facts, rules = self.ports.facts, self.rules
        members = facts.members(project, customers)
        owner_of = {identifier: customer for customer, identifiers in members.items() for identifier in identifiers}
        owned = facts.ownerships_of(project, owner_of)
        devices = {row.device for rows in owned.values() for row in rows}
        touchpoints: dict[int, list[Touchpoint]] = defaultdict(list)
        for points in facts.touchpoints(project, devices).values():
            for point in points:
                if point.owner in owner_of:
                    touchpoints[owner_of[point.owner]].append(point)
        senders: dict[int, int] | None = None
        if rules.project(project).sessions.sender_sessions:
            sessions = facts.sessions(project, devices).values()
            senders = {one.id: one.sender_session for rows in sessions for one in rows}
        events: dict[int, list[EventRow]] = defaultdict(list)
        intervals: dict[int, list[Ownership]] = defaultdict(list)
        for rows in owned.values():
            for row in rows:
                intervals[row.device].append(row)
        for event in facts.named_events(project, rules.named_events(project), devices):
            owner = owner_at(intervals[event.device], event.occurred_at)
            if owner in owner_of:
                events[owner_of[owner]].append(event)
        found = {
            customer: customer_facts(
                rules.project(project),
                customer,
                touchpoints[customer],
                events[customer],
                rules.goal_set(project),
                rules.funnels(project),
                senders,
            )
            for customer in customers
        }
        return found, {customer: len(touchpoints[customer]) + len(events[customer]) for customer in customers}


def owner_at(intervals: list[Ownership], at: int) -> int:
    """The owner of a device at a time, among the given intervals; 0 where none of them holds it."""
    return next((row.owner for row in intervals if row.owned_from <= at < row.owned_until), 0)
