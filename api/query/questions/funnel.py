"""Funnel: how many customers (or sessions) come how far through steps, how fast, by a breakdown and by period.

Ad hoc, the pure core answers, over the events that ClickHouse has narrowed to the steps' names and the time; saved
(`{"saved": NAME}`), the entries that the agents keep are counted. Both count the same way, so both give the same.

    asked range        [from ------------------ to)
    events read        [from -------------------------- to + window]
    an entry               A ----- B ------------- C                  begins inside the range, may end after it
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Annotated, Any, Literal, NamedTuple, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from api.query.errors import near
from api.query.questions import known, narrowed
from api.query.questions.funnel_choice import Actor, Count
from api.query.questions.funnel_numbers import FunnelResult, tallied
from api.query.questions.model import Answer, Asking, Solved, Strict, refused
from api.query.questions.ranges import OfCustomers, Period, Range
from api.query.questions.steps import (
    DEFAULT_WINDOW_MS,
    LEAST_STEPS,
    MOST_STEPS,
    Constant,
    Exclusions,
    Order,
    Step,
    Window,
)
from pipeline.domain.funnels import FunnelPlan, compile_funnel, entries
from pipeline.errors import InvalidQuestion, NotFound
from schemas.definitions import Funnel
from schemas.facts import FunnelEntry

_NAMED = ("first", "last", "all")


def _attribution(given: Any) -> Any:
    if given not in _NAMED and (not isinstance(given, int) or isinstance(given, bool) or given < 1):
        raise ValueError(f"must be 'first', 'last', 'all' or the number of a step{near(given, _NAMED)}")
    return given


Attribution = Annotated[
    Any,
    AfterValidator(_attribution),
    WithJsonSchema({"anyOf": [{"enum": list(_NAMED)}, {"type": "integer", "minimum": 1, "maximum": MOST_STEPS}]}),
]


class Convert(Strict):
    """Two steps, by their numbers from 1."""

    from_: int = Field(1, alias="from", ge=1, le=MOST_STEPS, description="number of a step, from 1")
    to: int | None = Field(None, ge=1, le=MOST_STEPS, description="number of a later step; null: the last")


class FunnelQuestion(OfCustomers):
    steps: list[Step] | None = Field(None, min_length=LEAST_STEPS, max_length=MOST_STEPS)
    saved: str | None = Field(
        None, min_length=1, max_length=200, description="name of a saved funnel, instead of steps"
    )
    window: Window | None = Field(None, description="default 7d; a saved funnel has its own")
    order: Order | None = Field(
        None,
        description="default ordered: others may lie between; strict: nothing may; any: every step may begin",
    )
    exclusions: Exclusions | None = Field(None, description="what must not happen between two steps")
    constant: Constant | None = Field(
        None, description="properties or $columns that have one value in all of an entry, at most 3"
    )
    within_range: bool = Field(False, description="later steps, too, lie inside the range")
    count: Literal["customers", "sessions", "entries"] = Field(
        "customers", description="sessions: a session's own events; entries: all, but no event fills a step twice"
    )
    entries: Literal["all", "closed", "open"] = Field(
        "all", description="closed: those whose window has ended; open: those whose window still runs"
    )
    breakdown: str | None = Field(
        None, min_length=1, max_length=1000, description="a property, or $channel, $acquisition ..."
    )
    attribution: Attribution = Field(
        "first",
        description="where the breakdown is read: first or last step filled, a step's number, "
        "or all: counted under each value",
    )
    limit: int = Field(
        100, ge=1, le=1000, description="values of the breakdown, those with most entries first; the rest is `other`"
    )
    convert: Convert = Field(Convert.model_validate({}), description="the steps between which times are taken")
    by: Period | None = Field(None, description="the period in which an entry begins, in the zone")

    @model_validator(mode="after")
    def _saved_or_not(self) -> Self:
        if (self.steps is None) == (self.saved is None):
            raise refused("saved" if self.saved else "steps", "give either steps or saved")
        if self.saved is not None:
            own: dict[str, object] = {"window": self.window, "order": self.order, "exclusions": self.exclusions}
            own |= {"constant": self.constant}
            for name, given in (own | {"breakdown": self.breakdown}).items():
                if given is not None:
                    raise refused(name, f"a saved funnel has its own {name}; leave it out")
            others = {"count": self.count == "sessions", "include_bots": self.include_bots}
            for name, is_other in (others | {"within_range": self.within_range}).items():
                if is_other:
                    raise refused(name, "a saved funnel follows customers without bots; ask about its steps instead")
        else:
            self.window = self.window or DEFAULT_WINDOW_MS
            self.order = self.order or "ordered"
            self.exclusions = self.exclusions or []
            self.constant = self.constant or []
        return self


class FunnelAnswer(Answer[FunnelQuestion, FunnelResult]):
    """The entries that begin in the range."""


class Found(NamedTuple):
    """The entries that a question is about, and how they count."""

    funnel: Funnel
    how: Count
    actors: Iterable[Actor]
    definitions: dict[str, int]
    warnings: list[str]


def solve(asking: Asking, question: FunnelQuestion) -> Solved[FunnelQuestion, FunnelResult]:
    found = entered(asking, question)
    result = tallied(found.actors, found.how)
    doubtful = known.warnings(asking, _doubtful(found.funnel, result))
    return Solved(question, found.definitions, result, found.warnings + doubtful)


def entered(asking: Asking, question: FunnelQuestion) -> Found:
    """The entries that begin in the range, by actor; InvalidQuestion for steps that the funnel does not have."""
    asked = question.range(asking.now)
    funnel = _funnel(asking, question)
    plan, count = compile_funnel(funnel), _count(asking, question, funnel, asked)
    definitions = {"funnel": 1} | ({"session": 1} if question.count == "sessions" else {})
    warnings: list[str] = []
    if question.saved is not None:
        definitions[f"funnel.{funnel.name}"] = funnel.version
        actors = _saved(asking, funnel, asked)
        warnings = _left_behind(asking, funnel)
    else:
        actors = _ad_hoc(asking, question, plan, asked)
    if question.entries != "all":
        actors = _of_state(actors, asking.now - funnel.window_ms, question.entries == "closed")
    return Found(funnel, count, actors, definitions, warnings)


def _count(asking: Asking, question: FunnelQuestion, funnel: Funnel, asked: Range) -> Count:
    """How to count; InvalidQuestion for steps that the funnel does not have."""
    size, told = len(funnel.steps), question.attribution
    if told != "first" and not funnel.breakdown:
        raise InvalidQuestion("this says where a breakdown is read: name a breakdown too", field="attribution")
    if isinstance(told, int) and told > size:
        raise InvalidQuestion(f"the funnel has {size} steps", field="attribution")
    first, last = question.convert.from_, question.convert.to or size
    if first >= size:
        raise InvalidQuestion(f"must be the number of a step from 1 to {size - 1}", field="convert.from")
    if not first < last <= size:
        raise InvalidQuestion(
            f"must be the number of a step later than {first}, and {size} at most", field="convert.to"
        )
    return Count(
        funnel=funnel,
        asked=asked,
        zone=ZoneInfo(question.zone or "UTC"),
        now=asking.now,
        entries=question.count == "entries",
        by=question.by,
        limit=question.limit,
        attribution=told,
        between=(first - 1, last - 1),
    )


def _of_state(actors: Iterable[Actor], last_closed: int, closed: bool) -> Iterator[Actor]:
    """Of each the entries whose windows have ended (the last instant of a window is inside it), or the others."""
    for found in actors:
        yield [entry for entry in found if (entry.entered_at < last_closed) == closed]


def _doubtful(funnel: Funnel, result: FunnelResult) -> list[str]:
    """Names that may be misspelt: of steps that nobody fills, and of whatever is excluded."""
    is_any = funnel.order == "any"
    empty = [
        name
        for step, numbers in zip(funnel.steps, result.steps, strict=True)
        if not (result.converted if is_any else numbers.count)
        for name in step.events
    ]
    return empty + [name for one in funnel.exclusions for name in one.events]


def saved_funnel(asking: Asking, name: str) -> Funnel:
    """The saved funnel of that name; NotFound tells the nearest."""
    funnel = asking.funnels.get(name)
    if funnel is None:
        raise NotFound(f"there is no saved funnel of this name{near(name, tuple(asking.funnels))}", field="saved")
    return funnel


def _funnel(asking: Asking, question: FunnelQuestion) -> Funnel:
    if question.saved is not None:
        return saved_funnel(asking, question.saved)
    return Funnel(
        "",
        tuple(step.definition() for step in question.steps or ()),
        question.window or DEFAULT_WINDOW_MS,
        question.order or "ordered",
        question.breakdown or "",
        tuple(one.definition() for one in question.exclusions or ()),
        tuple(question.constant or ()),
    )


def _ad_hoc(asking: Asking, question: FunnelQuestion, plan: FunnelPlan, asked: Range) -> Iterator[Actor]:
    """The entries of each customer or session that the core finds among the steps' events."""
    within = asked if question.within_range else Range(asked.start, asked.end + plan.funnel.window_ms)
    read = narrowed.of_sessions if question.count == "sessions" else narrowed.of_customers
    found = read(asking, plan.events, within, question.include_bots, plan.properties)
    for actor, events in groupby(found, key=lambda pair: pair[0]):
        yield entries(
            [event for _, event in events],
            plan,
            project=asking.project.name,
            customer=actor,
            entered_from=asked.start,
            entered_until=asked.end,
        )


