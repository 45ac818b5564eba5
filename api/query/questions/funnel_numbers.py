"""A funnel's numbers: of each customer or session the entry that counts, or all, by step, value and period."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Self

from pydantic import BaseModel, Field

from api.query.questions.durations import Bin, histogram, percentile, summary
from api.query.questions.funnel_choice import (
    Actor,
    Count,
    by_period,
    counting,
    filled,
    in_order,
    time_between,
    values_at,
)
from api.query.questions.model import ratio
from api.query.questions.periods import all_between, end_of
from api.query.questions.shares import interval
from pipeline.domain.breakdowns import apart
from pipeline.domain.funnels import breakdowns
from schemas.definitions import Funnel
from schemas.facts import FunnelEntry

GroupKind = Literal["value", "none", "not_reached", "other"]


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
    value: str | None = Field(
        description="value of the breakdown; of several together a JSON array; null but for kind `value`"
    )
    values: list[str | None] = Field(
        description="of each property of the breakdown; null: none; empty for `not_reached` and `other`"
    )
    kind: GroupKind = Field(
        description="none: no value there; not_reached: the step of `attribution` is not filled; "
        "other: all values beyond `limit`"
    )
    interval: list[float] | None = Field(description="of the group's rate, as of the total's")
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
    interval: list[float] | None = Field(
        description="between these two the rate lies with a confidence of 95 % (Wilson); null where nobody entered"
    )
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
        return numbered(
            self.funnel,
            [len(durations) for durations in self.from_first],
            [percentile(durations, 50) for durations in self.from_first],
            [percentile(durations, 50) for durations in self.from_before],
        )


def numbered(
    funnel: Funnel, counts: Sequence[int], medians: Sequence[int | None], step_medians: Sequence[int | None]
) -> list[StepNumbers]:
    """The numbers of each step from how many filled it and when: from the first step, and from the one before, ms."""
    found: list[StepNumbers] = []
    before = counts[0]
    for step, count, median, step_median in zip(funnel.steps, counts, medians, step_medians, strict=True):
        numbers = StepNumbers(
            count=count,
            rate=ratio(count, counts[0]),
            step_rate=ratio(count, before),
            dropped=before - count,
            median_ms=median,
            median_step_ms=step_median,
        )
        found.append(numbers)
        before = before if step.optional else count
    return found


def tallied(actors: Iterable[Actor], count: Count) -> FunnelResult:
    """The numbers of the entries that are left of each actor, in any order."""
    funnel, size = count.funnel, len(count.funnel.steps)
    total, groups = _Numbers(funnel), Groups(count)
    durations: list[int] = []
    periods: defaultdict[str, list[int]] = defaultdict(lambda: [0] * size)
    for found in actors:
        of_actor = in_order(found)
        best = counting(of_actor, count)
        for entry in best:
            total.add(entry)
            if funnel.breakdown:
                groups.add(entry)
            took = time_between(entry, count)
            if took is not None:
                durations.append(took)
        if count.by:
            for period, entry in by_period(of_actor, best, count):
                for number in filled(entry):
                    periods[period][number] += 1
    return result_of(
        count,
        total.steps(),
        convert_ms=summary(durations),
        histogram=histogram(durations),
        periods=periods,
        groups=groups.ranked(),
        groups_left_out=len(groups.left_out()),
    )


def result_of(
    count: Count,
    numbers: Sequence[StepNumbers],
    *,
    convert_ms: dict[str, int] | None,
    histogram: list[Bin],
    periods: Mapping[str, list[int]],
    groups: Sequence[FunnelGroup] = (),
    groups_left_out: int = 0,
) -> FunnelResult:
    """The whole from its parts; `periods`: counts by step of those in which somebody entered."""
    entered, converted = numbers[0].count, numbers[-1].count
    return FunnelResult(
        entered=entered,
        converted=converted,
        rate=ratio(converted, entered),
        interval=interval(converted, entered),
        steps=_steps(count.funnel, numbers),
        convert_ms=convert_ms,
        histogram=histogram,
        groups=list(groups),
        groups_left_out=groups_left_out,
        periods=_periods(periods, count),
    )


def _steps(funnel: Funnel, found: Sequence[StepNumbers]) -> list[StepResult]:
    size, is_any = len(funnel.steps), funnel.order == "any"
    return [
        StepResult(
            **numbers.model_dump(),
            label=f"{number} of {size}" if is_any else step.label or step.goal or " or ".join(step.events),
            events=[] if is_any else list(step.events),
            optional=step.optional,
        )
        for number, (step, numbers) in enumerate(zip(funnel.steps, found, strict=True), 1)
    ]


def _periods(found: Mapping[str, list[int]], count: Count) -> list[FunnelPeriod]:
    if count.by is None:
        return []
    size = len(count.funnel.steps)
    return [
        FunnelPeriod(
            period=name,
            counts=found.get(name, [0] * size),
            unfinished=_last_step(end_of(name, count.by, count.zone), count) >= count.now,
        )
        for name in all_between(count.asked, count.by, count.zone, found)
    ]


def _last_step(period_ends: int, count: Count) -> int:
    """When the last step of an entry of the period can be filled."""
    ends = count.asked.end
    last = min(period_ends, ends) - 1 + count.funnel.window_ms
    return min(last, ends - 1) if count.within_range else last


class Groups:
    """Numbers by the breakdown's value; None is the group of those who did not reach the step of `attribution`."""

    def __init__(self, count: Count) -> None:
        self.count = count
        self.numbers: dict[str | None, _Numbers] = {}
        self.each: list[tuple[set[str | None], FunnelEntry]] = []  # kept where one counts in several groups

    def add(self, entry: FunnelEntry) -> None:
        values = values_at(entry, self.count.attribution)
        for value in values:
            self.numbers.setdefault(value, _Numbers(self.count.funnel)).add(entry)
        if self.count.attribution == "all":
            self.each.append((values, entry))

    def _in_rank(self) -> list[str]:
        known = [(value, numbers.entered()) for value, numbers in self.numbers.items() if value is not None]
        return [value for value, _ in sorted(known, key=lambda each: (-each[1], each[0]))]

    def left_out(self) -> list[str]:
        """Values that are in the group `other`."""
        return self._in_rank()[self.count.limit :]

    def ranked(self) -> list[FunnelGroup]:
        ranked, size = self._in_rank(), len(breakdowns(self.count.funnel))
        found = [group_of(value, "value", self.numbers[value].steps(), size) for value in ranked[: self.count.limit]]
        if None in self.numbers:
            found.append(group_of("", "not_reached", self.numbers[None].steps()))
        if len(ranked) > self.count.limit:
            found.append(group_of("", "other", self._other().steps()))
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


def group_of(value: str, kind: GroupKind, steps: list[StepNumbers], properties: int = 1) -> FunnelGroup:
    """A group's numbers; of kind `value` that of the value of so many properties, "" where there is none."""
    sure = interval(steps[-1].count, steps[0].count)
    if kind != "value":
        return FunnelGroup(value=None, values=[], kind=kind, interval=sure, steps=steps)
    values = apart(value, properties)
    return FunnelGroup(value=value or None, values=values, kind=kind if value else "none", interval=sure, steps=steps)
