"""Cells of `journeys`: those of a state, a stage, a length, some channels; and the touchpoints they are made of."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from pydantic import Field

from api.query.explain.cases import Case, Cases
from api.query.profiles import Held
from api.query.questions.customer_kinds import written
from api.query.questions.durations import EDGES, bin_of
from api.query.questions.journey_channels import Fold
from api.query.questions.journey_groups import Values
from api.query.questions.journeys import JourneysQuestion, State, definitions, state_of
from api.query.questions.model import Asking, Strict
from pipeline.errors import InvalidQuestion
from pipeline.store.facts import Facts
from schemas.facts import Touchpoint

LONGEST = 10  # in `lengths` it stands for all that are longer, too


class JourneysCell(Strict):
    """The journeys for which all that is named holds; without anything all."""

    state: State | None = Field(None, description="converted, open or ended")
    stage: str | None = Field(None, max_length=100, description="of a row of `counts`")
    touchpoints: int | None = Field(None, ge=1, le=LONGEST, description="of a row of `lengths`")
    from_ms: int | None = Field(None, description="of a row of `durations`")
    first_channel: str | None = Field(None, max_length=1000)
    last_channel: str | None = Field(None, max_length=1000)
    source: str | None = Field(None, max_length=1000, description="of a row of `transitions`, with its target")
    target: str | None = Field(None, max_length=1000)
    path: list[str] | None = Field(None, max_length=100_000, description="of a row of `sequences`")
    value: str | None = Field(None, description="of a row of `groups`; null where it is named: no value")


class _Journey(NamedTuple):
    customer: int
    started_at: int
    last_at: int
    touchpoints: int
    is_converted: bool
    path: list[str]
    stage: str


def of_journeys(asking: Asking, question: JourneysQuestion, cell: JourneysCell) -> Cases:
    _check(cell, question)
    values = Values.of(asking, question.breakdown)
    bound = {**question.range(asking.now).bound(), **asking.only_bound()}
    found = [
        journey
        for journey in (_Journey(*row) for row in asking.rows("journeys_cases", **bound))
        if _is_in(journey, cell, question.fold, asking.now)
        and ("value" not in cell.model_fields_set or _value(journey, values) == cell.value)
    ]
    cases = [Case(journey.customer, journey.started_at, journey.last_at) for journey in found]
    return Cases("journeys", cases, definitions(asking), of_one=lambda held: _of_one(asking, held, found))


def folded(path: Sequence[str], fold: Fold) -> list[str]:
    """The channels; folded, of repeats that follow each other only the first."""
    return [channel for channel, _ in groupby(path)] if fold == "repeats" else list(path)


def _value(journey: _Journey, values: Values) -> str | None:
    fields = {"first_channel": journey.path[0], "last_channel": journey.path[-1], "stage": journey.stage}
    return written(values.together(fields, values.kinds.kinds.get(journey.customer, 0)))


def _check(cell: JourneysCell, question: JourneysQuestion) -> None:
    if "value" in cell.model_fields_set and not question.breakdown:
        raise InvalidQuestion("the answer has no groups: name a breakdown, or leave value out", field="cell.value")
    if (cell.source is None) != (cell.target is None):
        missing = "source" if cell.source is None else "target"
        raise InvalidQuestion("a transition has a source and a target", field=f"cell.{missing}")
    if cell.from_ms is not None and cell.from_ms not in EDGES:
        raise InvalidQuestion("must be from_ms of a row of durations", field="cell.from_ms")


def _is_in(journey: _Journey, cell: JourneysCell, fold: Fold, now: int) -> bool:
    way = folded(journey.path, fold)
    wanted_and_had: list[tuple[object, object]] = [
        (cell.state, state_of(journey.is_converted, journey.last_at, now)),
        (cell.stage, journey.stage),
        (cell.touchpoints, min(journey.touchpoints, LONGEST)),
        (cell.from_ms, bin_of(journey.last_at - journey.started_at)),
        (cell.first_channel, journey.path[0]),
        (cell.last_channel, journey.path[-1]),
        (cell.path, way),
    ]
    if any(wanted not in (None, had) for wanted, had in wanted_and_had):
        return False
    return cell.source is None or (cell.source, str(cell.target)) in zip(way, way[1:], strict=False)


def _of_one(asking: Asking, held: Held, found: Iterable[_Journey]) -> list[Case]:
    """His journeys with their touchpoints, by which his events are marked."""
    facts, project = Facts(asking.store), asking.project.name
    devices = {one.device for one in held.intervals}
    sessions = {one.id: one for of_device in facts.sessions(project, devices).values() for one in of_device}
    mine = sorted((one for one in found if one.customer == held.customer), key=lambda one: one.started_at)
    points: defaultdict[int, list[Touchpoint]] = defaultdict(list)
    starts = [journey.started_at for journey in mine]
    for of_device in facts.touchpoints(project, devices).values():
        for one in of_device:
            at = bisect_right(starts, one.started_at) - 1
            if at >= 0 and one.started_at <= mine[at].last_at and one.owner in held.members and not one.is_bot:
                points[at].append(one)
    cases = []
    for at, journey in enumerate(mine):
        ordered = sorted(points[at], key=lambda one: (one.started_at, one.id))
        ends = [sessions[one.id].last_at for one in ordered if one.id in sessions]
        told = tuple(
            (one.id, f"touchpoint {number} of {journey.touchpoints}: {one.acquisition or one.channel}")
            for number, one in enumerate(ordered, 1)
        )
        last = max([journey.last_at, *ends])
        cases.append(Case(held.customer, journey.started_at, last, touchpoints=told))
    return cases
