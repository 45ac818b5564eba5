"""OpenPanel's `/track`: one call a request, of visitors who have no id in their browsers.

    POST /track     openpanel-client-id: KEY
    {"type": "track", "payload": {"name": "screen_view", "properties": {"__path": "https://...", "__title": "..."}}}

Sources: openpanel.dev/docs/api/track, its server's validation, and the clients @openpanel/sdk, @openpanel/web and
openpanel (PyPI).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from api.collect.answers import Answer, Refused
from api.protocols.homes import compiled, housed
from api.protocols.once import Once
from api.protocols.protocol import Asked, Posted, Protocol, Read, Refusal, Told, answer
from api.webhooks.money import of_smallest
from api.webhooks.reading import get, json_of, listed, text
from api.webhooks.vendor import Event, Unmapped
from pipeline.ingest.redaction import shown

CLIENT: Final = b"openpanel-client-id"
CLIENT_IP: Final = b"x-client-ip"  # of servers: the visitor's
BECOMES: Final[Mapping[str, str]] = {
    "screen_view": "page",
    "identify": "identify",
    "increment": "identify",
    "decrement": "identify",
    "alias": "alias",
    "group": "group",
    "assign_group": "group",
    "replay": "unmapped",
}
HOMES: Final[Mapping[str, str]] = {
    "profileId": "userId",
    "groups": "context.groupId",
    "properties.__deviceId": "anonymousId",
    "properties.__timestamp": "timestamp",
    "properties.__path": "context.page.url",
    "properties.__title": "context.page.title",
    "properties.__referrer": "context.page.referrer",
    "properties.__ip": "context.ip",
    "properties.__revenue": "properties.revenue",
    "properties.__identify": "identify",
}
DEVICE: Final = "/track/device-id"
_PROPERTIES: Final = "properties."
_HOMES = compiled({
    "__deviceId": "anonymousId",
    "__timestamp": "timestamp",
    "__title": "context.page.title",
    "__referrer": "context.page.referrer",
    "__ip": "context.ip",
    "__path": "",
    "__revenue": "",
    "__identify": "",
})  # fmt: skip
OLD: Final = ("/event", "/profile", "/profile/increment", "/profile/decrement")
_PRIVATE: Final = "__"  # before what the server alone reads


def claims(asked: Asked) -> bool:
    return CLIENT in asked.headers


def read(asked: Asked) -> Read:
    if asked.path == DEVICE and asked.method == "GET":
        return [Posted(asked.header(CLIENT), [])]  # `fetchDeviceId` of the clients asks for what each call is answered
    if asked.method != "POST":
        raise Refused(405, "method_not_allowed", "send events with POST", headers=((b"allow", b"POST, OPTIONS"),))
    body = json_of(asked.body)
    if isinstance(body, Unmapped):
        raise Refused(400, "malformed_json", body.words)
    if asked.path in OLD:
        return [Posted(asked.header(CLIENT), [body], wrong="clients of OpenPanel before version 1 are not known")]
    kind = text(body, "type")
    wrong = "" if kind in _CALLS else f"no call of OpenPanel that is known: {shown(kind, 40)}"
    return [Posted(asked.header(CLIENT), [body], wrong=wrong)]


def mapped(note: Any, told: Told) -> Iterator[Once | Unmapped]:
    payload = get(note, "payload")
    if not isinstance(payload, dict):
        yield Unmapped(note, "a call needs its `payload`, an object")
        return
    for made in _CALLS[note["type"]](payload, told):
        yield made if isinstance(made, Unmapped) else Once(made, "openpanel", now=told.asked.now)


def device_of(told: Told) -> str:
    """The id of a visitor: of one day, by address and user agent; "" for a server that tells no visitor's."""
    address = told.asked.header(CLIENT_IP) if told.is_trusted else told.asked.address
    return told.visitor(address, told.asked.header(b"user-agent")) if address else ""


def _whose(payload: Mapping[str, Any], told: Told) -> Event:
    made: Event = {}
    if device := device_of(told):
        made["anonymousId"] = device
    if profile := text(payload, "profileId"):
        made["userId"] = profile
    if told.is_trusted and (address := told.asked.header(CLIENT_IP)):
        made["context"] = {"ip": address, "userAgent": told.asked.header(b"user-agent")}
    return made


