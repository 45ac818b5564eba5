"""An explanation as it is sent: the customers of a cell, by the page or as a table, and the marked events of one."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, Field

from api.query import profiles
from api.query.explain.cases import Case, Cases, Counted
from api.query.questions.model import Answer, Asking, Statement, Strict, hexadecimal
from api.query.questions.ranges import Ranged
from api.query.timeline import TimelineEvent, cursor, timeline
from pipeline.domain.identifiers import fact_id, kind_of
from pipeline.errors import InvalidQuestion

Q = TypeVar("Q", bound=Ranged)
C = TypeVar("C", bound=Strict)

MOST_EVENTS: Final = 1_000
_MOST_TEXT: Final = 2_000  # characters of a bound value that are shown


class Explain(Strict, Generic[Q, C]):
    """Which number of which answer, and what is to be told of it."""

    question: Q
    cell: C
    customer: str | None = Field(
        None, max_length=1000, description="one of them: his events, with those marked that put him there"
    )
    limit: int = Field(100, ge=1, le=1000, description="customers of a page")
    after: str | None = Field(None, pattern=r"^[0-9a-f]{16}$", description="`next` of the page before")
    before: str | None = Field(None, max_length=100, description="of a customer's events: `next` of the page before")


class Behind(BaseModel):
    """A customer who is in the cell."""

    id: str
    kind: str = Field(description="user, email, phone, vendor or device")
    times: int = Field(
        description="how often: of his sessions, groups, entries, paths, events or journeys, by `counted`"
    )
    first_at: int
    last_at: int


class MarkedEvent(TimelineEvent):
    marks: list[str] = Field(description="what it is a reason for; empty: it only lies between such events")


class Cost(BaseModel):
    name: str
    sql: str
    parameters: dict[str, str] = Field(description="the values bound, as text; long ones are cut")
    rows: int = Field(description="that came back")
    rows_read: int
    bytes_read: int
    ms: float


class Costs(BaseModel):
    """What the question was read with. What is left is the core's."""

    ms: float = Field(description="of all statements")
    rows_read: int
    bytes_read: int
    statements: list[Cost]


class Explained(BaseModel):
    counted: Counted = Field(description="what the number counts")
    count: int = Field(description="the number itself")
    customers: int = Field(description="different customers in it")
    rows: list[Behind] = Field(description="by id")
    events: list[MarkedEvent] = Field(
        description="of `customer`, the newest first, from his last marked event back to the first; empty without one"
    )
    next: str | None = Field(description="give it as `after`, with a customer as `before`, to read on")
    cost: Costs


class ExplainQuestion(BaseModel, Generic[Q, C]):
    question: Q = Field(description="with every default filled in")
    cell: C
    customer: str | None


class Explanation(Answer[Any, Explained]):
    """Who is in a number, and why."""


def explained(asking: Asking, cases: Cases, limit: int, after: str | None) -> Explained:
    """A page of the cell's customers."""
    behind = in_order(cases.found)
    ids = [one.customer for one in behind]
    start = bisect_right(ids, int(after, 16)) if after else 0
    page = behind[start : start + limit]
    more = start + limit < len(behind)
    return Explained(
        counted=cases.counted,
        count=cases.total(),
        customers=len(behind),
        rows=[one.shown() for one in page],
        events=[],
        next=hexadecimal(page[-1].customer) if more else None,
        cost=costs(asking.statements),
    )


def explained_customer(asking: Asking, cases: Cases, asked: str, before: str | None) -> Explained:
    """The one customer's events from his first reason to his last. InvalidQuestion for one who is not in the cell."""
    held = profiles.customer_of(asking, profiles.number_of(asking, asked, "customer"), "customer")
    mine = [case for case in cases.found if case.customer == held.customer]
    if not mine:
        raise InvalidQuestion("this customer is not in the cell", field="customer", code="not_in_cell")
    if cases.of_one:
        mine = cases.of_one(held)
    begins, ends = min(case.begins for case in mine), max(case.ends for case in mine)
    begins_at = (ends + 1, 0, 0, 0) if before is None else cursor(before)
    events, following = timeline(asking, held.members, MOST_EVENTS, begins_at)
    shown = [event for event in events if event.at >= begins]
    reasons = _reasons(asking.project.name, mine)
    return Explained(
        counted=cases.counted,
        count=cases.total(),
        customers=len({case.customer for case in cases.found}),
        rows=[one.shown() for one in in_order(mine)],
        events=[MarkedEvent(**event.model_dump(), marks=reasons.of(event)) for event in shown],
        next=following if len(shown) == len(events) else None,
        cost=costs(asking.statements),
    )


class Grouped(NamedTuple):
    """A customer's cases, summed up."""

    customer: int
    times: int
    first_at: int
    last_at: int

    def shown(self) -> Behind:
        return Behind(
            id=hexadecimal(self.customer),
            kind=kind_of(self.customer).name,
            times=self.times,
            first_at=self.first_at,
            last_at=self.last_at,
        )


def in_order(found: Iterable[Case]) -> list[Grouped]:
    """The different customers by id."""
    by_customer: defaultdict[int, list[Case]] = defaultdict(list)
    for case in found:
        by_customer[case.customer].append(case)
    return [
        Grouped(who, len(cases), min(case.begins for case in cases), max(case.ends for case in cases))
        for who, cases in sorted(by_customer.items())
    ]


class _Reasons(NamedTuple):
    project: str
    by_event: dict[tuple[int, str], list[str]]
    by_session: dict[str, str]
    by_touchpoint: dict[int, str]

    def of(self, event: TimelineEvent) -> list[str]:
        told = self.by_event.get((event.at, event.message_id), [])
        why = self.by_session.get(event.session or "") or self._touchpoint(event)
        return [*told, why] if why else told

    def _touchpoint(self, event: TimelineEvent) -> str | None:
        """A touchpoint is a session or, by its own id, an event that is in none."""
        if not self.by_touchpoint or event.session:
            return self.by_touchpoint.get(int(event.session or "0", 16))
        return self.by_touchpoint.get(fact_id(self.project, int(event.device, 16), int(event.message_id, 16), event.at))


def _reasons(project: str, cases: Iterable[Case]) -> _Reasons:
    found = _Reasons(project, {}, {}, {})
    for case in cases:
        for mark in case.marks:
            told = found.by_event.setdefault((mark.at, hexadecimal(mark.message)), [])
            if mark.why not in told:
                told.append(mark.why)
        if case.session:
            found.by_session[hexadecimal(case.session)] = case.why
        found.by_touchpoint.update(case.touchpoints)
    return found


def costs(statements: Iterable[Statement]) -> Costs:
    """The statements of a question with what each read."""
    told = [
        Cost(
            name=one.name,
            sql=one.sql,
            parameters={name: str(value)[:_MOST_TEXT] for name, value in one.parameters.items()},
            rows=one.rows,
            rows_read=one.read.rows,
            bytes_read=one.read.bytes,
            ms=round(one.ms, 3),
        )
        for one in statements
    ]
    return Costs(
        ms=round(sum(one.ms for one in told), 3),
        rows_read=sum(one.rows_read for one in told),
        bytes_read=sum(one.bytes_read for one in told),
        statements=told,
    )


def records(cases: Cases) -> Iterator[dict[str, Any]]:
    """All customers of the cell."""
    return (one.shown().model_dump() for one in in_order(cases.found))
