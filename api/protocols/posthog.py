"""PostHog: its capture API, batches and single events, as posthog-js, posthog-python and the others send.

Source: posthog.com/docs/api/capture; posthog-js 1.449 (request.ts, posthog-core.ts); posthog-python 7.91 (request.py,
capture_v1.py). Bodies come as JSON, as gzip under any header, and as a form `data=` in base64 or lz-string.
"""

from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec

from api.collect.answers import Answer, Refused
from api.protocols.homes import compiled, housed
from api.protocols.lz_string import decompressed
from api.protocols.posthog_config import CONFIG, FLAGS, SCRIPT
from api.protocols.posthog_people import UUID, is_of_nobody, of_people, put_traits
from api.protocols.protocol import Asked, Posted, Protocol, Read, Refusal, Told, answer, missing_key
from api.webhooks.door import json_bytes
from api.webhooks.event import message_id
from api.webhooks.reading import fields, first_text, get, json_of, text
from api.webhooks.vendor import Event, Unmapped
from pipeline.ingest.event_time import to_ms
from pipeline.ingest.redaction import shown

CAPTURE: Final = ("/batch", "/e", "/i/v0/e", "/capture", "/i/v0/ai/batch")
V1: Final = "/i/v1/analytics/events"
VERSIONS: Final = "/i/"  # what of it is not above is of a version that is not known
BECOMES: Final[Mapping[str, str]] = {
    "$pageview": "page",
    "$screen": "screen",
    "$identify": "identify",
    "$set": "identify",
    "$set_once": "identify",
    "$create_alias": "alias",
    "$merge_dangerously": "alias",
    "$groupidentify": "group",
}
HOMES: Final[Mapping[str, str]] = {
    "$current_url": "context.page.url",
    "$pathname": "context.page.path",
    "$title": "context.page.title",
    "$referrer": "context.page.referrer",
    "$raw_user_agent": "context.userAgent",
    "$user_agent": "context.userAgent",
    "$os": "context.os.name",
    "$device_type": "context.device.type",
    "$ip": "context.ip",
    "$session_id": "context.session.id",
    "$screen_name": "name",
    "$geoip_country_code": "context.location.country",
    "$geoip_subdivision_1_name": "context.location.region",
    "$geoip_city_name": "context.location.city",
    "token": "",
    "api_key": "",
    "distinct_id": "",
    "$device_id": "",
    "$anon_distinct_id": "",
    "$is_identified": "",
    "$insert_id": "",
    "$ignore_sent_at": "",
}
CAMPAIGN: Final[Mapping[str, str]] = {
    "utm_source": "context.campaign.source",
    "utm_medium": "context.campaign.medium",
    "utm_campaign": "context.campaign.name",
}
PAGE: Final[Mapping[str, str]] = {"title": "context.page.title"}
_HOMES, _PAGE_HOMES = compiled(HOMES), compiled(PAGE)
# posthog-js sends the tags of the last campaign with every event, of later visits too: where the address is there, it
# says which visit has them.
_WITH_CAMPAIGN = _HOMES | compiled(CAMPAIGN)
_NO_REFERRER = "$direct"
_COOKIELESS = "$posthog_cookieless"
_OK = answer(200, "application/json", b'{"status":"Ok"}')
_MOST_UNPACKED = 1 << 23  # characters of a form's data


def read(asked: Asked) -> Read:
    if asked.path in ("/decide", "/flags"):
        return answer(200, "application/json", FLAGS)
    if asked.path.startswith("/array/"):
        return _config(asked.path)
    body = _body(asked)
    notes = body if isinstance(body, list) else get(body, "batch")
    if notes is None:
        notes = [body]
    if not isinstance(notes, list):
        raise Refused(400, "invalid_body", "the body must be an event, or have them in `batch`", field="batch")
    if not notes:
        return _OK
    is_unknown = asked.path.startswith(VERSIONS) and asked.path != V1 and asked.path not in CAPTURE
    key = "" if asked.path == V1 else _key(asked, body, notes[0])
    if asked.path == V1 or is_unknown:
        key = key or asked.header(b"authorization").removeprefix("Bearer ")
    if not key:
        raise missing_key("`api_key` in the body, or `token` among an event's properties")
    if asked.path == V1:
        sent_at = asked.header(b"posthog-request-timestamp")
    else:
        sent_at = text(body, "sent_at") or text(body, "sentAt") or asked.fields.get("_", "")
    if get(body, "historical_migration") is True:  # old events: their times are right as they are
        sent_at = ""
    wrong = f"PostHog's {shown(asked.path)} is of no version that is known" if is_unknown else ""
    return (Posted(key, notes, sent_at, wrong=wrong),)


