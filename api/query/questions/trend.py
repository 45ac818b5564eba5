"""Trend: how often events of some names happened, by hour, day, week or month; a period without any is 0."""

from collections import Counter, defaultdict
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from api.query.questions import known, narrowed
from api.query.questions.model import MOST_ROWS, Answer, Asking, Solved
from api.query.questions.periods import all_between, label
from api.query.questions.ranges import OfCustomers, Period, Range
from api.query.questions.steps import EventNames, Where, check
from pipeline.domain import filters


class TrendQuestion(OfCustomers):
    events: EventNames
    where: Where = []
    by: Period = Field("day", description="in the zone; weeks begin on Monday")


class TrendPoint(BaseModel):
    period: str = Field(description="start of the period: a date, or the time of the hour")
    events: int
    devices: int = Field(description="different devices")


class TrendResult(BaseModel):
    events: int
    points: list[TrendPoint] = Field(description="in time, with every period of the range, or from first to last")


class TrendAnswer(Answer[TrendQuestion, TrendResult]):
    """Events that happened in the range."""


def solve(asking: Asking, question: TrendQuestion) -> Solved[TrendQuestion, TrendResult]:
    check(question.where, "where")
    asked = question.range(asking.now)
    counts = (
        _filtered(asking, question, asked)
        if question.where or asking.only is not None
        else _counted(asking, question, asked)
    )
    names = all_between(asked, question.by, ZoneInfo(question.zone or "UTC"), counts)
    points = []
    for name in names:
        events, devices = counts.get(name, (0, 0))
        points.append(TrendPoint(period=name, events=events, devices=devices))
    total = sum(point.events for point in points)
    warnings = known.warnings(asking, question.events) if not total else []
    return Solved(question, {}, TrendResult(events=total, points=points), warnings)


def _counted(asking: Asking, question: TrendQuestion, asked: Range) -> dict[str, tuple[int, int]]:
    """period -> events, devices."""
    rows = asking.rows(
        "trend",
        **asked.bound(),
        events=question.events,
        by=question.by,
        zone=question.zone,
        bots=int(question.include_bots),
        rows=MOST_ROWS,
    )
    return {period: (events, devices) for period, events, devices in rows}


def _filtered(asking: Asking, question: TrendQuestion, asked: Range) -> dict[str, tuple[int, int]]:
    """The same with the filters of the core, which define what a filter is."""
    zone = ZoneInfo(question.zone or "UTC")
    holds = filters.compile([one.definition() for one in question.where])
    events: Counter[str] = Counter()
    devices: defaultdict[str, set[int]] = defaultdict(set)
    read = [one.property for one in question.where]
    for _, event in narrowed.of_customers(asking, question.events, asked, question.include_bots, read):
        if holds(event, filters.properties_of(event)):
            period = label(event.occurred_at, question.by, zone)
            events[period] += 1
            devices[period].add(event.device)
    return {period: (count, len(devices[period])) for period, count in events.items()}
