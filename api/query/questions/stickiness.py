"""Stickiness: on how many days, weeks or months of the range customers did something, and who of those active in a week
or month is active on a day.

    range, by day    Mo Tu We Th Fr
    ann              x     x     x      3 days
    bob                 x               1 day
                     histogram: 1 day 1 customer, 3 days 1 customer
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from itertools import accumulate
from statistics import fmean
from typing import Any, Final

from pydantic import BaseModel, Field

from api.query.questions import activity
from api.query.questions.activity import Doing
from api.query.questions.groups import GroupRow
from api.query.questions.model import Answer, Asking, Solved, ratio
from api.query.questions.periods import after, all_between, end_of, label, start_ms
from api.query.questions.ranges import BEGINNING, END, Range
from api.query.questions.retention import By

VERSION = 1
WEEK, MONTH = 7, 30  # days that end with the one that is looked at
ACTIVE: Final = {"daily": 1, "weekly": WEEK, "monthly": MONTH}


class StickinessQuestion(Doing):
    by: By = Field("day", description="what is counted of each customer; in the zone, weeks begin on Monday")


class Often(BaseModel):
    periods: int = Field(description="on so many days, in so many weeks or months")
    customers: int
    rate: float | None = Field(description="of all who did it")
    at_least: int = Field(description="customers who did it in so many or more")


class ActiveDay(BaseModel):
    day: str
    daily: int = Field(description="customers who did it that day")
    weekly: int = Field(description="in the 7 days that end with it")
    monthly: int = Field(description="in the 30 days that end with it")
    daily_weekly: float | None = Field(description="daily / weekly; null where nobody did it in the week")
    daily_monthly: float | None = Field(description="daily / monthly")
    unfinished: bool = Field(description="the day has not ended, so its numbers may rise")


class HowOften(BaseModel):
    customers: int = Field(description="who did it in the range")
    mean_periods: float | None = Field(description="in how many periods a customer did it, on average")
    histogram: list[Often] = Field(description="from 1 to `periods`")


class StickinessGroup(HowOften, GroupRow):
    """Of the customers of some values of the breakdown."""


class StickinessResult(HowOften):
    periods: int = Field(description="days, weeks or months of the range that have begun")
    mean_daily_weekly: float | None = Field(description="mean over the days that have ended")
    mean_daily_monthly: float | None
    active: list[ActiveDay] = Field(description="days of the range that have begun; always whole days")
    groups: list[StickinessGroup] = Field(
        description="most customers first, `other` last; they add up to all; empty without a breakdown"
    )


class StickinessAnswer(Answer[StickinessQuestion, StickinessResult]):
    """How often customers who did something in the range did it."""


def solve(asking: Asking, question: StickinessQuestion) -> Solved[StickinessQuestion, StickinessResult]:
    asked, zone = question.range(asking.now), question.inside()
    customers = list(activity.periods_of(asking, question, asked, question.by))
    every = [names for _, names in customers]
    names = all_between(asked, question.by, zone, set().union(*every))
    begun = activity.begun(names, question.by, zone, asking.now)
    most = max(len(begun), max(map(len, every), default=0))
    active = _active(asking, question, asked)
    ended = [day for day in active if not day.unfinished]
    result = StickinessResult(
        **_often(every, most),
        periods=len(begun),
        mean_daily_weekly=_mean(day.daily_weekly for day in ended),
        mean_daily_monthly=_mean(day.daily_monthly for day in ended),
        active=active,
        groups=[
            StickinessGroup(**group.row(question.breakdown or ()).model_dump(), **_often(mine, most))
            for group, mine in activity.parted(asking, question, customers)
        ],
    )
    warnings = activity.warnings(asking, question, is_empty=not every)
    return Solved(question, {"stickiness": VERSION}, result, warnings)


def _often(customers: Sequence[set[str]], most: int) -> dict[str, Any]:
    """As the fields of HowOften."""
    return {
        "customers": len(customers),
        "mean_periods": fmean(map(len, customers)) if customers else None,
        "histogram": _histogram(Counter(map(len, customers)), most),
    }


def _histogram(counts: Counter[int], most: int) -> list[Often]:
    size, rest, rows = counts.total(), counts.total(), []
    for number in range(1, most + 1):
        rows.append(Often(periods=number, customers=counts[number], rate=ratio(counts[number], size), at_least=rest))
        rest -= counts[number]
    return rows


def whole_days(question: StickinessQuestion, asked: Range) -> Range:
    """The days that hold a moment of the range, and those before that their week or month reaches back to."""
    zone = question.inside()
    start, end = asked
    if start != BEGINNING:
        start = max(BEGINNING, start_ms(after(label(start, "day", zone), "day", 1 - MONTH), zone))
    if end != END:
        end = end_of(label(end - 1, "day", zone), "day", zone)
    return Range(start, end)


def _active(asking: Asking, question: StickinessQuestion, asked: Range) -> list[ActiveDay]:
    zone = question.inside()
    days = [names for _, names in activity.periods_of(asking, question, whole_days(question, asked), "day")]
    first = "" if asked.start == BEGINNING else label(asked.start, "day", zone)
    inside = {name for names in days for name in names if name >= first}
    shown = activity.begun(all_between(asked, "day", zone, inside), "day", zone, asking.now)
    numbered = [sorted(map(_number, names)) for names in days]
    counts = [_summed(_reached(numbered, span)) for span in ACTIVE.values()]
    rows = []
    for day in shown:
        daily, weekly, monthly = (count(_number(day)) for count in counts)
        rows.append(
            ActiveDay(
                day=day,
                daily=daily,
                weekly=weekly,
                monthly=monthly,
                daily_weekly=ratio(daily, weekly),
                daily_monthly=ratio(daily, monthly),
                unfinished=end_of(day, "day", zone) > asking.now,
            )
        )
    return rows


def _reached(customers: Iterable[Sequence[int]], span: int) -> Counter[int]:
    """Day -> by how many more customers than the day before have a day among the `span` that end with it."""
    change: Counter[int] = Counter()
    for days in customers:
        end = days[0]
        change[end] += 1
        for day in days:
            if day > end:  # a gap
                change[end] -= 1
                change[day] += 1
            end = day + span
        change[end] -= 1
    return change


def _summed(change: Counter[int]) -> Callable[[int], int]:
    """Day -> the sum of all changes up to it."""
    days = sorted(change)
    sums = list(accumulate((change[day] for day in days), initial=0))
    return lambda day: sums[bisect_right(days, day)]


def _number(day: str) -> int:
    return date.fromisoformat(day).toordinal()


def _mean(rates: Iterable[float | None]) -> float | None:
    known = [rate for rate in rates if rate is not None]
    return fmean(known) if known else None
