"""Copies of one event: of several with one message id the one with the least log position counts, and one that can be
used counts before one that cannot. So an event that was rejected and comes again, mended or replayed, is used.

A copy at the position that is stored already is a redelivery, not a duplicate: its row is written again, because its
copy in `timeline` may have come without it. A replay is caught after a month too: positions only grow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pipeline.domain.owners import order
from schemas.facts import Event, EventRow, Rejected

Received = EventRow | Rejected


class Refusal(NamedTuple):
    """What is stored of a rejected event, beside its device and message id."""

    log_position: int
    received_at: int  # ms


@dataclass
class Merged:
    """A device's stored events and what has come, each id once."""

    events: list[Event]
    # to write: new, redelivered, or counting instead of a stored copy
    rows: list[EventRow] = field(default_factory=list)
    lost: list[EventRow] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    taken_back: list[Rejected] = field(default_factory=list)  # stored rejects that count no more
    refused: dict[int, Refusal] = field(default_factory=dict)  # rejected ids
    duplicates: int = 0
    redelivered: int = 0

    @property
    def is_changed(self) -> bool:
        """Whether facts may have to be written; of what is redelivered they may be missing, though it is stored."""
        return bool(self.rows or self.lost or self.redelivered)


def merge(stored: Sequence[Event], refused: Mapping[int, Refusal], items: Sequence[Received]) -> Merged:
    """What a device's stored events and rejects become with what has come, in whatever order it came."""
    known = {event.message_id: event for event in stored}
    out = Merged([], refused=dict(refused))
    if len(known) < len(stored):  # a crash has cut a retraction off
        known = _least(stored)
        out.lost = [tombstone(event) for event in stored if event is not known[event.message_id]]
    rows: dict[int, EventRow] = {}
    rejects: dict[int, Rejected] = {}
    for item in sorted(items, key=lambda item: item.log_position):
        number, position = item.message_id, item.log_position
        event, refusal = known.get(number), out.refused.get(number)
        usable = not isinstance(item, Rejected)
        standing = event or (None if usable else refusal)
        if standing is not None and standing.log_position == position:
            out.redelivered += 1
        if standing is not None and (standing.log_position < position or (event and not usable)):
            out.duplicates += standing.log_position != position
            continue
        if event is not None and event.log_position != position:
            out.lost.append(tombstone(event))
        if refusal is not None and (usable or refusal.log_position != position):
            del out.refused[number]
            rejects.pop(number, None)
            if refused.get(number) == refusal:  # stored: also where it is redelivered, and would be written again
                out.taken_back.append(_reject_tombstone(item, refusal))
        if isinstance(item, Rejected):
            rejects[number] = item
            out.refused[number] = Refusal(position, item.received_at)
        else:
            known[number] = rows[number] = item
    for number in out.refused.keys() & known.keys():  # of a worker that froze, and brought it when it was used
        out.taken_back.append(_reject_tombstone(known[number], out.refused.pop(number)))
    out.events = sorted(known.values(), key=order)
    out.rows, out.rejected = list(rows.values()), list(rejects.values())
    return out


def first_copies(items: Sequence[Received]) -> list[Received]:
    """Of several usable copies the earliest; all copies where one of them was rejected."""
    found: dict[int, list[Received]] = {}
    for item in items:
        found.setdefault(item.message_id, []).append(item)
    return [
        item
        for copies in found.values()
        for item in (
            copies
            if any(isinstance(copy, Rejected) for copy in copies)
            else [min(copies, key=lambda copy: copy.log_position)]
        )
    ]


def _least(stored: Sequence[Event]) -> dict[int, Event]:
    """By message id the copy with the least log position."""
    return {event.message_id: event for event in sorted(stored, key=lambda event: -event.log_position)}


def tombstone(event: Event) -> EventRow:
    """The row that retracts a stored event: its key, and of the rest what the timeline keeps."""
    return EventRow(**{name: getattr(event, name) for name in Event.__struct_fields__})


def _reject_tombstone(item: Received | Event, refusal: Refusal) -> Rejected:
    """The row that retracts a stored reject of the same event: its key, and the time that chooses its partition."""
    return Rejected(
        item.project, item.device, item.message_id, refusal.log_position, refusal.received_at, "", "", "", "", ""
    )