def _config(path: str) -> Answer:
    """`/array/TOKEN/config` and `/array/TOKEN/config.js`."""
    token, _, name = path.removeprefix("/array/").partition("/")
    if name == "config":
        return answer(200, "application/json", CONFIG)
    if name == "config.js":
        return answer(200, "application/javascript", SCRIPT % (msgspec.json.encode(token), CONFIG))
    raise Refused(404, "not_found", "PostHog's own scripts are not served here; load them from where they were")


def _body(asked: Asked) -> Any:
    """The JSON of the body, or of `data` in a form or query. Raises Refused (400)."""
    raw: bytes | str = asked.body
    told = asked.fields.get("compression", "")
    if raw[:5] == b"data=" or asked.is_form or not raw:
        form = parse_qs(asked.body.decode("latin-1")) if raw else {}
        raw = (form.get("data") or [asked.fields.get("data", "")])[0]
        told = (form.get("compression") or [told])[0]
        raw = _plain(raw.strip(), told)
    found = json_of(raw)
    if isinstance(found, Unmapped):
        raise Refused(400, "malformed_json", f"the body is {found.words}")
    if not isinstance(found, dict | list):
        raise Refused(400, "invalid_body", "the body must be an event, a list of events, or have them in `batch`")
    return found


def _plain(data: str, compression: str) -> str | bytes:
    if data[:1] in ("{", "["):
        return data
    data = data.replace(" ", "+")
    try:
        if compression == "lz64":
            return decompressed(data, _MOST_UNPACKED)
        return b64decode(data + "=" * (-len(data) % 4), validate=True)
    except (ValueError, NoBase64) as error:
        raise Refused(
            400, "malformed_json", f"`data` is neither JSON nor {compression or 'base64'}: {error}"
        ) from error


def _key(asked: Asked, body: Any, first: Any) -> str:
    ways = ((body, "api_key"), (body, "token"), (first, "properties", "token"), (first, "api_key"), (first, "token"))
    found = next((key for what, *path in ways if (key := text(what, *path))), "")
    return found or asked.fields.get("token", "") or asked.fields.get("api_key", "")


def mapped(note: Any, told: Told) -> Iterable[Event | Unmapped]:
    name = note.get("event") if isinstance(note, dict) else None
    if not isinstance(name, str) or not name.strip() or name in ("$snapshot", "$$heatmap"):
        return (Unmapped(public(note), f"no event of PostHog that is mapped: {shown(str(name))}"),)
    given = note.get("properties")
    if not isinstance(given, dict):
        given = {}
    if told.asked.path == V1:
        given = given | _of_v1(note)
    kind = BECOMES.get(name, "track")
    if kind == "group" and is_of_nobody(note, given):
        return (Unmapped(public(note), "a group's profile names no person; groups come with events"),)
    made: Event = {"type": kind}
    if kind == "track":
        made["event"] = name
    copies = note.get("uuid") or given.get("$insert_id")
    if not isinstance(copies, str):
        plain = {field: value for field, value in note.items() if field != "offset"}
        copies = message_id("posthog", json_bytes(plain))
    made["messageId"] = copies
    if stamp := note.get("timestamp") or given.get("timestamp"):
        made["timestamp"] = stamp
    elif (before := _offset(note, told)) is not None:
        made["timestamp"] = before
    distinct = first_text(note.get("distinct_id"), note.get("$distinct_id"), given.get("distinct_id"))
    anonymous, user = _who(name, distinct, given, told)
    if anonymous:
        made["anonymousId"] = anonymous
    if user:
        made["userId"] = user
    rest = housed(given, _HOMES if "$current_url" in given else _WITH_CAMPAIGN, made)
    if kind == "page" and "title" in rest:
        rest = housed(rest, _PAGE_HOMES, made)
    if given.get("$referrer") == _NO_REFERRER:
        made["context"]["page"].pop("referrer", None)
    if "$groups" in given:
        _put_groups(made, given)
    if kind == "track" or kind == "page" or kind == "screen":
        put_traits(made, note, rest)
        made["properties"] = rest
        return (made,)
    return of_people(made, name, note, rest, given)


