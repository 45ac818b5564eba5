"""What came next for those who left a funnel: the first act after the last step of an entry, inside its window.

steps A B C      events   A1  B2  h3  A4  D5      h: a heartbeat, no act
entry A1 B2 --            left after step 2, next A4
entry A4 -- --            left after step 1, next D5
"""

from collections.abc import Sequence

from schemas.facts import Event, FunnelEntry

Place = tuple[int, int]  # time ms and message id


def last_step(entry: FunnelEntry) -> int:
    """Number of the last step that an entry fills, from 0."""
    return max(number for number, message in enumerate(entry.step_messages) if message)


def place_of_last(entry: FunnelEntry) -> Place:
    """The event that fills it."""
    last = last_step(entry)
    return entry.step_times[last], entry.step_messages[last]


def next_act(events: Sequence[Event], at: int, entry: FunnelEntry, until: int) -> Event | None:
    """The first event after place `at` and by `until` (ms, inclusive) that is an act and fills no step of the entry;
    None where there is none. `events` are in order; the one at `at` fills the entry's last step.
    """
    own = set(zip(entry.step_times, entry.step_messages, strict=True))
    for number in range(at + 1, len(events)):
        event = events[number]
        if event.occurred_at > until:
            return None
        if not event.is_passive and (event.occurred_at, event.message_id) not in own:
            return event
    return None
