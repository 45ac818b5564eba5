"""Rows of the fact tables, as structs whose fields stand in the order of the tables' columns.

`version` and `is_deleted` are the last two columns of every fact table; the writer adds them. Times are UTC
milliseconds, money is in millionths of the currency's unit (`*_micros`), ids are 64-bit integers.
`tests/schemas` holds these against `schemas/clickhouse/*.sql`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
FOREVER_AGO, FOREVER = -(1 << 62), 1 << 62


class Event(msgspec.Struct, gc=False):
    """What the core needs of an accepted event: the columns of `timeline`."""

    project: str
    device: int
    occurred_at: int
    message_id: int
    sequence: int  # the client's own counter, 0 where it has none
    log_position: int
    event: str  # name: of a track call its event, else the type (page, screen, identify, group, alias)
    type: str
    channel: str
    user: int = 0  # identifiers, 0 = none
    email: int = 0
    phone: int = 0
    vendors: tuple[int, ...] = ()
    is_bot: bool = False
    is_passive: bool = False
    new_session: bool = False
    sender_session: int = 0  # hash of the sender's own session id, 0 = none
    contact: str = ""  # exposure, engagement, conversion or service: a touchpoint of its own; "" = none
    engaged_ms: int = 0
    host: str = ""
    path: str = ""
    referrer_host: str = ""
    acquisition: str = "direct"
    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    click_id: str = ""  # the parameter's name (gclid, msclkid ...), never its value
    country: str = ""
    region: str = ""
    city: str = ""
    browser: str = ""
    os: str = ""
    device_type: str = ""
    value_micros: int = 0
    currency: str = ""
    cost_micros: int = 0
    alias_of: int = 0  # user identifier that an `alias` call renames to `user`; of an untrusted source: `claimed`
    source: str = ""  # name of the source whose key sent it


class EventRow(Event, gc=False):
    """A row of `events`: the columns of `timeline`, then the rest."""

    received_at: int = 0
    device_id: str = ""  # anonymous id as sent
    user_id: str = ""
    group_id: str = ""
    original_timestamp: str = ""  # as sent, where occurred_at is not simply it
    time_source: str = ""  # "": the client's own; why not: clock_skew, future, missing, unreadable
    url: str = ""
    title: str = ""
    referrer: str = ""
    is_trusted: bool = False  # the source is a server, a vendor or an import
    properties: str = "{}"  # JSON object; traits of identify and group calls too


class AskedEvent(EventRow, gc=False):
    """An event as questions see it that look beyond its row (pipeline.domain.asked); in no table."""

    session: Mapping[str, str] = NOTHING  # properties asked about of the session that holds it, as text
    traits: Mapping[str, Any] = NOTHING  # of its customer, as they were at the event
    traits_now: Mapping[str, Any] = NOTHING
    segments: frozenset[str] = frozenset()  # names of those asked about that its customer is in
    account: str = ""
    stage: str = "visitor"  # of its customer when the journey began that holds it
    stage_now: str = "visitor"


class Session(msgspec.Struct, gc=False):
    """A row of `sessions`. duration = last_at - started_at; bounce_* are computed columns."""

    project: str
    device: int
    started_at: int
    id: int
    owner: int
    run_started_at: int
    last_at: int
    ends_at: int  # last_at + gap: open or closed is computed by the asker
    channel: str
    is_bot: bool
    is_cut: bool  # its run was cut by the cap
    sender_session: int
    events: int
    views: int
    interactions: int
    conversions: int
    ends_journey: bool  # holds a journey-ending conversion
    engaged_ms: int
    value_micros: int  # of its conversions, in the project's currency
    entry_host: str
    entry_path: str
    exit_path: str
    referrer_host: str
    acquisition: str
    utm_source: str
    utm_medium: str
    utm_campaign: str
    click_id: str
    country: str
    region: str
    city: str
    browser: str
    os: str
    device_type: str


class Touchpoint(msgspec.Struct, frozen=True, gc=False):
    """A row of `touchpoints`: a session, or one interaction on another channel."""

    project: str
    device: int
    started_at: int
    id: int
    owner: int
    is_session: bool
    contact: str  # exposure, engagement, conversion, service
    channel: str
    acquisition: str  # "" unless a session
    utm_source: str
    utm_medium: str
    utm_campaign: str
    event: str  # "" for a session
    is_bot: bool
    conversions: int
    ends_journey: bool
    value_micros: int
    cost_micros: int


class Ownership(msgspec.Struct, frozen=True, gc=False):
    """A row of `owners`: who owns a device's events in [owned_from, owned_until)."""

    project: str
    device: int
    owned_from: int  # ms; FOREVER_AGO for the first row of a device
    owned_until: int  # ms; FOREVER for the last row
    owner: int
    known_from: int  # first row of a device only: when an owner was first named; FOREVER = never


