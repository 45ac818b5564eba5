"""The identity agent: from the log `pairs` to identities, by project; marks to `changes`.

A turn reads the least evidence over devices for the components that its entries touch, decides, writes the refusals
and identities of those components only, and marks every identifier in them: the entry may be a redelivery, and a crash
may have come between the identities and their marks. What operators decided is a definition; a define line says that
one is new or revoked.
"""

from collections import defaultdict
from collections.abc import Mapping

import msgspec

from agents.claims import Claims
from agents.outbox import Outbox, encode, send_lines
from agents.ports import Ports
from agents.watermarks import Watermarks
from pipeline.domain.decisions import concerning, joined
from pipeline.domain.identity import customers
from pipeline.log.batches import Batch
from pipeline.log.topics import pairs_partition
from pipeline.store.definitions import Snapshot
from pipeline.store.facts import difference
from pipeline.store.late import Late
from pipeline.store.refused_pairs import RefusedPairs
from schemas.facts import Identity, Pair
from schemas.log import EVENTS, PAIRS, PairNote

_decode = msgspec.json.Decoder(PairNote).decode_lines


class IdentityAgent:
    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self.claims = Claims("identity", ports)
        self.refused = RefusedPairs(ports.facts.store)
        self.heard = Watermarks(ports.partitions, EVENTS)

    def forget(self, partition: int | None = None) -> None:
        """Nothing is cached."""

    def prepare(self, batch: Batch) -> tuple[int, list[PairNote]]:
        return batch.partition, [note for _, _, value in batch.records for note in _decode(value)]

    async def sweep(self, shard: int, late: Late) -> None:
        partitions = self.ports.partitions(PAIRS)
        found = await self.ports.do(self.ports.facts.identifiers_written, late)
        lines = [
            encode(PairNote(p=project, a=identifier, b=identifier))
            for project, identifier in sorted(found)
            if pairs_partition(project, partitions) == shard
        ]
        await send_lines(self.ports, PAIRS, shard, lines)

    async def turn(self, prepared: list[tuple[int, list[PairNote]]]) -> dict[int, int]:
        touched: dict[str, set[int]] = defaultdict(set)
        told: list[tuple[int, PairNote]] = []
        is_defined = False
        for partition, notes in prepared:
            for note in notes:
                if note.k != "clock":
                    touched[note.p].update({note.a, note.b} - {0})
                    is_defined |= note.k == "define"
                elif note.a:
                    told.append((partition, note))
        if is_defined:
            await self.ports.do(self.ports.definitions.refresh)
        outbox, snapshot = Outbox(self.ports), self.ports.snapshot()
        for project, identifiers in touched.items():
            await self.ports.do(self._decide, project, identifiers, snapshot, outbox)
        await outbox.send()
        for partition, note in told:
            self.heard.hear(partition, note.a, note.r)
        return {partition: self.heard.reached(partition) for partition in {of for of, _ in prepared}}

    def _decide(self, project: str, touched: set[int], snapshot: Snapshot, outbox: Outbox) -> None:
        facts, decisions = self.ports.facts, snapshot.decisions.get(project, ())
        evidence, members = self._components(project, touched, joined(decisions))
        known = customers(evidence, concerning(decisions, members))
        decided = known.customer
        stored = {i: c for i, c in facts.customers(project, members).items() if i != c}
        upserts, retracts = difference(
            [Identity(project, i, c) for i, c in stored.items()],
            [Identity(project, i, c) for i, c in decided.items() if i in members],
            lambda row: row.identifier,
        )
        copied = facts.members(project, members)
        for identifier, customer in stored.items():
            if decided.get(identifier) == customer and identifier not in copied.get(customer, (identifier,)):
                upserts.append(Identity(project, identifier, customer))  # the table has it, its copy has lost it
        for customer, identifiers in copied.items():
            for identifier in identifiers[1:]:
                if (
                    identifier in members and stored.get(identifier) != customer
                ):  # in the copy only: a crash came before the row itself
                    retracts.append(Identity(project, identifier, customer))
                    if identifier in decided:  # the retract takes the table's row along
                        upserts.append(Identity(project, identifier, decided[identifier]))
        refused, taken_back = difference(
            self.refused.of(project, members), known.refusals, lambda row: (row.identifier, row.other)
        )
        version = self.claims.version()  # before the fence: of who may still write it is no later than that allows
        self.ports.fence()
        self.refused.write(refused, taken_back, version)
        version = self.claims.version()
        self.ports.fence()
        facts.write(upserts, retracts, version)
        for identifier in members:
            for customer in {identifier, stored.get(identifier, identifier), decided.get(identifier, identifier)}:
                outbox.mark(project, customer, identifier, 0)

    def _components(
        self, project: str, touched: set[int], others: Mapping[int, set[int]]
    ) -> tuple[list[Pair], set[int]]:
        """All evidence that hangs together with the identifiers, and every identifier in it.

        `others` are those that an operator joined with an identifier.
        """
        members: set[int] = set()
        evidence: dict[tuple[int, int, int], Pair] = {}
        frontier = set(touched)
        while frontier:
            members |= frontier
            found = self.ports.facts.pairs_of(project, frontier)
            frontier = {other for one in frontier for other in others.get(one, ()) if other not in members}
            for pair in found:
                one, other = sorted((pair.identifier, pair.other))
                evidence[one, other, pair.device] = msgspec.structs.replace(pair, identifier=one, other=other)
                if pair.other not in members:
                    frontier.add(pair.other)
        return list(evidence.values()), members
