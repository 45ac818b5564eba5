"""Paths: which ways sessions, journeys or customers take from an event or page, to it or through it: nodes and links.

asked range            [from ------------- to)       a path's point lies inside
events read     [from - reach ------------------ to + reach)     reach: the longest session, or the window
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Generic, Literal, NamedTuple, Self, TypeVar

from pydantic import BaseModel, Field, model_validator

from api.query.questions import journey_events, known, narrowed, paths_plain
from api.query.questions.model import Answer, Asking, Solved, Strict, refused
from api.query.questions.ranges import BEGINNING, OfCustomers, Range
from api.query.questions.steps import DEFAULT_WINDOW_MS, EventNames, Where, Window, check
from pipeline.domain import filters
from pipeline.domain.paths import MOST_DEPTH, Direction, Fold, Path, PathRules, Visit, paths
from pipeline.errors import InvalidQuestion
from schemas.definitions import Filter
from schemas.facts import EventRow

_VIEWS = ("page", "screen")
_POINTS: dict[str, Direction] = {"starts_at": "from", "ends_at": "to", "through": "through"}


_Place = tuple[int, str | None]  # level, name; None: other
Thing = TypeVar("Thing")


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


class Node(BaseModel):
    id: str = Field(description="unique: level and name")
    level: int = Field(description="0 is the point, or the beginning; -1 comes before it, 1 after it")
    name: str
    kind: Literal["value", "other"] = Field(description="other: all nodes of the level beyond `fan_out`")
    paths: int
    actors: int = Field(description="different sessions, journeys or customers")
    begins: int = Field(description="paths that begin here, though they might have come from further back")
    ends: int = Field(description="paths that end here, though they might have gone further")


class Link(BaseModel):
    source: str = Field(description="id of a node")
    target: str = Field(description="id of a node of the next level")
    paths: int
    actors: int


class PathsResult(BaseModel):
    paths: int
    actors: int = Field(description="sessions, journeys or customers with a path")
    nodes: list[Node] = Field(description="level by level, most paths first, `other` last")
    links: list[Link] = Field(description="most paths first")


class PathsAnswer(Answer[PathsQuestion, PathsResult]):
    """Paths whose point (or beginning) lies in the range."""


def solve(asking: Asking, question: PathsQuestion) -> Solved[PathsQuestion, PathsResult]:
    asked = question.range(asking.now)
    rules, point = rules_of(question), question.point()[1]
    _Naming.of(question)  # what is wrong with the question is told whoever answers it
    plain = paths_plain.is_plain(asking, question)
    found = paths_plain.found(asking, question, rules, asked) if plain else _found(asking, question, rules, asked)
    result = _drawn(found, rules, question.fan_out)
    names = {*(point.events if point else ()), *(question.events or ()), *question.without}
    return Solved(question, definitions(asking, question), result, known.warnings(asking, names))


def _found(asking: Asking, question: PathsQuestion, rules: PathRules, asked: Range) -> Counter[tuple[Path, ...]]:
    """The paths of a session, a journey or a customer -> how many of them have these very ones."""
    found: Counter[tuple[Path, ...]] = Counter()
    for _, visits in visits_of(asking, question, asked):
        mine = paths(visits, rules, asked.start, asked.end)
        if mine:
            found[tuple(sorted(mine))] += 1
    return found


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
        )

    def read(self) -> tuple[list[str], list[str]]:
        """Names of events, and properties and columns, that must be read."""
        _, point = self.question.point()
        names = ["*"] if self.question.events is None else [*self.question.events, *(point.events if point else ())]
        return names, ["$is_passive", "$type", "$path", *(one.property for one in (point.where if point else ()))]

    def visit(self, event: EventRow) -> Visit | None:
        """None where the event is no node. At the point a passive event, or one that makes no nodes, is one too."""
        nodes, name = self.question.nodes, event.event
        is_named = name in self.at or "*" in self.at
        is_point = is_named and self.at_point(event, filters.properties_of(event))
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
        return Visit(event.occurred_at, name, is_point, event.message_id)

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


class _Tally(Generic[Thing]):
    """How many paths, and how many actors, had each of some things."""

    def __init__(self) -> None:
        self.paths: Counter[Thing] = Counter()
        self.actors: Counter[Thing] = Counter()

    def add(self, of_actor: Iterable[Thing], times: int) -> None:
        for one, count in Counter(of_actor).items():
            self.paths[one] += count * times
            self.actors[one] += times


def _drawn(found: Counter[tuple[Path, ...]], rules: PathRules, fan_out: int) -> PathsResult:
    every: Counter[tuple[int, str]] = Counter()
    for mine, times in found.items():
        for path in mine:
            for level, name in enumerate(path.names, path.level):
                every[level, name] += times
    kept = kept_of(every, fan_out)
    nodes, begins, ends = _Tally[_Place](), _Tally[_Place](), _Tally[_Place]()
    links = _Tally[tuple[_Place, _Place]]()
    forwards, backwards = rules.direction != "to", rules.direction in ("to", "through")
    for mine, times in found.items():
        ways: list[list[_Place]] = [
            [(level, name if (level, name) in kept else None) for level, name in enumerate(path.names, path.level)]
            for path in mine
        ]
        nodes.add((node for way in ways for node in way), times)
        links.add((pair for way in ways for pair in zip(way, way[1:], strict=False)), times)
        begins.add((way[0] for way in ways if backwards and way[0][0] > 1 - rules.depth), times)
        ends.add((way[-1] for way in ways if forwards and way[-1][0] < rules.depth - 1), times)
    return PathsResult(
        paths=sum(len(mine) * times for mine, times in found.items()),
        actors=found.total(),
        nodes=sorted(
            (
                Node(
                    id=node_id(node), level=node[0], name="other" if node[1] is None else node[1],
                    kind="other" if node[1] is None else "value", paths=count, actors=nodes.actors[node],
                    begins=begins.paths[node], ends=ends.paths[node],
                )
                for node, count in nodes.paths.items()
            ),
            key=lambda node: (node.level, node.kind == "other", -node.paths, node.name),
        ),
        links=sorted(
            (
                Link(source=node_id(pair[0]), target=node_id(pair[1]), paths=count, actors=links.actors[pair])
                for pair, count in links.paths.items()
            ),
            key=lambda link: (-link.paths, link.source, link.target),
        ),
    )  # fmt: skip


def kept_of(every: Counter[tuple[int, str]], fan_out: int) -> set[tuple[int, str]]:
    """The nodes of each level that are not put into its `other`; ties go by name."""
    ranked = sorted(every, key=lambda node: (node[0], -every[node], node[1]))
    return {node for _, level in groupby(ranked, key=lambda node: node[0]) for node in list(level)[:fan_out]}


def node_id(node: _Place) -> str:
    level, name = node
    return f"{level} other" if name is None else f"{level}:{name}"
