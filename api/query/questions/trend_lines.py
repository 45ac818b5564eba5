"""The lines of a trend: its series in numbers, of all their time and by period, and by the breakdown's value.

ClickHouse counts what needs no filter and no property; all else the core does, which defines what those mean.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from api.query.questions import groups
from api.query.questions.groups import Group
from api.query.questions.model import MOST_ROWS, Asking
from api.query.questions.series import Asked, Happened, Left, happened
from pipeline.domain.measures import OF_EVENTS, Measure, Measured, Tally
from pipeline.errors import InvalidQuestion


class Numbers(NamedTuple):
    events: int = 0
    devices: int = 0
    measured: Measured = 0


class Line(NamedTuple):
    """A series in numbers: of all its time, and by period, those with an event alone."""

    total: Numbers
    points: Mapping[str, Numbers]


class Pair(NamedTuple):
    """The lines of A and B."""

    a: Line
    b: Line | None


class Grouped(NamedTuple):
    """Of one value of the breakdown, of none, or of all that have no group of their own."""

    group: Group
    lines: Pair


class Found(NamedTuple):
    whole: Pair
    groups: list[Grouped]
    left: Left


def read(asking: Asking, series: Sequence[Asked], limit: int) -> Found:
    """One or two series, A and B, and the `limit` groups with most events of both."""
    left = Left(set(), Counter())
    if all(is_counted_in_store(asking, one) for one in series):
        return Found(_pair([counted(asking, one, left) for one in series]), [], left)
    events = [list(happened(asking, one, left)) for one in series]
    whole = _pair([line(each, one.series.measure) for each, one in zip(events, series, strict=True)])
    return Found(whole, _groups(events, series, limit) if series[0].breakdown else [], left)


def counts(events: Iterable[Happened]) -> Counter[str]:
    """How many events have each of the breakdown's values; "" is none."""
    return Counter(one.group or "" for one in events)


def _groups(events: Sequence[Sequence[Happened]], series: Sequence[Asked], limit: int) -> list[Grouped]:
    found = groups.groups(counts(one for each in events for one in each), limit)
    place = {text: group for group in found for text in group.texts}
    parted: list[defaultdict[Group, list[Happened]]] = []
    for each in events:
        parts: defaultdict[Group, list[Happened]] = defaultdict(list)
        for one in each:
            parts[place[one.group or ""]].append(one)
        parted.append(parts)
    return [
        Grouped(
            group,
            _pair([line(parts[group], one.series.measure) for parts, one in zip(parted, series, strict=True)]),
        )
        for group in found
    ]


def _pair(lines: Sequence[Line]) -> Pair:
    return Pair(lines[0], lines[1] if len(lines) > 1 else None)


def is_counted_in_store(asking: Asking, asked: Asked) -> bool:
    """Whether no event needs to be looked at by the core, which defines what a filter and a property's value is."""
    series = asked.series
    return not series.where and not asked.breakdown and series.measure in OF_EVENTS and asking.only is None


def counted(asking: Asking, asked: Asked, left: Left) -> Line:
    """The line of a series that is_counted_in_store. InvalidQuestion where it has more periods than an answer."""
    is_unique = asked.series.measure == "unique"
    rows = asking.rows(
        "trend_customers" if is_unique else "trend",
        **asked.within.bound(),
        events=asked.series.events,
        by=asked.by,
        zone=asked.zone,
        bots=int(asked.include_bots),
        rows=MOST_ROWS + 2,
    )
    if len(rows) > MOST_ROWS + 1:
        too_many()
    found = {
        None if is_total else str(period): Numbers(events, devices, customers[0] if is_unique else events)
        for is_total, period, events, devices, *customers in rows
    }
    total = found.pop(None, Numbers())
    points = {period: numbers for period, numbers in found.items() if period is not None}
    if len(asked.series.events) > 1 or not total.events:
        left.unseen.update(asked.series.events)  # which of them there were is not counted
    return Line(total, points)


def line(events: Iterable[Happened], measure: Measure) -> Line:
    """The line of some events of a series."""
    total, points = Tally(), defaultdict[str, Tally](Tally)
    for one in events:
        for tally in (total, points[one.period]):
            tally.add(one.customer, one.event.device, one.number)
    return Line(_numbers(total, measure), {period: _numbers(tally, measure) for period, tally in points.items()})


def _numbers(tally: Tally, measure: Measure) -> Numbers:
    return Numbers(tally.events, len(tally.devices), tally.measured(measure))


def of_nothing(measure: Measure) -> Numbers:
    """Of a period without an event."""
    return Numbers(0, 0, Tally().measured(measure))


def too_many() -> None:
    told = f"the answer would have more than {MOST_ROWS:,} rows: ask for a shorter time, longer periods or fewer groups"
    raise InvalidQuestion(told, field="by", code="question_too_large")
