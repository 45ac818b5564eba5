"""Cells of `stickiness`: the customers who did it in so many periods, or who were active up to a day."""

from collections.abc import Iterable
from datetime import date
from typing import Literal

from pydantic import Field

from api.query.explain.cases import Cases, Mark, marked
from api.query.explain.groups import OfGroup, of_kinds
from api.query.questions import activity, stickiness
from api.query.questions.model import Asking
from api.query.questions.periods import label
from api.query.questions.stickiness import ACTIVE, StickinessQuestion, whole_days
from pipeline.errors import InvalidQuestion
from schemas.facts import EventRow


class StickinessCell(OfGroup):
    """A row of the histogram, of one group or of all; or a number of a day; without either all customers."""

    periods: int | None = Field(None, ge=1, description="of a row of `histogram`")
    at_least: bool = Field(False, description="of that row: those with more periods, too")
    day: str | None = Field(None, description="of a row of `active`")
    active: Literal["daily", "weekly", "monthly"] = Field("daily", description="which of the day's numbers")


def of_stickiness(asking: Asking, question: StickinessQuestion, cell: StickinessCell) -> Cases:
    cell.check(question.breakdown)
    _check(cell)
    found = _on_a_day(asking, question, cell) if cell.day is not None else _so_often(asking, question, cell)
    cases = [marked(who, (_mark(event, why) for event, why in events)) for who, events in found]
    return Cases("customers", cases, {"stickiness": stickiness.VERSION})


Told = Iterable[tuple[int, list[tuple[EventRow, str]]]]


def _so_often(asking: Asking, question: StickinessQuestion, cell: StickinessCell) -> Told:
    zone, wanted = question.inside(), cell.periods or 1
    did = list(activity.did(asking, question, question.range(asking.now)))
    for customer, events in of_kinds(asking, question, cell, did, [customer for customer, _ in did]):
        named = [(event, label(event.occurred_at, question.by, zone)) for event in events]
        periods = len({name for _, name in named})
        if periods == wanted or (periods > wanted and (cell.at_least or cell.periods is None)):
            yield customer, named


def _on_a_day(asking: Asking, question: StickinessQuestion, cell: StickinessCell) -> Told:
    zone, wanted = question.inside(), date.fromisoformat(cell.day or "")
    for customer, events in activity.did(asking, question, whole_days(question, question.range(asking.now))):
        named = [(event, label(event.occurred_at, "day", zone)) for event in events]
        mine = [
            (event, day) for event, day in named if 0 <= (wanted - date.fromisoformat(day)).days < ACTIVE[cell.active]
        ]
        if mine:
            yield customer, mine


def _check(cell: StickinessCell) -> None:
    if cell.day is None:
        return
    if cell.kind is not None:
        raise InvalidQuestion("the days are of all groups: leave kind out", field="cell.kind")
    if cell.periods is not None:
        raise InvalidQuestion("name a number of periods or a day, not both", field="cell.day")
    try:
        date.fromisoformat(cell.day)
    except ValueError:
        raise InvalidQuestion("must be a day of `active`, as 2026-03-31", field="cell.day") from None


def _mark(event: EventRow, why: str) -> Mark:
    return Mark(event.occurred_at, event.message_id, why)
