"""Jitsu's HTTP API: events in Segment's form, one a request, of browsers and of servers.

    POST /api/s/track         X-Write-Key: KEY
    POST /api/s/s2s/track     of a server: its own address and user agent say nothing about the visitor

Sources: docs.jitsu.com, and the client @jitsu/js.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from api.collect.answers import Answer, Refused
from api.collect.requests import batch_of
from api.collect.routing import TYPES
from api.collect.senders import key_in_headers
from api.protocols.protocol import Asked, Posted, Protocol, Read, Ready, Refusal, Told, answer, missing_key
from api.webhooks.reading import get, json_of
from api.webhooks.vendor import Event, Unmapped

PREFIX: Final = "/api/s/"
OLD: Final = ("/api/v1/event", "/api/v1/s2s/event")  # of Jitsu before version 2, whose events have another form
S2S: Final = "s2s/"
BATCH: Final = "batch"
ANY: Final = "event"  # the body says which
KEEP: Final = "keep"
HOMES: Final[Mapping[str, str]] = {
    "context.clientIds": "properties.client_ids",
    "writeKey": "",
}
BECOMES: Final[Mapping[str, str]] = {
    **{name: name for name in TYPES},
}


def read(asked: Asked) -> Read:
    if asked.method != "POST":
        raise Refused(405, "method_not_allowed", "send events with POST", headers=((b"allow", b"POST, OPTIONS"),))
    if asked.path in OLD:
        return _old(asked)
    key = key_in_headers(asked.headers) or asked.fields.get("writeKey", "")
    key = key.partition(":")[0]  # Jitsu's clients want `key:secret`; a key that may send needs no secret
    if not key:
        raise missing_key("X-Write-Key, by Basic auth, or as `writeKey` in the address")
    route = asked.path.removeprefix(PREFIX)
    kind = route.removeprefix(S2S)
    notes = (_ready(asked.body, key) if kind == BATCH else None) or _notes(asked.body, kind)
    hides = asked.header(b"x-ip-policy") not in ("", KEEP)
    return [Posted(key, notes, about=kind, hides_address=hides or route.startswith(S2S))]


def _old(asked: Asked) -> Read:
    key = asked.header(b"x-auth-token") or asked.fields.get("token", "")
    if not key:
        raise missing_key("X-Auth-Token, or `token` in the address")
    found = json_of(asked.body)
    if isinstance(found, Unmapped):
        raise Refused(400, "malformed_json", found.words)
    notes = [_without_key(each) for each in (found if isinstance(found, list) else [found])]
    return [Posted(key, notes, wrong="clients of Jitsu before version 2 are not known; take `@jitsu/js`")]


def _without_key(note: Any) -> Any:
    return {name: value for name, value in note.items() if name != "api_key"} if isinstance(note, dict) else note


def _notes(body: bytes, kind: str) -> list[Any]:
    found = json_of(body)
    if isinstance(found, Unmapped):
        raise Refused(400, "malformed_json", found.words)
    notes = get(found, "batch") if kind == BATCH else [found]
    if not isinstance(notes, list):
        raise Refused(400, "invalid_body", "the body has no `batch` of events", field="batch")
    return notes


def _ready(body: bytes, key: str) -> list[Ready] | None:
    """The events of a batch as they came, where every one is as it has to be; else None."""
    if b'"clientIds"' in body:
        return None
    try:
        found = batch_of(body, {}, key)
    except Refused:
        return None
    if not all((one.anonymous_id or one.user_id) and one.write_key is None for one in found.decoded):
        return None
    return [Ready(raw, one) for raw, one in zip(found.events, found.decoded, strict=False)]


def mapped(note: Any, told: Told) -> Iterable[Event | Ready | Unmapped]:
    if type(note) is Ready:
        return (note,)
    if not isinstance(note, dict):
        return (Unmapped(note, "an event must be a JSON object"),)
    made: Event = {name: value for name, value in note.items() if name != "writeKey"}
    kind = told.posted.about
    if kind in TYPES and not made.get("type"):
        made["type"] = kind
    if not (made.get("anonymousId") or made.get("userId")) and not told.is_trusted:
        # A visitor who wants no ids kept in the browser.
        made["anonymousId"] = told.visitor(told.asked.address, told.asked.header(b"user-agent"))
    ids = get(made, "context", "clientIds")
    if ids and made.get("type") in ("track", "page", "screen") and isinstance(made.get("properties"), dict | None):
        made["properties"] = {**(made.get("properties") or {}), "client_ids": ids}
    return (made,)


def answered(asked: Asked, accepted: int, rejected: int) -> Answer:
    told: dict[str, Any] = {"ok": True}
    if rejected:
        told["rejected"] = rejected
    return answer(200, "application/json", msgspec.json.encode(told))


def refused(why: Refusal) -> tuple[str, bytes]:
    return "application/json", msgspec.json.encode({"ok": False, "error": why.message, "request_id": why.request_id})


PROTOCOL: Final = Protocol(
    name="jitsu",
    title="Jitsu",
    paths=(PREFIX + "*", *OLD),
    read=read,
    mapped=mapped,
    answered=answered,
    refused=refused,
    homes=HOMES,
    becomes=BECOMES,
    key="`writeKey`: the key, a colon, anything",
    has_key_header=True,
    once="`messageId`; without one a hash of the event",
    switch="`host` and `writeKey` of `@jitsu/js`",
    notes={
        "form": "Segment's, so all fields are as in [events](sending.md#events)",
        "`/api/s/event`": "`type` in the body says which call it is; `/api/s/batch` has events in `batch`",
        "servers": "`/api/s/s2s/...`: the request's own address and user agent count for nothing; an event without "
        "either id is a reject",
        "`/api/v1/event`": "of Jitsu before version 2: an error, and the event is in the rejects",
        "privacy": "`X-IP-Policy: remove` and `strip-last-octet`: the address tells no place; without ids "
        "(`disableUserIds`) a visitor has an id of one day",
    },
)
