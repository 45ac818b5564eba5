"""The sessions agent: from the log `events` to events, sessions, touchpoints, owners and pairs; marks to `changes`.

A turn: ingest steps -> hot devices one event further, cold ones read and stitched whole -> insert events, rejected,
then sessions, touchpoints, owners and pairs beside each other -> send marks and pair notes -> (Turns acknowledges).
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice

from agents.cache import Cache
from agents.claims import Claims
from agents.history import History
from agents.hot import NO_PAST, hot, read_pasts
from agents.outbox import Outbox, encode, send_lines
from agents.ports import Ports
from agents.received import Asked, Decoded, Key, rejudge_early, sort_out, without_duplicates
from agents.rows import Rows
from agents.rules import Rules
from agents.stored import Stored
from pipeline.domain.copies import Merged, Received, merge
from pipeline.domain.devices import (
    DeviceFacts,
    device_facts,
    end_of,
    named_by,
    without,
)
from pipeline.domain.goals import GoalSet, Hit
from pipeline.domain.owners import named_owner, owners
from pipeline.ingest import Ingest
from pipeline.ingest.rejudged import rejudged
from pipeline.ingest.rules import rules_of
from pipeline.log.batches import Batch
from pipeline.store.facts import Fact, difference, mirrored
from pipeline.store.late import Late
from schemas.definitions import Project
from schemas.facts import Event, EventRow, Ownership
from schemas.log import EVENTS, Line

COLD_DEVICES = 5_000  # read and stitched at once


class SessionsAgent:
    def __init__(self, ports: Ports, *, cache_devices: int = 200_000, piece_devices: int = COLD_DEVICES) -> None:
        """`piece_devices`: most devices of a piece of history that a changed definition asks for in one turn."""
        self.ports = ports
        self.claims = Claims("sessions", ports)
        self.cache = Cache(cache_devices)
        self.history = History(ports, piece_devices)
        self.rules = Rules(ports.snapshot())
        self.ingest = Ingest(self.rules.projects)

    def forget(self, partition: int | None = None) -> None:
        if partition is None:
            self.cache.clear()
            return
        partitions = self.ports.partitions(EVENTS)
        self.cache.drop(lambda key: key[1] % partitions == partition)

    def prepare(self, batch: Batch) -> Decoded:
        """The ingest steps: pure, so they may run while the turn before is being written."""
        self._rules()
        accept, generation, partition = self.ingest.accept_lines, batch.generation, batch.partition
        items = [item for offset, _, value in batch.records for item in accept(value, generation, partition, offset)]
        return partition, items, self.rules.projects

    async def turn(self, prepared: list[Decoded]) -> dict[int, int]:
        rules = self._rules()
        asked = sort_out(prepared, self.ports.now())
        received, restitch = asked.received, asked.restitch
        if asked.changed or any(project not in rules.snapshot.projects for project, _ in received):
            # a project that is new has options of its own; one that was deleted is asked for in every turn
            await self.ports.do(self.ports.definitions.refresh)
            rules = self._rules()
        rejudge_early(prepared, received, rules.projects)
        pieces = await self.history.pieces(asked.changed, rules)
        for piece in pieces:
            restitch |= piece.restitched
            asked.repair |= piece.rejudged
            asked.rejudge |= piece.rejudged
        rows, outbox = Rows(), Outbox(self.ports)
        cold: dict[Key, list[Received]] = {key: [] for key in restitch}
        stored: dict[str, Stored] = defaultdict(Stored)
        doubtful, _ = await asyncio.gather(
            without_duplicates(received, self.cache.devices, self.ports), self._read_unknown(received, stored)
        )
        pasts = await read_pasts(self.ports, received, self.cache.devices)
        for key, items in received.items():
            device = self.cache.get(key)
            if device is None or key in doubtful or key in cold:
                cold[key] = items
            elif hot(rules, key[0], device, items, pasts.get(key, NO_PAST), rows, outbox):
                self.cache.keep(key, device)
            else:
                cold[key] = items
        part = dict(islice(cold.items(), COLD_DEVICES))
        while True:
            if part:
                await self._cold(rules, part, stored, asked, rows, outbox)
                stored.clear()
            await self._write(rows)
            await outbox.send()
            for key in part:
                del cold[key]
            self.cache.trim()
            part = dict(islice(cold.items(), COLD_DEVICES))
            if not part:
                break
            rows, outbox = Rows(), Outbox(self.ports)
        for piece in pieces:
            await self.history.go_on(piece)
        return asked.reached

    def _rules(self) -> Rules:
        snapshot = self.ports.snapshot()
        if snapshot is not self.rules.snapshot:
            self.rules = Rules(snapshot)
            self.ingest = Ingest(self.rules.projects)
        return self.rules

    async def sweep(self, shard: int, late: Late) -> None:
        partitions = self.ports.partitions(EVENTS)
        found = await self.ports.do(self.ports.facts.devices_written, shard, partitions, late)
        lines = [encode(Line(p=project, d=device, r=0, c="restitch")) for project, device in sorted(found)]
        await send_lines(self.ports, EVENTS, shard, lines)

    # ---- cold

    async def _read_unknown(self, received: Mapping[Key, list[Received]], stored: dict[str, Stored]) -> None:
        unknown: dict[str, list[int]] = defaultdict(list)
        for project, device in islice((key for key in received if key not in self.cache), COLD_DEVICES):
            unknown[project].append(device)
        for project, devices in unknown.items():
            await stored[project].read(self.ports, project, devices)

    async def _cold(
        self,
        rules: Rules,
        cold: Mapping[Key, list[Received]],
        stored: dict[str, Stored],
        asked: Asked,
        rows: Rows,
        outbox: Outbox,
    ) -> None:
        self.ports.counters.add("cold_devices", len(cold))
        by_project: dict[str, dict[int, list[Received]]] = defaultdict(dict)
        for (project, device), items in cold.items():
            by_project[project][device] = items
        for project, devices in by_project.items():
            await stored[project].read(self.ports, project, devices)
            await self.ports.do(self._cold_project, rules, project, devices, stored[project], asked, rows, outbox)

    def _cold_project(
        self,
        rules: Rules,
        name: str,
        devices: dict[int, list[Received]],
        known: Stored,
        asked: Asked,
        rows: Rows,
        outbox: Outbox,
    ) -> None:
        facts, project, whole = self.ports.facts, rules.project(name), asked.restitch
        timelines, refused = known.timelines, known.refused
        rewritten = {device for device in devices if (name, device) in asked.repair}
        for row in facts.named_events(name, {"*"} if rewritten else (), rewritten):
            # as if the log had delivered all that is stored once more
            is_judged = (name, row.device) in asked.rejudge
            devices[row.device].append(rejudged(row, rules_of(project)) if is_judged else row)
        goals, named = rules.goal_set(name), rules.named_events(name)
        merged = {
            device: merge(timelines.get(device, []), refused.get(device, {}), items)
            for device, items in devices.items()
        }
        touched = [d for d, m in merged.items() if m.is_changed or (name, d) in whole]
        # A device that had no events has no facts; one that is cached has those of its stored events, as we wrote them.
        doubtful = [
            device
            for device in touched
            if (name, device) in whole
            or merged[device].redelivered
            or merged[device].lost
            or (timelines.get(device) and (name, device) not in self.cache)
        ]
        stored = self._stored(name, doubtful, timelines)
        broken_off = {d: merged[d] for d in touched if merged[d].redelivered or (name, d) in whole}
        orphans = self._orphans(name, broken_off, stored)
        # also of a device that nothing changes: what is cached of it is carried on by its next event
        whole_rows = goals.reading & {event.event for found in merged.values() for event in found.events}
        stored_rows = {(row.device, row.message_id): row for row in facts.named_events(name, whole_rows, merged)}
        for device, found in merged.items():
            rows.events += found.rows
            rows.lost += found.lost
            rows.rejected += found.rejected
            rows.old_rejected += found.taken_back
            self.ports.counters.add("duplicates", found.duplicates)
            self.ports.counters.add("redelivered", found.redelivered)
            hits = _hits(goals, found, stored_rows)
            new = device_facts(found.events, project, hits) if found.events else DeviceFacts()
            if found.is_changed or (name, device) in whole:
                before = stored.get(device)
                if before is None:
                    past = timelines.get(device, [])
                    before = device_facts(past, project, hits) if past else DeviceFacts()
                if device in rewritten:
                    before = without(before, new)
                self._differ(before, new, orphans.get(device, []), rows, outbox)
                self._mark(name, device, found, (name, device) in whole, named, new, outbox)
            self._keep((name, device), found, new, project)

    def _stored(self, name: str, devices: list[int], timelines: dict[int, list[Event]]) -> dict[int, DeviceFacts]:
        facts = self.ports.facts
        named = named_by([event for device in devices for event in timelines.get(device, ())])
        sessions, touchpoints = facts.sessions(name, devices), facts.touchpoints(name, devices)
        ownerships, pairs = facts.ownerships(name, devices), facts.pairs_of_devices(name, devices, named)
        return {
            device: DeviceFacts(
                sessions.get(device, []), touchpoints.get(device, []), ownerships.get(device, []), pairs.get(device, [])
            )
            for device in devices
        }

    def _orphans(
        self, name: str, devices: Mapping[int, Merged], stored: Mapping[int, DeviceFacts]
    ) -> dict[int, list[Ownership]]:
        """Rows that are in the copy by owner only: a crash came before they were in the table itself."""
        owned_by = {named_owner(event) for found in devices.values() for event in (*found.events, *found.lost)}
        copies = self.ports.facts.ownership_copies(name, devices, owned_by.union(devices) - {0})
        return {
            device: orphans
            for device, rows in copies.items()
            if (orphans := [row for row in rows if row not in stored[device].ownerships])
        }

    def _differ(
        self, stored: DeviceFacts, new: DeviceFacts, orphans: list[Ownership], rows: Rows, outbox: Outbox
    ) -> None:
        upserts, retracts = difference(stored.sessions, new.sessions, lambda row: (row.started_at, row.id))
        rows.sessions.update({(row.device, row.id): row for row in upserts})
        rows.old_sessions += retracts
        points, gone = difference(stored.touchpoints, new.touchpoints, lambda row: (row.started_at, row.id))
        rows.touchpoints.update({(row.device, row.id): row for row in points})
        rows.old_touchpoints += gone
        for point in (*points, *gone):
            outbox.mark(point.project, point.owner, point.owner, point.started_at)
        owned, disowned = difference(stored.ownerships, new.ownerships, lambda row: row.owned_from)
        if orphans:  # to retract one takes the table's row of that time along: all are written anew
            owned, disowned = new.ownerships, [*stored.ownerships, *orphans]
        rows.ownerships.update({(row.project, row.device, row.owned_from): row for row in owned})
        rows.old_ownerships += disowned
        for row in (*owned, *disowned):
            outbox.mark(row.project, row.owner, row.owner, row.owned_from)
        pairs, unpaired = difference(stored.pairs, new.pairs, lambda row: (row.identifier, row.other))
        rows.pairs += pairs
        rows.old_pairs += unpaired
        for pair in (*pairs, *unpaired):
            outbox.note(pair.project, pair.identifier, pair.other)

    def _mark(
        self,
        name: str,
        device: int,
        found: Merged,
        whole: bool,
        named: frozenset[str],
        new: DeviceFacts,
        outbox: Outbox,
    ) -> None:
        owned = owners(found.events)
        if found.redelivered or whole:
            # a crash may have come between any two writes: tell everybody and everything that the device names
            for owner in {*owned, device}:
                outbox.mark(name, owner, owner, 0)
            for pair in new.pairs:
                outbox.note(name, pair.identifier, pair.other)
            for identifier in named_by(found.events):
                outbox.note(name, identifier, identifier)
            return
        fresh = {event.message_id for event in found.rows}
        for event, owner in zip(found.events, owned, strict=True):
            if event.message_id in fresh and (event.event in named or "*" in named):
                outbox.mark(name, owner, owner, event.occurred_at)

    def _keep(self, key: Key, found: Merged, new: DeviceFacts, project: Project) -> None:
        if found.events:
            ids = [event.message_id for event in found.events] + list(found.refused)
            self.cache.keep(key, end_of(found.events, new, project, ids))

    async def _write(self, rows: Rows) -> None:
        """Events and what was rejected come first: by them a redelivery is told, and then all that hangs on them is
        written again, whichever of the others a crash has kept."""
        self._count(rows)
        await self.ports.do(self._write_received, rows)
        both = [*rows.pairs, *map(mirrored, rows.pairs)]
        written: list[tuple[Sequence[Fact], Sequence[Fact]]] = [
            (list(rows.sessions.values()), rows.old_sessions),
            (list(rows.touchpoints.values()), rows.old_touchpoints),
            (list(rows.ownerships.values()), rows.old_ownerships),
            (both, [*rows.old_pairs, *map(mirrored, rows.old_pairs)]),
        ]
        await self.ports.do_all(*(partial(self._write_table, *each) for each in written if any(each)))

    def _write_received(self, rows: Rows) -> None:
        self._write_table(rows.events, rows.lost)
        self._write_table(rows.rejected, rows.old_rejected)

    def _write_table(self, upserts: Sequence[Fact], retracts: Sequence[Fact]) -> None:
        version = self.claims.version()  # before the fence: of who may still write it is no later than that allows
        self.ports.fence()  # for each table anew: a worker may freeze between any two
        self.ports.facts.write(upserts, retracts, version)

    def _count(self, rows: Rows) -> None:
        count = self.ports.counters.add
        count("accepted", len(rows.events))
        for row in rows.rejected:
            count("rejected", label=row.reason)


def _hits(goals: GoalSet, found: Merged, stored: Mapping[tuple[int, int], EventRow]) -> dict[int, tuple[Hit, ...]]:
    """The goals that a device's events meet; `stored` has the whole rows of those events that goals read whole."""
    met: dict[int, tuple[Hit, ...]] = {}
    if not goals.events:
        return met
    fresh = {event.message_id: event for event in found.rows}
    for event in found.events:
        if event.event in goals.events:
            row = fresh.get(event.message_id) or stored.get((event.device, event.message_id))
            hits = goals.hits(row, row.properties) if row else goals.hits(event)
            if hits:
                met[event.message_id] = hits
    return met
