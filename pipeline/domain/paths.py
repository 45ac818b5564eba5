"""Paths: which way an actor's events take from a point, to it, or through it.

    visits      home  list  item  list  item  cart  pay          depth 3
    from item               item  list  item
    to cart                       list  item  cart
    through cart                  list  item  cart  pay

Every visit at the point makes a path of its own, as every first step opens an entry of a funnel. Without a point there
is one path, from the first visit on. Levels count from the point: -1 is the visit before it, 1 the one after it.

    fold repeats    home home list -> home list               before anything else
    fold loops      item list item cart -> item cart          who comes back to where the path was goes on from there
"""

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

Fold = Literal["none", "repeats", "loops"]
Direction = Literal["from", "to", "through", "begin"]
MOST_DEPTH: Final = 10


class Visit(NamedTuple):
    at: int  # ms
    name: str
    is_point: bool
    message: int = 0  # the event's id
    group: str = ""  # the value of a breakdown that the event has


class Path(NamedTuple):
    level: int  # of the first name
    names: tuple[str, ...]


class Trace(NamedTuple):
    """A path with its visits."""

    level: int  # of the first visit
    visits: tuple[Visit, ...]

    def path(self) -> Path:
        return Path(self.level, tuple(visit.name for visit in self.visits))

    def group(self) -> str:
        """The value of a breakdown that the event at the point, or at the beginning, has."""
        return self.visits[-self.level].group


class PathRules(NamedTuple):
    direction: Direction  # begin: from the first visit on
    depth: int  # names in a direction, with that of the point
    fold: Fold = "none"
    window_ms: int | None = None  # before and after the point, inclusive; None: no end


def paths(visits: Sequence[Visit], rules: PathRules, begin: int, end: int) -> list[Path]:
    """The paths of one actor, by their points in [begin, end) ms. `visits` are all of his, in their order."""
    return [trace.path() for trace in traces(visits, rules, begin, end)]


def traces(visits: Sequence[Visit], rules: PathRules, begin: int, end: int) -> list[Trace]:
    """The same paths with the visits that they go through."""
    if rules.fold == "repeats":
        visits = _without_repeats(visits)
    return [
        _trace(visits, place, rules)
        for place, visit in enumerate(visits)
        if begin <= visit.at < end and (place == 0 if rules.direction == "begin" else visit.is_point)
    ]


def _without_repeats(visits: Sequence[Visit]) -> list[Visit]:
    """Of visits of one name on end the first stays; it is at the point where one of them is."""
    kept: list[Visit] = []
    for visit in visits:
        if not kept or kept[-1].name != visit.name:
            kept.append(visit)
        elif visit.is_point and not kept[-1].is_point:
            kept[-1] = visit
    return kept


def _trace(visits: Sequence[Visit], place: int, rules: PathRules) -> Trace:
    after, before = [visits[place]], [visits[place]]
    if rules.direction != "to":
        after = _way(visits[place:], rules)
    if rules.direction in ("to", "through"):
        before = _way(visits[place::-1], rules)
    return Trace(1 - len(before), (*reversed(before[1:]), *after))


def _way(visits: Iterable[Visit], rules: PathRules) -> list[Visit]:
    """Visits from the point on, in either direction."""
    way: list[Visit] = []
    names: list[str] = []
    point: int | None = None
    for visit in visits:
        point = visit.at if point is None else point
        if rules.window_ms is not None and abs(visit.at - point) > rules.window_ms:
            break
        if rules.fold == "loops" and visit.name in names:
            back = names.index(visit.name) + 1
            del names[back:], way[back:]
        elif rules.fold == "loops" or len(names) < rules.depth:
            names.append(visit.name)
            way.append(visit)
        else:
            break
    return way[: rules.depth]
