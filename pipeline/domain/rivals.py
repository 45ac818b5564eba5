"""Which entry of a customer counts is decided between his own: the furthest of a range, of equals the earliest.

So of each entry two of the others say in which ranges it counts, whatever the range:

    steps       2    3    1    3    2    4
    entries     E1   E2   E3   E4   E5   E6
    of E4            |<-- before    after -->|
                     E2 comes as far, E6 comes further

E4 counts where the range begins after E2 and ends at E6 or before.
"""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from schemas.facts import FOREVER, FOREVER_AGO, FunnelEntry


def place(entry: FunnelEntry) -> tuple[int, tuple[int, ...], tuple[int, ...], tuple[str, ...], int]:
    """Entries in time. Of those that begin in one millisecond the one that gets on sooner is first, so that entries
    read back from the table stand as those just computed do."""
    times = tuple(at or FOREVER for at in entry.step_times)
    return entry.entered_at, times, entry.step_messages, entry.step_groups, entry.id


def with_rivals(found: Iterable[FunnelEntry]) -> list[FunnelEntry]:
    """All entries of one customer into one funnel, in time, each with `before_at` and `after_at`."""
    entries = sorted(found, key=place)
    before = _nearest(entries, FOREVER_AGO, equals=True)
    after = _nearest(entries[::-1], FOREVER, equals=False)[::-1]
    return [
        replace(entry, before_at=earlier, after_at=later)
        for entry, earlier, later in zip(entries, before, after, strict=True)
    ]


def _nearest(entries: Sequence[FunnelEntry], none: int, *, equals: bool) -> list[int]:
    """Of each when the last one in front of it begins that comes further, or (`equals`) as far."""
    found: list[int] = []
    in_front: list[FunnelEntry] = []  # each comes further than the next; those that came less far are out of sight
    for entry in entries:
        while in_front and in_front[-1].steps < entry.steps + (not equals):
            in_front.pop()
        found.append(in_front[-1].entered_at if in_front else none)
        in_front.append(entry)
    return found
