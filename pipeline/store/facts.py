"""The facts as agents read and write them: struct rows in, struct rows out, one .sql file a read.

Synchronous, like the store; an agent calls it from a thread.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, TypeVar

import msgspec
from msgspec.structs import astuple

from pipeline.domain.copies import Refusal
from pipeline.store.late import Late
from pipeline.store.native import RUN
from pipeline.store.port import Row, Store
from pipeline.store.sql import load
from schemas.definitions import Goal
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

T = TypeVar("T")
E = TypeVar("E", bound=Event)
Fact = EventRow | Session | Touchpoint | Ownership | Pair | Identity | Journey | Conversion | FunnelEntry | Rejected

TABLES: dict[type[Any], str] = {
    EventRow: "events",
    Session: "sessions",
    Touchpoint: "touchpoints",
    Ownership: "owners",
    Pair: "pairs",
    Identity: "identities",
    Journey: "journeys",
    Conversion: "conversions",
    FunnelEntry: "funnel_entries",
    Rejected: "rejected",
}
# Copies under another key. They are no materialized views: a crash in the middle of an insert may leave the row
# without its view's, and no redelivery would see that one is missing.
COPIES = {"owners": "owners_by_owner", "identities": "identities_by_customer"}
CHUNK = 2_000  # names in one IN list: the statement stays far below the server's limit of 256 kB


class Facts:
    """Reads of the fact tables by project and device, identifier or customer, and versioned writes."""

    def __init__(self, store: Store) -> None:
        self.store = store

    # ---- by device

    def timelines(self, project: str, devices: Iterable[int]) -> dict[int, list[Event]]:
        """All accepted events of the devices, in order."""
        return self._grouped(
            "timeline", project, "devices", devices, lambda row: _event(Event(*row)), lambda event: event.device
        )

    def positions(self, project: str, devices: Iterable[int], message_ids: Iterable[int]) -> dict[tuple[int, int], int]:
        """(device, message id) -> log position, of those accepted events that the devices have: of copies the least."""
        wanted, found = list(devices), dict[tuple[int, int], int]()
        for chunk in _chunks(message_ids):
            for devices_chunk in _chunks(wanted):
                for device, message_id, position in self._read(
                    "positions", project=project, devices=devices_chunk, message_ids=chunk
                ):
                    found[device, message_id] = min(position, found.get((device, message_id), position))
        return found

    def sessions(self, project: str, devices: Iterable[int]) -> dict[int, list[Session]]:
        return self._grouped("sessions", project, "devices", devices, lambda row: Session(*row), lambda row: row.device)

    def touchpoints(self, project: str, devices: Iterable[int]) -> dict[int, list[Touchpoint]]:
        return self._grouped(
            "touchpoints", project, "devices", devices, lambda row: Touchpoint(*row), lambda row: row.device
        )

    def ownerships(self, project: str, devices: Iterable[int]) -> dict[int, list[Ownership]]:
        return self._grouped(
            "ownerships", project, "devices", devices, lambda row: Ownership(*row), lambda row: row.device
        )

    def ownership_copies(
        self, project: str, devices: Iterable[int], owners: Iterable[int]
    ) -> dict[int, list[Ownership]]:
        """What the copy by owner has of the devices; `owners` are all that the devices may have or had."""
        wanted = list(devices)
        found: dict[int, list[Ownership]] = defaultdict(list)
        for chunk in _chunks(owners):
            for devices_chunk in _chunks(wanted):
                for row in self._read("ownership_copies", project=project, owners=chunk, devices=devices_chunk):
                    found[row[1]].append(Ownership(*row))
        return found

    def pairs_of_devices(
        self, project: str, devices: Iterable[int], identifiers: Iterable[int]
    ) -> dict[int, list[Pair]]:
        """The devices' stored evidence, in one direction; `identifiers` are all that the devices name."""
        wanted = list(devices)
        found: dict[int, list[Pair]] = defaultdict(list)
        for chunk in _chunks(identifiers):
            for devices_chunk in _chunks(wanted):
                for row in self._read("pairs_of_devices", project=project, identifiers=chunk, devices=devices_chunk):
                    found[row[3]].append(Pair(*row))
        return found

    def rejected(self, project: str, devices: Iterable[int]) -> dict[int, dict[int, Refusal]]:
        """Rejected events: device -> message id -> the copy that counts."""
        found: dict[int, dict[int, Refusal]] = defaultdict(dict)
        for chunk in _chunks(devices):
            for device, message, *where in self._read("rejected_of_devices", project=project, devices=chunk):
                found[device][message] = Refusal(*where)
        return found

    def named_events(self, project: str, events: Iterable[str], devices: Iterable[int]) -> list[EventRow]:
        """Whole events of the names ("*" = all) on the devices; not sorted across chunks of devices."""
        names = sorted(events)
        read = "any_events" if "*" in names else "named_events"
        named = {} if read == "any_events" else {"events": names}
        return [
            _event(EventRow(*row))
            for chunk in (_chunks(devices) if names else ())
            for row in self._read(read, project=project, devices=chunk, **named)
        ]

    # ---- by identifier and customer

    def ownerships_of(self, project: str, owners: Iterable[int]) -> dict[int, list[Ownership]]:
        """Where the owners own a device, by owner."""
        return self._grouped(
            "ownerships_of_owners", project, "owners", owners, lambda row: Ownership(*row), lambda row: row.owner
        )

    def pairs_of(self, project: str, identifiers: Iterable[int]) -> list[Pair]:
        """All evidence that names an identifier, as (identifier asked for, other)."""
        return [
            Pair(*row)
            for chunk in _chunks(identifiers)
            for row in self._read("pairs_of_identifiers", project=project, identifiers=chunk)
        ]

    def customers(self, project: str, identifiers: Iterable[int]) -> dict[int, int]:
        """The customer of every identifier asked for; itself where no row says otherwise."""
        wanted = set(identifiers)
        found = {identifier: identifier for identifier in wanted}
        for chunk in _chunks(wanted):
            for _, identifier, customer in self._read("identities", project=project, identifiers=chunk):
                found[identifier] = customer
        return found

    def members(self, project: str, customers: Iterable[int]) -> dict[int, list[int]]:
        """The identifiers of every customer asked for, the customer itself first, the others in order."""
        wanted = set(customers)
        found = {customer: [customer] for customer in wanted}
        for chunk in _chunks(wanted):
            for _, identifier, customer in self._read("identities_of_customers", project=project, customers=chunk):
                found[customer].append(identifier)
        return {customer: [customer, *sorted(members[1:])] for customer, members in found.items()}

    def journeys(self, project: str, customers: Iterable[int]) -> dict[int, list[Journey]]:
        return self._grouped("journeys", project, "customers", customers, _journey, lambda row: row.customer)

    def conversions(self, project: str, customers: Iterable[int]) -> dict[int, list[Conversion]]:
        return self._grouped(
            "conversions", project, "customers", customers, lambda row: Conversion(*row), lambda row: row.customer
        )

    def funnel_entries(self, project: str, customers: Iterable[int]) -> dict[int, list[FunnelEntry]]:
        return self._grouped("funnel_entries", project, "customers", customers, _entry, lambda row: row.customer)

    # ---- by shard

    def devices_of_shard(
        self, project: str, events: Iterable[str], partition: int, partitions: int, after: int = 0
    ) -> list[int]:
        """Devices of a partition of `events` that have an event of the names; all of them where none is named.

        In the order of their numbers, those greater than `after`.
        """
        named = sorted(events)
        where = {"project": project, "partition": partition, "partitions": partitions, "after": after}
        rows = (
            self._read("devices_of_shard", **where, events=named)
            if named
            else self._read("every_device_of_shard", **where)
        )
        return [row[0] for row in rows]

    def customers_of_shard(self, project: str, partition: int, partitions: int, after: int = 0) -> list[int]:
        """Everybody whose own number falls into a partition of `changes` and who may have facts.

        In the order of their numbers, those greater than `after`.
        """
        where = {"project": project, "partition": partition, "partitions": partitions, "after": after}
        return [row[0] for row in self._read("customers_of_shard", **where)]

    def devices_written(self, partition: int, partitions: int, late: Late) -> set[tuple[str, int]]:
        """(project, device) of a partition of `events` that have rows which may have come late."""
        return self._written("devices_written", late, partition=partition, partitions=partitions)

    def customers_written(self, partition: int, partitions: int, late: Late) -> set[tuple[str, int]]:
        """(project, customer) of a partition of `changes`, likewise."""
        return self._written("customers_written", late, partition=partition, partitions=partitions)

    def identifiers_written(self, late: Late) -> set[tuple[str, int]]:
        """(project, identifier) of every project, likewise."""
        return self._written("identifiers_written", late)

    def _written(self, name: str, late: Late, **where: int) -> set[tuple[str, int]]:
        if not late.ranges:
            return set()
        lows, highs = (list(ends) for ends in zip(*late.ranges, strict=True))
        return {tuple(row) for row in self._read(name, **where, lows=lows, highs=highs, behind=late.behind)}

    def goal_events(self, project: str) -> set[str]:
        """Names of all events that a goal of the project names or ever named: taking one back changes facts, too."""
        bodies = self._read("goal_bodies", project=project)
        return {name for (body,) in bodies for name in msgspec.json.decode(body, type=Goal).events}

    # ---- writes

    def write(self, upserts: Sequence[Fact], retracts: Sequence[Fact], version: int) -> None:
        """Writes rows of ONE table: retracts with `version`, upserts with `version` + 1, in one insert.

        So a key that is retracted and written anew in one turn stays written, and its copies under another key
        (owners by owner, identities by customer) are retracted there.
        """
        if not upserts and not retracts:
            return
        table = TABLES[type((upserts or retracts)[0])]
        rows = [*retracts, *upserts]
        columns = _columns(rows)
        columns.append([version] * len(retracts) + [version + 1] * len(upserts))
        columns.append([1] * len(retracts) + [0] * len(upserts))
        if table in COPIES:  # first: who finds the row in the table may rely on the copy. What a crash leaves in the
            # copy alone is taken back by its redelivery.
            self.store.insert(COPIES[table], columns)
        self.store.insert(table, columns)

    def _read(self, name: str, **parameters: Any) -> list[Row]:
        """Statements name sort columns in PREWHERE: with FINAL the engine else reads all columns before it filters."""
        return self.store.query(load("pipeline.store.reads", name), parameters)

    def _grouped(
        self,
        name: str,
        project: str,
        parameter: str,
        wanted: Iterable[int],
        make: Callable[[Row], T],
        key: Callable[[T], int],
    ) -> dict[int, list[T]]:
        found: dict[int, list[T]] = defaultdict(list)
        for chunk in _chunks(wanted):
            for row in self._read(name, project=project, **{parameter: chunk}):
                made = make(row)
                found[key(made)].append(made)
        return found


