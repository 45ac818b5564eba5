"""Cells of `lifecycle`: the customers who are new, returning, resurrecting or dormant in a period."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field

from api.query.explain.cases import Cases, Mark, marked
from api.query.explain.groups import OfGroup, of_kinds
from api.query.questions import activity, lifecycle
from api.query.questions.lifecycle import LifecycleQuestion
from api.query.questions.model import Asking
from api.query.questions.periods import label
from schemas.facts import EventRow


class LifecycleCell(OfGroup):
    """A number of a period, of one group or of all."""

    period: str = Field(max_length=100, description="of a point")
    phase: Literal["active", "new", "returning", "resurrecting", "dormant"] = "active"


def of_lifecycle(asking: Asking, question: LifecycleQuestion, cell: LifecycleCell) -> Cases:
    zone = question.inside()
    cases = []
    did = list(activity.did(asking, question, lifecycle.history(question, asking.now)))
    for customer, events in of_kinds(asking, question, cell, did, [customer for customer, _ in did]):
        by_period: defaultdict[str, list[EventRow]] = defaultdict(list)
        for event in events:
            by_period[label(event.occurred_at, question.by, zone)].append(event)
        mine = dict(lifecycle.phases(set(by_period), question.by)).get(cell.period)
        if mine == cell.phase or (cell.phase == "active" and mine not in (None, "dormant")):
            cases.append(marked(customer, _marks(by_period, cell.period, str(mine))))
    return Cases("customers", cases, {"lifecycle": lifecycle.VERSION})


def _marks(by_period: Mapping[str, list[EventRow]], period: str, mine: str) -> Iterator[Mark]:
    """What he did in the period, and what in the last one before it: that makes him what he is."""
    before = max((name for name in by_period if name < period), default=None)
    for name, why in ((before, "before"), (period, mine)):
        yield from (Mark(event.occurred_at, event.message_id, why) for event in by_period.get(name or "", ()))
