"""Retention: of those who did something in a period, how many did something again so many periods later.

by week              0       1       2       3
ann, cohort 4 May    S . R           R              came back in weeks 0 and 2
on_or_after          x       x       x       -      whoever comes back in week 2 has not left before

With `periods_from` "start" each customer's periods are so many hours from his own first start:

by day               |    0    |    1    |    2    |   ann, first start 4 May 20:00
                   20:00     20:00     20:00     20:00
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Literal, NamedTuple, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from api.query.questions import known, narrowed
from api.query.questions.groups import GroupRow, groups
from api.query.questions.model import Answer, Asking, Solved, Strict, ratio
from api.query.questions.periods import after, all_between, distance, end_of, label, start_ms
from api.query.questions.ranges import OfCustomers, Range
from api.query.questions.steps import Breakdown, EventNames, Where, check
from pipeline.domain import filters
from pipeline.domain.breakdowns import together
from pipeline.errors import InvalidQuestion
from schemas.facts import Event, EventRow

DAY_MS = 86_400_000
MOST_CELLS = 200_000
_DAYS = {"day": 1, "week": 7, "month": 31}
_OWN_MS = {"day": DAY_MS, "week": 7 * DAY_MS, "month": 30 * DAY_MS}  # of a period from a customer's own start
By = Literal["day", "week", "month"]


class Act(Strict):
    """Something that customers do."""

    events: EventNames
    where: Where = []


class RetentionQuestion(OfCustomers):
    starts: Act = Field(description="what makes a customer part of a cohort: that of his first one in the range")
    returns: Act | None = Field(None, description="what counts as coming back; null: the same")
    by: By = Field("week", description="in the zone; weeks begin on Monday")
    periods_from: Literal["calendar", "start"] = Field(
        "calendar",
        description="calendar: days, weeks or months of the zone; start: 24 hours, 7 or 30 times as many, from each "
        "customer's own first start",
    )
    periods: int = Field(8, ge=1, le=90, description="how many periods after the first are looked at")
    counting: Literal["on", "on_or_after"] = Field(
        "on", description="on: who comes back in the period; on_or_after: in it or in a later one that is looked at"
    )
    breakdown: Breakdown | None = Field(
        None,
        description="a property, or $channel, $session.acquisition, $segment.NAME ... of a customer's first start: a "
        "group each value; or a list of up to three, taken together",
    )
    limit: int = Field(10, ge=1, le=100, description="groups of their own, most customers first; the rest is `other`")


class Cell(BaseModel):
    after: int = Field(description="periods after that of the cohort, or after the customer's first; 0: the same")
    count: int = Field(description="customers of the cohort who came back")
    rate: float | None = Field(description="of the cohort")
    unfinished: bool = Field(
        description="the period has not ended, of whoever of the cohort may have started last, so the number may "
        "rise; on_or_after: the last one that is looked at"
    )


class Cohort(BaseModel):
    period: str = Field(description="start of the period in which its customers did their first start")
    customers: int
    cells: list[Cell] = Field(description="periods that have begun")


class CurvePoint(BaseModel):
    after: int
    customers: int = Field(description="of the cohorts whose cell is finished")
    count: int
    rate: float | None


class RetentionNumbers(BaseModel):
    customers: int
    cohorts: list[Cohort] = Field(description="in time; a period in which nobody started has no cells")
    curve: list[CurvePoint] = Field(description="all cohorts together, finished cells alone")


class RetentionGroup(RetentionNumbers, GroupRow):
    """Those of some values of the breakdown."""


class RetentionResult(RetentionNumbers):
    groups: list[RetentionGroup] = Field(
        description="most customers first, `other` last; they add up to all; empty without a breakdown"
    )


class RetentionAnswer(Answer[RetentionQuestion, RetentionResult]):
    """Customers by their first start in the range."""


class Stay(NamedTuple):
    """A customer from his first start on."""

    customer: int
    cohort: str
    first: EventRow
    back: Mapping[int, Sequence[EventRow]]  # periods after the cohort's -> the events with which he came back
    group: str  # the breakdown's value at the first start; "": none

    def counted(self, question: RetentionQuestion) -> set[int]:
        """The periods for which he counts."""
        inside = {offset for offset in self.back if offset <= question.periods}
        return set(range(max(inside) + 1)) if inside and question.counting == "on_or_after" else inside


class _Acts(NamedTuple):
    """Whether an event starts or returns, and the breakdown's value that it has."""

    question: RetentionQuestion
    starts: filters.Predicate
    returns: filters.Predicate
    group: Callable[[Event, Mapping[str, Any]], str]

    @classmethod
    def of(cls, question: RetentionQuestion) -> Self:
        check(question.starts.where, "starts.where")
        check(question.returns.where if question.returns else [], "returns.where")
        returns = question.returns or question.starts
        return cls(
            question,
            filters.compile([one.definition() for one in question.starts.where]),
            filters.compile([one.definition() for one in returns.where]),
            together(question.breakdown) if question.breakdown else lambda event, properties: "",
        )

    def starts_with(self, event: EventRow) -> bool:
        return _does(event, self.question.starts, self.starts)

    def returns_with(self, event: EventRow) -> bool:
        return _does(event, self.question.returns or self.question.starts, self.returns)


