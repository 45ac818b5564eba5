"""Owner of each event on its device, and the intervals in which a device has an owner.

An event's owner is its own user id, else its own e-mail; else the last owner before it on the device, else the first
after it, else the device itself. So an anonymous past joins the first person known on the device, and a later person
has it from then on. Events of one millisecond have one owner: the first of them, in order, that names one.

    time      1      2      3      4      5
    event     view   login  view   login  view
    names     -      ann    -      bob    -
    owner     ann    ann    ann    bob    bob
"""

from collections.abc import Sequence

from schemas.facts import FOREVER, FOREVER_AGO, Event, Ownership


def order(event: Event) -> tuple[int, int, int]:
    """The order of a device's events: (occurred_at, client sequence, message id)."""
    return event.occurred_at, event.sequence, event.message_id


def named_owner(event: Event) -> int:
    """The owner that the event itself names: its user id, else its e-mail, else 0."""
    return event.user or event.email


def owners(events: Sequence[Event], prior: int = 0) -> list[int]:
    """The owner of each event of one device; `events` in order, `prior` the owner named last before them (0 = none)."""
    named: list[int] = []
    current = prior
    at, count = 0, len(events)
    while at < count:
        moment, end = events[at].occurred_at, at
        owner = 0
        while end < count and events[end].occurred_at == moment:
            owner = owner or named_owner(events[end])
            end += 1
        current = owner or current
        named.extend([current] * (end - at))
        at = end
    if not events:
        return named
    first = next((owner for owner in named if owner), events[0].device)
    return [owner or first for owner in named]


def known_from(events: Sequence[Event]) -> int:
    """When an owner is first named on the device, FOREVER where none is."""
    return next((event.occurred_at for event in events if named_owner(event)), FOREVER)


def ownerships(events: Sequence[Event], owned: Sequence[int] | None = None) -> list[Ownership]:
    """The rows of `owners` of one device from all its events, in order; they cover all time without a gap.

    `owned`: the events' `owners`, where they are known already.
    """
    if not events:
        return []
    starts: list[tuple[int, int]] = []
    for event, owner in zip(events, owners(events) if owned is None else owned, strict=True):
        if not starts or starts[-1][1] != owner:
            starts.append((event.occurred_at if starts else FOREVER_AGO, owner))
    project, device = events[0].project, events[0].device
    ends = [start for start, _ in starts[1:]] + [FOREVER]
    known = known_from(events)
    return [
        Ownership(project, device, start, end, owner, known if number == 0 else FOREVER)
        for number, ((start, owner), end) in enumerate(zip(starts, ends, strict=True))
    ]
