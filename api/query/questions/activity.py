"""Who did something, and in which days, weeks or months: what stickiness and life cycle count.

ClickHouse groups where no event needs to be looked at; a filter is the core's to judge.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby
from zoneinfo import ZoneInfo

from pydantic import Field

from api.query.questions import known, narrowed
from api.query.questions.customer_kinds import CustomerBreakdown, Kinds
from api.query.questions.groups import Group, groups
from api.query.questions.model import Asking
from api.query.questions.periods import after, end_of, label
from api.query.questions.ranges import OfCustomers, Range
from api.query.questions.retention import Act, By
from api.query.questions.steps import check
from pipeline.domain import filters
from schemas.facts import EventRow


class Doing(Act, OfCustomers):
    """A question about customers who do something again and again."""

    breakdown: CustomerBreakdown | None = Field(
        None,
        description="$segment.NAME, $customer_now.NAME or $stage_now: a group each value; or a list of up to three, "
        "taken together",
    )
    limit: int = Field(10, ge=1, le=100, description="groups of their own, most customers first; the rest is `other`")

    def inside(self) -> ZoneInfo:
        return ZoneInfo(self.zone or "UTC")


def periods_of(asking: Asking, question: Doing, within: Range, by: By) -> Iterator[tuple[int, set[str]]]:
    """Each customer who did it in a time, with the names of the periods in which he did."""
    check(question.where, "where")
    if question.where:
        zone = question.inside()
        for customer, events in did(asking, question, within):
            yield customer, {label(event.occurred_at, by, zone) for event in events}
        return
    rows = asking.rows(
        "customer_periods",
        **within.bound(),
        events=question.events,
        by=by,
        zone=question.zone,
        bots=int(question.include_bots),
    )
    for customer, names in rows:
        if asking.only is None or customer in asking.only:
            yield customer, set(names)


def did(asking: Asking, question: Doing, within: Range) -> Iterator[tuple[int, list[EventRow]]]:
    """Each customer who did it in a time, with the events, in order."""
    check(question.where, "where")
    holds = filters.compile([one.definition() for one in question.where])
    read = [one.property for one in question.where]
    found = narrowed.of_customers(asking, question.events, within, question.include_bots, read)
    for customer, pairs in groupby(found, key=lambda pair: pair[0]):
        events = [event for _, event in pairs if holds(event, filters.properties_of(event))]
        if events:
            yield customer, events


def parted(
    asking: Asking, question: Doing, customers: Iterable[tuple[int, set[str]]]
) -> list[tuple[Group, list[set[str]]]]:
    """The groups of the breakdown, each with the periods of its customers; none without a breakdown."""
    if not question.breakdown:
        return []
    kinds = Kinds(asking, question.breakdown, question.include_bots)
    found: defaultdict[str, list[set[str]]] = defaultdict(list)
    for customer, names in customers:
        found[kinds.text(customer)].append(names)
    own = groups({text: len(mine) for text, mine in found.items()}, question.limit)
    return [(group, [names for text in sorted(group.texts) for names in found[text]]) for group in own]


def begun(names: Iterable[str], by: By, zone: ZoneInfo, now: int) -> list[str]:
    """The periods that have begun."""
    return [name for name in names if end_of(after(name, by, -1), by, zone) <= now]


def warnings(asking: Asking, question: Doing, *, is_empty: bool) -> list[str]:
    """Of names that never arrived. One name that somebody did is known."""
    return known.warnings(asking, question.events if is_empty or len(question.events) > 1 else [])
