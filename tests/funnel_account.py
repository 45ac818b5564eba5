"""Funnels by the words of the design, one event after the other: slow, and with nothing of the core's.

    entries(events, funnel)   what each entry fills: {number of the step from 1: event}
    counts(entries, funnel)   how many customers (one list of entries each) fill each step

In any order the numbers are not those of steps: 1 is the first event that counts, 2 the second.
"""

from collections.abc import Iterable, Mapping, Sequence

from schemas.definitions import Exclusion, Funnel, Step
from schemas.facts import Event

Filled = dict[int, Event]


def fits(event: Event, one: Step | Exclusion) -> bool:
    """Names, and of the filters `is` on a column."""
    return (one.events == ("*",) or event.event in one.events) and all(
        getattr(event, each.property[1:]) == each.value for each in one.where
    )


def in_one_order(events: Iterable[Event], funnel: Funnel) -> list[Event]:
    """By time; in one millisecond by the first step that each can fill, strangers last; then by the order of events."""

    def key(one: Event) -> tuple[int, int, int, int, int]:
        first = next((number for number, step in enumerate(funnel.steps) if fits(one, step)), 99)
        return one.occurred_at, first, one.sequence, one.message_id, one.device

    return sorted(events, key=key)


def entries(events: Iterable[Event], funnel: Funnel) -> list[Filled]:
    """All entries of a customer, in the order in which they open; those that are removed are not among them.

    With columns that are held constant he is as many customers as they have values.
    """
    parts: dict[tuple[object, ...], list[Event]] = {}
    for event in events:
        parts.setdefault(tuple(getattr(event, name[1:]) for name in funnel.constant), []).append(event)
    found = [one for part in parts.values() for one in _entries(part, funnel)]
    return sorted(found, key=lambda one: one[1].occurred_at)


def _entries(events: Iterable[Event], funnel: Funnel) -> list[Filled]:
    ordered = in_one_order(events, funnel)
    found = []
    for place, opening in enumerate(ordered):
        beginning = funnel.steps if funnel.order == "any" else funnel.steps[:1]
        if any(fits(opening, step) for step in beginning):
            inside = [one for one in ordered[place:] if one.occurred_at - opening.occurred_at <= funnel.window_ms]
            filled = _any_order(inside, funnel) if funnel.order == "any" else _in_order(inside, funnel)
            if filled is not None:
                found.append(filled)
    return found


def _in_order(events: Sequence[Event], funnel: Funnel) -> Filled | None:
    filled = {1: events[0]}
    for event in events[1:]:
        last = max(filled)
        if last == len(funnel.steps):
            break
        takes = [number for number in _may_follow(last, funnel) if fits(event, funnel.steps[number - 1])]
        if takes:
            filled[max(takes)] = event
            continue
        met = _met(event, last, funnel)
        if "remove" in met:
            return None
        if "drop" in met or (funnel.order == "strict" and not event.is_passive):
            break
    return filled


def _may_follow(last: int, funnel: Funnel) -> list[int]:
    found = []
    for number in range(last + 1, len(funnel.steps) + 1):
        found.append(number)
        if not funnel.steps[number - 1].optional:
            break
    return found


def _met(event: Event, last: int, funnel: Funnel) -> set[str]:
    """The effects of the exclusions that the event meets behind step `last`."""
    return {
        one.effect
        for one in funnel.exclusions
        if one.after <= last < (one.before or len(funnel.steps)) and fits(event, one)
    }


def _any_order(events: Sequence[Event], funnel: Funnel) -> Filled | None:
    filled: Filled = {}
    for place, event in enumerate(events):
        if len(filled) == len(funnel.steps):
            break
        if _most(events[: place + 1], funnel.steps) > len(filled):
            filled[len(filled) + 1] = event
            continue
        met = _met(event, len(filled), funnel)
        if "remove" in met:
            return None
        if "drop" in met:
            break
    return filled


def _most(events: Sequence[Event], steps: Sequence[Step]) -> int:
    """The most steps that events can fill, one event one step, by trying everything."""
    if not events:
        return 0
    used = [
        1 + _most(events[1:], [*steps[:number], *steps[number + 1 :]])
        for number, step in enumerate(steps)
        if fits(events[0], step)
    ]
    return max([_most(events[1:], steps), *used])


def counted(found: Sequence[Filled]) -> Filled | None:
    """The furthest entry of a customer or session, of equals the earliest."""
    furthest = max((max(one) for one in found), default=0)
    return next((one for one in found if max(one) == furthest), None)


def each_once(found: Sequence[Filled]) -> list[Filled]:
    """All entries, no event in the same step of two: from the furthest to the least, of equals the newest first."""
    held: list[tuple[int, int]] = []
    kept = []
    for one in sorted(found, key=lambda each: (max(each), each[min(each)].occurred_at), reverse=True):
        mine: Filled = {}
        for number, event in sorted(one.items()):
            if (number, event.message_id) in held:
                break
            mine[number] = event
        held += [(number, event.message_id) for number, event in mine.items()]
        kept.append(mine)
    return kept


def counts(of_customers: Iterable[Sequence[Filled]], funnel: Funnel) -> list[int]:
    """How many customers fill each step in the entry that counts."""
    numbers = [0] * len(funnel.steps)
    for found in of_customers:
        for number in counted(found) or ():
            numbers[number - 1] += 1
    return numbers


def messages(filled: Mapping[int, Event], funnel: Funnel) -> tuple[int, ...]:
    """The events of an entry by their message ids, 0 where a step is not filled."""
    return tuple(filled[number].message_id if number in filled else 0 for number in range(1, len(funnel.steps) + 1))