def _saved(asking: Asking, funnel: Funnel, asked: Range) -> Iterator[Actor]:
    """The entries of each customer that the agents have kept."""
    rows = asking.rows("funnel_entries", funnel=funnel.name, funnel_version=funnel.version, **asked.bound())
    for customer, of_customer in groupby(rows, key=lambda row: row[0]):
        if asking.only is not None and customer not in asking.only:
            continue
        yield [
            FunnelEntry(
                project=asking.project.name,
                funnel=funnel.name,
                customer=customer,
                entered_at=entered_at,
                id=0,
                funnel_version=funnel.version,
                steps=steps,
                step_times=tuple(times),
                step_messages=tuple(messages),
                step_groups=tuple(groups),
            )
            for _, entered_at, steps, times, messages, groups in of_customer
        ]


def _left_behind(asking: Asking, funnel: Funnel) -> list[str]:
    behind = sum(row[1] for row in asking.rows("funnel_followed", funnel=funnel.name) if row[0] != funnel.version)
    return [f"{behind} entries are still of another version of this funnel: the agents are at it"] if behind else []


def check_funnel(funnel: Funnel) -> None:
    """InvalidQuestion, with the field, where a funnel cannot be followed."""
    if not LEAST_STEPS <= len(funnel.steps) <= MOST_STEPS:
        raise InvalidQuestion(f"a funnel has from {LEAST_STEPS} to {MOST_STEPS} steps", field="steps")
    compile_funnel(funnel)
