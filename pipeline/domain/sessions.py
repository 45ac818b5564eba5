"""Sessions of one device: runs of events without a long gap, cut by the cap, a change of owner and options.

    gap 30 min, cap 24 h          |-- run ------------------------------|      |- run -|
    events                        e e  e p   e    e  u=bob e   e    e p p      e     e      p
    sessions                      [--- ann --------][--- bob ------------]     [-----]      (outside: kept by device)

A run begins with an active event and goes on while gaps are at most `gap_ms` (exactly that goes on). Passive events
(p) go on in a run and across its cuts, and never begin one. `step` takes one event further, `stitch` folds it over all
events of a device in order; neither reads a clock.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from pipeline.domain.goals import Hit, total_micros
from pipeline.domain.identifiers import fact_id
from pipeline.domain.owners import owners
from schemas.definitions import Project
from schemas.facts import Event, Session, Touchpoint

SESSION_CHANNELS = frozenset(("web", "app", "chat"))
VIEWS = frozenset(("page", "screen"))
NO_HITS: tuple[Hit, ...] = ()


class Chain(msgspec.Struct, gc=False):
    """The run that a device is in: where it began, when its last event was, and the session it is in now."""

    run_started_at: int
    last_at: int
    session: Session


def in_session(event: Event) -> bool:
    """Sessions are made of events in web, app and chat that are no touchpoint of their own."""
    return event.channel in SESSION_CHANNELS and not event.contact


def campaign(row: Event | Session) -> tuple[str, ...] | None:
    """Tags, click id and outside referrer; None where nothing but the address bar brought the visitor."""
    if row.acquisition == "direct":
        return None
    return row.utm_source, row.utm_medium, row.utm_campaign, row.click_id, row.referrer_host


def step(
    chain: Chain | None, event: Event, owner: int, project: Project, hits: tuple[Hit, ...] = NO_HITS
) -> Chain | None:
    """Takes a device's run one event further; the event is later than all before it and `in_session`.

    Returns the same chain (its session grown in place), a chain with a new session, or None where the event is
    passive and outside any run (the given chain is over then, too).
    """
    options = project.sessions
    at = event.occurred_at
    by_sender = options.sender_sessions and event.sender_session
    if chain is None or (at - chain.last_at > options.gap_ms and not by_sender):
        if event.is_passive and not by_sender:
            return None
        return _opened(at, event, owner, project, hits)
    session = chain.session
    cut = (
        owner != session.owner
        or event.new_session
        or (at - chain.run_started_at) // options.cap_ms
        != (session.started_at - chain.run_started_at) // options.cap_ms
        or (options.campaign and event.type in VIEWS and campaign(event) not in (None, campaign(session)))
        or (options.midnight and _day(at, project.zone) != _day(session.started_at, project.zone))
    )
    if cut:
        return _opened(chain.run_started_at, event, owner, project, hits)
    chain.last_at = at
    _grow(session, event, project, hits)
    return chain


def stitch(
    events: Sequence[Event],
    project: Project,
    hits: Mapping[int, tuple[Hit, ...]],
    owned: Sequence[int] | None = None,
) -> list[Session]:
    """All sessions of one device from its events in order; `hits` are the goals that events meet, by message id.

    `owned`: the events' `owners`, where they are known already.
    """
    found: list[Session] = []
    chains: dict[int, Chain | None] = {}
    for event, owner in zip(events, owners(events) if owned is None else owned, strict=True):
        if not in_session(event):
            continue
        key = event.sender_session if project.sessions.sender_sessions else 0
        before = chains.get(key)
        known = before.session if before else None
        after = chains[key] = step(before, event, owner, project, hits.get(event.message_id, NO_HITS))
        if after is not None and after.session is not known:
            found.append(after.session)
    return found


def last_chain(events: Sequence[Event], project: Project, sessions: Sequence[Session]) -> Chain | None:
    """The chain that the device's last event left behind, from its sessions in order; None where no run is open."""
    last = next((event for event in reversed(events) if in_session(event)), None)
    if last is None or not sessions or sessions[-1].last_at < last.occurred_at:
        return None  # the last event lies outside any run, so it ended the one before
    return Chain(sessions[-1].run_started_at, sessions[-1].last_at, sessions[-1])


