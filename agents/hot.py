"""The hot way: a cached device is taken further by what comes after all that it has.

Nothing is read for it, but where an event is the first to name an owner: all rows of the device's past become his. A
few sessions that are over are at hand, then only more, and contacts, are read.

    events      view   view   (gap)   view   login ann        read: sessions, if they are many; touchpoints
    owner       device ------------------->
                ann ---------------------------------->       written: the same rows with another owner
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from agents.outbox import Outbox
from agents.ports import Ports
from agents.received import Key
from agents.rows import Rows
from agents.rules import Rules
from pipeline.domain.copies import Received
from pipeline.domain.devices import Change, Device, advance, carried, is_hot, may_need_past, remember, renamed
from pipeline.domain.owners import named_owner, order
from pipeline.domain.sessions import session_touchpoint
from schemas.definitions import Project
from schemas.facts import EventRow, Rejected, Session, Touchpoint


class Past(NamedTuple):
    """What is stored of a device that is not at hand: its sessions, where they are many, and contacts."""

    sessions: Sequence[Session]
    touchpoints: Sequence[Touchpoint]  # those of `sessions` may be missing


NO_PAST = Past((), ())


async def read_pasts(
    ports: Ports, received: Mapping[Key, list[Received]], cache: Mapping[Key, Device]
) -> dict[Key, Past]:
    """Of the cached devices on which an owner may be named for the first time."""
    visited: dict[str, list[int]] = defaultdict(list)
    contacted: dict[str, list[int]] = defaultdict(list)
    for key, items in received.items():
        device = cache.get(key)
        if device is not None and not device.is_known and _names(items):
            if may_need_past(device, len(items)):
                visited[key[0]].append(key[1])
            if device.has_contacts:
                contacted[key[0]].append(key[1])
    found: dict[Key, Past] = {}
    for project in visited.keys() | contacted.keys():
        sessions = await ports.do(ports.facts.sessions, project, visited[project])
        touchpoints = await ports.do(ports.facts.touchpoints, project, contacted[project])
        for one in {*visited[project], *contacted[project]}:
            found[project, one] = Past(sessions.get(one, []), touchpoints.get(one, []))
    return found


def _names(items: list[Received]) -> bool:
    for item in items:  # noqa: SIM110 - a generator would take longer than all that it looks at
        if type(item) is EventRow and named_owner(item):
            return True
    return False


def hot(rules: Rules, name: str, device: Device, items: list[Received], past: Past, rows: Rows, outbox: Outbox) -> bool:
    """Takes a cached device of the project `name` further, or changes nothing and says that it must go the cold way."""
    if len(items) > 1 and len({item.message_id for item in items}) < len(items):
        return False
    events = [item for item in items if type(item) is EventRow]
    if len(events) > 1:
        events.sort(key=order)
    project, goals, named = rules.of(name)
    if not _all_hot(device, events, project, goals.events):
        return False
    before = device.chain.session if device.chain else None
    sessions: dict[int, Session] = {}
    touchpoints: dict[int, Touchpoint] = {}
    is_every_named = "*" in named
    rows.events += events
    for event in events:
        hits = goals.hits(event, event.properties) if event.event in goals.events else ()
        if not hits and (grown := carried(device, event, project)) is not None:
            sessions[grown.id] = grown
            if is_every_named or event.event in named:
                outbox.mark(name, grown.owner, grown.owner, event.occurred_at)
            continue
        change = advance(device, event, project, hits)
        if change.session is not None:
            sessions[change.session.id] = change.session
        if change.touchpoint is not None:
            touchpoints[change.touchpoint.id] = change.touchpoint
        if change.ownerships or change.pairs:
            _note_owners(change, event, rows, outbox)
        if change.disowned is not None:
            stored = past if change.past is None else past._replace(sessions=change.past)
            _rename(stored, before, device.ownership.owner, sessions, touchpoints)
        if change.is_opened or event.contact or event.event in named or is_every_named:
            owner = device.ownership.owner if change.session is None else change.session.owner
            outbox.mark(name, owner, owner, event.occurred_at)
    for session in sessions.values():
        rows.sessions[session.device, session.id] = session
    for touchpoint in touchpoints.values():
        rows.touchpoints[touchpoint.device, touchpoint.id] = touchpoint
    if len(events) < len(items):
        for item in items:
            if isinstance(item, Rejected):
                rows.rejected.append(item)
                remember(device, item.message_id)
    return True


def _note_owners(change: Change, event: EventRow, rows: Rows, outbox: Outbox) -> None:
    gone = change.disowned
    if gone is not None:
        rows.old_ownerships.append(gone)
        outbox.mark(gone.project, gone.owner, gone.owner, gone.owned_from)
    for row in change.ownerships:
        rows.ownerships[row.project, row.device, row.owned_from] = row
        outbox.mark(row.project, row.owner, row.owner, event.occurred_at if gone is None else row.owned_from)
    for pair in change.pairs:
        rows.pairs.append(pair)
        outbox.note(pair.project, pair.identifier, pair.other)


def _rename(
    past: Past, before: Session | None, owner: int, sessions: dict[int, Session], touchpoints: dict[int, Touchpoint]
) -> None:
    """What is stored of the device, and what this turn has of it so far, is the owner's.

    `before`: the session that the device was in when the turn began.
    """
    for row in (*renamed(past.sessions, owner), *(() if before is None else (before,))):
        sessions.setdefault(row.id, row)
    for session in sessions.values():
        session.owner = owner
    touchpoints |= {row.id: row for row in renamed((*past.touchpoints, *touchpoints.values()), owner)}
    touchpoints |= {row.id: session_touchpoint(row) for row in sessions.values()}


def _all_hot(device: Device, events: list[EventRow], project: Project, goals: frozenset[str]) -> bool:
    """Judged for all before any is taken, so that a device goes one way with the whole turn."""
    last = device.last
    for event in events:
        if not is_hot(device, event, project, goals):
            return False
        at = order(event)
        if at > last:
            if at[0] == last[0] and (event.user or event.email):
                return False
            last = at
    return True
