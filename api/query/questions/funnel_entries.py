"""Which entries a question about a funnel is about: those of each customer or session that begin in the range.

Ad hoc, the pure core finds them among the events that ClickHouse has narrowed to the steps' names and the time; saved
(`{"saved": NAME}`), they are those that the agents keep. Both are the same. Where a saved funnel is asked with an
option that the agents do not follow, its steps are asked ad hoc.

    asked range        [from ------------------ to)
    events read        [from -------------------------- to + window]
    an entry               A ----- B ------------- C                  begins inside the range, may end after it
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Literal, NamedTuple, Self
from zoneinfo import ZoneInfo

from msgspec.structs import replace
from pydantic import Field, model_validator

from api.query.errors import near
from api.query.questions import narrowed, owned
from api.query.questions.funnel_choice import Actor, Count, counting, in_order
from api.query.questions.model import Asking, refused
from api.query.questions.ranges import OfCustomers, Range
from api.query.questions.steps import (
    DEFAULT_WINDOW_MS,
    LEAST_STEPS,
    MOST_STEPS,
    Constant,
    Exclusions,
    FunnelWindow,
    Order,
    Step,
    steps_of,
    window_of,
)
from pipeline.domain.funnels import FunnelPlan, compile_funnel, entries
from pipeline.errors import NotFound
from schemas.definitions import Funnel
from schemas.facts import EventRow, FunnelEntry


class OfFunnel(OfCustomers):
    """A question about entries into a funnel."""

    steps: list[Step] | None = Field(None, min_length=LEAST_STEPS, max_length=MOST_STEPS)
    saved: str | None = Field(
        None, min_length=1, max_length=200, description="name of a saved funnel, instead of steps"
    )
    window: FunnelWindow | None = Field(
        None, description="default 7d; session: every step in the session of the first; a saved funnel has its own"
    )
    order: Order | None = Field(
        None,
        description="default ordered: others may lie between; strict: nothing may; any: every step may begin",
    )
    exclusions: Exclusions | None = Field(None, description="what must not happen between two steps")
    constant: Constant | None = Field(
        None, description="properties or $columns that have one value in all of an entry, at most 3"
    )
    within_range: bool = Field(False, description="later steps, too, lie inside the range")
    count: Literal["customers", "sessions", "groups", "entries"] = Field(
        "customers",
        description="sessions: a session's own events; groups: accounts, with the events of all their customers; "
        "entries: all, but no event fills a step twice",
    )
    entries: Literal["all", "closed", "open"] = Field(
        "all", description="closed: those whose window has ended; open: those whose window still runs"
    )

    @model_validator(mode="after")
    def _saved_or_not(self) -> Self:
        if (self.steps is None) == (self.saved is None):
            raise refused("saved" if self.saved else "steps", "give either steps or saved")
        if self.saved is not None:
            own: dict[str, object] = {"window": self.window, "order": self.order, "exclusions": self.exclusions}
            for name, given in (own | {"constant": self.constant}).items():
                if given is not None:
                    raise refused(name, f"a saved funnel has its own {name}; leave it out")
        else:
            self.window = self.window or DEFAULT_WINDOW_MS
            self.order = self.order or "ordered"
            self.exclusions = self.exclusions or []
            self.constant = self.constant or []
        return self


class OfPeople(OfFunnel):
    """A question about what customers did or had beside the steps: entries of customers or of sessions."""

    count: Literal["customers", "sessions", "entries"] = Field(
        "customers",
        description="sessions: a session's own events; entries: all, but no event fills a step twice; groups are "
        "asked of a funnel alone",
    )


Whose = dict[tuple[int, int], int]  # an event's time and message id -> its customer


class Found(NamedTuple):
    """The entries that a question is about."""

    funnel: Funnel
    actors: Iterable[Actor]
    definitions: dict[str, int]
    warnings: list[str]
    whose: Whose  # of groups, as soon as their entries have been read


def entered(asking: Asking, question: OfFunnel, asked: Range, breakdown: str | tuple[str, ...] = "") -> Found:
    """The entries that begin in the time `asked`, by actor; of a saved funnel with its own breakdown, unless one is
    asked."""
    funnel = funnel_of(asking, question, breakdown)
    plan = compile_funnel(funnel)
    definitions = {"funnel": 1} | ({"session": 1} if question.count == "sessions" or funnel.within_session else {})
    whose: Whose = {}
    warnings: list[str] = []
    if question.saved is not None:
        definitions[f"funnel.{funnel.name}"] = funnel.version
    definitions |= {name: version for name, version in asking.goal_versions().items() if name in _goals(funnel)}
    if question.saved is not None and not breakdown and is_kept(question, plan):
        asking.kept.add(f"funnel.{funnel.name}")
        actors = _saved(asking, funnel, asked)
        warnings = _left_behind(asking, funnel)
    else:
        actors = _ad_hoc(asking, question, plan, asked, whose)
    if question.entries != "all":
        actors = _of_state(actors, asking.now - funnel.window_ms, question.entries == "closed")
    return Found(funnel, actors, definitions, warnings, whose)


def _goals(funnel: Funnel) -> set[str]:
    return {f"goal.{step.goal}" for step in funnel.steps if step.goal}


def counted_entries(asking: Asking, question: OfFunnel) -> tuple[Found, list[FunnelEntry]]:
    """The entries of the range that count: of each actor the furthest, or all, as a funnel counts them."""
    asked = question.range(asking.now)
    found = entered(asking, question, asked)
    count = Count(
        funnel=found.funnel,
        asked=asked,
        zone=ZoneInfo(question.zone or "UTC"),
        now=asking.now,
        entries=question.count == "entries",
        by=None,
        limit=1,
        attribution="first",
        between=(0, len(found.funnel.steps) - 1),
        within_range=question.within_range,
    )
    return found, [entry for of_actor in found.actors for entry in counting(in_order(of_actor), count)]


def doubtful(funnel: Funnel, counts: Sequence[int]) -> list[str]:
    """Names that may be misspelt: of steps that nobody fills (`counts`, by step), and of whatever is excluded."""
    found = counts if funnel.order != "any" else [counts[-1]] * len(counts)
    empty = [name for step, count in zip(funnel.steps, found, strict=True) if not count for name in step.events]
    return empty + [name for one in funnel.exclusions for name in one.events]


def label_of(funnel: Funnel, number: int) -> str:
    """What a step is called, from 0; in any order `1 of 3`, `2 of 3` ..."""
    step, size = funnel.steps[number], len(funnel.steps)
    return f"{number + 1} of {size}" if funnel.order == "any" else step.label or step.goal or " or ".join(step.events)


def _of_state(actors: Iterable[Actor], last_closed: int, closed: bool) -> Iterator[Actor]:
    """Of each the entries whose windows have ended (the last instant of a window is inside it), or the others."""
    for found in actors:
        yield [entry for entry in found if (entry.entered_at < last_closed) == closed]


def saved_funnel(asking: Asking, name: str) -> Funnel:
    """The saved funnel of that name; NotFound tells the nearest."""
    funnel = asking.funnels.get(name)
    if funnel is None:
        raise NotFound(f"there is no saved funnel of this name{near(name, tuple(asking.funnels))}", field="saved")
    return funnel


def funnel_of(asking: Asking, question: OfFunnel, breakdown: str | tuple[str, ...] = "") -> Funnel:
    """The saved funnel, or that of the question's steps. No session is longer than the project's cap."""
    if question.saved is not None:
        found = saved_funnel(asking, question.saved)
        found = replace(found, breakdown=breakdown) if breakdown else found
    else:
        found = Funnel(
            "",
            steps_of(question.steps or (), asking.goals),
            order=question.order or "ordered",
            breakdown=breakdown,
            exclusions=tuple(one.definition() for one in question.exclusions or ()),
            constant=tuple(question.constant or ()),
            **window_of(question.window),
        )
    if found.within_session:
        return replace(found, window_ms=asking.project.sessions.cap_ms)
    return found


def is_kept(question: OfFunnel, plan: FunnelPlan) -> bool:
    """Whether the agents keep the very entries that the question counts; of all others the saved steps are asked."""
    return plan.is_followed and not (
        question.count in ("sessions", "groups") or question.include_bots or question.within_range
    )


def _ad_hoc(asking: Asking, question: OfFunnel, plan: FunnelPlan, asked: Range, whose: Whose) -> Iterator[Actor]:
    """The entries of each customer, session or account that the core finds among the steps' events."""
    within = asked if question.within_range else Range(asked.start, asked.end + plan.funnel.window_ms)
    of = asking, plan.events, within, question.include_bots, plan.properties

    def made(actor: int, events: Iterable[EventRow]) -> list[FunnelEntry]:
        return entries(
            list(events),
            plan,
            project=asking.project.name,
            customer=actor,
            entered_from=asked.start,
            entered_until=asked.end,
        )

    if question.count == "groups":
        yield from _of_accounts(narrowed.of_accounts(*of, by_session=plan.funnel.within_session), made, whose)
        return
    by_session = question.count == "sessions" or plan.funnel.within_session
    found = narrowed.of_sessions(*of) if by_session else narrowed.of_customers(*of)
    each = (
        (actor, made(actor, (event for _, event in events)))
        for actor, events in groupby(found, key=lambda pair: pair[0])
    )
    if by_session and question.count != "sessions":
        yield from _of_customers(asking, each, within)
    else:
        yield from (entered for _, entered in each)


