"""Google Analytics 4's Measurement Protocol: JSON from servers and apps, up to 25 events of one visitor a request.

    POST /mp/collect?measurement_id=G-...&api_secret=KEY        204, whatever is in it
    POST /debug/mp/collect                                      200, what is wrong with it; nothing is taken

What Google documents: https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from api.collect.answers import Answer, Refused
from api.protocols.ga4_checks import messages_of
from api.protocols.homes import compiled, housed
from api.protocols.once import Once
from api.protocols.protocol import Asked, Posted, Protocol, Read, Refusal, Told, answer
from api.webhooks.reading import get, json_of, number, text
from api.webhooks.vendor import Event, Unmapped

DEBUG: Final = "/debug/mp/collect"
VIEWS: Final = {"page_view": "page", "screen_view": "screen"}
BECOMES: Final[Mapping[str, str]] = {
    "page_view": "page",
    "screen_view": "screen",
    "user_properties": "identify",
    "user_data": "identify",
}
HOMES: Final[Mapping[str, str]] = {
    "client_id": "anonymousId",
    "app_instance_id": "anonymousId",
    "user_id": "userId",
    "timestamp_micros": "timestamp",
    "ip_override": "context.ip",
    "user_agent": "context.userAgent",
    "user_location.country_id": "context.location.country",
    "user_location.region_id": "context.location.region",
    "user_location.city": "context.location.city",
    "device.category": "context.device.type",
    "device.operating_system": "context.os.name",
    "user_data.sha256_email_address": "context.externalIds",
    "user_data.sha256_phone_number": "context.externalIds",
    "params.page_location": "context.page.url",
    "params.page_title": "context.page.title",
    "params.page_referrer": "context.page.referrer",
    "params.screen_name": "name",
    "params.session_id": "context.session.id",
}
_PARAMS: Final = "params."
_OF_PARAMS = compiled({name[len(_PARAMS) :]: path for name, path in HOMES.items() if name.startswith(_PARAMS)})
_CAMPAIGN = _OF_PARAMS | compiled({
    "source": "context.campaign.source",
    "medium": "context.campaign.medium",
    "campaign": "context.campaign.name",
    "term": "context.campaign.term",
    "content": "context.campaign.content",
})  # fmt: skip
_OF_PAYLOAD = compiled({name: path for name, path in HOMES.items() if "." not in name})
_PARTS = ("events", "user_properties", "user_data", "user_location", "device", "validation_behavior")
_HASHED = {"sha256_email_address": "sha256_email", "sha256_phone_number": "sha256_phone"}


def read(asked: Asked) -> Read:
    if asked.method != "POST":
        raise Refused(405, "method_not_allowed", "send events with POST", headers=((b"allow", b"POST, OPTIONS"),))
    payload = json_of(asked.body)
    if asked.path == DEBUG:
        told = msgspec.json.encode({"validationMessages": messages_of(payload)})
        return answer(200, "application/json", told)
    if isinstance(payload, Unmapped):
        raise Refused(400, "malformed_json", payload.words)
    if not isinstance(payload, dict):
        raise Refused(400, "invalid_body", "the body must be a JSON object with `events`")
    found = payload.pop("events", None)  # not to be held by `about`
    events = found if isinstance(found, list) else [] if found is None else [found]  # one alone: PyPI's ga4mp
    notes: list[Any] = list(enumerate(events))
    if payload.get("user_properties") or payload.get("user_data"):
        notes.insert(0, (-1, None))
    whose: Event = {}
    kept = _whose(payload, whose)
    return [Posted(asked.fields.get("api_secret", ""), notes, about=(payload, whose, kept), is_secret=True)]


def mapped(note: tuple[int, Any], told: Told) -> Iterable[Event | Once | Unmapped]:
    place, given = note
    payload, whose, of_all = told.posted.about
    if given is None and place < 0:
        return (_person(payload, whose),)
    name = text(given, "name")
    params = given.get("params") if name else None
    if not name or not isinstance(params, dict | None):
        return (Unmapped(given, "an event needs its name in `name` and its parameters in an object"),)
    kind = VIEWS.get(name, "track")
    made: Event = {**whose, "type": kind}
    if "context" in made:
        made["context"] = {**made["context"]}
    if kind == "track":
        made["event"] = name
    if at := given.get("timestamp_micros"):
        made["timestamp"] = _whole(at)
    homes = _CAMPAIGN if name == "campaign_details" else _OF_PARAMS
    own = housed(params, homes, made) if params else {}
    if type(spent := own.get("engagement_time_msec")) is str and (ms := number(spent)) is not None:
        own["engagement_time_msec"] = ms  # Google's own samples write it as text
    made["properties"] = of_all | own if of_all else own
    return (Once(made, "ga4", place, told.asked.now),)


def _whose(payload: Mapping[str, Any], into: Event) -> dict[str, Any]:
    """Puts what the whole request tells into an event; returns what has no home."""
    kept = housed({name: value for name, value in payload.items() if name not in _PARTS}, _OF_PAYLOAD, into)
    if "timestamp" in into:
        into["timestamp"] = _whole(into["timestamp"])
    context: Event = into.setdefault("context", {})
    if place := get(payload, "user_location", "country_id"):
        told = {"region": text(payload, "user_location", "region_id"), "city": text(payload, "user_location", "city")}
        context["location"] = {"country": place, **told}
    device = get(payload, "device")
    if isinstance(device, dict):
        device = dict(device)
        if category := device.pop("category", None):
            context["device"] = {"type": category}
        if system := device.pop("operating_system", None):
            context["os"] = {"name": system}
        if device:
            kept["device"] = device
    if ids := _hashed(payload):
        context["externalIds"] = ids
    if not context:
        del into["context"]
    return kept


def _person(payload: Mapping[str, Any], whose: Event) -> Once:
    """An identify call of the user's properties; the same ones count once."""
    made: Event = {**whose, "type": "identify"}
    made.pop("timestamp", None)
    given = get(payload, "user_properties")
    if isinstance(given, dict):
        made["traits"] = {name: get(one, "value") if isinstance(one, dict) else one for name, one in given.items()}
    return Once(made, "ga4")


