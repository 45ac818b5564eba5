"""Funnel: how many customers (or sessions) come how far through ordered steps, how fast, by a breakdown and by period.

Ad hoc, the pure core answers, over the events that ClickHouse has narrowed to the steps' names and the time; saved
(`{"saved": NAME}`), the entries that the agents keep are counted. Both count the same way, so both give the same.

    asked range        [from ------------------ to)
    events read        [from -------------------------- to + window]
    an entry               A ----- B ------------- C                  begins inside the range, may end after it
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Literal, NamedTuple, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, model_validator

from api.query.errors import near
from api.query.questions import known, narrowed
from api.query.questions.model import Answer, Asking, Solved, ratio
from api.query.questions.periods import all_between, label
from api.query.questions.ranges import Counted, Period, Range
from api.query.questions.steps import DEFAULT_WINDOW_MS, LEAST_STEPS, MOST_STEPS, Step, Window
from pipeline.domain.funnels import FunnelPlan, compile_funnel, counted, entries
from pipeline.errors import InvalidQuestion, NotFound
from schemas.definitions import Funnel
from schemas.facts import FOREVER, FunnelEntry

Actor = Iterable[FunnelEntry]  # all entries of one customer or session


class FunnelQuestion(Counted):
    steps: list[Step] | None = Field(None, min_length=LEAST_STEPS, max_length=MOST_STEPS)
    saved: str | None = Field(
        None, min_length=1, max_length=200, description="name of a saved funnel, instead of steps"
    )
    window: Window | None = Field(None, description="default 7d; a saved funnel has its own")
    order: Literal["ordered"] = Field("ordered", description="other events may lie between the steps")
    count: Literal["customers", "sessions"] = Field("customers", description="sessions: a session's own events")
    breakdown: str | None = Field(
        None,
        min_length=1,
        max_length=1000,
        description="a property, or $channel, $acquisition ...: its value at step 1",
    )
    by: Period | None = Field(None, description="the period in which an entry begins, in the zone")
    limit: int = Field(100, ge=1, le=1000, description="values of the breakdown, those with most entries first")

    @model_validator(mode="after")
    def _saved_or_not(self) -> Self:
        if (self.steps is None) == (self.saved is None):
            raise ValueError("give either steps or saved")
        if self.saved is not None:
            for name, given in (("window", self.window), ("breakdown", self.breakdown)):
                if given is not None:
                    raise ValueError(f"a saved funnel has its own {name}; leave it out")
            if self.count != "customers" or self.include_bots:
                raise ValueError("a saved funnel follows customers without bots; give its steps to count otherwise")
        elif self.window is None:
            self.window = DEFAULT_WINDOW_MS
        return self


class StepNumbers(BaseModel):
    count: int
    rate: float | None = Field(description="of those who entered")
    step_rate: float | None = Field(description="of those who reached the step before")
    dropped: int = Field(description="reached the step before and not this one")
    median_ms: int | None = Field(description="from the first step")
    median_step_ms: int | None = Field(description="from the step before")


class StepResult(StepNumbers):
    label: str
    events: list[str]


class FunnelGroup(BaseModel):
    value: str | None = Field(description="value of the breakdown at step 1; null: none")
    steps: list[StepNumbers]


class FunnelPeriod(BaseModel):
    period: str
    counts: list[int] = Field(description="by step; a customer counts once in each period in which he enters")


class FunnelResult(BaseModel):
    entered: int
    converted: int
    rate: float | None
    steps: list[StepResult]
    convert_ms: dict[str, int] | None = Field(description="time from first to last step: p10, p50, p90, mean")
    groups: list[FunnelGroup] = Field(description="most entered first; empty without `breakdown`")
    groups_left_out: int
    periods: list[FunnelPeriod] = Field(description="in time; empty without `by`")


class FunnelAnswer(Answer[FunnelQuestion, FunnelResult]):
    """The entries that begin in the range."""


class _Numbers(NamedTuple):
    """Times of those counted, by step: from the first and from the one before, ms."""

    from_first: list[list[int]]
    from_before: list[list[int]]

    @classmethod
    def of(cls, steps: int) -> Self:
        return cls([[] for _ in range(steps)], [[] for _ in range(steps)])

    def add(self, entry: FunnelEntry) -> None:
        times = entry.step_times
        for number in range(entry.steps):
            self.from_first[number].append(times[number] - times[0])
            self.from_before[number].append(times[number] - times[max(0, number - 1)])

    def counts(self) -> list[int]:
        return [len(each) for each in self.from_first]

    def steps(self) -> list[StepNumbers]:
        counts = self.counts()
        return [
            StepNumbers(
                count=count,
                rate=ratio(count, counts[0]),
                step_rate=ratio(count, counts[max(0, number - 1)]),
                dropped=counts[max(0, number - 1)] - count,
                median_ms=_percentile(self.from_first[number], 50),
                median_step_ms=_percentile(self.from_before[number], 50),
            )
            for number, count in enumerate(counts)
        ]


def solve(asking: Asking, question: FunnelQuestion) -> Solved[FunnelQuestion, FunnelResult]:
    asked = question.range(asking.now)
    funnel = _funnel(asking, question)
    warnings: list[str] = []
    definitions = {"funnel": 1} | ({"session": 1} if question.count == "sessions" else {})
    if question.saved is not None:
        definitions[f"funnel.{funnel.name}"] = funnel.version
        actors = _saved(asking, funnel, asked)
        warnings += _left_behind(asking, funnel)
    else:
        actors = _ad_hoc(asking, question, compile_funnel(funnel), asked)
    result = _tallied(actors, funnel, question, asked)
    if not all(step.count for step in result.steps):
        names = [
            name
            for step, numbers in zip(funnel.steps, result.steps, strict=True)
            if not numbers.count
            for name in step.events
        ]
        warnings += known.warnings(asking, names)
    return Solved(question, definitions, result, warnings)


def saved_funnel(asking: Asking, name: str) -> Funnel:
    """The saved funnel of that name; NotFound tells the nearest."""
    funnel = asking.funnels.get(name)
    if funnel is None:
        raise NotFound(f"there is no saved funnel of this name{near(name, tuple(asking.funnels))}", field="saved")
    return funnel


def _funnel(asking: Asking, question: FunnelQuestion) -> Funnel:
    if question.saved is not None:
        return saved_funnel(asking, question.saved)
    steps = tuple(step.definition() for step in question.steps or ())
    return Funnel("", steps, question.window or DEFAULT_WINDOW_MS, breakdown=question.breakdown or "")


def _ad_hoc(asking: Asking, question: FunnelQuestion, plan: FunnelPlan, asked: Range) -> Iterator[Actor]:
    """The entries of each customer or session that the core finds among the steps' events."""
    funnel = plan.funnel
    properties = [one.property for step in funnel.steps for one in step.where]
    read = narrowed.of_customers if question.count == "customers" else narrowed.of_sessions
    found = read(
        asking,
        plan.events,
        Range(asked.start, asked.end + funnel.window_ms),
        question.include_bots,
        [*properties, funnel.breakdown],
    )
    for actor, events in groupby(found, key=lambda pair: pair[0]):
        yield entries(
            [event for _, event in events],
            plan,
            project=asking.project.name,
            customer=actor,
            entered_from=asked.start,
            entered_until=asked.end,
        )


