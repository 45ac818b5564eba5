"""What users define: projects, keys, goals, funnels, and what operators decide about identifiers.

Versioned rows of the table `definitions`, bodies in JSON.
"""

from typing import Any, Literal

import msgspec

Operator = Literal[
    "is",
    "is_not",
    "in",
    "not_in",
    "contains",
    "not_contains",
    "gt",
    "gte",
    "lt",
    "lte",
    "between",
    "set",
    "not_set",
    "regex",
]


class Filter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A predicate on one property. A property that the event lacks fails, but is_not, not_in and not_contains hold."""

    property: str  # a name in `properties`, or a column with a $ before it: $channel, $acquisition, $path, $country ...
    operator: Operator = "is"
    value: Any = None


class Goal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    events: tuple[str, ...]
    where: tuple[Filter, ...] = ()
    kind: Literal["lead", "micro", "macro"] = "macro"
    ends_journey: bool | None = None  # default: macro goals do
    value_property: str = "$value"  # $value is the event's own value column
    value: float | None = None  # fixed value, instead of the property's
    currency: str = ""  # "" = the event's, else the project's
    version: int = 1


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    events: tuple[str, ...]  # names, or ("*",)
    where: tuple[Filter, ...] = ()
    label: str = ""
    optional: bool = False  # who leaves it out may go on; neither the first nor the last step
    goal: str = ""  # whose events these are; a change of the goal changes the funnel
    goal_filters: int = 0  # so many of `where`, the last ones, are the goal's


class Exclusion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What must not happen after one step of an entry and before another; steps are counted from 1."""

    events: tuple[str, ...]  # names, or ("*",)
    where: tuple[Filter, ...] = ()
    after: int = 1
    before: int = 0  # 0: the last step
    effect: Literal["remove", "drop"] = "remove"  # the entry does not count at all; or it ends where it stands


class Funnel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A saved funnel, and the part of a funnel question that decides its entries."""

    name: str
    steps: tuple[Step, ...]
    window_ms: int = 7 * 86_400_000
    order: Literal["ordered", "strict", "any"] = "ordered"
    breakdown: str | tuple[str, ...] = ""  # a property, or $column; or two or three of them; "": none
    exclusions: tuple[Exclusion, ...] = ()
    constant: tuple[str, ...] = ()  # properties or $columns that have one value in all of an entry
    within_session: bool = False  # every step lies in the session of the first; window_ms is left as it is
    version: int = 1


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that holds of a customer at a time, or does not."""

    kind: Literal["profile", "did", "funnel", "segment"]
    negated: bool = False
    where: tuple[Filter, ...] = ()  # profile: on his newest traits; did: on the events
    events: tuple[str, ...] = ()  # did: names, or ("*",)
    at_least: int = 1  # did: so many times
    within_ms: int = 0  # did: in so much time up to now; 0 = ever
    funnel: str = ""  # name of a saved one
    step: int = 1  # funnel: his furthest entry fills this step, from 1 ...
    without_step: int = 0  # ... and not this one; 0 = whatever
    segment: str = ""  # name of another one


class Segment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Customers of whom conditions hold, judged anew with every question."""

    name: str
    conditions: tuple[Condition, ...]
    match: Literal["all", "any"] = "all"
    version: int = 1


class Survey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question that the tracker asks on a site, and when. Texts are the site's, in its language."""

    name: str
    kind: Literal["csat", "nps", "ces"]  # scales of 1 to 5, 0 to 10, 1 to 7
    question: str
    low: str = ""  # what the least answer means
    high: str = ""
    comment: str = ""  # what is asked once a score is chosen, to be answered in words; "" = nothing
    send: str = "Send"
    close: str = "Close"
    thanks: str = "Thank you."
    pages: str = ""  # paths on which it is asked, * = anything; "" = all
    event: str = ""  # asked after this event; "" = after the page has come
    after_ms: int = 0  # from then on, while the page is there
    every_days: int = 90  # once in so many days to one browser
    accent: str = "#1f5fbf"
    side: Literal["left", "right"] = "right"
    version: int = 1


class SessionOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    gap_ms: int = 30 * 60_000
    cap_ms: int = 24 * 3_600_000
    midnight: bool = False  # cut at midnight in the project's zone
    campaign: bool = False  # cut at a change of campaign
    sender_sessions: bool = False  # the sender's own session id takes the gap's place


class Privacy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a project takes of visitors, and what of it is kept. Names of properties and parameters in any case."""

    consent: Literal["assumed", "required"] = "assumed"  # where an event of a browser or an app tells none
    cookieless: bool = False  # without consent events are taken under an id of the day; else they are rejected
    purpose: str = "analytics"  # the purpose of a consent that decides
    honour_gpc: bool = False  # browsers' Sec-GPC: 1 and DNT: 1 count as a refusal
    honour_dnt: bool = False
    keep_ip_prefix: bool = False  # of the sender's address, as the property ip_prefix
    redact_emails: bool = True
    url_parameters: tuple[str, ...] = ()  # kept in addresses beside those that are known; * = all
    allowed_properties: tuple[str, ...] = ()  # none named: all
    dropped_properties: tuple[str, ...] = ()
    hashed_properties: tuple[str, ...] = ()  # their values become SHA-256


class Project(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str  # slug: [a-z0-9][a-z0-9_-]{0,62}
    zone: str = "UTC"
    currency: str = "EUR"
    sessions: SessionOptions = SessionOptions()
    own_domains: tuple[str, ...] = ()
    payment_providers: tuple[str, ...] = ()
    lateness_ms: int | None = None
    origins: tuple[str, ...] = ()  # of pages that may send, as https://shop.example or https://*.shop.example; () = any
    privacy: Privacy = Privacy()
    version: int = 1


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key's record. The key itself is shown once and never stored: only its SHA-256."""

    name: str
    project: str
    kind: Literal["write", "read", "admin", "bi"]
    hash: str  # SHA-256 of the key, hex
    source: str = "web"  # write keys: the source's name
    source_kind: Literal["browser", "app", "server", "vendor", "import"] = "browser"
    origins: tuple[str, ...] = ()  # of pages that may send with it, in the place of the project's; () = the project's
    signing_secret: str = ""  # of a vendor's webhooks; kept as it is, as signatures are checked with it. "" = none
    link_secret: str = ""  # signs links and pixels of mails; kept as it is, as they are checked with it. "" = none
    aliases: tuple[str, ...] = ()  # what other trackers' clients call the site: `matomo:1`; a second name of the key
    revoked: bool = False
    version: int = 1


class Webhook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is made of requests to /webhooks/{name}, beside those of the vendors that are known."""

    name: str  # slug
    mapping: str  # TOML, see pipeline.ingest.mapping
    version: int = 1


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an operator decided about identifiers, and why. Taken back it stays, as a version that is revoked."""

    name: str  # its id: 16 hex digits
    action: Literal["join", "split", "ignore"]  # one customer; never one customer; evidence does not count
    one: int  # identifiers
    other: int  # ignore: 0 = all evidence that names `one`
    reason: str
    by: str  # name of the key
    decided_at: int  # UTC ms; the newer of two that contradict each other holds
    revoked: bool = False
    revoked_at: int = 0
    revoked_by: str = ""
    revoked_reason: str = ""
    version: int = 1
