"""What one device's events amount to (cold), and the state that carries it one later event further (hot).

The cold way defines: `device_facts` from all events of the device. The hot way only caches: `advance` may be taken for
an event that `is_hot`, and then gives what the cold way would.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec

from pipeline.domain.goals import Hit
from pipeline.domain.identity import pairs
from pipeline.domain.owners import known_from, order, owners, ownerships
from pipeline.domain.sessions import (
    NO_HITS,
    Chain,
    add,
    carry,
    contact_touchpoint,
    in_session,
    is_inside,
    last_chain,
    session_touchpoint,
    step,
    stitch,
)
from schemas.definitions import Project
from schemas.facts import FOREVER, Event, Ownership, Pair, Session, Touchpoint

T = TypeVar("T", Session, Touchpoint)

ID_MASK = 0xFFFF_FFFF
NO_PAIRS: frozenset[tuple[int, int]] = frozenset()  # an empty one of its own would be a sixth of a cached device
ID_BYTES = 4
MANY_IDS = 2_048  # from here on a set: a scan of the bytes would take longer than its memory is worth
FEW_BYTES = 1_000  # memory of a device with a few events
SET_BYTES, PAIR_BYTES, SESSION_BYTES = 100, 110, 550  # of an id in a set, of a pair, of a session that is over
FEW_SESSIONS = 8  # that are over are kept of a device on which nobody is known


class DeviceFacts(msgspec.Struct):
    """All facts of one device, each list in the order of time."""

    sessions: list[Session] = []
    touchpoints: list[Touchpoint] = []
    ownerships: list[Ownership] = []
    pairs: list[Pair] = []


class Device(msgspec.Struct, gc=False):
    """The cached end of a device's history. It may be dropped at any moment: nothing is known only here."""

    chain: Chain | None
    last: tuple[int, int, int]  # the last event's place in the order, passive ones outside runs included
    ownership: Ownership  # the row that is open to the right
    is_known: bool  # an owner has been named
    named: int  # the owner that was named last, 0 = none
    pairs: frozenset[tuple[int, int]]
    past: tuple[Session, ...] | None  # before the chain's, as long as nobody is known; None = too many to be kept here
    has_contacts: bool  # touchpoints that are no sessions
    ids: bytearray | set[bytes]  # 32 bits of every message id: what may be known is looked up, what is not here is new


class Change(msgspec.Struct, gc=False):
    """What one hot event changed."""

    session: Session | None = None
    is_opened: bool = False
    touchpoint: Touchpoint | None = None
    ownerships: tuple[Ownership, ...] = ()
    disowned: Ownership | None = None  # the row that one of `ownerships` replaces: the device's past has an owner now
    past: (
        tuple[Session, ...] | None
    ) = ()  # then, the sessions of that past as they are stored; None = they must be read
    pairs: tuple[Pair, ...] = ()


def device_facts(events: Sequence[Event], project: Project, hits: Mapping[int, tuple[Hit, ...]]) -> DeviceFacts:
    """The facts of one device from all its events in order; `hits` are the goals that events meet, by message id."""
    owned = owners(events)
    sessions = stitch(events, project, hits, owned)
    touchpoints = [session_touchpoint(session) for session in sessions]
    touchpoints += [
        contact_touchpoint(event, owner, project, hits.get(event.message_id, NO_HITS))
        for event, owner in zip(events, owned, strict=True)
        if event.contact
    ]
    if len(touchpoints) > len(sessions):
        touchpoints.sort(key=lambda touchpoint: (touchpoint.started_at, touchpoint.id))
    return DeviceFacts(sessions, touchpoints, ownerships(events, owned), pairs(events))


def end_of(events: Sequence[Event], facts: DeviceFacts, project: Project, ids: Sequence[int]) -> Device:
    """The state that all events of a device leave behind. `ids` are all its message ids, rejected ones too."""
    chain, is_known = last_chain(events, project, facts.sessions), known_from(events) != FOREVER
    past: tuple[Session, ...] | None = ()
    if not is_known:
        past = _few(tuple(facts.sessions if chain is None else facts.sessions[:-1]))
    return Device(
        chain=chain,
        last=order(events[-1]),
        ownership=facts.ownerships[-1],
        is_known=is_known,
        named=facts.ownerships[-1].owner if is_known else 0,
        pairs=frozenset((pair.identifier, pair.other) for pair in facts.pairs) if facts.pairs else NO_PAIRS,
        past=past,
        has_contacts=len(facts.touchpoints) > len(facts.sessions),
        ids=_filter(ids),
    )


def may_know(device: Device, message_id: int) -> bool:
    """Whether the device may already have an event of that id; False is certain.

    An id may also be found across two others: one more to look up, and once in some ten million.
    """
    return (message_id & ID_MASK).to_bytes(ID_BYTES, "little") in device.ids


def remember(device: Device, message_id: int) -> None:
    """From now on `may_know` says True for the id."""
    ids, short = device.ids, (message_id & ID_MASK).to_bytes(ID_BYTES, "little")
    if isinstance(ids, set):
        ids.add(short)
        return
    ids += short
    if len(ids) > MANY_IDS * ID_BYTES:
        data = bytes(ids)
        device.ids = {data[at : at + ID_BYTES] for at in range(0, len(data), ID_BYTES)}


def beyond_few(device: Device) -> int:
    """About how many bytes of memory what it remembers of its ids, pairs and past takes."""
    ids = len(device.ids) if isinstance(device.ids, bytearray) else SET_BYTES * len(device.ids)
    return ids + PAIR_BYTES * len(device.pairs) + SESSION_BYTES * len(device.past or ())


