"""The sessions of events on devices with one owner each, on web and app, that no run of lasts for 24 hours."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from tests.evaluator.happenings import Happening

GAP = 30 * 60_000


def with_sessions(happenings: Iterable[Happening]) -> list[Happening]:
    """The events, each with the session that holds it; passive ones begin none."""
    of_device = defaultdict(list)
    for one in happenings:
        of_device[one.device].append(one)
    out = []
    for device, events in of_device.items():
        last, session = None, None
        for one in sorted(events, key=lambda one: (one.at, one.sequence, one.message_id)):
            if last is None or one.at - last > GAP:
                session = None if one.is_passive else f"{device} {one.at} {one.message_id}"
            last = one.at if session else None
            out.append(replace(one, session=session))
    return out
