"""The sessions of events on devices with one owner each, on web and app, that no run of lasts for 24 hours."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from tests.evaluator.happenings import Happening

GAP = 30 * 60_000
Span = tuple[int, int]


def spans(events: Iterable[Happening]) -> list[Span]:
    """(first, last) ms of the sessions of one device. Passive events begin none."""
    found: list[Span] = []
    for one in sorted(events, key=lambda one: (one.at, one.sequence, one.message_id)):
        if found and one.at - found[-1][1] <= GAP:
            found[-1] = found[-1][0], one.at
        elif not one.is_passive:
            found.append((one.at, one.at))
    return found


def with_sessions(happenings: Iterable[Happening]) -> list[Happening]:
    """The events, each with the session whose time holds it, to the millisecond."""
    of_device = defaultdict(list)
    for one in happenings:
        of_device[one.device].append(one)
    return [_held(one, spans(events)) for events in of_device.values() for one in events]


def _held(one: Happening, of: Iterable[Span]) -> Happening:
    """With its session and how long that is."""
    for first, last in of:
        if first <= one.at <= last:
            columns = {**one.columns, "$session.duration_ms": last - first}
            return replace(one, session=f"{one.device} {first}", columns=columns)
    return one