def difference(stored: Sequence[T], wanted: Sequence[T], key: Callable[[T], Any]) -> tuple[list[T], list[T]]:
    """(rows to write, rows to retract) that turn the stored rows into the wanted ones.

    A row that changed is in both: its stored form is retracted, because a copy of the table may be keyed by a column
    that changed.
    """
    if not stored or stored == wanted:
        return ([], []) if stored else (list(wanted), [])
    before: Mapping[Any, T] = {key(row): row for row in stored}
    after: Mapping[Any, T] = {key(row): row for row in wanted}
    upserts = [row for name, row in after.items() if before.get(name) != row]
    retracts = [row for name, row in before.items() if after.get(name) != row]
    return upserts, retracts


def _columns(rows: Sequence[Fact]) -> list[list[Any]]:
    """The fields of rows, column by column."""
    width = len(rows[0].__struct_fields__)
    columns: list[list[Any]] = [[] for _ in range(width)]
    for start in range(0, len(rows), RUN):
        values = list(chain.from_iterable(map(astuple, rows[start : start + RUN])))
        for number, column in enumerate(columns):
            column += values[number::width]
    return columns


def mirrored(pair: Pair) -> Pair:
    return msgspec.structs.replace(pair, identifier=pair.other, other=pair.identifier)


def _chunks(wanted: Iterable[int]) -> Iterator[list[int]]:
    numbers = sorted(set(wanted))
    for start in range(0, len(numbers), CHUNK):
        yield numbers[start : start + CHUNK]


def _event(row: E) -> E:
    row.vendors = tuple(row.vendors)
    return row


def _tupled(row: Row) -> list[Any]:
    """Arrays are tuples in the structs."""
    return [tuple(value) if type(value) is list else value for value in row]


def _journey(row: Row) -> Journey:
    return Journey(*_tupled(row))


def _entry(row: Row) -> FunnelEntry:
    return FunnelEntry(*_tupled(row))
