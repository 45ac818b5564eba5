"""Paths that are counted over columns of numbers: the answer of the core to the digit, a visit a fraction of its cost.

ClickHouse sorts the visits of each device and puts its sessions between them (`paths_columns.sql`); a node is the hash
of its name until it is known which few of a level are told by name.

    row       device  session  visit  visit  session  visit  visit
    session      0       1       1      1       2       2      -        the last one lies after the session's end
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from api.query.questions.model import Asking
from api.query.questions.nodes import Drawn, Place, Tallies, Tally
from api.query.questions.ranges import Range
from pipeline.domain.paths import PathRules
from pipeline.domain.walks import Flags, Ints, changes

MOST_NAMES: Final = 1000  # hashes whose names are looked up one by one
_AHEAD: Final = 1 << 45  # ms that times are moved by, so that none is negative
_Named = dict[int, dict[int, str]]  # level -> hash -> name


class _Visits(NamedTuple):
    """In order, a session's together."""

    node: Ints  # hash of the name
    session: Ints
    is_point: Flags
    inside: Flags  # the asked range

    def some(self, kept: Ints) -> "_Visits":
        return _Visits(*(column[kept] for column in self))


class _Ways(NamedTuple):
    """The paths, each around the visit at its point; levels count from there."""

    visits: _Visits
    place: Ints  # of the point among the visits
    back: Ints  # nodes before the point
    forth: Ints  # nodes after it

    def at(self, level: int) -> tuple[Ints, Ints]:
        """Numbers of the paths that have a node of the level, and the nodes."""
        on = np.flatnonzero((-level <= self.back) & (level <= self.forth))
        return on, self.visits.node[self.place[on] + level]


def told(asking: Asking, rules: PathRules, asked: Range, bound: dict[str, Any], fan_out: int) -> Drawn:
    """The answer; `bound` are the parameters of the statements."""
    word, stamp = asking.columns("paths_columns", **bound) or (np.empty(0, np.uint64), np.empty(0, np.uint64))
    visits = _visits(word, stamp, asked)
    del word, stamp
    ways = _ways(_without_repeats(visits) if rules.fold == "repeats" else visits, rules)
    return _tallied(ways, rules, _named(asking, ways, rules, bound, fan_out)).drawn()


def _visits(word: Ints, stamp: Ints, asked: Range) -> _Visits:
    """Those that lie in a session."""
    is_visit = stamp & np.uint64(2) != 0
    ends = word[~is_visit]
    session = np.cumsum(~is_visit, dtype=np.int32) - 1  # a device's beginning is the first row
    kept = np.flatnonzero(is_visit)
    kept = kept[stamp[kept] >> np.uint64(2) <= ends[session[kept]]]
    at = (stamp[kept] >> np.uint64(2)).astype(np.int64) - _AHEAD
    is_point = stamp[kept] & np.uint64(1) != 0
    return _Visits(word[kept], session[kept], is_point, (at >= asked.start) & (at < asked.end))


def _without_repeats(visits: _Visits) -> _Visits:
    """Of visits of one name on end the first stays, or the first of them that is at the point."""
    runs = np.flatnonzero(changes(visits.node) | changes(visits.session))
    if not len(runs):
        return visits
    size = len(visits.node)
    first = np.minimum.reduceat(np.where(visits.is_point, np.arange(size), size), runs)
    return visits.some(np.where(first < size, first, runs))


def _ways(visits: _Visits, rules: PathRules) -> _Ways:
    is_first = changes(visits.session)
    place = np.flatnonzero(visits.inside & (is_first if rules.direction == "begin" else visits.is_point))
    first = np.flatnonzero(is_first)
    last = np.append(first[1:], len(visits.node)) - 1
    of = (np.cumsum(is_first) - 1)[place]
    none = np.zeros(len(place), np.int64)
    back = np.minimum(place - first[of], rules.depth - 1) if rules.direction in ("to", "through") else none
    forth = np.minimum(last[of] - place, rules.depth - 1) if rules.direction != "to" else none
    return _Ways(visits, place, back, forth)


