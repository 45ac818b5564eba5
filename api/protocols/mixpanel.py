"""Mixpanel's ingestion API: events and profiles, as a form's `data` (JSON or base64 of it), as JSON, as lines of JSON.

    POST /track    {"event": ..., "properties": {"token", "distinct_id", "time", "$insert_id", ...}}, one or many
    POST /import   the same, of any age, by servers
    POST /engage   {"$token", "$distinct_id", "$set": {...}}: see mixpanel_profiles
    POST /groups   {"$token", "$group_key", "$group_id", "$set": {...}}
    GET            each of them with `data` in the address, as npm's mixpanel sends one event

Sources: docs.mixpanel.com/reference, and the clients mixpanel-browser, mixpanel (npm) and mixpanel (PyPI).
"""

import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from api.collect.answers import Answer, Refused
from api.protocols.forms import form_of
from api.protocols.homes import compiled, housed
from api.protocols.mixpanel_ids import DEVICE, alias_of, merged, milliseconds, put_identity
from api.protocols.mixpanel_profiles import PROFILE_HOMES, profile
from api.protocols.once import Once
from api.protocols.protocol import (
    PIXEL,
    Asked,
    Protocol,
    Read,
    Refusal,
    Told,
    answer,
)
from api.protocols.senders_of import by_key
from api.webhooks.reading import text
from api.webhooks.vendor import Event, Unmapped

TRACK, IMPORT, ENGAGE, GROUPS = "/track", "/import", "/engage", "/groups"
BECOMES: Final[Mapping[str, str]] = {
    "$mp_web_page_view": "page",
    "$identify": "identify",
    "$create_alias": "alias",
    "$merge": "alias",
    "$mp_page_leave": "page_leave",
    "$mp_scroll": "scroll",
    "/engage": "identify",
    "/groups": "unmapped",
}
HOMES: Final[Mapping[str, str]] = {
    "token": "",
    "distinct_id": "userId",
    "$user_id": "userId",
    "$device_id": "anonymousId",
    "time": "timestamp",
    "$insert_id": "messageId",
    "$current_url": "context.page.url",
    "current_page_title": "context.page.title",
    "$referrer": "context.page.referrer",
    "ip": "context.ip",
    "$ip": "context.ip",
    "$os": "context.os.name",
    "mp_country_code": "context.location.country",
    "$region": "context.location.region",
    "$city": "context.location.city",
    "$email": "properties.email",
    "$phone": "properties.phone",
    "$amount": "properties.revenue",
    "$had_persisted_distinct_id": "",
}
_IDENTITY: Final = ("distinct_id", "$user_id", "$device_id", "time", "$insert_id")
_HOMES = compiled({name: "" if name in _IDENTITY else path for name, path in HOMES.items()})
_CAMPAIGN: Final = {
    "utm_source": "context.campaign.source",
    "utm_medium": "context.campaign.medium",
    "utm_campaign": "context.campaign.name",
    "utm_content": "context.campaign.content",
    "utm_term": "context.campaign.term",
}
_CAMPAIGN_HOMES = compiled(_CAMPAIGN)
_NAMES: Final = {"$mp_page_leave": "page_leave", "$mp_scroll": "scroll"}
_APPS: Final = frozenset(("swift", "iphone", "android", "react-native", "flutter", "unity"))
_CALLBACK = re.compile(r"[A-Za-z_$][\w$.]{0,99}|\(function\(\)\{\}\)")
_KEY_WHERE: Final = "`token` of an event, `$token` of a profile, or the user of Basic auth for /import"


def read(asked: Asked) -> Read:
    if asked.method not in ("GET", "POST"):
        raise Refused(405, "method_not_allowed", "send with GET or POST", headers=((b"allow", b"GET, POST"),))
    form = _form(asked)
    is_form = form is not None
    if form is None:
        notes = _lines(asked.body) if b"ndjson" in asked.headers.get(b"content-type", b"") else _json(asked.body)
        form = asked.fields
    else:
        notes = _json(_unbased(form.get("data", "")))
    listed = notes if isinstance(notes, list) else [notes]
    if not listed:
        raise Refused(400, "invalid_body", "there is no event in `data`")
    hides = form.get("ip") == "0"
    sent = asked.fields.get("_", "")
    own = asked.fields.get("api_key", "") if asked.path == IMPORT else ""
    return by_key(
        listed,
        lambda note: _token(note) or own,
        asked,
        _KEY_WHERE,
        sent if len(sent) == 13 else "",
        hides,
        (is_form, form),
    )


def mapped(note: Any, told: Told) -> Iterable[Event | Once | Unmapped]:
    if told.asked.path == GROUPS:
        return (Unmapped(_public(note), "a group's profile names no person; groups come with events and group calls"),)
    if told.asked.path == ENGAGE:
        return profile(note, told.asked.now)
    return (_event(note, told),)


