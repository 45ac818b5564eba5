"""Cells of `retention`: the customers of a cohort, those who came back in a period, and those who did not."""

from collections import Counter
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from api.query.explain.cases import Cases, Mark, marked
from api.query.explain.groups import OfGroup
from api.query.questions import retention
from api.query.questions.model import Asking
from api.query.questions.retention import RetentionQuestion, Stay
from pipeline.errors import InvalidQuestion


class RetentionCell(OfGroup):
    """A cohort's size, or a cell of it; of all cohorts without `period`, of all groups without `kind`."""

    period: str | None = Field(None, description="of a cohort")
    after: int | None = Field(None, ge=0, description="periods after that of the cohort; null: the cohort itself")
    part: Literal["came", "stayed_away"] = Field("came", description="of a cell: who came back, or the others")


def of_retention(asking: Asking, question: RetentionQuestion, cell: RetentionCell) -> Cases:
    if cell.after is not None and cell.after > question.periods:
        raise InvalidQuestion(f"the question looks at {question.periods} periods", field="cell.after")
    cell.check(question.breakdown)
    stays = list(retention.stays(asking, question, question.range(asking.now)))
    texts = cell.texts(Counter(stay.group for stay in stays), question.limit)
    found = [
        marked(stay.customer, _marks(stay, question, cell))
        for stay in stays
        if cell.period in (None, stay.cohort)
        and (texts is None or stay.group in texts)
        and _is_in(stay, question, cell)
    ]
    return Cases("customers", found, {"retention": 1})


def _is_in(stay: Stay, question: RetentionQuestion, cell: RetentionCell) -> bool:
    return cell.after is None or (cell.after in stay.counted(question)) == (cell.part == "came")


def _marks(stay: Stay, question: RetentionQuestion, cell: RetentionCell) -> Iterator[Mark]:
    yield Mark(stay.first.occurred_at, stay.first.message_id, f"start of the cohort {stay.cohort}")
    if cell.after is None or cell.part == "stayed_away":
        return
    later = question.counting == "on_or_after"
    for offset, events in stay.back.items():
        if offset == cell.after or (later and cell.after < offset <= question.periods):
            yield from (
                Mark(event.occurred_at, event.message_id, f"came back, {question.by} {offset}") for event in events
            )
