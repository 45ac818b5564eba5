"""Paths drawn as a Sankey diagram: nodes by level, links between those of one level and of the next."""

from collections import Counter
from collections.abc import Iterable, Set
from itertools import groupby
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, Field

from pipeline.domain.paths import Path, PathRules

Found = Counter[tuple[Path, ...]]  # the paths of a session, a journey or a customer -> how many have these very ones
Place = tuple[int, str | None]  # level, name; None: other
Thing = TypeVar("Thing")


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


class Drawn(BaseModel):
    paths: int
    actors: int = Field(description="sessions, journeys or customers with a path")
    nodes: list[Node] = Field(description="level by level, most paths first, `other` last")
    links: list[Link] = Field(description="most paths first")


class Tally(Generic[Thing]):
    """How many paths, and how many actors, had each of some things."""

    def __init__(self) -> None:
        self.paths: Counter[Thing] = Counter()
        self.actors: Counter[Thing] = Counter()

    def add(self, of_actor: Iterable[Thing], times: int) -> None:
        for one, count in Counter(of_actor).items():
            self.paths[one] += count * times
            self.actors[one] += times


class Tallies:
    """What an answer tells of paths."""

    def __init__(self, paths: int = 0, actors: int = 0) -> None:
        self.paths, self.actors = paths, actors
        self.nodes: Tally[Place] = Tally()
        self.links: Tally[tuple[Place, Place]] = Tally()
        self.begins: Counter[Place] = Counter()
        self.ends: Counter[Place] = Counter()

    def drawn(self) -> Drawn:
        return Drawn(
            paths=self.paths,
            actors=self.actors,
            nodes=sorted(
                (
                    Node(
                        id=node_id(node), level=node[0], name="other" if node[1] is None else node[1],
                        kind="other" if node[1] is None else "value", paths=count, actors=self.nodes.actors[node],
                        begins=self.begins[node], ends=self.ends[node],
                    )
                    for node, count in self.nodes.paths.items()
                ),
                key=lambda node: (node.level, node.kind == "other", -node.paths, node.name),
            ),
            links=sorted(
                (
                    Link(source=node_id(pair[0]), target=node_id(pair[1]), paths=count, actors=self.links.actors[pair])
                    for pair, count in self.links.paths.items()
                ),
                key=lambda link: (-link.paths, link.source, link.target),
            ),
        )  # fmt: skip


def drawn(found: Found, rules: PathRules, kept: Set[tuple[int, str]]) -> Drawn:
    """The paths with a node of its own for each of `kept`."""
    tallies = Tallies(sum(len(mine) * times for mine, times in found.items()), found.total())
    forwards, backwards = rules.direction != "to", rules.direction in ("to", "through")
    begins, ends = Tally[Place](), Tally[Place]()
    for mine, times in found.items():
        ways: list[list[Place]] = [
            [(level, name if (level, name) in kept else None) for level, name in enumerate(path.names, path.level)]
            for path in mine
        ]
        tallies.nodes.add((node for way in ways for node in way), times)
        tallies.links.add((pair for way in ways for pair in zip(way, way[1:], strict=False)), times)
        begins.add((way[0] for way in ways if backwards and way[0][0] > 1 - rules.depth), times)
        ends.add((way[-1] for way in ways if forwards and way[-1][0] < rules.depth - 1), times)
    tallies.begins, tallies.ends = begins.paths, ends.paths
    return tallies.drawn()


def kept_of(found: Found, fan_out: int) -> frozenset[tuple[int, str]]:
    """The nodes of each level that are not put into its `other`; ties go by name."""
    every: Counter[tuple[int, str]] = Counter()
    for mine, times in found.items():
        for path in mine:
            for level, name in enumerate(path.names, path.level):
                every[level, name] += times
    ranked = sorted(every, key=lambda node: (node[0], -every[node], node[1]))
    levels = groupby(ranked, key=lambda node: node[0])
    return frozenset(node for _, level in levels for node in list(level)[:fan_out])


def node_id(node: Place) -> str:
    level, name = node
    return f"{level} other" if name is None else f"{level}:{name}"
