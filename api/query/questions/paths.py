"""Paths: which ways sessions, journeys or customers take from an event or page, to it or through it: nodes and links.

asked range            [from ------------- to)       a path's point lies inside
events read     [from - reach ------------------ to + reach)     reach: the longest session, or the window
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from itertools import groupby
from typing import Any, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from api.query.questions import journey_events, known, narrowed, paths_plain
from api.query.questions.groups import GroupRow, groups
from api.query.questions.model import Answer, Asking, Solved, Strict, refused
from api.query.questions.nodes import Drawn, Found, drawn, kept_of
from api.query.questions.ranges import BEGINNING, OfCustomers, Range
from api.query.questions.steps import DEFAULT_WINDOW_MS, Breakdown, EventNames, Where, Window, check
from pipeline.domain import filters
from pipeline.domain.breakdowns import together
from pipeline.domain.paths import MOST_DEPTH, Direction, Fold, Path, PathRules, Visit, traces
from pipeline.errors import InvalidQuestion
from schemas.definitions import Filter
from schemas.facts import EventRow

_VIEWS = ("page", "screen")
_POINTS: dict[str, Direction] = {"starts_at": "from", "ends_at": "to", "through": "through"}


class Point(Strict):
    """An event or a page."""

    events: EventNames
    where: Where = []


class Pages(Strict):
    """Pages that are one node."""

    pattern: str = Field(min_length=1, max_length=1000, description="RE2, anywhere in the page's path")
    name: str = Field(min_length=1, max_length=200)


class PathsQuestion(OfCustomers):
    starts_at: Point | None = Field(None, description="paths from here; without any point from the beginning")
    ends_at: Point | None = Field(None, description="paths that lead here")
    through: Point | None = Field(None, description="both; name one of the three at most")
    within: Literal["sessions", "journeys", "customers"] = Field(
        "sessions", description="whose events: a session's own; or a journey's or a customer's, of all channels"
    )
    window: Window | None = Field(
        None, description="how long before and after the point; journeys: null, to their ends; customers: default 7d"
    )
    nodes: Literal["both", "events", "pages"] = Field(
        "both", description="events: by name; pages: views alone, by path; both: views by path, others by name"
    )
    events: EventNames | None = Field(None, description="names of events that make nodes; null: all")
    without: list[str] = Field([], max_length=100, description="names of events that make none")
    pages: list[Pages] = Field([], max_length=50, description="pages that are one node; the first that fits")
    depth: int = Field(5, ge=2, le=MOST_DEPTH, description="nodes of a path in a direction, with the point")
    fan_out: int = Field(10, ge=1, le=100, description="nodes of a level, most paths first; the rest is `other`")
    breakdown: Breakdown | None = Field(
        None,
        description="a property, or $channel, $session.acquisition, $segment.NAME ... of the event at the point (or "
        "the beginning): a group each value; or a list of up to three, taken together",
    )
    limit: int = Field(5, ge=1, le=20, description="groups of their own, most paths first; the rest is `other`")
    fold: Fold = Field("none", description="repeats: one after the other is one; loops: who comes back goes on there")

    @model_validator(mode="after")
    def _together(self) -> Self:
        given = [name for name in _POINTS if getattr(self, name) is not None]
        if len(given) > 1:
            raise refused(given[1], f"name {given[0]} or {given[1]}, not both")
        if self.within == "customers":
            if not given:
                raise refused("within", "a customer's paths need a point: name starts_at, ends_at or through")
            self.window = self.window or DEFAULT_WINDOW_MS
        elif self.within == "sessions" and self.window is not None:
            raise refused("window", "a session has its own end; leave window out, or ask within journeys or customers")
        return self

    def point(self) -> tuple[str, Point | None]:
        """The name of the field that holds the point, and the point."""
        return next(((name, one) for name in _POINTS if (one := getattr(self, name)) is not None), ("", None))


class PathsGroup(Drawn, GroupRow):
    """The paths of some values of the breakdown. An actor with several paths may be in several groups."""


class PathsResult(Drawn):
    groups: list[PathsGroup] = Field(
        description="most paths first, `other` last; their nodes are those of all paths, and add up to them; empty "
        "without a breakdown"
    )


class PathsAnswer(Answer[PathsQuestion, PathsResult]):
    """Paths whose point (or beginning) lies in the range."""


def solve(asking: Asking, question: PathsQuestion) -> Solved[PathsQuestion, PathsResult]:
    asked = question.range(asking.now)
    rules, point = rules_of(question), question.point()[1]
    _Naming.of(question)  # what is wrong with the question is told whoever answers it
    own: list[PathsGroup] = []
    if paths_plain.is_plain(asking, question):
        told = paths_plain.told(asking, question, rules, asked)
    else:
        parts = _parted(asking, question, rules, asked)
        found = _of(parts, None)
        kept = kept_of(found, question.fan_out)
        told = drawn(found, rules, kept)
        own = _groups(question, rules, parts, kept) if question.breakdown else []
    result = PathsResult(**told.model_dump(), groups=own)
    names = {*(point.events if point else ()), *(question.events or ()), *question.without}
    return Solved(question, definitions(asking, question), result, known.warnings(asking, names))


Parted = Counter[tuple[tuple[str, Path], ...]]  # an actor's paths, each with its value of the breakdown -> actors


def _parted(asking: Asking, question: PathsQuestion, rules: PathRules, asked: Range) -> Parted:
    found: Parted = Counter()
    for _, visits in visits_of(asking, question, asked):
        mine = traces(visits, rules, asked.start, asked.end)
        if mine:
            found[tuple(sorted((trace.group(), trace.path()) for trace in mine))] += 1
    return found


def _of(parts: Parted, texts: Set[str] | None) -> Found:
    """The paths of some values; None: all."""
    found: Found = Counter()
    for mine, times in parts.items():
        some = tuple(path for text, path in mine if texts is None or text in texts)
        if some:
            found[some] += times
    return found


def _groups(question: PathsQuestion, rules: PathRules, parts: Parted, kept: Set[tuple[int, str]]) -> list[PathsGroup]:
    counts: Counter[str] = Counter()
    for mine, times in parts.items():
        for text, _ in mine:
            counts[text] += times
    return [
        PathsGroup(
            **group.row(question.breakdown or ()).model_dump(),
            **drawn(_of(parts, group.texts), rules, kept).model_dump(),
        )
        for group in groups(counts, question.limit)
    ]


def definitions(asking: Asking, question: PathsQuestion) -> dict[str, int]:
    actors: dict[str, dict[str, int]] = {
        "sessions": {"session": 1},
        "journeys": {"journey": 1, "session": 1} | asking.goal_versions(),
        "customers": {},
    }
    return {"paths": 1} | actors[question.within]


def rules_of(question: PathsQuestion) -> PathRules:
    return PathRules(_POINTS.get(question.point()[0], "begin"), question.depth, question.fold, question.window)


class _Naming(NamedTuple):
    """What makes a node, and its name."""

    question: PathsQuestion
    at_point: filters.Predicate
    groups: Sequence[tuple[Callable[[str], bool], str]]
    at: frozenset[str]  # names of events that may be the point
    makes: frozenset[str]  # names of events that make nodes
    without: frozenset[str]
    group: Callable[[EventRow, Mapping[str, Any]], str]

    @classmethod
    def of(cls, question: PathsQuestion) -> Self:
        field, point = question.point()
        if point:
            check(point.where, f"{field}.where")
        where = filters.compile([one.definition() for one in point.where] if point else [], f"{field}.where")
        return cls(
            question,
            where,
            [(_pattern(one, at), one.name) for at, one in enumerate(question.pages)],
            frozenset(point.events if point else ()),
            frozenset(["*"] if question.events is None else question.events),
            frozenset(question.without),
            together(question.breakdown) if question.breakdown else lambda event, properties: "",
        )

    def read(self) -> tuple[list[str], list[str]]:
        """Names of events, and properties and columns, that must be read."""
        _, point = self.question.point()
        names = ["*"] if self.question.events is None else [*self.question.events, *(point.events if point else ())]
        where = (one.property for one in (point.where if point else ()))
        return names, ["$is_passive", "$type", "$path", *where, *(self.question.breakdown or ())]

    def visit(self, event: EventRow) -> Visit | None:
        """None where the event is no node. At the point a passive event, or one that makes no nodes, is one too."""
        nodes, name = self.question.nodes, event.event
        is_named = name in self.at or "*" in self.at
        properties = filters.properties_of(event)
        is_point = is_named and self.at_point(event, properties)
        is_view = event.type in _VIEWS
        is_node = (
            not event.is_passive
            and (name in self.makes or "*" in self.makes)
            and name not in self.without
            and (is_view or nodes != "pages")
        )
        if not is_node and not is_point:
            return None
        by_path = is_view and nodes != "events" and event.path
        name = self._page(event.path) if by_path else event.event
        return Visit(event.occurred_at, name, is_point, event.message_id, self.group(event, properties))

    def _page(self, path: str) -> str:
        return next((name for fits, name in self.groups if fits(path)), path)


def _pattern(group: Pages, number: int) -> Callable[[str], bool]:
    try:
        holds = filters.compile([Filter("$path", "regex", group.pattern)])
    except InvalidQuestion as error:
        raise InvalidQuestion(error.message, field=f"pages[{number}].pattern") from error
    return lambda path: holds(EventRow("", 0, 0, 0, 0, 0, "", "", "", path=path), {})


def visits_of(asking: Asking, question: PathsQuestion, asked: Range) -> Iterator[tuple[int, list[Visit]]]:
    """Each session's id, or a customer once for himself or for each of his journeys, with the visits, in order."""
    naming = _Naming.of(question)
    names, properties = naming.read()
    if question.within == "journeys":
        window, bots = question.window, question.include_bots
        for customer, mine in journey_events.of_journeys(asking, names, asked, window, bots, properties):
            yield customer, [visit for event in mine if (visit := naming.visit(event))]
        return
    reach = question.window or asking.project.sessions.cap_ms
    within = Range(max(BEGINNING, asked.start - reach), asked.end + reach)
    read = narrowed.of_sessions if question.within == "sessions" else narrowed.of_customers
    found = read(asking, names, within, question.include_bots, properties)
    for actor, events in groupby(found, key=lambda pair: pair[0]):
        yield actor, [visit for _, event in events if (visit := naming.visit(event))]