class Pair(msgspec.Struct, frozen=True, gc=False):
    """A row of `pairs`: one device's earliest evidence that two identifiers belong together.

    Stored in both directions (identifier < other, and mirrored), so that a component is read by either end.
    """

    project: str
    identifier: int
    other: int
    device: int
    evidence_at: int
    evidence_sequence: int
    evidence_message: int
    evidence_rank: int  # order inside one event: user-email 0, user-phone 1, user-vendor 2, email-phone 3, ...
    # together (one event), login (e-mail owner, then a user id), alias (a trusted rename), claim (an untrusted one)
    kind: str
    source: str


class RefusedPair(Pair, frozen=True, gc=False):
    """A row of `refusals`: a pair that does not count, with its least evidence over devices. Both directions, too."""

    reason: str  # two_users, split, shared, ignored, untrusted (pipeline.domain.identity)
    decision: int  # the operator's decision behind it (split, ignored), 0 = none


class Identity(msgspec.Struct, frozen=True, gc=False):
    """A row of `identities`: the customer that an identifier belongs to, where it is not the identifier itself."""

    project: str
    identifier: int
    customer: int


class Journey(msgspec.Struct, frozen=True, gc=False):
    """A row of `journeys`."""

    project: str
    customer: int
    started_at: int
    id: int
    last_at: int  # start of its last touchpoint
    touchpoints: int
    sessions: int
    conversions: int
    is_converted: bool  # its last touchpoint holds a journey-ending conversion
    value_micros: int
    cost_micros: int
    first_channel: str
    last_channel: str
    path: tuple[str, ...]  # acquisition of sessions, channel of other touchpoints, in order
    stage: str  # visitor, lead, customer, returning (lapsed is computed by the asker)


class Conversion(msgspec.Struct, frozen=True, gc=False):
    """A row of `conversions`: an event that meets a goal."""

    project: str
    customer: int
    occurred_at: int
    id: int
    goal: str
    goal_version: int
    kind: str  # lead, micro, macro
    device: int
    message_id: int
    event: str
    value_micros: int
    currency: str
    journey: int


class FunnelEntry(msgspec.Struct, frozen=True, gc=False):
    """A row of `funnel_entries`: one entry into a saved funnel and the events that filled its steps."""

    project: str
    funnel: str
    customer: int
    entered_at: int
    id: int
    funnel_version: int
    steps: int  # number of the furthest step filled, 1..n; in any order how many are filled
    step_times: tuple[int, ...]  # ms, 0 = not filled; in any order those of the first event, the second ...
    step_messages: tuple[int, ...]
    step_groups: tuple[str, ...]  # the breakdown's value at each step; empty without a breakdown
    # Those of the same customer that get in its way, pipeline.domain.rivals; both 0 = nobody has looked yet.
    before_at: int = 0  # ms; the last entry before it that comes as far; FOREVER_AGO = none
    after_at: int = 0  # ms; the first entry after it that comes further; FOREVER = none

    @property
    def standing(self) -> int:
        """The column of this name, a part of the row's key: 0 one after it comes further, 1 one before it comes as far
        and none after it further, 2 neither, 3 nobody has looked yet."""
        if not self.after_at:
            return 3
        if self.after_at < FOREVER:
            return 0
        return 1 if self.before_at > FOREVER_AGO else 2


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """A row of `rejected`: an acknowledged event that could not be used, and why."""

    project: str
    device: int
    message_id: int
    log_position: int
    received_at: int
    source: str
    reason: str
    field: str
    message: str
    payload: str