def _track(payload: Mapping[str, Any], told: Told) -> Iterator[Event | Unmapped]:
    name, given = text(payload, "name"), payload.get("properties")
    if not name or not isinstance(given, dict | None):
        yield Unmapped({"type": "track", "payload": payload}, "a track call needs its `name`; `properties` an object")
        return
    given = given or {}
    made = _whose(payload, told)
    if text(given, "__deviceId"):
        made.pop("anonymousId", None)
    kept = housed(given, _HOMES, made)
    path = text(given, "__path")
    if path.startswith(("http://", "https://")):
        made.setdefault("context", {}).setdefault("page", {})["url"] = path
        made["type"] = "page" if name == "screen_view" else "track"
    elif name == "screen_view":
        made |= {"type": "screen", "name": path or "screen"}
    else:
        made["type"] = "track"
        if path:
            made.setdefault("context", {}).setdefault("page", {})["path"] = path
    if made["type"] == "track":
        made["event"] = name
    if "__revenue" in given:
        worth = of_smallest(given["__revenue"], text(given, "currency"))
        kept["revenue"] = given["__revenue"] if worth is None else worth
    if groups := _groups(payload, "groups"):
        made.setdefault("context", {})["groupId"] = groups[0]
        if len(groups) > 1:
            kept["groups"] = groups
    made["properties"] = kept
    yield made
    person = given.get("__identify")
    if isinstance(person, dict) and len(person) > 1:
        yield from _identify(person, told)


def _identify(payload: Mapping[str, Any], told: Told) -> Iterator[Event | Unmapped]:
    given = payload.get("properties")
    own = {name: value for name, value in payload.items() if name not in ("profileId", "properties")}
    more = {name: value for name, value in given.items() if not name.startswith(_PRIVATE)} if (
        isinstance(given, dict)
    ) else {}  # fmt: skip
    yield _whose(payload, told) | {"type": "identify", "traits": {**more, **own}}


def _alias(payload: Mapping[str, Any], told: Told) -> Iterator[Event | Unmapped]:
    yield {"type": "alias", "userId": text(payload, "profileId"), "previousId": text(payload, "alias")}


def _count(name: str) -> "Call":
    def counted(payload: Mapping[str, Any], told: Told) -> Iterator[Event | Unmapped]:
        by = payload.get("value")
        traits = {name: {text(payload, "property"): 1 if by is None else by}}
        yield _whose(payload, told) | {"type": "identify", "traits": traits}

    return counted


def _group(payload: Mapping[str, Any], told: Told) -> Iterator[Event | Unmapped]:
    given = payload.get("properties")
    traits = {name: value for name, value in payload.items() if name in ("name", "type")}
    traits |= given if isinstance(given, dict) else {}
    yield _whose(payload, told) | {"type": "group", "groupId": text(payload, "id"), "traits": traits}


def _assigned(payload: Mapping[str, Any], told: Told) -> Iterator[Event | Unmapped]:
    for one in _groups(payload, "groupIds"):
        yield _whose(payload, told) | {"type": "group", "groupId": one}


def _replay(payload: Mapping[str, Any], told: Told) -> Iterator[Event | Unmapped]:
    told_of = {name: value for name, value in payload.items() if name != "payload"}
    yield Unmapped({"type": "replay", "payload": told_of}, "a session's recording is not kept")


Call = Callable[[Mapping[str, Any], Told], Iterator[Event | Unmapped]]
_CALLS: Final[Mapping[str, Call]] = {
    "track": _track,
    "identify": _identify,
    "alias": _alias,
    "increment": _count("increment"),
    "decrement": _count("decrement"),
    "group": _group,
    "assign_group": _assigned,
    "replay": _replay,
}


def _groups(payload: Mapping[str, Any], name: str) -> list[str]:
    return [one for one in listed(payload, name) if isinstance(one, str)]


def answered(asked: Asked, accepted: int, rejected: int) -> Answer:
    return _known("")


def answered_to(told: Told, accepted: int, rejected: int) -> Answer:
    """A page may hand its visitor's id on to a server, which tells it in `__deviceId`."""
    return _known(device_of(told))


def _known(device: str) -> Answer:
    return answer(200, "application/json", msgspec.json.encode({"deviceId": device, "sessionId": ""}))


def refused(why: Refusal) -> tuple[str, bytes]:
    told = {"status": why.status, "error": why.code, "message": why.message, "request_id": why.request_id}
    return "application/json", msgspec.json.encode(told)


PROTOCOL: Final = Protocol(
    name="openpanel",
    title="OpenPanel",
    paths=("/track", DEVICE, *OLD),
    read=read,
    mapped=mapped,
    answered=answered,
    answered_to=answered_to,
    refused=refused,
    homes=HOMES,
    becomes=BECOMES,
    key="the header `openpanel-client-id`",
    once="a hash of the call; without `__timestamp` with the 5 s in which it came",
    switch="`apiUrl` and `clientId` of the clients",
    notes={
        "`/track`": "also Mixpanel's: a request with the header `openpanel-client-id` is OpenPanel's",
        "`/event`, `/profile`": "of clients before version 1: an error, and the call is in the rejects",
        "alias": "`alias` is a former name of `profileId`",
        "increment, decrement": "traits of that name",
        "replay": "a reject without the recording: sessions are not replayed here",
        "`/track/device-id`": "a page may ask for its visitor's id and hand it on to its server",
        "device": "`__deviceId`, else an id of one day by address and user agent; of a server by the headers "
        "`x-client-ip` and `user-agent` that it passes on",
        "__path": "of a screen view that is no address: the name of a screen",
        "__revenue": "comes in the smallest unit (cents): 2999 are 29.99",
    },
    claims=claims,
)
