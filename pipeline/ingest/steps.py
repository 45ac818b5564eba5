"""The steps from a received event to an accepted row, in their order: each keeps the event or rejects it.

    type_and_name  given  identity  alias_of  message id  time  where  agent  channel  hints  value  place

A step gives columns of the row, or why the event cannot be used. Each is a function of the few fields that it reads, so
that what many events share is looked up. Both readers of ingest.py take them, so they never see how an event was
decoded.
"""

from sys import intern

from pipeline.ingest.agent import AGENTS, NO_AGENT, Agent, device_type, system
from pipeline.ingest.channel import HEARTBEATS, PAGE_PING, PASSIVE, SERVER_WORD, channel_of, contact, plain_name
from pipeline.ingest.device_key import id_text
from pipeline.ingest.event_time import to_ms, when
from pipeline.ingest.given import given
from pipeline.ingest.incoming import NOTHING, Context, Identity, Incoming, Known, Received
from pipeline.ingest.page import NO_PAGE, PAGES, where
from pipeline.ingest.properties import NO_KNOWN, Reject, micros
from pipeline.ingest.remembered import Remembered, remembered
from pipeline.ingest.rules import Rules
from pipeline.ingest.who import (
    TRUSTED,
    alias_of,
    content_hash,
    identity,
    message_hash,
    message_text,
    type_and_name,
)
from schemas.facts import EventRow

PING_MS = 10_000  # what a page ping without a number stands for: Snowplow's default heartbeat
NO_CONTEXT = Context()
NEEDS_CONTENT = Reject("")  # no message id: the careful reader, which has the content, must do it
_UINT32 = 1 << 32
_NO_PLACE = ("", "", "")
_NO_AMOUNTS = (0, "", 0)


def accepted(line: Received, position: int, rules: Rules, content: bytes) -> EventRow | Reject:
    """The row of an event, or why it cannot be used: the first reason in the order of the steps.

    `content`: the event's canonical bytes, where the reader has them.
    """
    event, project, sender = line.e, rules.project, line.k
    context = event.context or NO_CONTEXT
    seen = PAGES[NO_PAGE if context.page is NOTHING else bytes(context.page), rules]
    if isinstance(seen, Reject):
        return seen
    called = _CALLS[event.type, event.event, context.channel or event.channel or "", sender]
    if isinstance(called, Reject):
        return called
    kind, name, is_view, contacts = called
    brought = given(event, context, kind, rules.parameters, line.i)
    if isinstance(brought, Reject):
        return brought
    properties, known, emails, phones = brought
    who = identity(event, context, project, emails, phones)
    if isinstance(who, Reject):
        return who
    device_id, user, email, phone, vendors, user_id, group_id = who
    is_trusted, renamed = sender in TRUSTED, 0
    if kind == "alias":
        alias = alias_of(project, event.previousId, user_id, is_trusted)
        if isinstance(alias, Reject):
            return alias
        renamed = alias
    text = message_text(event.messageId)
    if not text and not content:
        return NEEDS_CONTENT
    message_id = message_hash(project, text) if text else content_hash(project, content)
    occurred_at, time_source, original = _time(event, line)
    if rules.lateness_ms is not None and line.r - occurred_at > rules.lateness_ms:
        limit = f"older than the project's limit of {rules.lateness_ms} ms when it was received"
        return Reject("too_old", "timestamp", limit)
    at = where(seen, context, known, is_view, rules) if is_view or context.campaign is not None else seen[1]
    host, path, referrer_host, acquisition, source, medium, campaign, click_id, url, title, referrer = at
    if not path and kind == "screen":
        path = event.name or known.name or ""
    text = context.userAgent or ""
    is_agents_own = text and context.device is None and context.os is None
    is_bot, browser, os, device = AGENTS[text,] if is_agents_own else _agent(context, line)
    channel, is_passive, touched = contacts[device_id != ""]
    is_hinting = known is not NO_KNOWN or context.session is not None or context.sessionId is not None
    if is_hinting or event.sequence is not None or context.sequence is not None:
        sender_session, new_session, sequence = _hints(event, context, known, project)
    else:
        sender_session, new_session, sequence = 0, bool(context.sessionStart), 0  # as browsers' libraries send it
    amounts = _NO_AMOUNTS if known is NO_KNOWN else _value(known)
    if isinstance(amounts, Reject):
        return amounts
    value_micros, currency, cost_micros = amounts
    country, region, city = _NO_PLACE if context.location is None and line.g is None else _place(context, line)
    return EventRow(
        project, line.d, occurred_at, message_id, sequence, position, name, kind, channel, user, email, phone, vendors,
        is_bot, is_passive, new_session, sender_session, touched,
        0 if known is NO_KNOWN and not is_passive else _engaged_ms(known, name, is_passive),
        host, path, referrer_host, acquisition, source, medium, campaign, click_id, country, region, city,
        browser, os, device, value_micros, currency, cost_micros, renamed, intern(line.s), line.r, device_id, user_id,
        group_id, original, time_source, url, title, referrer, is_trusted, properties,
    )  # fmt: skip


