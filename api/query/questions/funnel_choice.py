"""Which entries into a funnel count: of each actor the furthest, or all; in a period; under which value."""

from collections.abc import Iterable, Iterator
from itertools import groupby, takewhile
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from api.query.questions.periods import label
from api.query.questions.ranges import Period, Range
from pipeline.domain.funnels import counted
from pipeline.domain.rivals import place
from schemas.definitions import Funnel
from schemas.facts import FunnelEntry

Actor = Iterable[FunnelEntry]  # all entries of one customer or session
Attribution = Literal["first", "last", "all"] | int  # int: number of a step, from 1


class Count(NamedTuple):
    """How entries become numbers."""

    funnel: Funnel
    asked: Range
    zone: ZoneInfo
    now: int
    entries: bool  # all of them, not the one that is the furthest
    by: Period | None
    limit: int
    attribution: Attribution
    between: tuple[int, int]  # steps, from 0
    within_range: bool  # later steps lie inside the range, too


def filled(entry: FunnelEntry) -> list[int]:
    """Numbers of the steps that an entry fills, from 0."""
    return [number for number, message in enumerate(entry.step_messages) if message]


def time_between(entry: FunnelEntry, count: Count) -> int | None:
    """ms between the two steps of `convert`; None where the entry does not fill both."""
    first, last = count.between
    both = entry.step_messages[first] and entry.step_messages[last]
    return entry.step_times[last] - entry.step_times[first] if both else None


def in_order(found: Actor) -> list[FunnelEntry]:
    """The entries of one actor in time."""
    return sorted(found, key=place)


def counting(of_actor: list[FunnelEntry], count: Count) -> list[FunnelEntry]:
    """Of one actor's entries, in time, those that count: the furthest, or all, cut so that no event fills twice."""
    if count.entries:
        return _each_once(of_actor)
    best = counted(of_actor, len(count.funnel.steps))
    return [] if best is None else [best]


def by_period(of_actor: list[FunnelEntry], best: list[FunnelEntry], count: Count) -> Iterator[tuple[str, FunnelEntry]]:
    """The entries that count in each period: the furthest of an actor in it, or all of `best`."""
    by = count.by or "day"
    if count.entries:
        yield from ((label(entry.entered_at, by, count.zone), entry) for entry in best)
        return
    for period, of_period in groupby(of_actor, key=lambda entry: label(entry.entered_at, by, count.zone)):
        furthest = counted(of_period, len(count.funnel.steps))
        if furthest is not None:
            yield period, furthest


def values_at(entry: FunnelEntry, attribution: Attribution) -> set[str | None]:
    """The values of the breakdown under which an entry counts; None: it does not reach the step that is asked for."""
    numbers = filled(entry)
    if attribution == "all":
        return {entry.step_groups[number] for number in numbers}
    if isinstance(attribution, int):
        step = attribution - 1
        return {entry.step_groups[step] if step in numbers else None}
    return {entry.step_groups[numbers[0] if attribution == "first" else numbers[-1]]}


def _each_once(found: list[FunnelEntry]) -> list[FunnelEntry]:
    """All entries, so that no event fills the same step of two: the furthest first, of equals the newest.

    An entry keeps its steps, in time, up to the first whose event an entry before it holds.
    """
    held: set[tuple[int, int, int]] = set()
    kept = []
    ranked = found[::-1]
    ranked.sort(key=lambda one: -one.steps)
    for entry in ranked:
        steps = [(number, entry.step_messages[number], entry.step_times[number]) for number in filled(entry)]
        free = steps[:1] + list(takewhile(lambda step: step not in held, steps[1:]))
        held.update(free)
        kept.append(entry if len(free) == len(steps) else _up_to(entry, free[-1][0]))
    return kept


def _up_to(entry: FunnelEntry, last: int) -> FunnelEntry:
    rest = len(entry.step_times) - last - 1
    return msgspec.structs.replace(
        entry,
        steps=last + 1,
        step_times=entry.step_times[: last + 1] + (0,) * rest,
        step_messages=entry.step_messages[: last + 1] + (0,) * rest,
    )
