"""A series of a trend: events of some names, and what is measured of them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import Field

from api.query.questions import narrowed
from api.query.questions.model import Asking, Strict
from api.query.questions.periods import label
from api.query.questions.ranges import Period, Range
from api.query.questions.steps import EventNames, Where, check
from pipeline.domain import filters
from pipeline.domain.breakdowns import together
from pipeline.domain.measures import OF_EVENTS, Measure
from pipeline.errors import InvalidQuestion
from schemas.facts import EventRow

_VALUE = "$value"
_TOLD_AS = ("revenue", "value", "total")  # properties that ingest takes an event's value from


class Series(Strict):
    """Events, and what is measured of them."""

    events: EventNames
    where: Where = []
    measure: Measure = Field(
        "count",
        description="count: of events; unique: of customers; all others of the numbers that `property` has",
    )
    property: str | None = Field(
        None,
        min_length=1,
        max_length=1000,
        description="what is measured, as price or $value; for count and unique none",
    )


class Asked(NamedTuple):
    """How a series is asked about."""

    series: Series
    field: str  # that it stands in: "" or "second."
    within: Range
    by: Period
    zone: str
    include_bots: bool
    breakdown: list[str] | None


class Happened(NamedTuple):
    """An event of a series."""

    customer: int
    event: EventRow
    period: str
    group: str | None  # value of the breakdown
    number: float | None  # of the property


class Left(NamedTuple):
    """What a series could not count."""

    unseen: set[str]  # names of events that perhaps no event has
    currencies: Counter[str]  # events whose value is in another currency than the project's


def checked(series: Series, field: str) -> None:
    """InvalidQuestion, with its field, for what a series cannot be."""
    check(series.where, f"{field}where")
    if series.property is None:
        if series.measure not in OF_EVENTS:
            told = f"{series.measure} is of a property's numbers: name the property, as price or {_VALUE}"
            raise InvalidQuestion(told, field=f"{field}property")
    elif series.measure in OF_EVENTS:
        told = f"{series.measure} is of events: leave property out, or measure its sum, average, min, max or p50 ..."
        raise InvalidQuestion(told, field=f"{field}property")
    else:
        filters.reader(series.property, f"{field}property")


def happened(asking: Asking, asked: Asked, left: Left) -> Iterator[Happened]:
    """The events of a series, customer by customer. What cannot be counted is told in `left`."""
    series, zone = asked.series, ZoneInfo(asked.zone)
    holds = filters.compile([one.definition() for one in series.where], f"{asked.field}where")
    measured = filters.reader(series.property, f"{asked.field}property") if series.property else None
    group = together(asked.breakdown) if asked.breakdown else None
    read = [one.property for one in series.where] + [*(asked.breakdown or ()), series.property or ""]
    if series.property == _VALUE:
        read.append("$currency")
        read += () if series.measure == "sum" else _TOLD_AS  # a sum is the same with a 0 more
    seen: set[str] = set()
    for customer, event in narrowed.of_customers(asking, series.events, asked.within, asked.include_bots, read):
        seen.add(event.event)
        properties = filters.properties_of(event)
        if not holds(event, properties):
            continue
        number = filters.number(measured(event, properties)) if measured else None
        if series.property == _VALUE and event.currency not in ("", asking.project.currency):
            left.currencies[event.currency] += 1
            number = None
        elif series.property == _VALUE and not _tells_value(event, properties):
            number = None
        value = group(event, properties) or None if group else None
        yield Happened(customer, event, label(event.occurred_at, asked.by, zone), value, number)
    left.unseen.update(set(series.events) - seen)


def _tells_value(event: EventRow, properties: Mapping[str, Any]) -> bool:
    """Whether an event has a value at all: the column is 0 where it tells none, and where it tells 0."""
    told = (filters.number(properties.get(name)) for name in _TOLD_AS)
    return event.value_micros != 0 or event.currency != "" or any(number is not None for number in told)
