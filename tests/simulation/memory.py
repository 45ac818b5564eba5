"""The store's rules in memory: of a key the greatest version counts, a deleted row hides it, copies have own keys."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from agents.claims import COUNTER_BITS
from pipeline.domain.copies import Refusal
from pipeline.store.facts import COPIES, TABLES, Facts
from pipeline.store.late import Late
from pipeline.store.port import Row
from pipeline.store.sql import load
from schemas.facts import (
    Conversion,
    Event,
    EventRow,
    FunnelEntry,
    Identity,
    Journey,
    Ownership,
    Pair,
    Rejected,
    Session,
    Touchpoint,
)

Fault = Callable[[str, str], None]  # when (before, after), what
Freeze = Callable[[str, Callable[[], None]], None]  # before an insert: the table, and what lets it land

_TERMS = load("pipeline.store.reads", "terms")
_CLAIMS = load("pipeline.store.reads", "claims")
_GOAL_BODIES = load("pipeline.store.reads", "goal_bodies")
_DEFINITIONS = load("pipeline.store.statements", "definitions")
_REFUSALS = load("pipeline.store.reads", "refusals_of_identifiers")
_FILLS = load("pipeline.store.reads", "fills_of_shard")
_ALL_FILLS = load("api.query.questions", "fills")

KEYS: dict[str, tuple[type[Any], tuple[str, ...]]] = {
    "events": (EventRow, ("project", "event", "device", "occurred_at", "message_id")),
    "timeline": (EventRow, ("project", "device", "occurred_at", "message_id")),
    "sessions": (Session, ("project", "device", "started_at", "id")),
    "touchpoints": (Touchpoint, ("project", "device", "started_at", "id")),
    "owners": (Ownership, ("project", "device", "owned_from")),
    "owners_by_owner": (Ownership, ("project", "owner", "device", "owned_from")),
    "pairs": (Pair, ("project", "identifier", "other", "device")),
    "identities": (
        Identity,
        (
            "project",
            "identifier",
        ),
    ),
    "identities_by_customer": (Identity, ("project", "customer", "identifier")),
    "journeys": (Journey, ("project", "customer", "started_at", "id")),
    "conversions": (Conversion, ("project", "customer", "occurred_at", "id")),
    "funnel_entries": (FunnelEntry, ("project", "funnel", "customer", "entered_at", "id", "standing")),
    "rejected": (Rejected, ("project", "device", "message_id", "log_position")),
}


WRITTEN = {
    "devices_written": ("device", ("sessions", "touchpoints", "owners", "owners_by_owner", "pairs", "rejected")),
    "customers_written": ("customer", ("journeys", "conversions", "funnel_entries")),
    "identifiers_written": ("identifier", ("identities", "identities_by_customer")),
}


class MemoryStore:
    """Claims, progress, definitions, refusals; other facts are in MemoryFacts. `fault` is called around inserts."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.claims: dict[tuple[str, int, int], tuple[int, int, int]] = {}  # agent, shard, term -> version, time, swept
        self.progress: dict[tuple[str, int], tuple[int, int]] = {}  # (agent, shard) -> received_at, version
        self.definitions: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
        self.refusals: dict[tuple[str, int, int], tuple[int, Row, int]] = {}  # key -> version, row, is_deleted
        self.fills: dict[tuple[str, int, str, int], dict[str, Any]] = {}  # project, id, agent, shard -> the rest
        self.on_progress: Callable[[], None] = lambda: None
        self.freeze: Freeze = lambda table, land: None
        self.tick: Callable[[], int] = lambda: 0  # the time by which records are received

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None, settings: Any = None) -> list[Row]:
        if sql in (_TERMS, _CLAIMS):
            asked = (parameters or {})["agent"]
            claims = [(*name[1:], *row[1:]) for name, row in self.claims.items() if name[0] == asked]
            return claims if sql == _CLAIMS else [(max((term for _, term, _, _ in claims), default=0),)]
        if sql == _DEFINITIONS:
            return [(*name, *versions[-1]) for name, versions in sorted(self.definitions.items())]
        if sql == _REFUSALS:
            asked, names = (parameters or {})["project"], set((parameters or {})["identifiers"])
            return [row for row in self.live_refusals() if row[0] == asked and row[1] in names]
        asked = (parameters or {})["project"]
        if sql == _FILLS:
            of = parameters or {}
            places = [(one, self.fills.get((asked, one, of["agent"], of["shard"]))) for one in of["fills"]]
            names = ("after", "done", "is_done", "total", "at")
            return [(one, *(row[name] for name in names)) for one, row in places if row is not None]
        if sql == _ALL_FILLS:
            return [self._fill(*key) for key in self.fills if key[0] == asked and not key[2]]
        assert sql == _GOAL_BODIES, sql
        return [
            (body,)
            for (project, kind, _), versions in self.definitions.items()
            for _, body, _ in versions
            if (project, kind) == (asked, "goal")
        ]

    def _fill(self, project: str, fill: int, _: str, shards: int) -> Row:
        begun = self.fills[project, fill, "", shards]
        of = [row for (in_, one, agent, _), row in self.fills.items() if (in_, one) == (project, fill) and agent]
        sums = [sum(row[name] for row in of) for name in ("is_done", "done", "total")]
        told = begun["notion"], begun["since"], begun["to"]
        return (fill, *told, shards, *sums, max(row["at"] for row in (begun, *of)))

    def live_refusals(self) -> list[Row]:
        return [row for _, row, is_deleted in self.refusals.values() if not is_deleted]

    def insert(self, table: str, columns: Sequence[Sequence[Any]]) -> None:
        if table == "definitions":
            for project, kind, name, version, body, _, is_deleted in zip(*columns, strict=True):
                self.definitions[project, kind, name].append((version, body, is_deleted))
            return
        self.fault("before", table)
        if table == "refusals":  # the facts among these
            self.freeze(table, partial(self._land, table, columns))
        self._land(table, columns)
        self.fault("after", table)

    def _land(self, table: str, columns: Sequence[Sequence[Any]]) -> None:
        if table == "claims":
            for agent, shard, term, claimed_at, _, is_swept, version in zip(*columns, strict=True):
                if self.claims.get((agent, shard, term), (0,))[0] <= version:
                    self.claims[agent, shard, term] = version, claimed_at, is_swept
        elif table == "fills":
            for *key, notion, since, to, done, total, after, is_done, _ in zip(*columns, strict=True):
                numbers = (since, to, done, total, after, is_done, self.tick())
                row: dict[str, Any] = {"notion": notion}
                row |= zip(("since", "to", "done", "total", "after", "is_done", "at"), numbers, strict=True)
                self.fills[tuple(key)] = row  # type: ignore[index]
        elif table == "refusals":
            for *row, version, is_deleted in zip(*columns, strict=True):
                key = row[0], row[1], row[2]
                if self.refusals.get(key, (-1,))[0] <= version:
                    self.refusals[key] = version, tuple(row), is_deleted
        else:
            for agent, shard, received_at, version in zip(*columns, strict=True):
                told, by = self.progress.get((agent, shard), (0, -1))
                self.progress[agent, shard] = (received_at, version) if version >= by else (told, by)
            self.on_progress()

    def data_until(self, shards: int) -> int:
        """As questions answer it; 0 while some shard has never told."""
        told = self.progress
        return min(received_at for received_at, _ in told.values()) if told and len(told) == shards else 0


