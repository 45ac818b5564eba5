"""Cells of `funnel`: the entries that fill a step, or that left before it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Literal

from pydantic import Field

from api.query.explain.cases import Case, Cases, Mark, marked
from api.query.questions import funnel, owned
from api.query.questions.durations import EDGES, bin_of
from api.query.questions.funnel import FunnelQuestion
from api.query.questions.funnel_choice import (
    Count,
    by_period,
    counting,
    filled,
    in_order,
    time_between,
    values_at,
)
from api.query.questions.funnel_entries import Found
from api.query.questions.funnel_numbers import Groups
from api.query.questions.model import Asking, Strict
from api.query.questions.ranges import Range
from api.query.questions.steps import MOST_STEPS
from pipeline.errors import InvalidQuestion
from schemas.definitions import Funnel
from schemas.facts import FunnelEntry


class FunnelCell(Strict):
    """A step of the total, of a period, or of a group."""

    step: int = Field(1, ge=1, le=MOST_STEPS, description="number of a step, from 1; in any order: so many steps")
    part: Literal["reached", "dropped"] = Field(
        "reached", description="dropped: reached the last step before that is not optional, and not this one"
    )
    period: str | None = Field(None, description="of a row of `periods`")
    kind: Literal["value", "none", "not_reached", "other"] | None = Field(None, description="of a row of `groups`")
    value: str | None = Field(None, description="of a row of `groups` of kind `value`")
    from_ms: int | None = Field(None, description="of a bin of `histogram`; step and part are left out")
    previous: bool = Field(False, description="of the time before, which `compare` sets beside the range")


def of_funnel(asking: Asking, question: FunnelQuestion, cell: FunnelCell) -> Cases:
    asked = _asked(asking, question, cell)
    found, how = funnel.entered(asking, question, asked)
    _check(cell, question, found.funnel)
    ordered = (in_order(of_actor) for of_actor in found.actors)
    entries: Iterable[FunnelEntry]
    if cell.period is not None:
        entries = _of_period(ordered, how, cell.period)
    else:
        entries = [entry for of_actor in ordered for entry in counting(of_actor, how)]
        if cell.kind is not None:
            entries = _of_group(entries, how, cell)
    held = [
        entry
        for entry in entries
        if (_is_in(entry, cell, found.funnel) if cell.from_ms is None else _is_in_bin(entry, how, cell.from_ms))
    ]
    if question.count == "groups":
        cases = of_accounts((marks_of(entry, found.funnel) for entry in held), found)
        return Cases("groups", cases, found.definitions, number=len(held))
    whose: dict[int, int] = {}
    if question.count == "sessions":
        whose = owned.customers_of_sessions(asking, Range(asked.start, asked.end + found.funnel.window_ms))
    cases = [marked(whose.get(entry.customer, entry.customer), marks_of(entry, found.funnel)) for entry in held]
    return Cases(question.count, cases, found.definitions)


def _asked(asking: Asking, question: FunnelQuestion, cell: FunnelCell) -> Range:
    if not cell.previous:
        return question.range(asking.now)
    if not question.compare:
        raise InvalidQuestion("the answer has no time before: ask to compare, or leave this out", field="cell.previous")
    return funnel.before(asking, question)


def of_accounts(told: Iterable[Iterable[Mark]], found: Found) -> list[Case]:
    """Of each account, by its marked events, a case for each of the customers who did them."""
    cases = []
    for marks in told:
        mine: defaultdict[int, list[Mark]] = defaultdict(list)
        for mark in marks:
            mine[found.whose[mark.at, mark.message]].append(mark)
        cases += [marked(customer, did) for customer, did in mine.items()]
    return cases


def _check(cell: FunnelCell, question: FunnelQuestion, asked: Funnel) -> None:
    size = len(asked.steps)
    if cell.step > size:
        raise InvalidQuestion(f"the funnel has {size} steps", field="cell.step")
    if cell.period is not None and question.by is None:
        raise InvalidQuestion("the answer has no periods: ask by day, or leave period out", field="cell.period")
    if cell.kind is not None and not asked.breakdown:
        raise InvalidQuestion("the answer has no groups: name a breakdown, or leave kind out", field="cell.kind")
    if cell.kind is not None and cell.period is not None:
        raise InvalidQuestion("periods are of the total: name a period or a group", field="cell.kind")
    if cell.from_ms is not None:
        if cell.from_ms not in EDGES:
            raise InvalidQuestion("must be from_ms of a bin", field="cell.from_ms")
        if cell.period is not None or cell.kind is not None:
            raise InvalidQuestion("the histogram is of the total: leave period and kind out", field="cell.from_ms")
    if (cell.kind == "value") != (cell.value is not None):
        raise InvalidQuestion("kind `value` needs a value, and no other kind has one", field="cell.value")


def _is_in(entry: FunnelEntry, cell: FunnelCell, asked: Funnel) -> bool:
    numbers, step = filled(entry), cell.step - 1
    if cell.part == "reached":
        return step in numbers
    needed = max((at for at in range(step) if not asked.steps[at].optional), default=0)
    return step not in numbers and needed in numbers


def _is_in_bin(entry: FunnelEntry, count: Count, from_ms: int) -> bool:
    took = time_between(entry, count)
    return took is not None and bin_of(took) == from_ms


def _of_period(ordered: Iterable[list[FunnelEntry]], count: Count, wanted: str) -> Iterator[FunnelEntry]:
    for of_actor in ordered:
        for period, entry in by_period(of_actor, counting(of_actor, count), count):
            if period == wanted:
                yield entry


def _of_group(entries: Iterable[FunnelEntry], count: Count, cell: FunnelCell) -> list[FunnelEntry]:
    told = list(entries)
    wanted: set[str | None] = {None} if cell.kind == "not_reached" else {cell.value or ""}
    if cell.kind == "other":
        groups = Groups(count)
        for entry in told:
            groups.add(entry)
        wanted = {*groups.left_out()}
    return [entry for entry in told if not wanted.isdisjoint(values_at(entry, count.attribution))]


def marks_of(entry: FunnelEntry, asked: Funnel) -> Iterator[Mark]:
    """The events that fill its steps."""
    for number in filled(entry):
        name = f"{number + 1} of {len(asked.steps)}" if asked.order == "any" else f"step {number + 1}"
        yield Mark(entry.step_times[number], entry.step_messages[number], name)