def _does(event: EventRow, act: Act, holds: filters.Predicate) -> bool:
    named = event.event in act.events or "*" in act.events
    return named and holds(event, filters.properties_of(event))


def solve(asking: Asking, question: RetentionQuestion) -> Solved[RetentionQuestion, RetentionResult]:
    asked, zone = question.range(asking.now), ZoneInfo(question.zone or "UTC")
    found: defaultdict[str, _Came] = defaultdict(lambda: _Came(Counter(), Counter()))  # by the breakdown's value
    for stay in stays(asking, question, asked):
        came = found[stay.group]
        came.sizes[stay.cohort] += 1
        came.came.update((stay.cohort, offset) for offset in stay.counted(question))
    whole = _added(found.values())
    names = all_between(asked, question.by, zone, whole.sizes)
    own = groups({value: came.sizes.total() for value, came in found.items()}, question.limit)
    result = RetentionResult(
        **_numbers(whole, names, question, asked, asking.now),
        groups=[
            RetentionGroup(
                **group.row(question.breakdown).model_dump(),
                **_numbers(_added(found[text] for text in group.texts), names, question, asked, asking.now),
            )
            for group in own
        ]
        if question.breakdown
        else [],
    )
    if len(names) * (question.periods + 1) * (1 + len(result.groups)) > MOST_CELLS:
        told = (
            f"the answer would have more than {MOST_CELLS:,} cells: ask for a shorter time, or fewer groups or periods"
        )
        raise InvalidQuestion(told, field="limit", code="question_too_large")
    asked_for = {name for act in (question.starts, question.returns) if act for name in act.events}
    return Solved(question, {"retention": 1}, result, known.warnings(asking, asked_for))


class _Came(NamedTuple):
    """How many customers some cohorts have, and how many of them came back when."""

    sizes: Counter[str]
    came: Counter[tuple[str, int]]  # (cohort, periods after it)


def _added(some: Iterable[_Came]) -> _Came:
    sizes: Counter[str] = Counter()
    came: Counter[tuple[str, int]] = Counter()
    for one in some:
        sizes.update(one.sizes)
        came.update(one.came)
    return _Came(sizes, came)


def _numbers(came: _Came, names: Sequence[str], question: RetentionQuestion, asked: Range, now: int) -> dict[str, Any]:
    """As the fields of RetentionNumbers; every cohort of `names` has its row."""
    zone = ZoneInfo(question.zone or "UTC")
    cohorts = [_cohort(name, came, question, zone, asked, now) for name in names]
    return {"customers": came.sizes.total(), "cohorts": cohorts, "curve": _curve(cohorts, question.periods)}


