"""Cells of `drop_off`: those who left after a step, and of them those for whom something followed."""

from typing import Literal

from pydantic import Field

from api.query.explain.cases import Cases, Mark, marked
from api.query.explain.of_funnel import marks_of
from api.query.questions import drop_off, funnel_entries, owned
from api.query.questions.drop_off import DropOffQuestion
from api.query.questions.model import Asking, Strict
from api.query.questions.ranges import Range
from api.query.questions.steps import MOST_STEPS
from pipeline.errors import InvalidQuestion


class DropOffCell(Strict):
    """Those who left after a step; of them those of a row of `followed`."""

    step: int = Field(1, ge=1, le=MOST_STEPS, description="number of a step, from 1")
    kind: Literal["event", "nothing", "other"] | None = Field(None, description="of a row of `followed`; null: all")
    name: str | None = Field(None, max_length=2000, description="of a row of `followed` of kind `event`")


def of_drop_off(asking: Asking, question: DropOffQuestion, cell: DropOffCell) -> Cases:
    found, entries = funnel_entries.counted_entries(asking, question)
    size = len(found.funnel.steps)
    if cell.step >= size:
        raise InvalidQuestion(f"must be the number of a step from 1 to {size - 1}", field="cell.step")
    if (cell.kind == "event") != (cell.name is not None):
        raise InvalidQuestion("kind `event` needs a name, and no other kind has one", field="cell.name")
    left = [one for one in drop_off.departures(asking, question, found, entries) if one.step == cell.step - 1]
    kept = drop_off.kept_of(left, question.top)
    whose: dict[int, int] = {}
    if question.count == "sessions":
        asked = question.range(asking.now)
        whose = owned.customers_of_sessions(asking, Range(asked.start, asked.end))
    cases = []
    for one in left:
        if cell.kind is None or drop_off.kind_of(one, kept) == (cell.kind, cell.name):
            marks = list(marks_of(one.entry, found.funnel))
            if one.then:
                marks.append(Mark(one.then.occurred_at, one.then.message_id, "followed"))
            cases.append(marked(whose.get(one.entry.customer, one.entry.customer), marks))
    return Cases(question.count, cases, found.definitions | {"drop_off": drop_off.VERSION})