def may_need_past(device: Device, events: int) -> bool:
    """Whether so many more events may name a first owner of sessions that are not all kept here."""
    return not device.is_known and (device.past is None or len(device.past) + events > FEW_SESSIONS)


def _few(past: tuple[Session, ...]) -> tuple[Session, ...] | None:
    return past if len(past) <= FEW_SESSIONS else None


def _filter(ids: Sequence[int]) -> bytearray | set[bytes]:
    numbers = map(_short, ids)
    return bytearray(b"".join(numbers)) if len(ids) <= MANY_IDS else set(numbers)


def _short(message_id: int) -> bytes:
    return (message_id & ID_MASK).to_bytes(ID_BYTES, "little")


def is_hot(device: Device, event: Event, project: Project, goals: Container[str] = ()) -> bool:
    """Whether the event only carries the device's end further: later than all, and it names no earlier owner.

    One that names the first owner gives him all rows of the device's past (`renamed`), which else stay.
    Within the millisecond of the last event an owner that is named could be the first to be named in it: that is cold.
    A late event is hot where it only adds to the open session (`is_inside`) and has none of the names of `goals`.
    """
    if project.sessions.sender_sessions:  # sessions of one device interleave: no single end to carry on
        return False
    named = event.user or event.email
    if event.alias_of:  # a rename counts before a claim of it that is known
        return False
    if event.occurred_at > device.last[0]:
        return True
    if order(event) > device.last:
        return not named or named == device.ownership.owner
    return (
        device.chain is not None
        and device.ownership.owned_from <= event.occurred_at  # else somebody else's, between two of the session's
        and event.event not in goals
        and is_inside(device.chain, event, project)
    )


def advance(device: Device, event: Event, project: Project, hits: tuple[Hit, ...] = NO_HITS) -> Change:
    """Takes the device's end one hot event further, in place; returns the rows that are new or changed.

    A changed session is returned as the very object of the chain: write it at the end of the turn.
    """
    place = order(event)
    if device.chain is not None and place < device.last:
        add(device.chain, event)
        remember(device, event.message_id)
        return Change(device.chain.session)
    change = Change()
    named = event.user or event.email
    if named or event.phone or event.vendors or event.alias_of:
        found = [
            pair
            for pair in pairs((event,), prior_owner=device.named)
            if (pair.identifier, pair.other) not in device.pairs
        ]
        if found:
            change.pairs = tuple(found)
            device.pairs |= {(pair.identifier, pair.other) for pair in found}
    if named:
        device.named = named
        before = device.ownership
        if not device.is_known:
            device.is_known, change.disowned = True, before
            change.past, device.past = device.past, ()
            device.ownership = msgspec.structs.replace(before, owner=named, known_from=event.occurred_at)
            change.ownerships = (device.ownership,)
            if device.chain is not None:
                device.chain.session.owner = named
        elif named != before.owner:
            ended = msgspec.structs.replace(before, owned_until=event.occurred_at)
            device.ownership = Ownership(event.project, event.device, event.occurred_at, FOREVER, named, FOREVER)
            change.ownerships = (ended, device.ownership)
    owner = device.ownership.owner
    device.last = place
    remember(device, event.message_id)
    if event.contact:
        device.has_contacts = True
        change.touchpoint = contact_touchpoint(event, owner, project, hits)
        return change
    if not in_session(event):
        return change
    known = device.chain.session if device.chain else None
    device.chain = step(device.chain, event, owner, project, hits)
    if known is not None and not device.is_known and (device.chain is None or device.chain.session is not known):
        device.past = None if device.past is None else _few((*device.past, known))
    if device.chain is not None:
        change.session = device.chain.session
        change.is_opened = device.chain.session is not known
        if change.is_opened or hits:
            change.touchpoint = session_touchpoint(device.chain.session)
    return change


def carried(device: Device, event: Event, project: Project) -> Session | None:
    """What `advance` does, with the rows of a Change that has a grown session alone, in half of its time.

    For an event that is later than all, meets no goal, names nobody and goes on in the open session; None, and nothing
    is done, for any other. Most are such ones.
    """
    chain = device.chain
    if chain is None or event.user or event.email or event.phone or event.vendors or event.alias_of:
        return None
    if event.occurred_at <= device.last[0] or not in_session(event):
        return None
    if not carry(chain, event, device.ownership.owner, project):
        return None
    device.last = order(event)
    remember(device, event.message_id)
    return chain.session


def renamed(rows: Iterable[T], owner: int) -> list[T]:
    """Sessions or touchpoints of a device on which nobody was known, as the first one's who is named on it."""
    return [msgspec.structs.replace(row, owner=owner) for row in rows]


def without(stored: DeviceFacts, facts: DeviceFacts) -> DeviceFacts:
    """What is stored and is none of these facts: against it a difference writes every one of them."""
    return DeviceFacts(
        [row for row in stored.sessions if row not in facts.sessions],
        [row for row in stored.touchpoints if row not in facts.touchpoints],
        [row for row in stored.ownerships if row not in facts.ownerships],
        [row for row in stored.pairs if row not in facts.pairs],
    )


def named_by(events: Sequence[Event]) -> set[int]:
    """Every identifier that the events carry, the device itself left out."""
    found: set[int] = set()
    for event in events:
        found.update((event.user, event.email, event.phone, *event.vendors))
    found.discard(0)
    return found
