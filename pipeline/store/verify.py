"""The pipeline proves its own numbers: the pure core over stored events, held against the stored facts."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from pipeline.domain.decisions import concerning, joined
from pipeline.domain.facts import BatchFacts, accepted, batch
from pipeline.domain.funnels import compile_funnel
from pipeline.domain.goals import compile_goals
from pipeline.store import facts as fact_tables
from pipeline.store import refused_pairs
from pipeline.store.definitions import Snapshot
from pipeline.store.port import Row, Store
from pipeline.store.sql import load
from schemas.definitions import Decision
from schemas.facts import (
    Conversion,
    EventRow,
    FunnelEntry,
    Identity,
    Journey,
    Ownership,
    Pair,
    RefusedPair,
    Session,
    Touchpoint,
)

# Settings of its statements: they look at all there is, however long a server's profile lets others take.
LASTING = {"max_execution_time": 0}
TABLES = fact_tables.TABLES | {RefusedPair: refused_pairs.TABLE}
# what makes two rows of a table the same fact
KEYS: dict[type[Any], tuple[str, ...]] = {
    Session: ("device", "started_at", "id"),
    Touchpoint: ("device", "started_at", "id"),
    Ownership: ("device", "owned_from"),
    Pair: ("identifier", "other", "device"),
    RefusedPair: ("identifier", "other"),
    Identity: ("identifier",),
    Journey: ("customer", "started_at", "id"),
    Conversion: ("customer", "occurred_at", "id"),
    FunnelEntry: ("funnel", "customer", "entered_at", "id", "standing"),
}
# copies of a table in another order; what is called mirrored are its rows in the other direction
COPIES = {
    "timeline": "events",
    "owners_by_owner": "owners",
    "identities_by_customer": "identities",
    "pairs mirrored": "pairs",
    "refusals mirrored": "refusals",
}


class Difference(msgspec.Struct, frozen=True):
    """A fact that is not what the events say."""

    table: str
    kind: str  # missing, surplus or differs
    key: dict[str, Any]
    stored: dict[str, Any] | None
    expected: dict[str, Any] | None


@dataclass
class Report:
    project: str
    events: int = 0
    facts: int = 0
    differences: list[Difference] = field(default_factory=list)
    used: list[EventRow] = field(default_factory=list)  # the events that count, and what they amount to
    expected: BatchFacts = field(default_factory=BatchFacts)


def verify(store: Store, snapshot: Snapshot, project: str, *, devices: Sequence[int] | None = None) -> Report:
    """Recomputes the facts of a project (or of what hangs together with some devices) and names each difference.

    Ask it when the logs are drained, or see `settled`: what is under way is a difference too.
    """
    definition = snapshot.projects[project]
    decisions = snapshot.decisions.get(project, ())
    scope = None if devices is None else _together(store, project, devices, decisions)
    events = [EventRow(*_tupled(row)) for row in _rows(store, "verify_events", project, scope)]
    report = Report(project, events=len(events))
    once = accepted(events)
    if len(once) != len(events):
        report.differences.append(
            Difference(
                "events", "surplus", {"copies": len(events) - len(once)}, {"rows": len(events)}, {"rows": len(once)}
            )
        )
    used = {(event.device, event.message_id) for event in once}
    report.differences += _counted_twice(used, _rows(store, "verify_rejected", project, scope))
    goals = compile_goals(snapshot.goals.get(project, ()), definition.currency)
    funnels = tuple(map(compile_funnel, snapshot.funnels.get(project, ())))
    if scope is not None:
        decisions = tuple(concerning(decisions, set(scope.identifiers)))
    expected = batch(once, definition, goals, funnels, decisions)
    report.used, report.expected = once, expected
    for kind, rows in _by_kind(expected).items():
        stored = [kind(*_tupled(row)) for row in _rows(store, f"verify_{TABLES[kind]}", project, scope)]
        report.facts += len(stored)
        report.differences += compare(kind, stored, _as_looked_up(stored, rows) if kind is FunnelEntry else rows)
    if scope is None:
        for copy, table in COPIES.items():
            report.differences += _copied(store, copy, table, project)
    return report


def settled(
    store: Store, snapshot: Snapshot, project: str, differences: Sequence[Difference], since: int
) -> tuple[list[Difference], bool]:
    """The differences that are not about what may have been under way, and whether anything may have been.

    `since`: UTC ms; all facts of what was received before it were written when `verify` began. Ask it when that has
    ended: whoever hangs together with a device of which anything was received later is left out.
    """
    rows = store.query(load("pipeline.store.reads", "verify_received"), {"project": project, "since": since}, LASTING)
    moving = [device for (device,) in rows]
    if not moving:
        return list(differences), False
    scope = _together(store, project, moving, snapshot.decisions.get(project, ()))
    names = {*scope.devices, *scope.identifiers}
    return [each for each in differences if names.isdisjoint(filter(_is_id, each.key.values()))], True


def compare(kind: type[Any], stored: Iterable[Any], expected: Iterable[Any]) -> list[Difference]:
    key: Callable[[Any], tuple[Any, ...]] = lambda row: tuple(getattr(row, name) for name in KEYS[kind])  # noqa: E731
    before, after = {key(row): row for row in stored}, {key(row): row for row in expected}
    found = []
    for name in before.keys() | after.keys():
        have, want = before.get(name), after.get(name)
        if have != want:
            word = "missing" if have is None else "surplus" if want is None else "differs"
            found.append(
                Difference(
                    TABLES[kind],
                    word,
                    dict(zip(KEYS[kind], name, strict=True)),
                    have and msgspec.structs.asdict(have),
                    want and msgspec.structs.asdict(want),
                )
            )
    return found


def _as_looked_up(stored: Iterable[FunnelEntry], expected: Iterable[FunnelEntry]) -> list[FunnelEntry]:
    """Where an entry is stored since before its rivals were looked up, it is expected without them."""
    plain = {(one.funnel, one.customer, one.entered_at, one.id) for one in stored if not one.after_at}
    return [
        msgspec.structs.replace(one, before_at=0, after_at=0)
        if (one.funnel, one.customer, one.entered_at, one.id) in plain
        else one
        for one in expected
    ]


def _counted_twice(used: set[tuple[int, int]], rejected: Iterable[Row]) -> list[Difference]:
    """Rejected rows of ids that are in `events` (`used`: device, message id), or that are rejected already."""
    found, seen = [], set(used)
    for device, message, position in rejected:
        if (device, message) in seen:
            key = {"device": device, "message_id": message, "log_position": position}
            found.append(Difference("rejected", "surplus", key, key, None))
        seen.add((device, message))
    return found


def _by_kind(facts: BatchFacts) -> dict[type[Any], list[Any]]:
    return {
        Session: facts.sessions,
        Touchpoint: facts.touchpoints,
        Ownership: facts.ownerships,
        Pair: facts.pairs,
        RefusedPair: facts.refusals,
        Identity: facts.identities,
        Journey: facts.journeys,
        Conversion: facts.conversions,
        FunnelEntry: facts.entries,
    }


def _rows(store: Store, name: str, project: str, scope: "Scope | None") -> Iterable[Row]:
    everything = scope is None
    parameters = {
        "project": project,
        "everything": everything,
        "devices": [] if scope is None else scope.devices,
        "identifiers": [] if scope is None else scope.identifiers,
    }
    return store.query(load("pipeline.store.reads", name), parameters, LASTING)


@dataclass
class Scope:
    devices: list[int]
    identifiers: list[int]  # every identifier that may be owner or customer there


def _together(store: Store, project: str, devices: Sequence[int], decisions: Sequence[Decision]) -> Scope:
    """Everything that hangs together with the devices through owners, pairs and operators' joins.

    Its facts depend on nothing else.
    """
    found, identifiers, others = set(devices), set(devices), joined(decisions)
    while True:
        parameters = {"project": project, "devices": sorted(found), "identifiers": sorted(identifiers)}
        rows = store.query(load("pipeline.store.reads", "verify_together"), parameters, LASTING)
        more_devices = {row[0] for row in rows if row[0]} - found
        more_identifiers = {row[1] for row in rows if row[1]} - identifiers
        more_identifiers |= {other for one in identifiers for other in others.get(one, ())} - identifiers
        if not more_devices and not more_identifiers:
            return Scope(sorted(found), sorted(identifiers))
        found |= more_devices
        identifiers |= more_identifiers | more_devices


def _copied(store: Store, copy: str, table: str, project: str) -> list[Difference]:
    """A row counts that is in one of both at two looks: between the reads of both new ones come."""
    sql = load("pipeline.store.reads", f"verify_{copy.replace(' ', '_')}")
    ((have, want, differ, rows),) = store.query(sql, {"project": project, "rows": []}, LASTING)
    if differ:
        ((_, _, differ, _),) = store.query(sql, {"project": project, "rows": rows}, LASTING)
    if not differ:
        return []
    return [Difference(copy, "differs", {"copy_of": table, "rows": differ}, {"rows": have}, {"rows": want})]


def _is_id(value: Any) -> bool:
    return isinstance(value, int)


def _tupled(row: Row) -> list[Any]:
    return [tuple(value) if isinstance(value, list) else value for value in row]
