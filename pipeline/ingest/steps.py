"""The steps from a received event to an accepted row, in their order: each keeps the event or rejects it.

A step fills columns of the draft's row and returns why the event cannot be used, or None. Steps are shared by both
readers of ingest.py, so they never see how an event was decoded. The steps about identity are in who.py.
"""

from collections.abc import Callable
from functools import lru_cache
from sys import intern

from pipeline.ingest.acquisition import origin, tag
from pipeline.ingest.address import NO_TAGS, address
from pipeline.ingest.agent import agent, device_type, system
from pipeline.ingest.channel import HEARTBEATS, PAGE_PING, PASSIVE, SERVER_WORD, channel_of, contact, plain_name
from pipeline.ingest.device_key import id_text
from pipeline.ingest.draft import Draft
from pipeline.ingest.event_time import to_ms, when
from pipeline.ingest.incoming import NOTHING, Identity, Page
from pipeline.ingest.properties import NO_KNOWN, Reject, micros
from pipeline.ingest.who import (
    TRUSTED,
    message_hash,
    put_alias,
    put_identity,
    put_message_id,
    put_properties,
    put_type_and_name,
)

PING_MS = 10_000  # what a page ping without a number stands for: Snowplow's default heartbeat
_UINT32 = 1 << 32
NO_PAGE = Page()


def put_time(draft: Draft) -> Reject | None:
    """occurred_at by the design's rule; imported events keep their own times. Too old ones are rejected."""
    row, line, event = draft.row, draft.line, draft.event
    stamp = event.timestamp
    if stamp is None or stamp == "":
        stamp = event.originalTimestamp
    sent = None
    if line.k != "import":
        if line.t:
            sent = to_ms(line.t)
        if sent is None and event.sentAt:
            sent = to_ms(event.sentAt)
    received_at = row.received_at = line.r
    row.occurred_at, source = when(stamp, sent, received_at)
    if source:
        row.time_source = source
        row.original_timestamp = str(stamp)[:100] if stamp is not None else ""
    lateness = draft.rules.lateness_ms
    if lateness is not None and line.r - row.occurred_at > lateness:
        return Reject("too_old", "timestamp", f"older than the project's limit of {lateness} ms when it was received")
    return None


def put_page(draft: Draft) -> Reject | None:
    """Where it was: context.page, else properties of a page or screen call (server libraries); a screen's name."""
    row, page, given = draft.row, draft.context.page, draft.known
    if row.type == "page" or row.type == "screen":
        page = page or NO_PAGE
        url, path = page.url or given.url, page.path or given.path
        title, referrer = page.title or given.title, page.referrer or given.referrer
    elif page is None:
        return None
    else:
        url, path, title, referrer = page.url, page.path, page.title, page.referrer
    if url:
        place = draft.place = address(url, draft.rules.parameters)
        row.url, row.host, row.path = place.url, place.host, place.path
    if path:
        row.path = path if "?" not in path and "#" not in path else path.partition("?")[0].partition("#")[0]
    elif not row.path and row.type == "screen":
        row.path = draft.event.name or given.name or ""
    if title:
        row.title = title
    if referrer:
        draft.came_from = address(referrer, draft.rules.parameters)
        row.referrer = draft.came_from.url
    return None


@lru_cache(1 << 13)
def _tags(source: str | None, medium: str | None, name: str | None) -> tuple[str, str, str]:
    return tag(source), tag(medium), tag(name)


def put_acquisition(draft: Draft) -> Reject | None:
    """Campaign of context.campaign, else of the address; then what brought the visit about (acquisition.py)."""
    row, place, came_from, campaign = draft.row, draft.place, draft.came_from, draft.context.campaign
    tags = place.tags
    if campaign is not None:
        said = _tags(campaign.source, campaign.medium, campaign.name)
        if said[0] or said[1] or said[2]:
            tags = said
    row.acquisition, row.referrer_host = origin(
        place.host, came_from.host, came_from.section, tags, place.click_id, draft.rules.not_referrers
    )
    if tags is not NO_TAGS:
        row.utm_source, row.utm_medium, row.utm_campaign = tags
    if place.click_id:
        row.click_id = place.click_id
    return None


def put_agent(draft: Draft) -> Reject | None:
    """Bot, browser, system, device. A request's own user agent counts only where it is a browser's.

    A program that sends events (curl, an SDK) is no bot that visits. A sender that knows better says `bot` as the
    device's type: a mail that a machine opened.
    """
    row, context, line = draft.row, draft.context, draft.line
    text = context.userAgent
    if not text and line.a.startswith("Mozilla/") and line.k not in TRUSTED:
        text = line.a
    if text:
        row.is_bot, row.browser, row.os, row.device_type = agent(text)
    if context.device is not None and context.device.type:
        row.device_type = device_type(context.device.type) or row.device_type
        row.is_bot = row.is_bot or row.device_type == "bot"
    if context.os is not None and context.os.name:
        row.os = system(context.os.name) or row.os
    return None