class MemoryFacts(Facts):
    """Facts over dictionaries. `fault` is called before and after every write and may raise."""

    def __init__(self, fault: Fault) -> None:
        self.memory = MemoryStore(fault)
        super().__init__(self.memory)  # type: ignore[arg-type]
        self.fault = fault
        self.tables: dict[str, dict[tuple[Any, ...], tuple[int, Any]]] = {name: {} for name in KEYS}

    def live(self, table: str) -> list[Any]:
        return [row for _, row in self.tables[table].values() if row is not None]

    def write(self, upserts: Sequence[Any], retracts: Sequence[Any], version: int) -> None:
        if not upserts and not retracts:
            return
        kind = type((upserts or retracts)[0])
        table = TABLES[kind]
        for name in (COPIES[table], table) if table in COPIES else (table,):
            self.fault("before", name)
            copies = [*map(_copy, retracts)], [*map(_copy, upserts)]
            self.memory.freeze(name, partial(self._land, name, *copies, version))
            self._insert(name, retracts, upserts, version)
            if name == "events":  # by its view, in either order, and a crash may come between the two
                self.fault("between", name)
                self._insert("timeline", retracts, upserts, version)
        self.fault("after", table)

    def _land(self, table: str, retracts: Sequence[Any], upserts: Sequence[Any], version: int) -> None:
        """The whole of an insert at once."""
        for name in (table, "timeline") if table == "events" else (table,):
            self._insert(name, retracts, upserts, version)

    def _insert(self, table: str, retracts: Sequence[Any], upserts: Sequence[Any], version: int) -> None:
        _, key = KEYS[table]
        for row in retracts:
            self._put(table, key, row, version, None)
        for row in upserts:
            self._put(table, key, row, version + 1, row)

    def _put(self, table: str, key: tuple[str, ...], row: Any, version: int, value: Any) -> None:
        name = tuple(getattr(row, column) for column in key)
        if self.tables[table].get(name, (-1, None))[0] <= version:
            self.tables[table][name] = version, _copy(value)

    def _by(self, project: str, table: str, column: str, wanted: Iterable[int]) -> dict[int, list[Any]]:
        names, found = set(wanted), defaultdict(list)
        for row in self.live(table):
            if row.project == project and getattr(row, column) in names:
                found[getattr(row, column)].append(row)
        return found

    def timelines(self, project: str, devices: Iterable[int]) -> dict[int, list[Event]]:
        found = self._by(project, "timeline", "device", devices)
        for events in found.values():
            events.sort(key=lambda event: (event.occurred_at, event.sequence, event.message_id))
        return {
            device: [Event(**{name: getattr(event, name) for name in Event.__struct_fields__}) for event in events]
            for device, events in found.items()
        }

    def positions(self, project: str, devices: Iterable[int], message_ids: Iterable[int]) -> dict[tuple[int, int], int]:
        wanted = set(message_ids)
        rows = [row for rows in self._by(project, "timeline", "device", devices).values() for row in rows]
        found: dict[tuple[int, int], int] = {}
        for row in rows:
            if row.message_id in wanted:
                name = row.device, row.message_id
                found[name] = min(row.log_position, found.get(name, row.log_position))
        return found

    def sessions(self, project: str, devices: Iterable[int]) -> dict[int, list[Session]]:
        return self._by(project, "sessions", "device", devices)

    def touchpoints(self, project: str, devices: Iterable[int]) -> dict[int, list[Touchpoint]]:
        return self._by(project, "touchpoints", "device", devices)

    def ownerships(self, project: str, devices: Iterable[int]) -> dict[int, list[Ownership]]:
        return self._by(project, "owners", "device", devices)

    def ownership_copies(
        self, project: str, devices: Iterable[int], owners: Iterable[int]
    ) -> dict[int, list[Ownership]]:
        wanted = set(owners)
        found = self._by(project, "owners_by_owner", "device", devices)
        return {device: [row for row in rows if row.owner in wanted] for device, rows in found.items()}

    def pairs_of_devices(
        self, project: str, devices: Iterable[int], identifiers: Iterable[int]
    ) -> dict[int, list[Pair]]:
        named = set(identifiers)
        found: dict[int, list[Pair]] = defaultdict(list)
        for device, pairs in self._by(project, "pairs", "device", devices).items():
            found[device] = [pair for pair in pairs if pair.identifier in named and pair.identifier < pair.other]
        return found

    def rejected(self, project: str, devices: Iterable[int]) -> dict[int, dict[int, Refusal]]:
        found: dict[int, dict[int, Refusal]] = defaultdict(dict)
        for device, rows in self._by(project, "rejected", "device", devices).items():
            for row in rows:
                found[device][row.message_id] = Refusal(row.log_position, row.received_at)
        return found

    def named_events(self, project: str, events: Iterable[str], devices: Iterable[int]) -> list[EventRow]:
        names = set(events)
        rows = [row for rows in self._by(project, "events", "device", devices).values() for row in rows]
        return [row for row in rows if row.event in names or "*" in names]

    def devices_of_shard(
        self, project: str, events: Iterable[str], partition: int, partitions: int, after: int = 0
    ) -> list[int]:
        names = set(events)
        rows = [row for row in self.live("events") if row.event in names] if names else self.live("owners")
        found = {row.device for row in rows if row.project == project and row.device % partitions == partition}
        return sorted(device for device in found if device > after)

    def customers_of_shard(self, project: str, partition: int, partitions: int, after: int = 0) -> list[int]:
        owners = [(row.project, row.owner) for row in self.live("owners")]
        customers = [
            (row.project, row.customer) for table in ("identities", "funnel_entries") for row in self.live(table)
        ]
        found = {who for of, who in (*owners, *customers) if of == project and who % partitions == partition}
        return sorted(who for who in found if who > after)

    def _written(self, name: str, late: Late, **where: int) -> set[tuple[str, int]]:
        column, tables = WRITTEN[name]
        rows = [
            (key[0], key[KEYS[table][1].index(column)], version)
            for table in tables
            for key, (version, _) in self.tables[table].items()
        ]
        if name == "identifiers_written":
            rows += [(*key[:2], version) for key, (version, *_) in self.memory.refusals.items()]
        else:
            rows = [row for row in rows if row[1] % where["partitions"] == where["partition"]]
        rows = [row for row in rows if any(low <= row[2] < high for low, high in late.ranges)]
        by_writer: dict[Any, list[tuple[str, int, int]]] = defaultdict(list)
        for row in rows:
            by_writer[row[0] if name == "identifiers_written" else "", row[2] >> COUNTER_BITS].append(row)
        found: set[tuple[str, int]] = set()
        for written in by_writer.values():
            newest = max(version for *_, version in written)
            found |= {(project, who) for project, who, version in written if version + late.behind >= newest}
        return found

    def ownerships_of(self, project: str, owners: Iterable[int]) -> dict[int, list[Ownership]]:
        return self._by(project, "owners_by_owner", "owner", owners)

    def pairs_of(self, project: str, identifiers: Iterable[int]) -> list[Pair]:
        return [pair for pairs in self._by(project, "pairs", "identifier", identifiers).values() for pair in pairs]

    def customers(self, project: str, identifiers: Iterable[int]) -> dict[int, int]:
        wanted = set(identifiers)
        found = {identifier: identifier for identifier in wanted}
        for row in self.live("identities"):
            if row.project == project and row.identifier in wanted:
                found[row.identifier] = row.customer
        return found

    def members(self, project: str, customers: Iterable[int]) -> dict[int, list[int]]:
        wanted = set(customers)
        found = {customer: [customer] for customer in wanted}
        for row in self.live("identities_by_customer"):
            if row.project == project and row.customer in wanted:
                found[row.customer].append(row.identifier)
        return found

    def journeys(self, project: str, customers: Iterable[int]) -> dict[int, list[Journey]]:
        return self._by(project, "journeys", "customer", customers)

    def conversions(self, project: str, customers: Iterable[int]) -> dict[int, list[Conversion]]:
        return self._by(project, "conversions", "customer", customers)

    def funnel_entries(self, project: str, customers: Iterable[int]) -> dict[int, list[FunnelEntry]]:
        return self._by(project, "funnel_entries", "customer", customers)


def _copy(value: Any) -> Any:
    """What the agent grows in place afterwards must not grow in the store."""
    return None if value is None else type(value)(**{name: getattr(value, name) for name in value.__struct_fields__})
