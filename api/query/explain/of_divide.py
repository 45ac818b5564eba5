"""Cells of `divide`: those who have a value at the first step and went through, who have it and did not, the others."""

from typing import Literal

from pydantic import Field

from api.query.explain.cases import Cases, marked
from api.query.explain.of_funnel import marks_of
from api.query.questions import divide, funnel_entries, owned
from api.query.questions.descriptions import described
from api.query.questions.divide import DivideQuestion
from api.query.questions.model import Asking, Strict
from api.query.questions.ranges import Range
from pipeline.errors import InvalidQuestion


class DivideCell(Strict):
    """One of the four numbers of a row; without a property all who entered."""

    property: str | None = Field(None, max_length=1000, description="of a row")
    value: str | None = Field(None, max_length=1000, description="of the same row")
    part: Literal["converted", "not_converted", "others_converted", "others_not_converted"] = "converted"


def of_divide(asking: Asking, question: DivideQuestion, cell: DivideCell) -> Cases:
    divide.check(question)
    if (cell.property is None) != (cell.value is None):
        missing = "property" if cell.property is None else "value"
        raise InvalidQuestion("a row has a property and a value", field=f"cell.{missing}")
    if cell.property is None and cell.part.startswith("others"):
        raise InvalidQuestion("others than whom: name a property and a value", field="cell.part")
    found, entries = funnel_entries.counted_entries(asking, question)
    held = [True] * len(entries)
    if cell.property is not None and cell.value is not None:
        told = described(asking, question, found, entries, question.properties)
        held = divide.with_value(told, cell.property, cell.value)
    whose: dict[int, int] = {}
    if question.count == "sessions":
        asked = question.range(asking.now)
        whose = owned.customers_of_sessions(asking, Range(asked.start, asked.end))
    others, stayed = cell.part.startswith("others"), cell.part.endswith("not_converted")
    cases = [
        marked(whose.get(entry.customer, entry.customer), marks_of(entry, found.funnel))
        for entry, has in zip(entries, held, strict=True)
        if has != others and divide.went_through(entry) != stayed
    ]
    return Cases(question.count, cases, found.definitions | {"divide": divide.VERSION, "session": 1})