@lru_cache(1 << 14)
def _contact(event: str, type: str, word: str, source_kind: str, has_device: bool) -> tuple[str, bool, str]:
    """(channel, is_passive, contact)."""
    where = channel_of(event, type, word, source_kind)
    is_server = source_kind == "server" or word.strip().lower() == SERVER_WORD
    is_passive = plain_name(event) in PASSIVE or (is_server and has_device)
    return where, is_passive, contact(event, type, where, has_device)


def put_channel(draft: Draft) -> Reject | None:
    """Channel, whether the event is passive, and whether it is a touchpoint of its own."""
    row = draft.row
    word = draft.context.channel or draft.event.channel or ""
    row.channel, row.is_passive, row.contact = _contact(row.event, row.type, word, draft.line.k, row.device_id != "")
    return None


@lru_cache(1 << 14)
def _session_hash(project: str, text: str) -> int:
    return message_hash(project, "session\0" + text)


def put_session_hints(draft: Draft) -> Reject | None:
    """The sender's own session id and its word that one begins, its counter, and foreground time.

    Session id: context.session.id, context.sessionId, properties.session_id. A new one: context.session.new,
    context.sessionStart, properties.new_session. Foreground time: properties.engaged_ms or engagement_time_msec; of
    heartbeats also engaged_time or seconds; a page ping without a number counts 10 s.
    """
    row, context, given = draft.row, draft.context, draft.known
    session = context.session
    own: Identity = session.id if session is not None else None
    if own is None:
        own = context.sessionId if context.sessionId is not None else given.session_id
    if own is not None and (text := id_text(own)):
        row.sender_session = _session_hash(draft.line.p, text)
    if context.sessionStart or given.new_session or (session is not None and session.new):
        row.new_session = True
    sequence = draft.event.sequence if draft.event.sequence is not None else context.sequence
    if sequence is not None and 0 <= sequence < _UINT32:
        row.sequence = sequence
    row.engaged_ms = _engaged_ms(draft)
    return None


def _engaged_ms(draft: Draft) -> int:
    given = draft.known
    ms = given.engaged_ms if given.engaged_ms is not None else given.engagement_time_msec
    if ms is None and draft.row.is_passive:
        name = plain_name(draft.row.event)
        if name in HEARTBEATS:
            seconds = given.engaged_time if given.engaged_time is not None else given.seconds
            if seconds is not None:
                ms = seconds * 1000
            elif name == PAGE_PING:
                ms = PING_MS
    return 0 if ms is None or ms < 0 else int(min(ms, _UINT32 - 1))


def put_value(draft: Draft) -> Reject | None:
    """Value: the first number of properties.revenue, value, total; its currency, "" = the project's. Cost."""
    given, row = draft.known, draft.row
    if given is NO_KNOWN:
        return None
    for name, raw in (("revenue", given.revenue), ("value", given.value), ("total", given.total)):
        if raw is NOTHING or not (data := bytes(raw)):
            continue
        amount = _amount(data)
        if isinstance(amount, Reject):
            return amount._replace(field=f"properties.{name}")
        if amount is not None:
            row.value_micros = amount
            row.currency = intern((given.currency or "").strip().upper())
            break
    if given.cost is not NOTHING and (data := bytes(given.cost)):
        cost = _amount(data)
        if isinstance(cost, Reject):
            return cost._replace(field="properties.cost")
        row.cost_micros = cost or 0
    return None


def _amount(data: bytes) -> int | None | Reject:
    amount = micros(data)
    if amount is not None and not -(1 << 63) <= amount < 1 << 63:
        return Reject("number_out_of_range", "", "a sum of money must fit into 64 bits of millionths")
    return amount


def put_place(draft: Draft) -> Reject | None:
    """context.location, else what the door looked up. An IP address is never stored."""
    location, row = draft.context.location, draft.row
    if location is not None and location.country:
        country = location.country.strip()
        row.country = country.upper() if len(country) == 2 else country
        row.region, row.city = location.region or "", location.city or ""
    elif draft.line.g is not None:
        row.country, row.region, row.city = draft.line.g
    return None


Step = Callable[[Draft], Reject | None]
STEPS: tuple[Step, ...] = (
    put_type_and_name,
    put_properties,
    put_identity,
    put_alias,
    put_message_id,
    put_time,
    put_page,
    put_acquisition,
    put_agent,
    put_channel,
    put_session_hints,
    put_value,
    put_place,
)