def _of_accounts(
    found: Iterable[narrowed.OfAccount], made: Callable[[int, Iterable[EventRow]], list[FunnelEntry]], whose: Whose
) -> Iterator[Actor]:
    """The entries of each account; on the way it is noted whose each event is."""
    for account, of_account in groupby(found, key=lambda one: one.account):
        entered: list[FunnelEntry] = []
        for _, together in groupby(of_account, key=lambda one: one.session):
            told = list(together)
            whose.update({(one.event.occurred_at, one.event.message_id): one.customer for one in told})
            entered += made(account, (one.event for one in told))
        yield entered


def _of_customers(
    asking: Asking, of_sessions: Iterable[tuple[int, list[FunnelEntry]]], within: Range
) -> Iterator[Actor]:
    """The entries of each customer: those of all his sessions."""
    found: defaultdict[int, list[FunnelEntry]] = defaultdict(list)
    whose = owned.customers_of_sessions(asking, within)
    for session, entered in of_sessions:
        customer = whose.get(session, session)
        found[customer] += [replace(entry, customer=customer) for entry in entered]
    yield from found.values()


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
    ((behind,),) = asking.rows("funnel_behind", funnel=funnel.name, funnel_version=funnel.version)
    return [f"{behind} entries are still of another version of this funnel: the agents are at it"] if behind else []