def _saved(asking: Asking, funnel: Funnel, asked: Range) -> Iterator[Actor]:
    """The entries of each customer that the agents have kept."""
    rows = asking.rows("funnel_entries", funnel=funnel.name, funnel_version=funnel.version, **asked.bound())
    for customer, of_customer in groupby(rows, key=lambda row: row[0]):
        yield [
            FunnelEntry(
                project=asking.project.name,
                funnel=funnel.name,
                customer=customer,
                entered_at=entered_at,
                id=0,
                funnel_version=funnel.version,
                steps=steps,
                step_times=tuple(times),
                step_messages=(message,),
                step_groups=(group,),
            )
            for _, entered_at, steps, times, message, group in of_customer
        ]


def _left_behind(asking: Asking, funnel: Funnel) -> list[str]:
    behind = sum(row[1] for row in asking.rows("funnel_followed", funnel=funnel.name) if row[0] != funnel.version)
    return [f"{behind} entries are still of another version of this funnel: the agents are at it"] if behind else []


def _tallied(actors: Iterable[Actor], funnel: Funnel, question: FunnelQuestion, asked: Range) -> FunnelResult:
    size, zone = len(funnel.steps), ZoneInfo(question.zone or "UTC")
    total = _Numbers.of(size)
    groups: defaultdict[str, _Numbers] = defaultdict(lambda: _Numbers.of(size))
    periods: defaultdict[str, list[int]] = defaultdict(lambda: [0] * size)
    for found in actors:
        of_actor = sorted(found, key=_order)
        best = counted(of_actor, size)
        if best is None:
            continue
        total.add(best)
        if funnel.breakdown:
            groups[best.step_groups[0]].add(best)
        if question.by:
            for period, best in _by_period(of_actor, question.by, zone, size):
                for number in range(best.steps):
                    periods[period][number] += 1
    steps = [
        StepResult(**numbers.model_dump(), label=step.label or " or ".join(step.events), events=list(step.events))
        for step, numbers in zip(funnel.steps, total.steps(), strict=True)
    ]
    ranked = sorted(groups.items(), key=lambda item: (-item[1].counts()[0], item[0]))
    names = all_between(asked, question.by, zone, periods) if question.by else []
    return FunnelResult(
        entered=steps[0].count,
        converted=steps[-1].count,
        rate=ratio(steps[-1].count, steps[0].count),
        steps=steps,
        convert_ms=_times(total.from_first[-1]),
        groups=[FunnelGroup(value=value or None, steps=each.steps()) for value, each in ranked[: question.limit]],
        groups_left_out=max(0, len(ranked) - question.limit),
        periods=[FunnelPeriod(period=name, counts=periods.get(name, [0] * size)) for name in names],
    )