def _named(asking: Asking, ways: _Ways, rules: PathRules, bound: dict[str, Any], fan_out: int) -> _Named:
    """The nodes of each level that are told by name: most paths first, of equals by name."""
    counted = dict(_most(ways, rules, fan_out))
    keys = set().union(*(counts for counts in counted.values()))
    if len(keys) > MOST_NAMES:  # so many have as few paths as the last that is told: the store sorts their names
        found: _Named = {}
        for level, name, node in asking.rows("paths_nodes", **bound, fan_out=fan_out):
            found.setdefault(level, {})[node] = name
        return found
    names = (
        {node: name for name, node in asking.rows("paths_names", **bound, keys=sorted(keys), many=len(keys))}
        if keys
        else {}
    )
    return {
        level: {
            node: names[node]
            for node in sorted(names.keys() & counts.keys(), key=lambda one: (-counts[one], names[one]))[:fan_out]
        }
        for level, counts in counted.items()
    }


def _most(ways: _Ways, rules: PathRules, fan_out: int) -> Iterator[tuple[int, dict[int, int]]]:
    """Of each level the nodes that may be told by name, and their paths."""
    for level in range(1 - rules.depth, rules.depth):
        nodes, counts = np.unique(ways.at(level)[1], return_counts=True)
        if len(nodes):
            least = 0 if len(counts) <= fan_out else np.partition(counts, -fan_out)[-fan_out]
            able = counts >= least
            yield level, dict(zip(nodes[able].tolist(), counts[able].tolist(), strict=True))


def _tallied(ways: _Ways, rules: PathRules, named: _Named) -> Tallies:
    session = ways.visits.session[ways.place].astype(np.int64)
    tallies = Tallies(len(session), int(changes(session).sum()))
    forwards, backwards = rules.direction != "to", rules.direction in ("to", "through")
    number = np.empty(len(session), np.int64)  # of the node of the level before
    before: list[Place] = []
    for level in range(1 - rules.depth, rules.depth):
        on, nodes = ways.at(level)
        names = dict(sorted(named.get(level, {}).items()))
        places: list[Place] = [*((level, name) for name in names.values()), (level, None)]
        numbers = _numbers(nodes, np.array(list(names), np.uint64))
        _count(tallies.nodes, session[on], numbers, places)
        linked = ways.back[on] >= 1 - level
        pairs = number[on[linked]] * len(places) + numbers[linked]
        _count(tallies.links, session[on[linked]], pairs, [(one, other) for one in before for other in places])
        if backwards and level > 1 - rules.depth:
            tallies.begins.update(_by_place(numbers[ways.back[on] == -level], places))
        if forwards and level < rules.depth - 1:
            tallies.ends.update(_by_place(numbers[ways.forth[on] == level], places))
        number[on] = numbers
        before = places
    return tallies


def _numbers(nodes: Ints, keys: Ints) -> Ints:
    """Of each node its place among the sorted keys, or their number where it is none of them."""
    at = np.searchsorted(keys, nodes)
    known = at < len(keys)
    known[known] = keys[at[known]] == nodes[known]
    return np.where(known, at, len(keys))


def _count(tally: Tally[Any], session: Ints, numbers: Ints, things: list[Any]) -> None:
    """How many paths and how many sessions have each thing; paths of a session stand together."""
    if not len(numbers):
        return
    tally.paths.update(_by_place(numbers, things))
    if changes(session).all():
        tally.actors.update(_by_place(numbers, things))
    else:
        tally.actors.update(_by_place(np.unique(session * len(things) + numbers) % len(things), things))


def _by_place(numbers: Ints, things: list[Any]) -> dict[Any, int]:
    counts = np.bincount(numbers, minlength=len(things))
    return {things[at]: int(counts[at]) for at in np.flatnonzero(counts).tolist()}