def session_touchpoint(session: Session) -> Touchpoint:
    """The session as journeys see it. It does not change while the session merely grows."""
    return Touchpoint(
        project=session.project,
        device=session.device,
        started_at=session.started_at,
        id=session.id,
        owner=session.owner,
        is_session=True,
        contact="conversion" if session.conversions else "engagement",
        channel=session.channel,
        acquisition=session.acquisition,
        utm_source=session.utm_source,
        utm_medium=session.utm_medium,
        utm_campaign=session.utm_campaign,
        event="",
        is_bot=session.is_bot,
        conversions=session.conversions,
        ends_journey=session.ends_journey,
        value_micros=session.value_micros,
        cost_micros=0,
    )


def contact_touchpoint(event: Event, owner: int, project: Project, hits: tuple[Hit, ...] = NO_HITS) -> Touchpoint:
    """One interaction on another channel: mail opened or clicked, call, store visit, ad click, survey answer."""
    return Touchpoint(
        project=event.project,
        device=event.device,
        started_at=event.occurred_at,
        id=fact_id(event.project, event.device, event.message_id, event.occurred_at),
        owner=owner,
        is_session=False,
        contact="conversion" if hits else event.contact,
        channel=event.channel,
        acquisition="",
        utm_source=event.utm_source,
        utm_medium=event.utm_medium,
        utm_campaign=event.utm_campaign,
        event=event.event,
        is_bot=event.is_bot,
        conversions=len(hits),
        ends_journey=any(hit.ends_journey for hit in hits),
        value_micros=value_of(hits, project),
        cost_micros=event.cost_micros,
    )


def value_of(hits: tuple[Hit, ...], project: Project) -> int:
    """What the conversions are worth in the project's currency; other currencies are kept apart, never summed."""
    return total_micros(hit.value_micros for hit in hits if hit.currency == project.currency)


def _day(at: int, zone: str) -> int:
    return datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).toordinal()


def _opened(run_started_at: int, event: Event, owner: int, project: Project, hits: tuple[Hit, ...]) -> Chain:
    at = event.occurred_at
    session = Session(
        project=event.project,
        device=event.device,
        started_at=at,
        id=fact_id(event.project, event.device, event.message_id, at),
        owner=owner,
        run_started_at=run_started_at,
        last_at=at,
        ends_at=at + project.sessions.gap_ms,
        channel=event.channel,
        is_bot=event.is_bot,
        is_cut=at - run_started_at >= project.sessions.cap_ms,
        sender_session=event.sender_session,
        events=0,
        views=0,
        interactions=0,
        conversions=0,
        ends_journey=False,
        engaged_ms=0,
        value_micros=0,
        entry_host=event.host,
        entry_path=event.path,
        exit_path="",
        referrer_host=event.referrer_host,
        acquisition=event.acquisition,
        utm_source=event.utm_source,
        utm_medium=event.utm_medium,
        utm_campaign=event.utm_campaign,
        click_id=event.click_id,
        country=event.country,
        region=event.region,
        city=event.city,
        browser=event.browser,
        os=event.os,
        device_type=event.device_type,
    )
    _grow(session, event, project, hits)
    return Chain(run_started_at, at, session)


def _grow(session: Session, event: Event, project: Project, hits: tuple[Hit, ...]) -> None:
    session.events += 1
    session.last_at = event.occurred_at
    session.ends_at = event.occurred_at + project.sessions.gap_ms
    session.engaged_ms += event.engaged_ms
    if event.type in VIEWS and not event.is_passive:
        if not session.views:  # entry page: the first view's; before any view the first page that an event named
            session.entry_host, session.entry_path = event.host, event.path
        session.views += 1
        session.exit_path = event.path
    else:
        if event.type == "track" and not event.is_passive:
            session.interactions += 1
        if not session.views and event.path:
            session.entry_host, session.entry_path = session.entry_host or event.host, session.entry_path or event.path
            session.exit_path = event.path
    if hits:
        session.conversions += len(hits)
        session.value_micros = total_micros((session.value_micros, value_of(hits, project)))
        session.ends_journey = session.ends_journey or any(hit.ends_journey for hit in hits)
