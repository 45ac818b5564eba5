"""gtag.js of Google Analytics 4: hits of a browser in the address, and where they are many one a line of the body.

    POST /g/collect?v=2&tid=G-...&cid=...&sid=...&dl=...&_s=1        what all hits share
    en=page_view&_ee=1
    en=scroll&epn.percent_scrolled=90&_et=5021

Google does not document it. Sources: captured requests; npm's @minimal-analytics/ga4 and @analytics-debugger/ga4mp,
which send the same; the reference of d8a.tech.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from api.collect.answers import Refused
from api.protocols.forms import form_of
from api.protocols.ga4 import VIEWS, answered, refused
from api.protocols.gtag_items import items_of
from api.protocols.homes import Moves, Names, Plan, Plans, compiled
from api.protocols.once import id_of, once
from api.protocols.protocol import Asked, Posted, Protocol, Read, Told, fields_of
from api.protocols.queries import fields_of_all
from api.webhooks.door import json_bytes
from api.webhooks.vendor import Event, Unmapped
from pipeline.ingest.redaction import shown

VERSION: Final = "2"
BECOMES: Final[Mapping[str, str]] = {
    "page_view": "page",
    "screen_view": "screen",
    "up.*": "identify",
    "upn.*": "identify",
}
HOMES: Final[Mapping[str, str]] = {
    "cid": "anonymousId",
    "uid": "userId",
    "sid": "context.session.id",
    "dl": "context.page.url",
    "dt": "context.page.title",
    "dr": "context.page.referrer",
    "cs": "context.campaign.source",
    "cm": "context.campaign.medium",
    "cn": "context.campaign.name",
    "cc": "context.campaign.content",
    "ck": "context.campaign.term",
    "ct": "context.campaign.term",
    "uap": "context.os.name",
    "_uip": "context.ip",
    "cu": "properties.currency",
    "ci": "properties.campaign_id",
    "ul": "properties.language",
    "sr": "properties.screen_resolution",
    "tt": "properties.traffic_type",
    "uam": "properties.device_model",
    **dict.fromkeys(("v", "tid", "en", "_ss", "_et", "sct", "seg", "_fv", "_c", "_s", "_p", "_z", "_eu", "_ee"), ""),
    **dict.fromkeys(("gtm", "gtm_up", "gcs", "gcd", "gcu", "gcut", "npa", "dma", "dma_cps", "pscdl", "frm"), ""),
    **dict.fromkeys(("tfd", "tag_exp", "_dbg", "_gaz", "gaz", "are", "_geo", "_rdi", "_nsi", "_prs", "ngs"), ""),
    **dict.fromkeys(("rcb", "ecid", "gdid", "edid", "_edid", "_fplc", "_glv", "richsstsse", "_rnd", "aip"), ""),
    **dict.fromkeys(("uaa", "uab", "uafvl", "uamb", "uapv", "uaw", "uaW", "em", "_ecid", "_npa"), ""),
}  # fmt: skip
_HOMES = compiled(HOMES)
_NUMBERS: Final = {"_et": "engagement_time_msec", "sct": "session_number"}
_FLAGS: Final = {"seg": "session_engaged", "_fv": "first_visit", "_c": "is_conversion"}
_DENIED = re.compile(r"G1.0")  # consent: advertising, then analytics
_ITEM = re.compile(r"pr[0-9]{1,3}")
MOST_HITS_OF_PAGE: Final = 1_000_000
MOST_SHORT: Final = 2_048  # bytes of a hit without long values


def read(asked: Asked) -> Read:
    if asked.method not in ("GET", "POST"):
        raise Refused(405, "method_not_allowed", "send hits with GET or POST", headers=((b"allow", b"GET, POST"),))
    shared = asked.fields
    if _DENIED.fullmatch(shared.get("gcs", "")):
        return answered(asked, 0, 0)  # the visitor wants no analytics: gtag pings all the same, and nothing is kept
    hits = _hits(asked.body, shared)
    version = shared.get("v", "")
    wrong = "" if version == VERSION else f"version {shown(version, 20)} of gtag's protocol is not known; 2 is"
    key = shared.get("ep.write_key") or hits[0][0].get("ep.write_key") or shared.get("tid", "")
    notes: list[Any] = [_public(hit) for hit, _ in hits] if wrong else list(enumerate(hits))
    return [Posted(key, notes, wrong=wrong)]


def _hits(body: bytes, shared: dict[str, str]) -> list[tuple[dict[str, str], bytes]]:
    """Each hit with what it shares with all of them, and its JSON where that is known, else b""."""
    lines = [line for line in body.splitlines() if line]
    if not lines:
        return [(shared, b"")]
    found = (
        None
        if len(body) > MOST_SHORT * len(lines)
        else fields_of_all([one.decode("utf-8", "replace") for one in lines])
    )
    if found is None:
        return [({**shared, **_hit(line)}, b"") for line in lines]
    first = msgspec.json.encode(shared)[:-1]
    hits = []
    for own, told in found:
        hit = {**shared, **own}
        hits.append((hit, b"%b,%b" % (first, told[1:]) if shared and len(hit) == len(shared) + len(own) else b""))
    return hits


def _hit(line: bytes) -> dict[str, str]:
    return fields_of(line.decode("utf-8", "replace")) if len(line) <= MOST_SHORT else form_of(line)


def mapped(note: tuple[int, tuple[dict[str, str], bytes]], told: Told) -> Iterable[Event | Unmapped]:
    index, (given, raw) = note
    name = given.get("en", "")
    if not name:
        return (Unmapped(_public(given), "a hit needs its event's name in `en`"),)
    kind = VIEWS.get(name, "track")
    made: Event = {"type": kind}
    if kind == "track":
        made["event"] = name
    parts = _PARTS.of(tuple(given))
    kept: dict[str, Any] = {to: given[field] for field, to in parts.texts}
    for field, to in parts.numbers:
        kept[to] = _number(given[field])
    kept.update(parts.own.put(given, made))
    _tell(parts, given, index, made, kept)
    if parts.items:
        kept["items"] = items_of({field: given[field] for field in parts.items})
    made["properties"] = kept
    made["messageId"] = id_of("gtag", raw or json_bytes(given), index)
    if parts.traits:
        shared = told.asked.fields if index else {}  # what all hits share of the visitor the first one tells
        traits = {
            to: _number(given[field]) if is_number else given[field]
            for field, to, is_number in parts.traits
            if shared.get(field) != given[field]
        }
        if traits:
            return (made, _person(made, traits, told.asked.now))
    return (made,)


class _Parts(NamedTuple):
    """What the fields of a hit are, by their names."""

    own: Plan  # of the protocol's own
    texts: Moves  # properties
    numbers: Moves
    traits: tuple[tuple[str, str, bool], ...]  # field, name, is it a number
    items: Names
    counts: Moves  # of Google's own, properties too
    flags: Moves


def _parts(names: Names) -> _Parts:
    own, items = list[str](), list[str]()
    texts, numbers = list[tuple[str, str]](), list[tuple[str, str]]()
    traits = list[tuple[str, str, bool]]()
    for field in names:
        group, dot, rest = field.partition(".")
        if not dot:
            (items if field[:2] == "pr" and _ITEM.fullmatch(field) else own).append(field)
        elif group == "ep" and rest != "write_key":
            texts.append((field, rest))
        elif group == "epn":
            numbers.append((field, rest))
        elif group in ("up", "upn"):
            traits.append((field, rest, group == "upn"))
        elif group not in ("sst", "ep"):  # server-side tagging's own
            texts.append((field, field))
    counts, flags = (tuple(one for one in named.items() if one[0] in names) for named in (_NUMBERS, _FLAGS))
    return _Parts(_HOMES.plan(tuple(own)), tuple(texts), tuple(numbers), tuple(traits), tuple(items), counts, flags)


_PARTS: Final = Plans(_parts)


def _tell(parts: _Parts, given: Mapping[str, str], index: int, made: Event, kept: dict[str, Any]) -> None:
    """Where its place in the page's hits, its numbers and its flags go."""
    for field, name in parts.counts:
        kept[name] = _number(given[field])
    for field, name in parts.flags:
        kept[name] = given[field] == "1"
    if given.get("_ss") == "1" and index == 0:
        made.setdefault("context", {}).setdefault("session", {})["new"] = True
    if (hit := given.get("_s", "")).isdecimal() and int(hit) < MOST_HITS_OF_PAGE:
        made["sequence"] = int(hit) * 100 + min(index, 99)


