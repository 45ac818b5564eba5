"""Funnels with a window: every event that can fill step 1 opens an entry, and each is evaluated alone.

    steps A B C, window 7 days (inclusive, ms)
    events      A1    B1   A2       B2        C1
    entry A1    |-----+-------------------------7 d|      A1 B1 C1   3 steps
    entry A2               |--------+---------+---7 d|    A2 B2 C1   3 steps

A step is filled by the first event after the one that filled the step before; one event fills one step of an entry, so
in a funnel A, A an event A opens an entry and fills the second step of an earlier one. Events of one millisecond count
in the customer's favour: they stand in one order for all entries, by the first step that each can fill, then by the
order of events. `walk` has the orders, optional steps and exclusions. What nothing in the funnel names is left out at
once; not where the order is strict: there it ends an entry, unless it is passive (a heartbeat is no act). Properties
that are held constant part a customer's events by their values, as though he were several.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from pipeline.domain import asked, filters
from pipeline.domain.breakdowns import together
from pipeline.domain.identifiers import fact_id
from pipeline.domain.walk import Barrier, Fill, Rules, Track
from pipeline.errors import InvalidQuestion
from schemas.definitions import Exclusion, Filter, Funnel, Step
from schemas.facts import FOREVER, FOREVER_AGO, Event, FunnelEntry

MOST_STEPS: Final = 32
MOST_CONSTANT: Final = 3
MOST_BREAKDOWNS: Final = 3
ANY_EVENT: Final = "*"

Properties = Callable[[Event], Mapping[str, Any]]


def order(event: Event) -> tuple[int, int, int, int]:
    """The order of a customer's events, over all devices."""
    return event.occurred_at, event.sequence, event.message_id, event.device


class _Candidate(NamedTuple):
    """A step that events of some name can fill, or an exclusion that they meet."""

    bit: int
    holds: filters.Predicate | None  # None: every such event
    reads_properties: bool


class FunnelPlan:
    """A compiled funnel; compile it once for many customers.

    `events`: the names that must be read, perhaps "*"; `properties`: the properties and columns that are looked at.
    `is_followed`: whether the agents can keep its entries. They do not hear of a session that merely grows, nor of
    what pipeline.domain.asked tells of, so these are asked, not kept. Of a funnel within a session `entries` is given
    the events of one session at a time.
    """

    def __init__(self, funnel: Funnel) -> None:
        self.funnel, self.is_strict = funnel, funnel.order == "strict"
        self.rules = _rules(funnel)
        self.constant = [filters.reader(name, f"constant[{at}]") for at, name in enumerate(funnel.constant)]
        broken_down = breakdowns(funnel)
        self.group = together(broken_down) if broken_down else None
        named: list[Step | Exclusion] = [*funnel.steps, *funnel.exclusions]
        candidates = [_candidate(one, 1 << number, field) for number, (one, field) in enumerate(_fields(funnel))]
        names = {name for one in named for name in one.events}
        self._any = _of(ANY_EVENT, named, candidates)
        self._by_event = {name: _of(name, named, candidates) for name in names - {ANY_EVENT}}
        self.events = frozenset({ANY_EVENT} if self.is_strict else names)
        read = {where.property for one in named for where in one.where} | {*broken_down, *funnel.constant}
        self.properties = frozenset(read | ({"$is_passive"} if self.is_strict else set()))
        self.is_followed = not (funnel.within_session or any(map(asked.is_asked, read)))

    def named(self) -> frozenset[str]:
        """Names of events that a step or an exclusion names, perhaps "*"."""
        return frozenset(self._by_event) | ({ANY_EVENT} if self._any else frozenset())

    def able_by_name(self, name: str) -> int:
        """What an event of that name can do that meets every filter; "*": one of a name that is not among `named`."""
        return sum(one.bit for one in self._by_event.get(name, self._any))

    def able(self, event: Event, properties: Properties) -> int:
        """What the event can do, as bits: 1 << number of the step, counted from 0; after the steps the exclusions."""
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


def breakdowns(funnel: Funnel) -> tuple[str, ...]:
    """The properties and columns by which a funnel is broken down together."""
    if isinstance(funnel.breakdown, str):
        return (funnel.breakdown,) if funnel.breakdown else ()
    return funnel.breakdown


def compile_funnel(funnel: Funnel) -> FunnelPlan:
    """InvalidQuestion names the field that is wrong: steps[2].where[0].value and so on."""
    count = len(funnel.steps)
    if not 1 <= count <= MOST_STEPS:
        raise InvalidQuestion(f"a funnel has from 1 to {MOST_STEPS} steps", field="steps")
    if funnel.window_ms < 1:
        raise InvalidQuestion("the window must be at least a millisecond", field="window_ms")
    for one, field in _fields(funnel):
        if not one.events or not all(one.events):
            raise InvalidQuestion('this needs the name of an event, or "*" for any', field=f"{field}.events")
        if ANY_EVENT in one.events and len(one.events) > 1:
            raise InvalidQuestion('"*" stands alone: it is any event', field=f"{field}.events")
    for number, step in enumerate(funnel.steps):
        if step.optional:
            _check_optional(funnel.order, number, count)
    for number, exclusion in enumerate(funnel.exclusions):
        _check_between(exclusion, f"exclusions[{number}]", count)
    if len(breakdowns(funnel)) > MOST_BREAKDOWNS:
        raise InvalidQuestion(f"at most {MOST_BREAKDOWNS} properties break a funnel down together", field="breakdown")
    if len(funnel.constant) > MOST_CONSTANT:
        raise InvalidQuestion(f"at most {MOST_CONSTANT} properties can be held constant", field="constant")
    return FunnelPlan(funnel)