def _order(entry: FunnelEntry) -> tuple[int, tuple[int, ...], int]:
    """Entries in time. Of those that begin in one millisecond the one that gets on sooner is first, so that entries
    read back from the table stand as those just computed do."""
    return entry.entered_at, tuple(at or FOREVER for at in entry.step_times), entry.step_messages[0]


def _by_period(found: list[FunnelEntry], by: Period, zone: ZoneInfo, size: int) -> Iterator[tuple[str, FunnelEntry]]:
    """The entry that counts in each period."""
    for period, of_period in groupby(found, key=lambda entry: label(entry.entered_at, by, zone)):
        best = counted(of_period, size)
        if best is not None:
            yield period, best


def _times(durations: list[int]) -> dict[str, int] | None:
    if not durations:
        return None
    found = {f"p{share}": value for share in (10, 50, 90) if (value := _percentile(durations, share)) is not None}
    return found | {"mean": round(sum(durations) / len(durations))}


def _percentile(values: list[int], share: int) -> int | None:
    """The value that ClickHouse's quantileExact names: no interpolation, so it is one that occurred."""
    return sorted(values)[len(values) * share // 100] if values else None


def check_funnel(funnel: Funnel) -> None:
    """InvalidQuestion, with the field, where a funnel cannot be followed."""
    if not LEAST_STEPS <= len(funnel.steps) <= MOST_STEPS:
        raise InvalidQuestion(f"a funnel has from {LEAST_STEPS} to {MOST_STEPS} steps", field="steps")
    compile_funnel(funnel)