def _hashed(payload: Mapping[str, Any]) -> list[dict[str, str]]:
    """Addresses come hashed: they join as ids that a vendor gave."""
    found = []
    for name, kind in _HASHED.items():
        value = get(payload, "user_data", name)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and one:
                found.append({"type": kind, "id": one.lower()})
    return found


def _whole(value: Any) -> Any:
    """Microseconds, which some write as text."""
    return int(value) if isinstance(value, str) and value.isdigit() else value


def answered(asked: Asked, accepted: int, rejected: int) -> Answer:
    return answer(204, "")


def refused(why: Refusal) -> tuple[str, bytes]:
    told = {"code": why.status, "message": why.message, "status": why.code}
    return "application/json", msgspec.json.encode({"error": told, "request_id": why.request_id})


PROTOCOL: Final = Protocol(
    name="ga4",
    title="Google Analytics 4, Measurement Protocol",
    paths=("/mp/collect", DEBUG),
    read=read,
    mapped=mapped,
    answered=answered,
    refused=refused,
    homes=HOMES,
    becomes=BECOMES,
    key="`api_secret` in the address",
    once="a hash of the event; without `timestamp_micros` with the 5 s in which it came",
    switch="the host in the address of `/mp/collect`, and `api_secret`",
    notes={
        "validation": "`/debug/mp/collect` answers with Google's `validationMessages` and takes nothing",
        "people": "`user_properties` and `user_data` are an identify call; hashed addresses join as ids of a vendor",
        "consent": "`consent` and `non_personalized_ads` are about advertising: they stay in properties",
    },
)
