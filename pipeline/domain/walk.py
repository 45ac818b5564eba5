"""How far an entry into a funnel gets among a customer's events, and which events fill its steps.

    ordered   others may lie between; an optional step may be left out
    strict    nothing may: an event that fills no step now ends the entry, unless it is passive
    any       every step may begin; the steps that a matching of events to steps can fill

    steps A B? C, excluded X after step 1 and before step 3
    events      A1   B2   C3                A1 B2 C3
    events      A1   C2                     A1 -- C2
    events      A1   X2   B3   C4           removed, or dropped at A1

A step is filled by the first event that can; of the steps that one event can fill the last is tried first. The event
that fills a step excludes nothing. In any order the k-th place is that of the event which makes k steps fillable, so
its time is the earliest at which k steps can be filled.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final, NamedTuple

from schemas.facts import Event

Fill = tuple[int, int]  # number of a step, from 0, and the place of the event that fills it


class Barrier(NamedTuple):
    """An exclusion: it holds from step `after` on, until step `before` is filled; both counted from 0."""

    after: int
    before: int
    removes: bool


class Rules(NamedTuple):
    """What a funnel asks of its entries, without events and filters."""

    steps: int
    window_ms: int
    order: str
    reach: tuple[int, ...]  # by step: the furthest that may follow it, those between being optional
    barriers: tuple[Barrier, ...]


class Track:
    """The events that a funnel looks at, in the one order that holds for all entries of a customer.

    `found`: events in their order, with bits for what each can do: 1 << step, 1 << (steps + number of a barrier). In a
    millisecond they stand by the first step that each can fill, strangers last.
    """

    def __init__(self, found: Sequence[tuple[Event, int]], rules: Rules) -> None:
        self.rules, stranger = rules, 1 << rules.steps
        self.is_plain: Final = rules.order == "ordered" and not rules.barriers  # no strangers among the events
        if self.is_plain:
            ordered = sorted(found, key=lambda one: (one[0].occurred_at, one[1] & -one[1]))
        else:
            ordered = sorted(found, key=lambda one: (one[0].occurred_at, min(one[1] & -one[1] or stranger, stranger)))
        self.events: Final = [event for event, _ in ordered]
        self.times: Final = [event.occurred_at for event in self.events]
        self.able: Final = [bits & (stranger - 1) for _, bits in ordered]  # steps alone
        self.places: Final[list[list[int]]] = [[] for _ in range(rules.steps + len(rules.barriers))]
        for place, (_, bits) in enumerate(ordered):
            while bits:
                self.places[(bits & -bits).bit_length() - 1].append(place)
                bits &= bits - 1
        self.by_able: Final[dict[int, list[int]]] = {}  # places by what their events can fill
        if rules.order == "any":
            for place in self.openings():
                self.by_able.setdefault(self.able[place], []).append(place)

    def openings(self) -> Sequence[int]:
        """Places of the events that open an entry."""
        if self.rules.order == "any":
            return [place for place, able in enumerate(self.able) if able]
        return self.places[0]

    def filled(self, opening: int) -> list[Fill]:
        """The steps that the entry which opens there fills, in order; none where an exclusion removes it."""
        rules, times = self.rules, self.times
        matching = _Matching(self, opening) if rules.order == "any" else None
        past = bisect_right(times, times[opening] + rules.window_ms, opening)  # the first place after the window
        last, at = 0, opening
        fills = [(last, at)]
        if self.is_plain:
            while last + 1 < rules.steps and (found := self._next(at, last)) and found[1] < past:
                fills.append(found)
                last, at = found
            return fills
        while last + 1 < rules.steps:
            found = matching.next(at, last) if matching else self._next(at, last)
            stop = self._next_act(at, past) if rules.order == "strict" else past
            if found and found[1] >= min(past, stop + 1):
                found = None
            until = found[1] if found else min(past, stop + 1)
            barrier = self._barrier(at, until, last) if rules.barriers else None
            if barrier:
                return [] if barrier.removes else fills
            if not found:
                break
            fills.append(found)
            last, at = found
        return fills

    def _next(self, at: int, last: int) -> Fill | None:
        """The first event after `at` that fills a step which may follow the last one."""
        best: Fill | None = None
        if self.rules.reach[last] == last + 1:
            fitting = self.places[last + 1]
            number = bisect_right(fitting, at)
            return (last + 1, fitting[number]) if number < len(fitting) else None
        for step in range(last + 1, self.rules.reach[last] + 1):
            fitting = self.places[step]
            number = bisect_right(fitting, at)
            if number < len(fitting) and (best is None or fitting[number] <= best[1]):
                best = step, fitting[number]
        return best

    def _next_act(self, at: int, past: int) -> int:
        """The next event that ends a strict entry unless it fills a step: none that is passive does."""
        place = at + 1
        while place < past and self.events[place].is_passive:
            place += 1
        return place

    def _barrier(self, at: int, until: int, last: int) -> Barrier | None:
        """The one that is met first after `at` and before `until`; of those met at once one that removes."""
        met: tuple[int, bool, Barrier] | None = None
        for number, barrier in enumerate(self.rules.barriers, self.rules.steps):
            if barrier.after <= last < barrier.before:
                places = self.places[number]
                found = bisect_right(places, at)
                if found < bisect_left(places, until):
                    one = places[found], not barrier.removes, barrier
                    met = one if met is None else min(met, one, key=lambda each: each[:2])
        return met[2] if met else None


class _Matching:
    """Events matched to steps in any order, one event to one step: as many as can be, the earliest that can."""

    def __init__(self, track: Track, opening: int) -> None:
        self.by_able = dict(track.by_able)
        self.holders: dict[int, int] = {}  # step -> what the event that fills it could fill
        self._takes(track.able[opening], set())

    def next(self, at: int, last: int) -> Fill | None:
        """The next event with which one more step can be filled.

        Where an event of a kind adds nothing no later one of that kind does, so each kind fails once.
        """
        while True:
            ahead = [
                (places[number], able)
                for able, places in self.by_able.items()
                if (number := bisect_right(places, at)) < len(places)
            ]
            if not ahead:
                return None
            place, able = min(ahead)
            if self._takes(able, set()):
                return last + 1, place
            del self.by_able[able]

    def _takes(self, able: int, tried: set[int]) -> bool:
        """Whether an event that can fill these steps finds one, others giving way to it where they can."""
        rest = able
        while rest:
            step = (rest & -rest).bit_length() - 1
            rest &= rest - 1
            if step not in tried:
                tried.add(step)
                if step not in self.holders or self._takes(self.holders[step], tried):
                    self.holders[step] = able
                    return True
        return False
