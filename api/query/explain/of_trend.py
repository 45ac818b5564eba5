"""Cells of `trend`: the events of a period."""

from zoneinfo import ZoneInfo

from pydantic import Field

from api.query.explain.cases import Cases, Mark, marked
from api.query.questions import narrowed
from api.query.questions.model import Asking, Strict
from api.query.questions.periods import label
from api.query.questions.trend import TrendQuestion
from pipeline.domain import filters


class TrendCell(Strict):
    """A period; without it all."""

    period: str | None = Field(None, description="of a point")


def of_trend(asking: Asking, question: TrendQuestion, cell: TrendCell) -> Cases:
    zone = ZoneInfo(question.zone or "UTC")
    holds = filters.compile([one.definition() for one in question.where])
    read = [one.property for one in question.where]
    asked = question.range(asking.now)
    found = [
        marked(customer, [Mark(event.occurred_at, event.message_id, "counted")])
        for customer, event in narrowed.of_customers(asking, question.events, asked, question.include_bots, read)
        if holds(event, filters.properties_of(event))
        and cell.period in (None, label(event.occurred_at, question.by, zone))
    ]
    return Cases("events", found, {})
