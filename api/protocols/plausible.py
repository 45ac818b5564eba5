"""Plausible: its events API, as the tracker scripts and servers post it.

Source: plausible.io/docs/events-api; npm's plausible-tracker 0.3 and @plausible-analytics/tracker 0.4. It has no ids:
the day's id stands for the visitor, and no copy can be told from another event, as its clients send once.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from api.collect.answers import Answer, Refused
from api.protocols.homes import compiled, housed
from api.protocols.protocol import Asked, Posted, Protocol, Read, Refusal, Told, answer, missing_key
from api.webhooks.door import json_bytes
from api.webhooks.event import message_id
from api.webhooks.reading import json_object, number, text
from api.webhooks.vendor import Event, Unmapped

BECOMES: Final[Mapping[str, str]] = {
    "pageview": "page",
    "engagement": "user_engagement",
    "Outbound Link: Click": "Outbound Link Clicked",
    "File Download": "File Downloaded",
    "Form: Submission": "Form Submitted",
}
HOMES: Final[Mapping[str, str]] = {
    "u": "context.page.url",
    "url": "context.page.url",
    "r": "context.page.referrer",
    "referrer": "context.page.referrer",
    "e": "properties.engaged_ms",
    "sd": "properties.scroll_depth",
    "i": "properties.interactive",
    "interactive": "properties.interactive",
    "w": "properties.screen_width",
    "screen_width": "properties.screen_width",
    **dict.fromkeys(("n", "name", "d", "domain", "p", "props", "m", "meta", "$", "revenue", "v", "h"), ""),
}
_HOMES = compiled(HOMES)
_OK = answer(202, "text/plain", b"ok")


def read(asked: Asked) -> Read:
    note = json_object(asked.body)
    if isinstance(note, Unmapped):
        raise Refused(400, "malformed_json", f"the body: {note.words}", field="event")
    domains = text(note, "d") or text(note, "domain")
    if not domains:
        raise missing_key("`domain`")
    return [Posted(one, [note]) for one in dict.fromkeys(each.strip() for each in domains.split(",")) if one]


def mapped(note: Any, told: Told) -> Iterator[Event | Unmapped]:
    name = text(note, "n") or text(note, "name")
    if not name:
        yield Unmapped(note, "an event of Plausible needs its `name`")
        return
    meaning = BECOMES.get(name, name)
    made: Event = {"type": meaning} if meaning == "page" else {"type": "track", "event": meaning}
    agent = told.asked.header(b"user-agent")
    address = told.asked.address
    if told.is_trusted:  # a server tells whose request it was
        address = told.asked.header(b"x-forwarded-for").partition(",")[0].strip()
    who = told.visitor(address, agent)
    if who:
        made["anonymousId"] = who
    made["messageId"] = message_id("plausible", who, told.asked.now, told.posted.key, json_bytes(note))
    if told.is_trusted:
        made["context"] = {"ip": address, "userAgent": agent}
    rest = housed(note, _HOMES, made)
    made["properties"] = {**_properties(note), **rest}
    yield made


def _properties(note: dict[str, Any]) -> dict[str, Any]:
    """The event's own, and what it was worth."""
    found: dict[str, Any] = {}
    for name in ("m", "meta", "p", "props"):
        given = note.get(name)
        if isinstance(given, str):  # older scripts write JSON in JSON
            given = json_object(given)
        if isinstance(given, dict):
            found |= given
    for name in ("$", "revenue"):
        money = note.get(name)
        if isinstance(money, str):
            money = json_object(money)
        amount = number(money, "amount")
        if amount is not None:
            found |= {"revenue": amount, "currency": text(money, "currency")}
    return found


def answered(asked: Asked, accepted: int, rejected: int) -> Answer:
    return _OK


def refused(refusal: Refusal) -> tuple[str, bytes]:
    field = "domain" if refusal.status == 401 else "event"
    return "application/json", msgspec.json.encode({"errors": {field: [refusal.message]}, "code": refusal.code})


PROTOCOL: Final = Protocol(
    name="plausible",
    title="Plausible",
    paths=("/api/event",),
    read=read,
    mapped=mapped,
    answered=answered,
    refused=refused,
    homes=HOMES,
    becomes=BECOMES,
    key="`domain`, of several sites with commas between them",
    once="nothing: its clients send once",
    switch="`apiHost` (`endpoint` of the newer script, `data-api` of the tag)",
    notes={
        "`p`, `props`, `m`, `meta`": "properties, each under its own name",
        "`$`, `revenue`": "`properties.revenue` and `currency`",
        "visitor": "the day's id",
        "`X-Forwarded-For`, `User-Agent`": "of a source of kind `server`: the visitor's",
    },
)
