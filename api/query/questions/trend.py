"""Trend: what is measured of some events, by hour, day, week or month; of two series and by a formula of them, too.

The range, its periods and those that have not ended:

    from ------------- to)              by week, asked on Thursday
    |  Mon  |  Mon  |  Mo.              the last one is unfinished: its numbers may rise
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from api.query.questions import known, series
from api.query.questions.groups import GroupRow
from api.query.questions.model import MOST_ROWS, Answer, Asking, Solved
from api.query.questions.periods import all_between, end_of
from api.query.questions.ranges import OfCustomers, Period, Range, preceding
from api.query.questions.series import Asked, Left, Series
from api.query.questions.steps import Breakdown
from api.query.questions.trend_lines import Found, Grouped, Numbers, Pair, of_nothing, read, too_many
from pipeline.domain.breakdowns import together
from pipeline.domain.formula import MOST_CHARACTERS, Formula, compiled
from pipeline.errors import InvalidQuestion

VERSION = 1
_FIELDS = ("", "second.")  # where A and B stand in a question


class TrendQuestion(Series, OfCustomers):
    second: Series | None = Field(None, description="another series, B; the question's own events are A")
    formula: str | None = Field(
        None, min_length=1, max_length=MOST_CHARACTERS, description="of A and B, as A / B or (A - B) / A * 100"
    )
    by: Period = Field("day", description="in the zone; weeks begin on Monday")
    breakdown: Breakdown | None = Field(
        None,
        description="a property, or $channel, $session.entry_page ...: a group each value; "
        "or a list of up to three, taken together",
    )
    limit: int = Field(10, ge=1, le=100, description="groups of their own, those with most events; the rest is `other`")
    compare: bool = Field(False, description="tell the time of the same length before the range, too")

    def series(self) -> list[Series]:
        """A, and B where there is one."""
        return [self, self.second] if self.second else [self]


class TrendNumbers(BaseModel):
    events: int = Field(description="of A")
    devices: int = Field(description="different devices of A")
    a: int | float | None = Field(description="what is measured of A; null: nothing to measure")
    b: int | float | None = Field(description="what is measured of B; null without one, too")
    measured: int | float | None = Field(
        description="the formula's result, without one that of A; null where a part of it is, or what divides is 0"
    )


class TrendPoint(TrendNumbers):
    period: str = Field(description="start of the period: a date, or the time of the hour")
    unfinished: bool = Field(description="the period has not ended, so its numbers may change")


class TrendGroup(TrendNumbers, GroupRow):
    points: list[TrendPoint]


class TrendGroupBefore(TrendGroup):
    measured_change: float | None = Field(
        description="the range's group of the same value less this one; null where the range has none of its own, "
        "for `other`, which sums up other values, and where one is null"
    )


class TrendBefore(BaseModel):
    """The time before the range."""

    from_: int = Field(alias="from", description="ms")
    to: int = Field(description="ms, exclusive; the range begins here")
    total: TrendNumbers
    measured_change: float | None = Field(description="the range's less this one, in total; null where one is null")
    points: list[TrendPoint]
    groups: list[TrendGroupBefore] = Field(
        description="by the breakdown, most events first, as those of the range; empty without a breakdown"
    )


class TrendResult(BaseModel):
    events: int = Field(description="of A")
    total: TrendNumbers = Field(description="of the whole range: a customer of several periods is one")
    points: list[TrendPoint] = Field(description="in time, with every period of the range, or from first to last")
    groups: list[TrendGroup] = Field(
        description="most events of A and B first, `other` last; empty without a breakdown"
    )
    previous: TrendBefore | None = Field(description="the time of the same length before; null without `compare`")


class TrendAnswer(Answer[TrendQuestion, TrendResult]):
    """Events that happened in the range."""


def solve(asking: Asking, question: TrendQuestion) -> Solved[TrendQuestion, TrendResult]:
    checked(question)
    asked, zone = question.range(asking.now), ZoneInfo(question.zone or "UTC")
    time_before = preceding(asked, zone, "compare") if question.compare else None
    found = read(asking, all_asked(question, asked, question.breakdown), question.limit)
    drawing = _Drawing(question, compiled(question.formula) if question.formula else None, zone, asking.now)
    names = drawing.names(asked, [found.whole])
    earlier = (
        read(asking, all_asked(question, time_before, question.breakdown), question.limit) if time_before else None
    )
    rows = 1 + len(found.groups) + (1 + len(earlier.groups) if earlier else 0)
    if len(names) * rows > MOST_ROWS:
        too_many()
    total = drawing.total(found.whole)
    groups = [drawing.group(one, names) for one in found.groups]
    previous = drawing.previous(earlier, time_before, total, groups) if earlier and time_before else None
    result = TrendResult(
        events=found.whole.a.total.events,
        total=total,
        points=drawing.points(found.whole, names),
        groups=groups,
        previous=previous,
    )
    warnings = [*known.warnings(asking, found.left.unseen), *_in_other_currencies(asking, found.left)]
    return Solved(question, {"trend": VERSION}, result, warnings)


def checked(question: TrendQuestion) -> None:
    """InvalidQuestion, with its field, for what cannot be asked."""
    for one, field in zip(question.series(), _FIELDS, strict=False):
        series.checked(one, field)
    if question.breakdown is not None:
        together(question.breakdown)
    if question.formula is not None and question.second is None and "B" in compiled(question.formula).names:
        raise InvalidQuestion("B is the series `second`: name it, or leave B out", field="formula")


def all_asked(question: TrendQuestion, within: Range, breakdown: list[str] | None) -> list[Asked]:
    """How A, and B where there is one, are asked about."""
    return [
        Asked(one, field, within, question.by, question.zone or "UTC", question.include_bots, breakdown)
        for one, field in zip(question.series(), _FIELDS, strict=False)
    ]


class _Drawing(NamedTuple):
    """Lines as the answer shows them."""

    question: TrendQuestion
    formula: Formula | None
    zone: ZoneInfo
    now: int

    def names(self, asked: Range, lines: Sequence[Pair]) -> list[str]:
        """The periods of the range."""
        found = {name for pair in lines for line in pair if line for name in line.points}
        return all_between(asked, self.question.by, self.zone, found)

    def total(self, lines: Pair) -> TrendNumbers:
        return TrendNumbers(**self._numbers(lines.a.total, lines.b.total if lines.b else None))

    def points(self, lines: Pair, names: Sequence[str]) -> list[TrendPoint]:
        a, b = (of_nothing(one.measure) for one in (self.question, self.question.second or self.question))
        return [
            TrendPoint(
                **self._numbers(lines.a.points.get(name, a), lines.b.points.get(name, b) if lines.b else None),
                period=name,
                unfinished=end_of(name, self.question.by, self.zone) > self.now,
            )
            for name in names
        ]

    def group(self, one: Grouped, names: Sequence[str]) -> TrendGroup:
        row, told = one.group.row(self.question.breakdown or ()), self.total(one.lines)
        return TrendGroup(**row.model_dump(), **told.model_dump(), points=self.points(one.lines, names))

    def previous(self, found: Found, asked: Range, now: TrendNumbers, groups: Sequence[TrendGroup]) -> TrendBefore:
        """Of the time before, beside the total and the groups of the range."""
        names, total = self.names(asked, [found.whole]), self.total(found.whole)
        own: dict[tuple[str, str | None], TrendGroup] = {
            (one.kind, one.value): one for one in groups if one.kind != "other"
        }
        told = [self.group(one, names) for one in found.groups]
        return TrendBefore(
            **{"from": asked.start},
            to=asked.end,
            total=total,
            measured_change=_change(now, total),
            points=self.points(found.whole, names),
            groups=[
                TrendGroupBefore(**one.model_dump(), measured_change=_change(own.get((one.kind, one.value)), one))
                for one in told
            ],
        )

    def _numbers(self, a: Numbers, b: Numbers | None) -> Mapping[str, Any]:
        values = {"A": a.measured, "B": b.measured if b else None}
        measured = self.formula.value(values) if self.formula else a.measured
        return {"events": a.events, "devices": a.devices, "a": a.measured, "b": values["B"], "measured": measured}


def _change(now: TrendNumbers | None, before: TrendNumbers) -> float | None:
    if now is None or now.measured is None or before.measured is None:
        return None
    return now.measured - before.measured


def _in_other_currencies(asking: Asking, left: Left) -> list[str]:
    """Warnings of what $value could not add up."""
    return [
        f"{count} events have a value in {currency}: it is left out, as it cannot be added to {asking.project.currency}"
        for currency, count in sorted(left.currencies.items())
    ]
