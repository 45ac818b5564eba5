"""The pixel: a page view or an event told by an image's address, for pages and mails where no script runs.

    <noscript><img src="https://events.example/v1/pixel.gif?key=WRITE_KEY&title=Shoes" alt=""></noscript>

Without an id the day's id stands for the visitor. Pixels of mails that name their reader are signed: api/links.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from api.collect.answers import Answer
from api.protocols.homes import compiled, housed
from api.protocols.protocol import (
    PIXEL,
    Asked,
    Posted,
    Protocol,
    Read,
    Refusal,
    Told,
    answer,
    fields_of,
    missing_key,
)
from api.webhooks.event import message_id
from api.webhooks.vendor import Event, Unmapped

HOMES: Final[Mapping[str, str]] = {
    "event": "event",
    "type": "type",
    "message_id": "messageId",
    "anonymous_id": "anonymousId",
    "user_id": "userId",
    "url": "context.page.url",
    "title": "context.page.title",
    "referrer": "context.page.referrer",
    **dict.fromkeys(("key", "t"), ""),
}
_HOMES = compiled(HOMES)
_NO_STORE = (b"cache-control", b"no-store, no-cache, must-revalidate, private")
_GIF = answer(200, "image/gif", PIXEL, _NO_STORE, (b"pragma", b"no-cache"), (b"expires", b"0"))


def read(asked: Asked) -> Read:
    fields = asked.fields | (fields_of(asked.body.decode("utf-8", "replace")) if asked.is_form else {})
    key = fields.get("key", "")
    if not key:
        raise missing_key("`key`")
    return [Posted(key, [fields])]


def mapped(note: dict[str, str], told: Told) -> Iterator[Event | Unmapped]:
    asked = told.asked
    made: Event = {}
    rest: dict[str, Any] = housed(note, _HOMES, made)
    made.setdefault("type", "track" if "event" in made else "page")
    # The page that holds the image, or no more than its host: browsers leave the rest out.
    if "url" not in note and (shown_on := asked.header(b"referer")):
        made.setdefault("context", {}).setdefault("page", {})["url"] = shown_on
    who = "" if made.get("anonymousId") or made.get("userId") else told.visitor(asked.address, _agent(asked))
    if who:
        made["anonymousId"] = who
    # An image is asked for again whenever it is shown: without an id each request is an event of its own.
    made.setdefault("messageId", message_id("pixel", who, asked.now, asked.query))
    if rest:
        made["properties"] = rest
    yield made


def _agent(asked: Asked) -> str:
    return asked.header(b"user-agent")


def answered(asked: Asked, accepted: int, rejected: int) -> Answer:
    return _GIF


def refused(refusal: Refusal) -> tuple[str, bytes]:
    told = {"code": refusal.code, "message": refusal.message, "request_id": refusal.request_id}
    return "application/json", msgspec.json.encode({"error": told})


def public(note: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in note.items() if name != "key"}


PROTOCOL: Final = Protocol(
    name="pixel",
    title="Pixel",
    paths=("/v1/pixel.gif",),
    read=read,
    mapped=mapped,
    answered=answered,
    refused=refused,
    homes=HOMES,
    becomes={"without `event`": "page"},
    key="`key`",
    once="`message_id`, where it is given",
    switch="the image's address, `/v1/pixel.gif?key=KEY`; see [sending](sending.md#pixels)",
    public=public,
    notes={"`Referer`": "the page's address, where `url` is not given", "visitor": "the day's id, without an id"},
)
