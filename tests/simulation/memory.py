"""The store's rules in memory: of a key the greatest version counts, a deleted row hides it, copies have own keys."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from pipeline.domain.copies import Refusal
from pipeline.store.facts import Facts
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

KEYS: dict[str, tuple[type[Any], tuple[str, ...]]] = {
    "events": (EventRow, ("event", "device", "occurred_at", "message_id")),
    "timeline": (EventRow, ("device", "occurred_at", "message_id")),
    "sessions": (Session, ("device", "started_at", "id")),
    "touchpoints": (Touchpoint, ("device", "started_at", "id")),
    "owners": (Ownership, ("device", "owned_from")),
    "owners_by_owner": (Ownership, ("owner", "device", "owned_from")),
    "pairs": (Pair, ("identifier", "other", "device")),
    "identities": (Identity, ("identifier",)),
    "identities_by_customer": (Identity, ("customer", "identifier")),
    "journeys": (Journey, ("customer", "started_at", "id")),
    "conversions": (Conversion, ("customer", "occurred_at", "id")),
    "funnel_entries": (FunnelEntry, ("funnel", "customer", "entered_at", "id")),
    "rejected": (Rejected, ("device", "message_id", "log_position")),
}


class MemoryStore:
    """Claims only: the facts go through MemoryFacts."""

    def __init__(self) -> None:
        self.terms: dict[str, int] = defaultdict(int)

    def query(self, sql: str, parameters: dict[str, Any]) -> list[tuple[int]]:
        return [(self.terms[parameters["agent"]],)]

    def insert(self, table: str, columns: Sequence[Sequence[Any]]) -> None:
        if table == "claims":
            self.terms[columns[0][0]] = max(columns[2])


class MemoryFacts(Facts):
    """Facts over dictionaries. `fault` is called before and after every write and may raise."""

    def __init__(self, fault: Any) -> None:
        super().__init__(MemoryStore())  # type: ignore[arg-type]
        self.fault = fault
        self.tables: dict[str, dict[tuple[Any, ...], tuple[int, Any]]] = {name: {} for name in KEYS}

    def live(self, table: str) -> list[Any]:
        return [row for _, row in self.tables[table].values() if row is not None]

    def write(self, upserts: Sequence[Any], retracts: Sequence[Any], version: int) -> None:
        if not upserts and not retracts:
            return
        kind = type((upserts or retracts)[0])
        self.fault("before", kind.__name__)
        for name, (of, key) in KEYS.items():
            if of is kind:
                for row in retracts:
                    self._put(name, key, row, version, None)
                for row in upserts:
                    self._put(name, key, row, version + 1, row)
        self.fault("after", kind.__name__)

    def _put(self, table: str, key: tuple[str, ...], row: Any, version: int, value: Any) -> None:
        name = tuple(getattr(row, column) for column in key)
        if self.tables[table].get(name, (-1, None))[0] <= version:
            self.tables[table][name] = version, _copy(value)

    def _by(self, table: str, column: str, wanted: Iterable[int]) -> dict[int, list[Any]]:
        names, found = set(wanted), defaultdict(list)
        for row in self.live(table):
            if getattr(row, column) in names:
                found[getattr(row, column)].append(row)
        return found

    def timelines(self, project: str, devices: Iterable[int]) -> dict[int, list[Event]]:
        found = self._by("timeline", "device", devices)
        for events in found.values():
            events.sort(key=lambda event: (event.occurred_at, event.sequence, event.message_id))
        return {
            device: [Event(**{name: getattr(event, name) for name in Event.__struct_fields__}) for event in events]
            for device, events in found.items()
        }

    def sessions(self, project: str, devices: Iterable[int]) -> dict[int, list[Session]]:
        return self._by("sessions", "device", devices)

    def touchpoints(self, project: str, devices: Iterable[int]) -> dict[int, list[Touchpoint]]:
        return self._by("touchpoints", "device", devices)

    def ownerships(self, project: str, devices: Iterable[int]) -> dict[int, list[Ownership]]:
        return self._by("owners", "device", devices)

    def pairs_of_devices(
        self, project: str, devices: Iterable[int], identifiers: Iterable[int]
    ) -> dict[int, list[Pair]]:
        named = set(identifiers)
        found: dict[int, list[Pair]] = defaultdict(list)
        for device, pairs in self._by("pairs", "device", devices).items():
            found[device] = [pair for pair in pairs if pair.identifier in named and pair.identifier < pair.other]
        return found

    def rejected(self, project: str, devices: Iterable[int]) -> dict[int, dict[int, Refusal]]:
        found: dict[int, dict[int, Refusal]] = defaultdict(dict)
        for device, rows in self._by("rejected", "device", devices).items():
            for row in rows:
                found[device][row.message_id] = Refusal(row.log_position, row.received_at)
        return found

    def named_events(self, project: str, events: Iterable[str], devices: Iterable[int]) -> list[EventRow]:
        names = set(events)
        rows = [row for rows in self._by("events", "device", devices).values() for row in rows]
        return [row for row in rows if row.event in names or "*" in names]

    def ownerships_of(self, project: str, owners: Iterable[int]) -> dict[int, list[Ownership]]:
        return self._by("owners_by_owner", "owner", owners)

    def pairs_of(self, project: str, identifiers: Iterable[int]) -> list[Pair]:
        return [pair for pairs in self._by("pairs", "identifier", identifiers).values() for pair in pairs]

    def customers(self, project: str, identifiers: Iterable[int]) -> dict[int, int]:
        wanted = set(identifiers)
        found = {identifier: identifier for identifier in wanted}
        for row in self.live("identities"):
            if row.identifier in wanted:
                found[row.identifier] = row.customer
        return found

    def members(self, project: str, customers: Iterable[int]) -> dict[int, list[int]]:
        wanted = set(customers)
        found = {customer: [customer] for customer in wanted}
        for row in self.live("identities_by_customer"):
            if row.customer in wanted:
                found[row.customer].append(row.identifier)
        return found

    def journeys(self, project: str, customers: Iterable[int]) -> dict[int, list[Journey]]:
        return self._by("journeys", "customer", customers)

    def conversions(self, project: str, customers: Iterable[int]) -> dict[int, list[Conversion]]:
        return self._by("conversions", "customer", customers)

    def funnel_entries(self, project: str, customers: Iterable[int]) -> dict[int, list[FunnelEntry]]:
        return self._by("funnel_entries", "customer", customers)


def _copy(value: Any) -> Any:
    """What the agent grows in place afterwards must not grow in the store."""
    return None if value is None else type(value)(**{name: getattr(value, name) for name in value.__struct_fields__})
