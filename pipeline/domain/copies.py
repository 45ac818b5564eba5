"""Copies of one event: of several with one message id the one with the least log position counts.

A copy at the position that is stored already is a redelivery, not a duplicate: its row is written again, because its
copy in `timeline` may have come without it. A replay is caught after a month too: positions only grow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.domain.owners import order
from schemas.facts import Event, EventRow, Rejected

Received = EventRow | Rejected


@dataclass
class Merged:
    """A device's stored events and what has come, each id once: the copy with the least log position counts."""

    events: list[Event]
    rows: list[EventRow] = field(default_factory=list)  # to write: new, redelivered, or instead of a stored copy
    lost: list[EventRow] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    refused: dict[int, int] = field(default_factory=dict)  # rejected ids -> log position
    duplicates: int = 0
    redelivered: int = 0

    @property
    def is_changed(self) -> bool:
        return bool(self.rows or self.lost)


def merge(stored: Sequence[Event], refused: Mapping[int, int], items: Sequence[Received]) -> Merged:
    """Of several copies of an id the one with the least log position counts; at the same position it comes again."""
    known = {event.message_id: event for event in stored}
    out = Merged([], refused=dict(refused))
    rows: dict[int, EventRow] = {}
    rejects: dict[int, Rejected] = {}
    for item in sorted(items, key=lambda item: item.log_position):
        number, position = item.message_id, item.log_position
        event = known.get(number)
        at = event.log_position if event else out.refused.get(number)
        if at is not None and at < position:
            out.duplicates += 1
            continue
        if at == position:
            out.redelivered += 1
        elif event is not None:
            out.lost.append(tombstone(event))
        if isinstance(item, Rejected):
            known.pop(number, None)
            rows.pop(number, None)
            rejects[number] = item
            out.refused[number] = position
        else:
            out.refused.pop(number, None)
            rejects.pop(number, None)
            known[number] = rows[number] = item
    out.events = sorted(known.values(), key=order)
    out.rows, out.rejected = list(rows.values()), list(rejects.values())
    return out


def tombstone(event: Event) -> EventRow:
    """The row that retracts a stored event: its key, and of the rest what the timeline keeps."""
    return EventRow(**{name: getattr(event, name) for name in Event.__struct_fields__})
