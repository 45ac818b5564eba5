"""The steps from a received event to an accepted row, in their order: each keeps the event or rejects it.

A step fills columns of the draft's row and returns why the event cannot be used, or None. Steps are shared by both
readers of ingest.py, so they never see how an event was decoded.
"""

from collections.abc import Callable
from functools import lru_cache
from sys import intern

import msgspec
import xxhash

from pipeline.ingest.acquisition import origin, tag
from pipeline.ingest.address import NO_TAGS, NOWHERE, Address, address
from pipeline.ingest.agent import agent, device_type, system
from pipeline.ingest.channel import HEARTBEATS, PAGE_PING, PASSIVE, SERVER_WORD, channel, contact, plain_name
from pipeline.ingest.device_key import (
    ID_LIMIT,
    external_ids,
    first_email,
    first_phone,
    id_text,
    user_identifier,
    vendor_identifiers,
)
from pipeline.ingest.event_time import to_ms, when
from pipeline.ingest.incoming import NOTHING, Context, Identity, Incoming, Known, Page, Received
from pipeline.ingest.properties import NO_KNOWN, Reject, Stored, contacts, known, micros, stored, with_names
from schemas.definitions import Project
from schemas.facts import EventRow

TYPES = {name: name for name in ("track", "page", "screen", "identify", "group", "alias")}
TRUSTED = frozenset(("server", "vendor", "import"))
PING_MS = 10_000  # what a page ping without a number stands for: Snowplow's default heartbeat
_UINT32 = 1 << 32
NO_CONTEXT, NO_PAGE = Context(), Page()
ALL_NAMES = Known.__struct_fields__


class Rules(msgspec.Struct, frozen=True):
    """What the steps need of a project."""

    not_referrers: tuple[str, ...] = ()  # own domains and payment providers, lower case
    lateness_ms: int | None = None


def rules_of(project: Project) -> Rules:
    domains = (*project.own_domains, *project.payment_providers)
    return Rules(tuple(d.strip().lower().removeprefix("www.") for d in domains if d.strip()), project.lateness_ms)


class Draft(msgspec.Struct, gc=False):
    """An event on its way through the steps."""

    line: Received
    event: Incoming
    context: Context
    row: EventRow
    rules: Rules
    content: bytes = b""  # canonical bytes of the event, where the reader has them
    known: Known = NO_KNOWN
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    place: Address = NOWHERE
    came_from: Address = NOWHERE


NEEDS_CONTENT = Reject("")  # no message id: the careful reader, which has the content, must do it


def put_type_and_name(draft: Draft) -> Reject | None:
    """A track call is named by its event, every other call by its type, whatever `event` it carries."""
    row, event = draft.row, draft.event
    kind = TYPES.get(event.type or "")
    if kind is None:
        return Reject("unknown_type", "type", "type must be track, page, screen, identify, group or alias")
    row.type = row.event = kind
    if kind == "track":
        name = (event.event or "").strip()
        if not name:
            return Reject("missing_event", "event", "a track call needs its name in `event`")
        row.event = intern(name)
    return None


def put_properties(draft: Draft) -> Reject | None:
    """Traits of identify and group calls, properties of all others, without e-mail and phone, inside the limits."""
    event, row = draft.event, draft.row
    kind, given = row.type, event.properties
    if kind == "identify" or kind == "group":
        traits = draft.context.traits if event.traits is NOTHING and kind == "identify" else event.traits
        found = stored(traits, "traits")
        if given is not NOTHING and isinstance(found, Stored):
            draft.known = known(given, ALL_NAMES)
    else:
        found = stored(given, "properties")
        if isinstance(found, Stored):
            draft.known = known(given, found.names)
    if not isinstance(found, Stored):
        return found
    row.properties = found.text
    if (event.name or event.category) and (kind == "page" or kind == "screen"):
        row.properties = with_names(found.text, event.name, event.category, draft.known)
    if kind != "group":  # a group's traits tell of the group, not of the person
        if found.emails or found.phones:
            draft.emails, draft.phones = found.emails, found.phones
        if event.traits is not NOTHING and kind != "identify":
            _add_contacts(draft, bytes(event.traits))
    if draft.context.traits is not NOTHING:
        _add_contacts(draft, bytes(draft.context.traits))
    return None


def _add_contacts(draft: Draft, traits: bytes) -> None:
    emails, phones = contacts(traits)
    draft.emails, draft.phones = draft.emails + emails, draft.phones + phones


