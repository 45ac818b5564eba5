"""Cells of `trend`: the events that a number is measured of, or the customers who did them."""

from collections import Counter, defaultdict
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from api.query.explain.cases import Cases, Mark, marked
from api.query.explain.groups import OfGroup
from api.query.questions import trend
from api.query.questions.model import Asking
from api.query.questions.ranges import preceding
from api.query.questions.series import Happened, Left, happened
from api.query.questions.trend import TrendQuestion
from api.query.questions.trend_lines import counts
from pipeline.domain.filters import number_text
from pipeline.domain.measures import OF_EVENTS
from pipeline.errors import InvalidQuestion


class TrendCell(OfGroup):
    """A series of the total or of a group, of the range or of the time before; of all its periods, or of one."""

    period: str | None = Field(None, description="of a point")
    series: Literal["a", "b"] = Field("a", description="which of the numbers; a formula's are a's and b's")
    previous: bool = Field(False, description="of the time before, which `compare` sets beside the range")


def of_trend(asking: Asking, question: TrendQuestion, cell: TrendCell) -> Cases:
    trend.checked(question)
    _check(question, cell)
    within = question.range(asking.now)
    if cell.previous:
        within = preceding(within, ZoneInfo(question.zone or "UTC"), "question.compare")
    left = Left(set(), Counter())
    events = [list(happened(asking, one, left)) for one in trend.all_asked(question, within, question.breakdown)]
    wanted = cell.texts(counts(one for each in events for one in each), question.limit)
    asked = question.series()["ab".index(cell.series)]
    found = [
        one
        for one in events["ab".index(cell.series)]
        if cell.period in (None, one.period)
        and (wanted is None or (one.group or "") in wanted)
        and (asked.measure in OF_EVENTS or one.number is not None)
    ]
    definitions = {"trend": trend.VERSION}
    if asked.measure != "unique":
        return Cases("events", [marked(one.customer, [_mark(one)]) for one in found], definitions)
    by_customer: defaultdict[int, list[Happened]] = defaultdict(list)
    for one in found:
        by_customer[one.customer].append(one)
    return Cases("customers", [marked(who, map(_mark, did)) for who, did in by_customer.items()], definitions)


def _check(question: TrendQuestion, cell: TrendCell) -> None:
    if cell.series == "b" and question.second is None:
        raise InvalidQuestion("the question has no second series", field="cell.series")
    cell.check(question.breakdown)
    if cell.previous and not question.compare:
        raise InvalidQuestion("the answer has no time before: ask to compare, or leave this out", field="cell.previous")


def _mark(one: Happened) -> Mark:
    why = "counted" if one.number is None else f"counted: {number_text(one.number)}"
    return Mark(one.event.occurred_at, one.event.message_id, why)