def _event(note: Any, told: Told) -> Event | Once | Unmapped:
    name = text(note, "event")
    given = note.get("properties") if isinstance(note, dict) else None
    if not name or not isinstance(given, dict | None):
        return Unmapped(_public(note), "an event needs its name in `event` and its properties in an object")
    given = given or {}
    made: Event = {}
    if (at := milliseconds(given.get("time"))) is not None:
        made["timestamp"] = at
    if name == "$identify":
        made["type"] = "identify"
        merged(given, made)
    elif name in ("$create_alias", "$merge"):
        alias_of(name, given, made)
    else:
        if name == "$mp_web_page_view":
            made["type"] = "page"
        else:
            made["type"], made["event"] = "track", _NAMES.get(name, name)
        put_identity(given, made)
    kept = housed(given, _HOMES, made)
    if "$current_url" not in given:
        # A browser carries the tags of its last campaign along for ever: there the page's own address counts.
        _ = housed({field: given[field] for field in _CAMPAIGN if field in given}, _CAMPAIGN_HOMES, made)
    if text(given, "mp_lib") in _APPS:
        made.setdefault("context", {})["channel"] = "app"
    made["properties"] = kept
    if own := text(given, "$insert_id"):
        made["messageId"] = own
        return made
    return Once(made, "mixpanel", now=told.asked.now)


def _public(note: Any) -> Any:
    """A note without key and address."""
    if not isinstance(note, dict):
        return note
    kept = {name: value for name, value in note.items() if name not in ("$token", "$ip")}
    given = note.get("properties")
    if isinstance(given, dict):
        kept["properties"] = {name: value for name, value in given.items() if name not in ("token", "ip", "$ip")}
    return kept


def _token(note: Any) -> str:
    given = note.get("properties") if isinstance(note, dict) else None
    return text(given, "token") or text(note, "$token")


def _form(asked: Asked) -> dict[str, str] | None:
    """The fields of a form, wherever it is; None where the body is JSON."""
    if asked.method == "GET":
        return asked.fields
    if asked.is_form or asked.body.startswith(b"data="):  # a beacon says that it is plain text
        return {**asked.fields, **form_of(asked.body)}
    return None


def _unbased(data: str) -> bytes:
    raw = data.strip()
    if raw[:1] in ("[", "{"):
        return raw.encode()
    try:
        return binascii.a2b_base64(raw.replace(" ", "+").replace("-", "+").replace("_", "/") + "==")
    except (binascii.Error, ValueError):
        raise Refused(400, "invalid_body", "`data` must be JSON, or base64 of JSON", field="data") from None


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(400, "malformed_json", f"data, missing or invalid: {error}", field="data") from error


def _lines(body: bytes) -> list[Any]:
    return [_json(line) for line in body.splitlines() if line.strip()]


def answered(asked: Asked, accepted: int, rejected: int) -> Answer:
    return _answer(asked, _form(asked) is not None, _form(asked) or asked.fields, accepted, rejected)


def answered_to(told: Told, accepted: int, rejected: int) -> Answer:
    is_form, flags = told.posted.about
    return _answer(told.asked, is_form, flags, accepted, rejected)


def _answer(asked: Asked, is_form: bool, flags: Mapping[str, str], accepted: int, rejected: int) -> Answer:
    if not is_form and asked.path == IMPORT:
        return _imported(accepted, rejected)
    is_taken = not rejected or accepted > 0 or asked.path == GROUPS
    callback = flags.get("callback", "")
    if flags.get("img") == "1":
        return answer(200, "image/gif", PIXEL)
    if flags.get("verbose") == "1":
        why = None if is_taken else "nothing of it can be used; the reasons are in the rejects"
        body = msgspec.json.encode({"status": int(is_taken), "error": why})
    else:
        body = b"%d" % is_taken
    if callback and _CALLBACK.fullmatch(callback):
        return answer(200, "text/javascript", b"%b(%b);" % (callback.encode(), body))
    return answer(200, "application/json" if body[:1] == b"{" else "text/plain", body)


def _imported(accepted: int, rejected: int) -> Answer:
    told: dict[str, Any] = {"code": 200, "num_records_imported": accepted, "status": "OK"}
    if rejected:
        told |= {"code": 400, "status": "Bad Request", "error": "some data points in the request failed validation"}
        told["failed_records"] = []  # which and why is in the rejects
    return answer(told["code"], "application/json", msgspec.json.encode(told))


def refused(why: Refusal) -> tuple[str, bytes]:
    return "application/json", msgspec.json.encode({"status": 0, "error": why.message, "request_id": why.request_id})


PROTOCOL: Final = Protocol(
    name="mixpanel",
    title="Mixpanel",
    paths=(TRACK, ENGAGE, IMPORT, GROUPS),
    read=read,
    mapped=mapped,
    answered=answered,
    answered_to=answered_to,
    refused=refused,
    homes={**HOMES, **{f"/engage {name}": path for name, path in PROFILE_HOMES.items()}},
    becomes=BECOMES,
    key=_KEY_WHERE,
    once="`$insert_id`; without one a hash of the event, without `time` with the 5 s in which it came",
    switch="`api_host` of the clients; `host` of npm's mixpanel",
    notes={
        "identity": f"`$device_id` is the device, `$user_id` the user; `distinct_id` is the user, or the device where "
        f"it begins with `{DEVICE}`",
        "time": "seconds or ms; browsers tell in `_` when they sent, so a wrong clock does no harm",
        "campaign": "of the page's address; `utm_*` only of events without a page",
        "place": "`ip=0`: the sender's address tells no place",
        "$identify": "joins `$anon_distinct_id` and `$identified_id`; an alias of a device's id does the same",
        "/engage": "`$set` and `$set_once` are traits, other operations are traits of their own name (`$add`, "
        "`$union`, ...); a transaction that is appended is `track_charge` with `revenue`",
        "/groups": "a group's profile names no person: a reject",
    },
)