def put_identity(draft: Draft) -> Reject | None:
    """Anonymous id, user id, e-mail, phone, vendor ids. Placeholders are none; who names nobody is rejected."""
    row, event, project = draft.row, draft.event, draft.line.p
    if type(event.anonymousId) is int or type(event.userId) is int or type(event.messageId) is int:
        for name, value in (
            ("anonymousId", event.anonymousId),
            ("userId", event.userId),
            ("messageId", event.messageId),
        ):
            if isinstance(value, int) and not -ID_LIMIT < value < ID_LIMIT:
                return Reject("number_out_of_range", name, "an id in digits must fit into 64 bits; send it as a string")
    row.device_id = id_text(event.anonymousId)
    if event.userId is not None and (text := id_text(event.userId)):
        row.user_id = text
        row.user = user_identifier(project, text)
    if draft.emails:
        row.email = first_email(project, draft.emails)
    if draft.phones:
        row.phone = first_phone(project, draft.phones)
    if draft.context.externalIds is not NOTHING:
        row.vendors = _vendors(project, bytes(draft.context.externalIds))
    group = event.groupId if event.groupId is not None else draft.context.groupId
    if group is not None:
        row.group_id = id_text(group)
    if not (row.device_id or row.user or row.email or row.phone or row.vendors):
        return Reject("missing_identity", "anonymousId", "needs anonymousId, userId, an e-mail, a phone or a vendor id")
    return None


@lru_cache(1 << 12)
def _vendors(project: str, raw: bytes) -> tuple[int, ...]:
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()
    return vendor_identifiers(project, external_ids(value))


def put_alias(draft: Draft) -> Reject | None:
    """previousId of an alias call renames a user where the source is trusted; else the event is kept without it."""
    row = draft.row
    row.is_trusted = draft.line.k in TRUSTED
    if row.type != "alias":
        return None
    previous = id_text(draft.event.previousId)
    if not previous or not row.user_id or previous == row.user_id:
        return Reject("invalid_alias", "previousId", "an alias needs previousId and userId, and they must differ")
    if row.is_trusted:
        row.alias_of = user_identifier(draft.line.p, previous)
    return None


def message_text(value: Identity) -> str:
    """A message id as text, "" for none or a placeholder (many events would be one)."""
    if type(value) is str and len(value) > 20 and value[0].isalnum() and value[-1].isalnum() and value.strip("0-"):
        return value
    return id_text(value) if value is not None else ""


def message_hash(project: str, text: str) -> int:
    """64-bit message id: hash of the project and the client's id, never 0."""
    return xxhash.xxh3_64_intdigest(f"{project}\0{text}".encode()) or 1


def content_hash(project: str, content: bytes) -> int:
    """64-bit message id of an event that brings none: hash of the project and its content, never 0."""
    return xxhash.xxh3_64_intdigest(project.encode() + b"\0" + content) or 1


def put_message_id(draft: Draft) -> Reject | None:
    """Hash of the message id; without one of the content, so that the same content sent again is a duplicate."""
    text = message_text(draft.event.messageId)
    if not text and not draft.content:
        return NEEDS_CONTENT
    project = draft.line.p
    draft.row.message_id = message_hash(project, text) if text else content_hash(project, draft.content)
    return None


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
    place = draft.place = address(url) if url else NOWHERE
    row.url, row.host, row.path, *_ = place
    if path:
        row.path = path if "?" not in path and "#" not in path else path.partition("?")[0].partition("#")[0]
    elif not row.path and row.type == "screen":
        row.path = draft.event.name or given.name or ""
    if title:
        row.title = title
    if referrer:
        draft.came_from = address(referrer)
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
    row.click_id = place.click_id
    return None


def put_agent(draft: Draft) -> Reject | None:
    """Bot, browser, system, device. A request's own user agent counts only where it is a browser's.

    A program that sends events (curl, an SDK) is no bot that visits.
    """
    row, context, line = draft.row, draft.context, draft.line
    text = context.userAgent
    if not text and line.a.startswith("Mozilla/") and line.k not in TRUSTED:
        text = line.a
    if text:
        row.is_bot, row.browser, row.os, row.device_type = agent(text)
    if context.device is not None and context.device.type:
        row.device_type = device_type(context.device.type) or row.device_type
    if context.os is not None and context.os.name:
        row.os = system(context.os.name) or row.os
    return None


@lru_cache(1 << 14)
def _contact(event: str, type: str, word: str, source_kind: str, has_device: bool) -> tuple[str, bool, str]:
    """(channel, is_passive, contact)."""
    where = channel(word, source_kind)
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
        data = bytes(raw)
        if not data:
            continue
        amount = _amount(data)
        if isinstance(amount, Reject):
            return amount._replace(field=f"properties.{name}")
        if amount is not None:
            row.value_micros = amount
            row.currency = intern((given.currency or "").strip().upper())
            break
    if data := bytes(given.cost):
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