def followed(funnels: Iterable[Funnel]) -> tuple[FunnelPlan, ...]:
    """The saved funnels whose entries the agents keep; the others are answered from their steps, when asked."""
    return tuple(plan for plan in map(compile_funnel, funnels) if plan.is_followed)


def _fields(funnel: Funnel) -> list[tuple[Step | Exclusion, str]]:
    """Steps, then exclusions, and where each stands in the definition."""
    steps: list[tuple[Step | Exclusion, str]] = [(each, f"steps[{at}]") for at, each in enumerate(funnel.steps)]
    return [*steps, *((one, f"exclusions[{number}]") for number, one in enumerate(funnel.exclusions))]


def _check_optional(order: str, number: int, count: int) -> None:
    told = ""
    if order == "any":
        told = "in any order no step is needed before another: leave the step out, or ask in order"
    elif number in (0, count - 1):
        told = f"the {'last' if number else 'first'} step cannot be optional: it is where an entry begins or ends"
    if told:
        raise InvalidQuestion(told, field=f"steps[{number}].optional")


def _check_between(exclusion: Exclusion, field: str, count: int) -> None:
    if not 1 <= exclusion.after < count:
        raise InvalidQuestion(
            f"must be the number of a step from 1 to {count - 1}: what is excluded lies between two steps",
            field=f"{field}.after",
        )
    if not exclusion.after < (exclusion.before or count) <= count:
        raise InvalidQuestion(
            f"must be the number of a step later than {exclusion.after}, and {count} at most", field=f"{field}.before"
        )


def _rules(funnel: Funnel) -> Rules:
    count, reach = len(funnel.steps), []
    for number in range(count):
        furthest = min(number + 1, count - 1)
        while funnel.steps[furthest].optional:
            furthest += 1
        reach.append(furthest)
    barriers = tuple(
        Barrier(one.after - 1, (one.before or count) - 1, one.effect == "remove") for one in funnel.exclusions
    )
    return Rules(count, funnel.window_ms, funnel.order, tuple(reach), barriers)


def _candidate(one: Step | Exclusion, bit: int, field: str) -> _Candidate:
    where: Sequence[Filter] = one.where
    holds = filters.compile(where, f"{field}.where") if where else None
    return _Candidate(bit, holds, not all(filters.is_column(each.property) for each in where))


def _of(name: str, named: Sequence[Step | Exclusion], candidates: Sequence[_Candidate]) -> tuple[_Candidate, ...]:
    """What an event of that name may fill or meet."""
    both = zip(named, candidates, strict=True)
    return tuple(candidate for one, candidate in both if name in one.events or ANY_EVENT in one.events)


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
    """All entries of one customer (or one session: pass its events) in the order in which they were opened, those of
    each value that is held constant together.

    `events` are in `order`; those the funnel does not name may be among them. `properties` gives an event's parsed
    properties. Only events in [entered_from, entered_until) ms open an entry; later steps may come after it.
    """
    plan = funnel if isinstance(funnel, FunnelPlan) else compile_funnel(funnel)
    found = [(event, plan.able(event, properties)) for event in events]
    if plan.is_strict:
        found = [one for one in found if one[1] or not one[0].is_passive]
    else:
        found = [one for one in found if one[1]]
    if not found:
        return []
    return [
        _entry(fills, track, plan, properties, project, customer)
        for track in _tracks(found, plan, properties)
        for opening in track.openings()
        if entered_from <= track.times[opening] < entered_until and (fills := track.filled(opening))
    ]


def _tracks(found: Sequence[tuple[Event, int]], plan: FunnelPlan, properties: Properties) -> Iterable[Track]:
    """One track; with properties that are held constant one for each of their values, that of the first event first."""
    if not plan.constant:
        return [Track(found, plan.rules)]
    by_values: dict[tuple[str, ...], list[tuple[Event, int]]] = {}
    for event, able in found:
        parsed = properties(event)
        values = tuple(filters.text(read(event, parsed)) for read in plan.constant)
        by_values.setdefault(values, []).append((event, able))
    return [Track(of_values, plan.rules) for of_values in by_values.values()]


def _entry(
    fills: Sequence[Fill], track: Track, plan: FunnelPlan, properties: Properties, project: str, customer: int
) -> FunnelEntry:
    funnel, group, first = plan.funnel, plan.group, track.events[fills[0][1]]
    size = len(funnel.steps)
    times, messages, groups = [0] * size, [0] * size, [""] * size if group else []
    for step, place in fills:
        event = track.events[place]
        times[step], messages[step] = event.occurred_at, event.message_id
        if group:
            groups[step] = group(event, properties(event))
    return FunnelEntry(
        project=project,
        funnel=funnel.name,
        customer=customer,
        entered_at=first.occurred_at,
        id=fact_id(project, funnel.name, first.device, first.message_id, first.occurred_at),
        funnel_version=funnel.version,
        steps=fills[-1][0] + 1,
        step_times=tuple(times),
        step_messages=tuple(messages),
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
