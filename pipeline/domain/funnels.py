"""Ordered funnels with a window: every event that can fill step 1 opens an entry, and each is evaluated alone.

    steps A B C, window 7 days (inclusive, ms)
    events      A1    B1   A2       B2        C1
    entry A1    |-----+-------------------------7 d|      A1 B1 C1   3 steps
    entry A2               |--------+---------+---7 d|    A2 B2 C1   3 steps

A step is filled by the first event after the one that filled the step before; one event fills one step of an entry, so
in a funnel A, A an event A opens an entry and fills the second step of an earlier one. Events of one millisecond count
in the customer's favour: they stand in one order for all entries, by the first step that each can fill, then by the
order of events. Others may lie between; they are left out at once.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from pipeline.domain import filters
from pipeline.domain.identifiers import fact_id
from pipeline.errors import InvalidQuestion
from schemas.definitions import Funnel
from schemas.facts import FOREVER, FOREVER_AGO, Event, FunnelEntry

MOST_STEPS: Final = 32
ANY_EVENT: Final = "*"

Properties = Callable[[Event], Mapping[str, Any]]


def order(event: Event) -> tuple[int, int, int, int]:
    """The order of a customer's events, over all devices."""
    return event.occurred_at, event.sequence, event.message_id, event.device


class _Candidate(NamedTuple):
    """A step that events of some name can fill."""

    bit: int
    holds: filters.Predicate | None  # None: every such event
    reads_properties: bool


class FunnelPlan:
    """A compiled funnel; compile it once for many customers. `events`: the names that its steps have, perhaps "*"."""

    def __init__(self, funnel: Funnel) -> None:
        self.funnel = funnel
        self.events: frozenset[str] = frozenset(name for step in funnel.steps for name in step.events)
        self.group = filters.reader(funnel.breakdown, "breakdown") if funnel.breakdown else None
        candidates = [_candidate(funnel, number) for number in range(len(funnel.steps))]
        self._any = self._named(ANY_EVENT, candidates)
        self._by_event = {name: self._named(name, candidates) for name in self.events - {ANY_EVENT}}

    def _named(self, name: str, candidates: Sequence[_Candidate]) -> tuple[_Candidate, ...]:
        steps = zip(self.funnel.steps, candidates, strict=True)
        return tuple(candidate for step, candidate in steps if name in step.events or ANY_EVENT in step.events)

    def fillable(self, event: Event, properties: Properties) -> int:
        """The steps that the event can fill, as bits: 1 << number of the step, counted from 0."""
        bits = 0
        parsed: Mapping[str, Any] | None = None
        for bit, holds, reads_properties in self._by_event.get(event.event, self._any):
            if holds is None:
                bits |= bit
                continue
            if reads_properties and parsed is None:
                parsed = properties(event)
            if holds(event, parsed or {}):
                bits |= bit
        return bits


def compile_funnel(funnel: Funnel) -> FunnelPlan:
    """InvalidQuestion names the field that is wrong: steps[2].where[0].value and so on."""
    if not 1 <= len(funnel.steps) <= MOST_STEPS:
        raise InvalidQuestion(f"a funnel has from 1 to {MOST_STEPS} steps", field="steps")
    if funnel.window_ms < 1:
        raise InvalidQuestion("the window must be at least a millisecond", field="window_ms")
    for number, step in enumerate(funnel.steps):
        if not step.events or not all(step.events):
            raise InvalidQuestion('a step needs the name of an event, or "*" for any', field=f"steps[{number}].events")
        if ANY_EVENT in step.events and len(step.events) > 1:
            raise InvalidQuestion('"*" stands alone: it is any event', field=f"steps[{number}].events")
    return FunnelPlan(funnel)


def _candidate(funnel: Funnel, number: int) -> _Candidate:
    where = funnel.steps[number].where
    holds = filters.compile(where, f"steps[{number}].where") if where else None
    return _Candidate(1 << number, holds, not all(filters.is_column(one.property) for one in where))


def entries(
    events: Sequence[Event],
    funnel: Funnel | FunnelPlan,
    properties: Properties = filters.properties_of,
    *,
    project: str,
    customer: int,
    entered_from: int = FOREVER_AGO,
    entered_until: int = FOREVER,
) -> list[FunnelEntry]:
    """All entries of one customer (or one session: pass its events) in the order in which they were opened.

    `events` are in `order`; those the funnel does not name may be among them. `properties` gives an event's parsed
    properties. Only events in [entered_from, entered_until) ms open an entry; later steps may come after it.
    """
    plan = funnel if isinstance(funnel, FunnelPlan) else compile_funnel(funnel)
    usable = [(event, bits) for event in events if (bits := plan.fillable(event, properties))]
    if not usable:
        return []
    usable.sort(key=lambda found: (found[0].occurred_at, found[1] & -found[1]))  # stable: then by the order of events
    ordered = [event for event, _ in usable]
    places: list[list[int]] = [
        [place for place, (_, bits) in enumerate(usable) if bits >> number & 1]
        for number in range(len(plan.funnel.steps))
    ]
    times = [event.occurred_at for event in ordered]
    return [
        _entry(
            [ordered[place] for place in _filled(opening, places, times, plan.funnel.window_ms)],
            plan,
            properties,
            project,
            customer,
        )
        for opening in places[0]
        if entered_from <= times[opening] < entered_until
    ]


def _filled(opening: int, places: Sequence[Sequence[int]], times: Sequence[int], window_ms: int) -> list[int]:
    """The places of the events that fill the steps of the entry which the event at `opening` opens."""
    filled = [opening]
    end = times[opening] + window_ms
    for fitting in places[1:]:
        at = bisect_right(fitting, filled[-1])
        if at == len(fitting) or times[fitting[at]] > end:
            break
        filled.append(fitting[at])
    return filled


def _entry(
    filled: Sequence[Event], plan: FunnelPlan, properties: Properties, project: str, customer: int
) -> FunnelEntry:
    first, funnel, group = filled[0], plan.funnel, plan.group
    missing = len(funnel.steps) - len(filled)
    groups = [filters.text(group(event, properties(event))) for event in filled] + [""] * missing if group else []
    return FunnelEntry(
        project=project,
        funnel=funnel.name,
        customer=customer,
        entered_at=first.occurred_at,
        id=fact_id(project, funnel.name, first.device, first.message_id, first.occurred_at),
        funnel_version=funnel.version,
        steps=len(filled),
        step_times=tuple(event.occurred_at for event in filled) + (0,) * missing,
        step_messages=tuple(event.message_id for event in filled) + (0,) * missing,
        step_groups=tuple(groups),
    )


def counted(found: Iterable[FunnelEntry], n_steps: int = MOST_STEPS) -> FunnelEntry | None:
    """The entry that counts for the customer or session: the furthest, of equals the earliest; None without entries.

    `found` come in the order of `entries`. With `n_steps` those that reached so many steps are equals.
    """
    best: FunnelEntry | None = None
    for entry in found:
        if best is None or min(entry.steps, n_steps) > min(best.steps, n_steps):
            best = entry
        if best.steps >= n_steps:
            break
    return best
