"""Cells of `drop_points`: the sessions that a number counts, with the events that tell where they stopped."""

from typing import Literal

from pydantic import Field

from api.query.explain.cases import Case, Cases, Mark
from api.query.questions import drop_points
from api.query.questions.drop_points import DropPointsQuestion, Kind, Part, Visited, ranked, row_of
from api.query.questions.model import Asking, Strict
from pipeline.domain.drop_points import Did, Left
from pipeline.errors import InvalidQuestion
from schemas.facts import EventRow


class DropPointsCell(Strict):
    """A number of the page, or a row; without any all sessions that are looked at."""

    number: Part | None = Field(None, description="of `page`")
    scroll: int | None = Field(None, ge=0, le=100, description="`from_percent` of a row of `scroll`")
    part: Literal["elements", "fields"] | None = Field(None, description="of a row: the list that it stands in")
    kind: Kind = Field("value", description="of that row")
    event: str | None = Field(None, max_length=1000, description="of a row of `elements`")
    element: str | None = Field(None, max_length=10_000, description="of a row of `elements`")
    form: str | None = Field(None, max_length=10_000, description="of a row of `fields`")
    field: str | None = Field(None, max_length=10_000, description="of a row of `fields`")


def of_drop_points(asking: Asking, question: DropPointsQuestion, cell: DropPointsCell) -> Cases:
    if sum(one is not None for one in (cell.number, cell.scroll, cell.part)) > 1:
        raise InvalidQuestion("name one of number, scroll and part", field="cell")
    every = list(drop_points.visited(asking, question))
    part = cell.number or question.of
    mine = [one for one in every if part in one.parts]
    found = [_case(one, cell, part) for one in mine if _is_in(one, cell)]
    if cell.part is not None:
        found = [_case(one, cell, part) for one in _of_row(question, cell, mine)]
    return Cases("sessions", found, drop_points.definitions(asking, question))


def _is_in(one: Visited, cell: DropPointsCell) -> bool:
    return cell.scroll is None or (one.stop.scroll is not None and row_of(one.stop.scroll) == cell.scroll)


def _of_row(question: DropPointsQuestion, cell: DropPointsCell, mine: list[Visited]) -> list[Visited]:
    """The sessions of a row of `elements` or `fields`."""
    things: list[Did | Left | None] = [one.stop.did if cell.part == "elements" else one.stop.left for one in mine]
    if cell.kind == "none":
        return [one for one, thing in zip(mine, things, strict=True) if thing is None]
    if cell.kind == "other":
        own = {thing for thing, kind, _ in ranked(things, question.limit) if kind == "value"}
        return [one for one, thing in zip(mine, things, strict=True) if thing is not None and thing not in own]
    wanted = Did(cell.event or "", cell.element) if cell.part == "elements" else Left(cell.form, cell.field)
    return [one for one, thing in zip(mine, things, strict=True) if thing == wanted]


def _case(one: Visited, cell: DropPointsCell, part: Part) -> Case:
    session, stop = one.owned.session, one.stop
    told: list[tuple[EventRow | None, str]] = []
    if cell.scroll is not None:
        told = [(stop.scroll_event, f"seen to {stop.scroll:g} %")]
    elif cell.part == "elements" and stop.did:
        told = [(stop.did_event, "last done on the page")]
    elif cell.part == "fields" and stop.left:
        told = [(stop.left_event, f"form left at {stop.left.field or 'an unnamed field'}")]
    marks = tuple(Mark(event.occurred_at, event.message_id, why) for event, why in told if event)
    return Case(one.owned.customer, session.started_at, session.last_at, marks, 0 if marks else session.id, part)
