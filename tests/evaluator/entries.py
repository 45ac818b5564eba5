"""Which entries a line of events opens, and how far each goes."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tests.evaluator.asked import Asked
from tests.evaluator.happenings import Happening


@dataclass(frozen=True)
class Entry:
    """Who filled which step. `fills` is by number of step, in time; in any order by how many are filled."""

    actor: str
    fills: Mapping[int, Happening]

    @property
    def first(self) -> Happening:
        return self.fills[min(self.fills)]

    @property
    def last(self) -> Happening:
        return self.fills[max(self.fills)]

    @property
    def furthest(self) -> int:
        return max(self.fills)

    @property
    def rank(self) -> tuple[int, list[float], list[int]]:
        """Which is the earlier of two: of those in one ms the one that gets on sooner, then that of the lesser ids."""
        steps = range(1, 33)
        times = [self.fills[step].at if step in self.fills else math.inf for step in steps]
        return self.first.at, times, [self.fills[step].message_id if step in self.fills else 0 for step in steps]


def in_line(asked: Asked, happenings: Iterable[Happening]) -> list[Happening]:
    """Events in their order; those of one ms by the first step that each can fill, strangers last."""
    beyond = len(asked.steps) + 1
    return sorted(
        happenings,
        key=lambda one: (one.at, min(asked.fillable(one), default=beyond), one.sequence, one.message_id, one.device),
    )


def next_steps(asked: Asked, filled: int) -> list[int]:
    """The steps that may be filled after one: the next, and those behind optional ones. The last comes first."""
    after = range(filled + 1, len(asked.steps) + 1)
    return [
        step
        for step in reversed(after)
        if all(asked.steps[between - 1].get("optional") for between in range(filled + 1, step))
    ]


def walked(asked: Asked, seen: Sequence[Happening]) -> tuple[dict[int, int], int]:
    """Step -> place in `seen`, for ordered and strict; and the place up to which the entry lasts.

    The first of `seen` fills step 1.
    """
    fills = {1: 0}
    for place, happening in enumerate(seen[1:], 1):
        can = [step for step in next_steps(asked, max(fills)) if step in asked.fillable(happening)]
        if can:
            fills[can[0]] = place
        elif asked.order == "strict" and not happening.is_passive:
            return fills, place
    return fills, len(seen)


def most_filled(asked: Asked, seen: Iterable[Happening]) -> int:
    """The most steps that these events fill, one event one step: every way of giving them out is tried.

    Steps that no event connects are tried apart from each other, or 32 of them would have no end.
    """
    choices = [set(asked.fillable(happening)) for happening in seen]
    islands: list[set[int]] = []
    for choice in filter(None, choices):
        touching = [island for island in islands if island & choice]
        islands = [island for island in islands if not island & choice] + [choice.union(*touching)]
    total = 0
    for island in islands:
        ways: set[frozenset[int]] = {frozenset()}
        for choice in choices:
            ways |= {way | {step} for way in ways for step in choice & island if step not in way}
        total += max(map(len, ways))
    return total


def matched(asked: Asked, seen: Sequence[Happening]) -> dict[int, int]:
    """How many steps -> the place in `seen` at which so many could first be filled, in any order."""
    fills: dict[int, int] = {}
    for place in range(len(seen)):
        filled = most_filled(asked, seen[: place + 1]) if asked.fillable(seen[place]) else len(fills)
        if filled > len(fills):
            fills[filled] = place
    return fills


def excluded(asked: Asked, seen: Sequence[Happening], fills: Mapping[int, int]) -> Mapping[int, int] | None:
    """What exclusions leave of an entry; None: they remove it."""
    for place, happening in enumerate(seen):
        behind = [step for step, filled_at in fills.items() if filled_at < place]
        effects = {
            one["effect"]
            for one in asked.excluded_by(happening)
            if place not in fills.values()
            and any(step >= one["after"] for step in behind)
            and not any(step >= one["before"] for step in behind)
        }
        if "remove" in effects:
            return None
        if "drop" in effects:
            return {step: fills[step] for step in behind}
    return fills


def opened(asked: Asked, actor: str, happenings: Iterable[Happening]) -> list[Entry]:
    """All entries of one actor that count, in the line's order."""
    lines: dict[tuple[str | None, ...], list[Happening]] = defaultdict(list)
    for happening in in_line(asked, filter(asked.is_looked_at, happenings)):
        lines[asked.line_of(happening)].append(happening)
    entries = []
    for line in lines.values():
        for place, first in enumerate(line):
            if not asked.opens(first):
                continue
            seen = [one for one in line[place:] if one.at <= first.at + asked.window]
            filled, until = (matched(asked, seen), len(seen)) if asked.order == "any" else walked(asked, seen)
            fills = excluded(asked, seen[: until + 1], filled)
            if fills is not None:
                entries.append(Entry(actor, {step: seen[at] for step, at in fills.items()}))
    return [entry for entry in entries if asks_for(asked, entry)]


def asks_for(asked: Asked, entry: Entry) -> bool:
    wanted = asked.get("entries", "all")
    return bool(wanted == "all") or (wanted == "closed") == asked.is_closed(entry.first.at)


def furthest(entries: Iterable[Entry]) -> Entry:
    """The one that counts of an actor's."""
    return min(entries, key=lambda one: (-one.furthest, one.rank))


def sharing_nothing(entries: Iterable[Entry]) -> list[Entry]:
    """All entries, each cut where it would fill a step with an event that one before it holds for that step."""
    held: set[tuple[int, Happening]] = set()
    kept = []
    newest_first = sorted(entries, key=lambda one: one.rank, reverse=True)
    for entry in sorted(newest_first, key=lambda one: -one.furthest):
        fills: dict[int, Happening] = {}
        for step, happening in sorted(entry.fills.items()):
            if (step, happening) in held:
                break
            fills[step] = happening
        held |= set(fills.items())
        if fills:
            kept.append(replace(entry, fills=fills))
    return kept