def _offset(note: dict[str, Any], told: Told) -> int | None:
    """The time of an event that tells how many ms before the sending it was."""
    offset = note.get("offset")
    if not isinstance(offset, int) or isinstance(offset, bool):
        return None
    return _before(told.posted.sent_at, offset, told.asked.now) if told.posted.sent_at else told.asked.now - offset


def _before(sent_at: str, offset: int, now: int) -> int:
    """An offset counts from the sending: what ingest takes off as `sent_at` is put on."""
    sent = to_ms(int(sent_at) if sent_at.isdigit() else sent_at)
    return (now if sent is None else sent) - offset


def _of_v1(note: dict[str, Any]) -> dict[str, Any]:
    """What version 1 has beside the properties, where version 0 has it."""
    options = {f"${name}": value for name, value in fields(note, "options").items()}
    if session := text(note, "session_id"):
        options["$session_id"] = session
    return options


def _who(name: str, distinct: str, given: Mapping[str, Any], told: Told) -> tuple[str, str]:
    """(anonymous id, user id). A distinct id is a user's once `$identify` was called: its sender tells so."""
    device, is_identified = first_text(given.get("$device_id")), given.get("$is_identified")
    if distinct == _COOKIELESS or given.get("$cookieless_mode") is True:
        agent = text(given, "$raw_user_agent") or told.asked.header(b"user-agent")
        return told.visitor(text(given, "$ip") if told.is_trusted else told.asked.address, agent), ""
    if name == "$identify":
        return text(given, "$anon_distinct_id") or ("" if device == distinct else device), distinct
    if not isinstance(is_identified, bool):  # server libraries and older clients
        if device:
            is_identified = device != distinct
        else:
            is_identified = given.get("$process_person_profile") is not False or not UUID.fullmatch(distinct)
    if is_identified:
        return "" if device == distinct else device, distinct
    return distinct or device, ""


def _put_groups(made: Event, given: Mapping[str, Any]) -> None:
    """The first group that the event belongs to."""
    groups = given.get("$groups")
    if isinstance(groups, dict) and groups:
        made.setdefault("context", {})["groupId"] = next(iter(groups.values()))


def public(note: Any) -> Any:
    """A note without key and address."""
    if not isinstance(note, dict):
        return note
    given = note.get("properties")
    kept = {name: value for name, value in note.items() if name not in ("api_key", "token")}
    if isinstance(given, dict):
        kept["properties"] = {name: value for name, value in given.items() if name not in ("token", "api_key", "$ip")}
    return kept


def answered(asked: Asked, accepted: int, rejected: int) -> Answer:
    if asked.path != V1:
        return _OK
    ids = [text(note, "uuid") for note in get(json_of(asked.body), "batch") or ()]
    results = {one: {"result": "ok"} for one in ids if one}
    return answer(200, "application/json", msgspec.json.encode({"results": results}))


def refused(refusal: Refusal) -> tuple[str, bytes]:
    """As Django's REST framework has it; posthog-python reads `detail`."""
    kind = "authentication_error" if refusal.status == 401 else "validation_error"
    told = {"type": kind if refusal.status < 500 else "server_error", "code": refusal.code, "detail": refusal.message}
    return "application/json", msgspec.json.encode(told | {"attr": None, "request_id": refusal.request_id})


PROTOCOL: Final = Protocol(
    name="posthog",
    title="PostHog",
    paths=(*CAPTURE, V1, "/decide", "/flags", "/array/*", f"{VERSIONS}*"),
    read=read,
    mapped=mapped,
    answered=answered,
    refused=refused,
    homes={**HOMES, **CAMPAIGN},
    becomes=BECOMES,
    public=public,
    key="`api_key` of the body, `token` of an event",
    once="`uuid`, else `$insert_id`",
    switch="`api_host` (browser) or `host` (server); PostHog's own scripts are loaded from where they were",
    notes={
        "distinct_id": "user id once `$identify` was called (`$is_identified`, else `$device_id` is another), "
        "else anonymous id",
        "$device_id": "anonymous id of an identified user",
        "$anon_distinct_id": "anonymous id of `$identify`",
        "timestamp, sent_at, offset": "time and the sender's clock",
        "$set, $set_once": "traits; with an event that is no identify call only who it is: e-mail and phone",
        "$groupidentify": "of nobody, as servers' clients send it without a `distinct_id`: a reject",
        "$create_alias": "`distinct_id` is the former name; its device joins, and that of another name that is a uuid",
        "$groups": "group id: the first",
        "title": "of a `$pageview`: `context.page.title`",
        "utm_source, utm_medium, utm_campaign": "only where the event has no `$current_url`",
    },
)
