"""Entries into a funnel of very many actors at once: what `walk` says of one entry, over arrays of all of them.

The rules are those of `walk`, and tests hold the two together. Here every step of an entry is a place in one array of
all events, so that a round fills one step of all entries that still go on:

    place     0   1   2   3 | 4   5   6        | parts two actors
    able      A   B   A   C | A   C   B
    entries   0 1 3,  2 - -,  4 6 -

In any order an event may be able to fill one step alone: then no events need to be matched to steps.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from pipeline.domain.walk import Rules

Ints = np.ndarray[Any, np.dtype[Any]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

NONE: Final = -1
# Events that are looked at together: an actor's number times the span of all times must fit 63 bits.
_RUN: Final = 1 << 18


class Events(NamedTuple):
    """Events of all actors, actor by actor, each one's in the order of `walk.Track`; columns of one length."""

    actor: Ints
    at: Ints  # ms
    able: Ints  # bits as of `walk.Track`
    is_passive: Flags


def filled(events: Events, rules: Rules, begin: int, end: int) -> Ints:
    """Of each entry that begins in [begin, end) ms the places of the events that fill its steps, NONE where none does.

    Shape (entries, steps), in the order of the events that open them; those that an exclusion removes are left out.
    """
    runs = [_of_run(Events(*(column[run] for column in events)), rules, begin, end, run.start) for run in _runs(events)]
    return np.concatenate(runs) if runs else np.empty((0, rules.steps), np.int64)


def _runs(events: Events) -> Iterator[slice]:
    """Parts of about _RUN events; no actor's are cut."""
    size = len(events.actor)
    starts = np.append(np.flatnonzero(changes(events.actor)), size)
    begin = 0
    while begin < size:
        end = int(starts[min(int(np.searchsorted(starts, begin + _RUN)), len(starts) - 1)])
        yield slice(begin, end)
        begin = end


def changes(column: Ints) -> Flags:
    """Where another value begins than stands before."""
    found = np.ones(len(column), bool)
    found[1:] = column[1:] != column[:-1]
    return found


def _of_run(events: Events, rules: Rules, begin: int, end: int, offset: int) -> Ints:
    size = len(events.at)
    can = events.able & np.uint64((1 << rules.steps) - 1)
    opens = can > 0 if rules.order == "any" else can & np.uint64(1) > 0
    openings = np.flatnonzero(opens & (events.at >= begin) & (events.at < end))
    fills = np.full((len(openings), rules.steps), NONE, np.int64)
    if not len(openings):
        return fills
    walk = _Walk(events, rules, openings, size)
    fills[:, 0] = openings
    last, at = np.zeros(len(openings), np.int64), openings.copy()
    is_kept = np.ones(len(openings), bool)
    going = np.arange(len(openings))
    for number in range(1, rules.steps):
        going = going[last[going] < rules.steps - 1]
        step, found = walk.next(going, at[going], last[going], number)
        limit = walk.past[going]
        if rules.order == "strict":
            limit = np.minimum(limit, walk.acts[at[going] + 1] + 1)
        goes_on = found < limit
        if rules.barriers:
            is_met, removes = walk.barred(at[going], last[going], np.where(goes_on, found, limit))
            is_kept[going[is_met & removes]] = False
            goes_on &= ~is_met
        going, step, found = going[goes_on], step[goes_on], found[goes_on]
        fills[going, step], last[going], at[going] = found, step, found
    fills[fills >= 0] += offset
    return fills[is_kept]


class _Walk:
    """Where to go from each place."""

    def __init__(self, events: Events, rules: Rules, openings: Ints, size: int) -> None:
        self.rules, self.size = rules, size
        bits = range(rules.steps + len(rules.barriers))
        self.nexts: Final = [_next(events.able & np.uint64(1 << bit) > 0) for bit in bits]
        self.acts: Final = _next(~events.is_passive)
        actor = np.cumsum(changes(events.actor)) - 1
        least, most = int(events.at.min()), int(events.at.max())
        window = min(rules.window_ms, most - least)
        keys = actor * (most - least + window + 1) + (events.at - least)
        self.past: Final = np.searchsorted(keys, keys[openings] + window, "right")  # the first place after the window
        if rules.order == "any":
            self.in_time = np.sort(np.stack([self.nexts[step][openings] for step in range(rules.steps)], 1), 1)

    def next(self, going: Ints, at: Ints, last: Ints, number: int) -> tuple[Ints, Ints]:
        """The step that is filled next and the place of its event, `size` where there is none."""
        if self.rules.order == "any":
            return np.full(len(going), number), self.in_time[going, number]
        step, found = last + 1, np.full(len(going), self.size)
        for before in np.unique(last).tolist():
            here = last == before
            for one in range(before + 1, self.rules.reach[before] + 1):
                place = self.nexts[one][at + 1]
                is_sooner = here & (place <= found)  # of one event's steps the last
                step[is_sooner], found[is_sooner] = one, place[is_sooner]
        return step, found

    def barred(self, at: Ints, last: Ints, until: Ints) -> tuple[Flags, Flags]:
        """Whether an exclusion is met after `at` and before `until`; whether the first of them removes the entry."""
        first, removes = np.full(len(at), self.size), np.zeros(len(at), bool)
        for number, barrier in enumerate(self.rules.barriers, self.rules.steps):
            place = self.nexts[number][at + 1]
            is_met = (barrier.after <= last) & (last < barrier.before) & (place < until)
            is_first = is_met & ((place < first) | ((place == first) & barrier.removes))
            first[is_first], removes[is_first] = place[is_first], barrier.removes
        return first < self.size, removes


def _next(holds: Flags) -> Ints:
    """From each place on, the first where it holds; one more than the places: from the last one's end none does."""
    size = len(holds)
    found = np.append(np.where(holds, np.arange(size), size), size)
    return np.minimum.accumulate(found[::-1])[::-1]
