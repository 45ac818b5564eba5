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
from schemas.facts import FOREVER, FOREVER_AGO, Event, Session, Touchpoint

SESSION_CHANNELS = frozenset(("web", "app", "chat"))
VIEWS = frozenset(("page", "screen"))
NO_HITS: tuple[Hit, ...] = ()


class Chain(msgspec.Struct, gc=False):
    """The run that a device is in: where it began, when its last event was, and the session it is in now."""

    run_started_at: int
    last_at: int
    session: Session
    first_view_at: int = FOREVER  # of the session's views
    last_view_at: int = FOREVER_AGO


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
    _grow(chain, event, project, hits)
    return chain


def carry(chain: Chain, event: Event, owner: int, project: Project) -> bool:
    """`step` where it only grows the session and no option of the project cuts; else False, and nothing is done."""
    options, session, at = project.sessions, chain.session, event.occurred_at
    if at > chain.last_at + options.gap_ms or event.new_session or owner != session.owner:
        return False
    if options.sender_sessions or options.campaign or options.midnight:
        return False
    since, cap = chain.run_started_at, options.cap_ms
    if at - since >= cap and (at - since) // cap != (session.started_at - since) // cap:
        return False
    chain.last_at = at
    _grow(chain, event, project, NO_HITS)
    return True


def is_inside(chain: Chain, event: Event, project: Project) -> bool:
    """Whether a late event that meets no goal only adds to the sums of the session that the run is in.

    It lies between the session's first and last event, names nobody, cuts nothing, and no page that the session keeps
    is its own: in a session of views it is a view between the first and the last, or none.

        session         e v e e v e e |          v a view, e another event
        only sums        xxxxxxxxxxx             x another event
                            xxxx                 x a view
    """
    session, at = chain.session, event.occurred_at
    if not session.started_at < at < chain.last_at or event.new_session or not in_session(event):
        return False
    if event.user or event.email or event.phone or event.vendors or event.alias_of:
        return False
    options = project.sessions
    if options.midnight and _day(at, project.zone) != _day(session.started_at, project.zone):
        return False  # where summer time ends a minute after midnight a day comes back
    if event.type in VIEWS:
        is_cutting = options.campaign and campaign(event) is not None
        return not is_cutting and chain.first_view_at < at < chain.last_view_at
    return chain.first_view_at != FOREVER or not event.path


def add(chain: Chain, event: Event) -> None:
    """Takes an event that `is_inside` into the session of the run, in place."""
    _count(chain.session, event)


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
    chain = Chain(sessions[-1].run_started_at, sessions[-1].last_at, sessions[-1])
    left = chain.session.views
    for event in reversed(events) if left else ():  # the last so many views of the device are the session's
        if event.type in VIEWS and not event.is_passive and in_session(event):
            chain.first_view_at = event.occurred_at
            chain.last_view_at = max(chain.last_view_at, event.occurred_at)
            left -= 1
            if not left:
                break
    return chain


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
    chain = Chain(run_started_at, at, session)
    _grow(chain, event, project, hits)
    return chain


def _grow(chain: Chain, event: Event, project: Project, hits: tuple[Hit, ...]) -> None:
    session, at = chain.session, event.occurred_at
    session.last_at = at
    session.ends_at = at + project.sessions.gap_ms
    before = session.views
    if _count(session, event):
        if not before:  # entry page: the first view's; before any view the first page that an event named
            session.entry_host, session.entry_path = event.host, event.path
            chain.first_view_at = at
        session.exit_path = event.path
        chain.last_view_at = at
    elif not before and event.path:
        session.entry_host, session.entry_path = session.entry_host or event.host, session.entry_path or event.path
        session.exit_path = event.path
    if hits:
        session.conversions += len(hits)
        session.value_micros = total_micros((session.value_micros, value_of(hits, project)))
        session.ends_journey = session.ends_journey or any(hit.ends_journey for hit in hits)


def _count(session: Session, event: Event) -> bool:
    """Adds to the sums, which do not ask for an order; True for a view."""
    session.events += 1
    session.engaged_ms += event.engaged_ms
    if event.is_passive:
        return False
    if event.type in VIEWS:
        session.views += 1
        return True
    if event.type == "track":
        session.interactions += 1
    return False