def _person(made: Event, traits: dict[str, Any], now: int) -> Event:
    """gtag repeats a visitor's properties with its hits: the same ones are one call a day."""
    person: Event = {name: made[name] for name in ("anonymousId", "userId") if name in made}
    person |= {"type": "identify", "traits": traits}
    return person | {"messageId": once("gtag", person, now // 86_400_000)}


def _number(text: str) -> Any:
    try:
        return int(text) if text.lstrip("-").isdecimal() else float(text)
    except ValueError:
        return text


def _public(hit: Mapping[str, str]) -> dict[str, str]:
    """A hit without key and address."""
    return {name: value for name, value in hit.items() if name not in ("tid", "ep.write_key", "_uip")}


PROTOCOL: Final = Protocol(
    name="gtag",
    title="Google Analytics 4, gtag.js",
    paths=("/g/collect",),
    read=read,
    mapped=mapped,
    answered=answered,
    refused=refused,
    homes=HOMES,
    becomes=BECOMES,
    key="`ep.write_key`, else `tid`",
    once="a hash of the hit, which gtag numbers (`_p`, `_s`)",
    switch="`gtag('config', 'G-...', {server_container_url: 'https://HOST', write_key: 'KEY'})`",
    notes={
        "parameters": "`ep.*` and `epn.*` are properties, `up.*` and `upn.*` traits, without their beginnings; the "
        "same traits are one call a day",
        "_et": "`engagement_time_msec`; `user_engagement` and `scroll` are passive",
        "items": "`pr1` ... are `items`, with the names that Google documents",
        "sessions": "`_ss` begins a session",
        "opt-out": "where `gcs` says that analytics is denied nothing is kept, and the answer is 204",
    },
)