def stays(asking: Asking, question: RetentionQuestion, asked: Range) -> Iterator[Stay]:
    """Every customer who started in the range."""
    acts, zone = _Acts.of(question), ZoneInfo(question.zone or "UTC")
    for customer, events in _customers(asking, question, asked):
        stay = _stay(customer, events, acts, asked, zone)
        if stay is not None:
            yield stay


def _customers(asking: Asking, question: RetentionQuestion, asked: Range) -> Iterator[tuple[int, list[EventRow]]]:
    """The events of each customer from the range's beginning to the end of the last period that is looked at."""
    acts = [question.starts, *([question.returns] if question.returns else [])]
    reach = (question.periods + 1) * _DAYS[question.by] * DAY_MS + DAY_MS  # a day of 25 hours, too
    found = narrowed.of_customers(
        asking,
        [name for act in acts for name in act.events],
        Range(asked.start, asked.end + reach),
        question.include_bots,
        [*(one.property for act in acts for one in act.where), *(question.breakdown or ())],
    )
    for customer, events in groupby(found, key=lambda pair: pair[0]):
        yield customer, [event for _, event in events]


def _stay(customer: int, events: Sequence[EventRow], acts: _Acts, asked: Range, zone: ZoneInfo) -> Stay | None:
    """None for a customer who never started."""
    by = acts.question.by
    first = next(
        (at for at, event in enumerate(events) if event.occurred_at < asked.end and acts.starts_with(event)), None
    )
    if first is None:
        return None
    cohort = label(events[first].occurred_at, by, zone)
    back: defaultdict[int, list[EventRow]] = defaultdict(list)
    for event in events[first + 1 :]:
        if acts.returns_with(event):
            if acts.question.periods_from == "start":
                offset = (event.occurred_at - events[first].occurred_at) // _OWN_MS[by]
            else:
                offset = distance(cohort, label(event.occurred_at, by, zone), by)
            back[offset].append(event)
    group = acts.group(events[first], filters.properties_of(events[first]))
    return Stay(customer, cohort, events[first], back, group)


def _cohort(name: str, came: _Came, question: RetentionQuestion, zone: ZoneInfo, asked: Range, now: int) -> Cohort:
    cells, size = [], came.sizes[name]
    for offset in range(question.periods + 1) if size else ():
        begins, ends = _span(name, offset, question, zone, asked)
        if offset and begins > now:
            break
        if question.counting == "on_or_after":
            ends = _span(name, question.periods, question, zone, asked)[1]
        count = came.came[name, offset]
        cells.append(Cell(after=offset, count=count, rate=ratio(count, size), unfinished=ends > now))
    return Cohort(period=name, customers=size, cells=cells)


def _span(name: str, offset: int, question: RetentionQuestion, zone: ZoneInfo, asked: Range) -> tuple[int, int]:
    """When a period begins for the first customer that a cohort can have, and ends for the last one."""
    if question.periods_from == "start":
        length = _OWN_MS[question.by]
        last = min(end_of(name, question.by, zone), asked.end) - 1
        return max(start_ms(name, zone), asked.start) + offset * length, last + (offset + 1) * length
    period = after(name, question.by, offset)
    return start_ms(period, zone), end_of(period, question.by, zone)


def _curve(cohorts: Sequence[Cohort], periods: int) -> list[CurvePoint]:
    points = []
    for offset in range(periods + 1):
        cells = [
            (cohort.customers, cohort.cells[offset].count)
            for cohort in cohorts
            if offset < len(cohort.cells) and not cohort.cells[offset].unfinished
        ]
        customers, count = sum(size for size, _ in cells), sum(count for _, count in cells)
        points.append(CurvePoint(after=offset, customers=customers, count=count, rate=ratio(count, customers)))
    return points
