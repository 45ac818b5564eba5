"""A funnel's numbers: of each customer or session the entry that counts, or all, by step, value and period."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby, takewhile
from typing import Literal, NamedTuple, Self
from zoneinfo import ZoneInfo

import msgspec
from pydantic import BaseModel, Field

from api.query.questions.durations import Bin, histogram, percentile, summary
from api.query.questions.model import ratio
from api.query.questions.periods import all_between, end_of, label
from api.query.questions.ranges import Period, Range
from pipeline.domain.funnels import counted
from schemas.definitions import Funnel
from schemas.facts import FOREVER, FunnelEntry

Actor = Iterable[FunnelEntry]  # all entries of one customer or session
Attribution = Literal["first", "last", "all"] | int  # int: number of a step, from 1


class StepNumbers(BaseModel):
    count: int = Field(description="whose counted entry fills this step; in any order: so many steps")
    rate: float | None = Field(description="of those who entered")
    step_rate: float | None = Field(description="of those who reached the last step before that is not optional")
    dropped: int = Field(description="reached that step and not this one")
    median_ms: int | None = Field(description="from the first step")
    median_step_ms: int | None = Field(description="from the step that was filled before")


class StepResult(StepNumbers):
    label: str = Field(description="in any order `1 of 3`, `2 of 3` ...")
    events: list[str] = Field(description="empty in any order")
    optional: bool


class FunnelGroup(BaseModel):
    value: str | None = Field(description="value of the breakdown; null but for kind `value`")
    kind: Literal["value", "none", "not_reached", "other"] = Field(
        description="none: no value there; not_reached: the step of `attribution` is not filled; "
        "other: all values beyond `limit`"
    )
    steps: list[StepNumbers]


class FunnelPeriod(BaseModel):
    period: str
    counts: list[int] = Field(
        description="by step; a customer counts once in each period in which he enters, an entry once"
    )
    unfinished: bool = Field(description="the window of an entry of this period may still run, so numbers may rise")


class FunnelResult(BaseModel):
    entered: int
    converted: int
    rate: float | None
    steps: list[StepResult]
    convert_ms: dict[str, int] | None = Field(
        description="time between the steps of `convert`: p10, p25, p50, p75, p90, p95, p99, mean, min, max"
    )
    histogram: list[Bin] = Field(description="the same times by length; empty ones at both ends are left out")
    groups: list[FunnelGroup] = Field(
        description="most entered first, then `not_reached`, then `other`; empty without `breakdown`"
    )
    groups_left_out: int = Field(description="values that `other` sums up")
    periods: list[FunnelPeriod] = Field(description="in time; empty without `by`")


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


class _Numbers:
    """Times of those counted, by step: from the first and from the one filled before, ms."""

    def __init__(self, funnel: Funnel) -> None:
        self.funnel, size = funnel, len(funnel.steps)
        self.from_first: list[list[int]] = [[] for _ in range(size)]
        self.from_before: list[list[int]] = [[] for _ in range(size)]

    def add(self, entry: FunnelEntry) -> None:
        before = entry.step_times[0]
        for number in filled(entry):
            at = entry.step_times[number]
            self.from_first[number].append(at - entry.step_times[0])
            self.from_before[number].append(at - before)
            before = at

    def merge(self, other: Self) -> None:
        for mine, theirs in ((self.from_first, other.from_first), (self.from_before, other.from_before)):
            for number, durations in enumerate(theirs):
                mine[number] += durations

    def entered(self) -> int:
        return len(self.from_first[0])

    def steps(self) -> list[StepNumbers]:
        found: list[StepNumbers] = []
        before = self.entered()
        for step, from_first, from_before in zip(self.funnel.steps, self.from_first, self.from_before, strict=True):
            count = len(from_first)
            numbers = StepNumbers(
                count=count,
                rate=ratio(count, self.entered()),
                step_rate=ratio(count, before),
                dropped=before - count,
                median_ms=percentile(from_first, 50),
                median_step_ms=percentile(from_before, 50),
            )
            found.append(numbers)
            before = before if step.optional else count
        return found


def filled(entry: FunnelEntry) -> list[int]:
    """Numbers of the steps that an entry fills, from 0."""
    return [number for number, message in enumerate(entry.step_messages) if message]


def tallied(actors: Iterable[Actor], count: Count) -> FunnelResult:
    """The numbers of the entries that are left of each actor, in any order."""
    funnel, size = count.funnel, len(count.funnel.steps)
    total, groups = _Numbers(funnel), _Groups(count)
    durations: list[int] = []
    periods: defaultdict[str, list[int]] = defaultdict(lambda: [0] * size)
    for found in actors:
        of_actor = sorted(found, key=_order)
        best = _each_once(of_actor) if count.entries else _one(counted(of_actor, size))
        for entry in best:
            total.add(entry)
            if funnel.breakdown:
                groups.add(entry)
            first, last = count.between
            if entry.step_messages[first] and entry.step_messages[last]:
                durations.append(entry.step_times[last] - entry.step_times[first])
        if count.by:
            for period, entry in _by_period(best if count.entries else of_actor, count, size):
                for number in filled(entry):
                    periods[period][number] += 1
    steps = _steps(funnel, total)
    return FunnelResult(
        entered=steps[0].count,
        converted=steps[-1].count,
        rate=ratio(steps[-1].count, steps[0].count),
        steps=steps,
        convert_ms=summary(durations),
        histogram=histogram(durations),
        groups=groups.ranked(),
        groups_left_out=len(groups.left_out()),
        periods=_periods(periods, count),
    )


def _steps(funnel: Funnel, total: _Numbers) -> list[StepResult]:
    size, is_any = len(funnel.steps), funnel.order == "any"
    return [
        StepResult(
            **numbers.model_dump(),
            label=f"{number} of {size}" if is_any else step.label or " or ".join(step.events),
            events=[] if is_any else list(step.events),
            optional=step.optional,
        )
        for number, (step, numbers) in enumerate(zip(funnel.steps, total.steps(), strict=True), 1)
    ]


def _periods(found: dict[str, list[int]], count: Count) -> list[FunnelPeriod]:
    if count.by is None:
        return []
    size, window = len(count.funnel.steps), count.funnel.window_ms
    return [
        FunnelPeriod(
            period=name,
            counts=found.get(name, [0] * size),
            unfinished=min(end_of(name, count.by, count.zone), count.asked.end) - 1 + window >= count.now,
        )
        for name in all_between(count.asked, count.by, count.zone, found)
    ]


class _Groups:
    """Numbers by the breakdown's value; None is the group of those who did not reach the step of `attribution`."""

    def __init__(self, count: Count) -> None:
        self.count = count
        self.numbers: dict[str | None, _Numbers] = {}
        self.each: list[tuple[set[str | None], FunnelEntry]] = []  # kept where one counts in several groups

    def add(self, entry: FunnelEntry) -> None:
        values = self._values(entry)
        for value in values:
            self.numbers.setdefault(value, _Numbers(self.count.funnel)).add(entry)
        if self.count.attribution == "all":
            self.each.append((values, entry))

    def _values(self, entry: FunnelEntry) -> set[str | None]:
        told, numbers = self.count.attribution, filled(entry)
        if told == "all":
            return {entry.step_groups[number] for number in numbers}
        step = {"first": numbers[0], "last": numbers[-1]}[told] if isinstance(told, str) else told - 1
        return {entry.step_groups[step] if step in numbers else None}

    def _in_rank(self) -> list[str]:
        known = [(value, numbers.entered()) for value, numbers in self.numbers.items() if value is not None]
        return [value for value, _ in sorted(known, key=lambda each: (-each[1], each[0]))]

    def left_out(self) -> list[str]:
        """Values that are in the group `other`."""
        return self._in_rank()[self.count.limit :]

    def ranked(self) -> list[FunnelGroup]:
        ranked = self._in_rank()
        found = [
            FunnelGroup(value=value or None, kind="value" if value else "none", steps=self.numbers[value].steps())
            for value in ranked[: self.count.limit]
        ]
        if None in self.numbers:
            found.append(FunnelGroup(value=None, kind="not_reached", steps=self.numbers[None].steps()))
        if len(ranked) > self.count.limit:
            found.append(FunnelGroup(value=None, kind="other", steps=self._other().steps()))
        return found

    def _other(self) -> _Numbers:
        """Everybody with a value that is left out, once."""
        other, rest = _Numbers(self.count.funnel), set(self.left_out())
        if self.count.attribution == "all":
            for values, entry in self.each:
                if not rest.isdisjoint(values):
                    other.add(entry)
        else:
            for value in rest:
                other.merge(self.numbers[value])
        return other


def _order(entry: FunnelEntry) -> tuple[int, tuple[int, ...], tuple[int, ...], tuple[str, ...]]:
    """Entries in time. Of those that begin in one millisecond the one that gets on sooner is first, so that entries
    read back from the table stand as those just computed do."""
    return entry.entered_at, tuple(at or FOREVER for at in entry.step_times), entry.step_messages, entry.step_groups


def _one(entry: FunnelEntry | None) -> list[FunnelEntry]:
    return [] if entry is None else [entry]


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


def _by_period(found: list[FunnelEntry], count: Count, size: int) -> Iterator[tuple[str, FunnelEntry]]:
    """The entries that count in each period: the furthest of an actor, or all."""
    by = count.by or "day"
    if count.entries:
        yield from ((label(entry.entered_at, by, count.zone), entry) for entry in found)
        return
    for period, of_period in groupby(found, key=lambda entry: label(entry.entered_at, by, count.zone)):
        for best in _one(counted(of_period, size)):
            yield period, best