def _time(event: Incoming, line: Received) -> tuple[int, str, str]:
    """(occurred_at by the design's rule, why it is not the client's own, what that was).

    Imported events keep their own times.
    """
    stamp = event.timestamp
    if stamp is None or stamp == "":
        stamp = event.originalTimestamp
        if stamp is None or stamp == "":
            return line.r, "missing", "" if stamp is None else str(stamp)
    ms, sent = to_ms(stamp), None
    if line.k != "import":
        if line.t:
            sent = to_ms(line.t)
        if sent is None and event.sentAt:
            sent = ms if event.sentAt == stamp else to_ms(event.sentAt)
    occurred_at, source = when(ms, sent, line.r)
    return occurred_at, source, str(stamp)[:100] if source else ""


def _agent(context: Context, line: Received) -> Agent:
    """Bot, browser, system, device. A request's own user agent counts only where it is a browser's.

    A program that sends events (curl, an SDK) is no bot that visits. A sender that knows better says `bot` as the
    device's type: a mail that a machine opened.
    """
    text = context.userAgent
    if not text and line.a.startswith("Mozilla/") and line.k not in TRUSTED:
        text = line.a
    found = AGENTS[text,] if text else NO_AGENT
    if context.device is not None and context.device.type:
        kind = device_type(context.device.type) or found.device_type
        found = found._replace(device_type=kind, is_bot=found.is_bot or kind == "bot")
    if context.os is not None and context.os.name:
        found = found._replace(os=system(context.os.name) or found.os)
    return found


Contact = tuple[str, bool, str]
# type; name; whether it is a page's or screen's view; the contact of one without a device, and of one with it.
Call = tuple[str, str, bool, tuple[Contact, Contact]]


def _call(type: str | None, event: str | None, word: str, source_kind: str) -> Call | Reject:
    """What follows from a call's type, its event's name, the sender's word for the channel and the source's kind."""
    called = type_and_name(type, event)
    if isinstance(called, Reject):
        return called
    kind, name = called
    without, with_device = (_contact(name, kind, word, source_kind, has_device) for has_device in (False, True))
    return kind, name, kind == "page" or kind == "screen", (without, with_device)


_CALLS = Remembered(_call, 1 << 13)  # few: the names of events


def _contact(event: str, type: str, word: str, source_kind: str, has_device: bool) -> Contact:
    """(channel, is_passive, contact): where it was, whether it tells of a visit without being an act of the visitor,
    and whether it is a touchpoint of its own.
    """
    where = channel_of(event, type, word, source_kind)
    is_server = source_kind == "server" or word.strip().lower() == SERVER_WORD
    is_passive = plain_name(event) in PASSIVE or (is_server and has_device)
    return where, is_passive, contact(event, type, where, has_device)


@remembered(1 << 14)
def _session_hash(project: str, text: str) -> int:
    return message_hash(project, "session\0" + text)


def _hints(event: Incoming, context: Context, known: Known, project: str) -> tuple[int, bool, int]:
    """(the sender's own session, its word that one begins, its counter).

    Session id: context.session.id, context.sessionId, properties.session_id. A new one: context.session.new,
    context.sessionStart, properties.new_session.
    """
    session, sequence = context.session, context.sequence if event.sequence is None else event.sequence
    own: Identity = session.id if session is not None else None
    if own is None:
        own = context.sessionId if context.sessionId is not None else known.session_id
    text = id_text(own) if own is not None else ""
    is_new = bool(context.sessionStart or known.new_session or (session is not None and session.new))
    if sequence is None or not 0 <= sequence < _UINT32:
        sequence = 0
    return _session_hash(project, text) if text else 0, is_new, sequence


def _engaged_ms(known: Known, event: str, is_passive: bool) -> int:
    """Foreground time: properties.engaged_ms or engagement_time_msec; of heartbeats also engaged_time or seconds; a
    page ping without a number counts 10 s.
    """
    ms = known.engaged_ms if known.engaged_ms is not None else known.engagement_time_msec
    if ms is None and is_passive:
        name = plain_name(event)
        if name in HEARTBEATS:
            seconds = known.engaged_time if known.engaged_time is not None else known.seconds
            if seconds is not None:
                ms = seconds * 1000
            elif name == PAGE_PING:
                ms = PING_MS
    return 0 if ms is None or ms < 0 else int(min(ms, _UINT32 - 1))


def _value(known: Known) -> tuple[int, str, int] | Reject:
    """(value in millionths, its currency, cost): the first number of properties.revenue, value, total; currency "" =
    the project's.
    """
    value, currency = 0, ""
    for name, raw in (("revenue", known.revenue), ("value", known.value), ("total", known.total)):
        if raw is NOTHING or not (data := bytes(raw)):
            continue
        amount = _amount(data)
        if isinstance(amount, Reject):
            return amount._replace(field=f"properties.{name}")
        if amount is not None:
            value, currency = amount, intern((known.currency or "").strip().upper())
            break
    if known.cost is NOTHING or not (data := bytes(known.cost)):
        return value, currency, 0
    cost = _amount(data)
    if isinstance(cost, Reject):
        return cost._replace(field="properties.cost")
    return value, currency, cost or 0


def _amount(data: bytes) -> int | None | Reject:
    amount = micros(data)
    if amount is not None and not -(1 << 63) <= amount < 1 << 63:
        return Reject("number_out_of_range", "", "a sum of money must fit into 64 bits of millionths")
    return amount


def _place(context: Context, line: Received) -> tuple[str, str, str]:
    """context.location, else what the door looked up. An IP address is never stored."""
    location = context.location
    if location is not None and location.country:
        country = location.country.strip()
        return country.upper() if len(country) == 2 else country, location.region or "", location.city or ""
    return line.g or _NO_PLACE
