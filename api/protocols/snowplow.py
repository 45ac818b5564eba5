"""Snowplow: tracker protocol 2, posted as a batch or asked for as a pixel.

Source: docs.snowplow.io, Snowplow tracker protocol; @snowplow/browser-tracker 4.10, PyPI's snowplow-tracker 1.1. Values
are text; self-describing JSON stands in `ue_pr` and `co`, or in base64 in `ue_px` and `cx`.
"""

from base64 import urlsafe_b64decode
from binascii import Error as NoBase64
from collections.abc import Iterable, Mapping
from typing import Any, Final

from api.collect.answers import Answer, Refused
from api.protocols.homes import compiled, housed
from api.protocols.protocol import PIXEL, Asked, Posted, Protocol, Read, Refusal, Told, answer, missing_key
from api.protocols.snowplow_shop import shop_event
from api.webhooks.door import json_bytes
from api.webhooks.event import message_id
from api.webhooks.reading import get, json_object, listed, text
from api.webhooks.vendor import Event, Unmapped
from pipeline.ingest.redaction import shown
from pipeline.ingest.remembered import remembered

ANONYMOUS: Final = b"sp-anonymous"  # `withServerAnonymisation` of its clients
VERSIONS: Final = "/com.snowplowanalytics.snowplow/"
TP2: Final = f"{VERSIONS}tp2"
PAYLOAD: Final = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-"
BECOMES: Final[Mapping[str, str]] = {
    "pv": "page",
    "pp": "page_ping",
    "se": "its action (`se_ac`)",
    "ue": "the name of its schema",
    "tr": "Order Completed",
    "ti": "transaction_item",
    "screen_view": "screen",
    "snowplow_ecommerce_action": "Product Viewed, Product Added, Order Completed ... by its `type`",
}
HOMES: Final[Mapping[str, str]] = {
    "eid": "messageId",
    "uid": "userId",
    "duid": "anonymousId",
    "nuid": "anonymousId",
    "tnuid": "anonymousId",
    "sid": "context.session.id",
    "url": "context.page.url",
    "page": "context.page.title",
    "refr": "context.page.referrer",
    "ua": "context.userAgent",
    "ip": "context.ip",
    "se_ca": "properties.category",
    "se_ac": "properties.action",
    "se_la": "properties.label",
    "se_pr": "properties.property",
    "se_va": "properties.value",
    "tr_id": "properties.order_id",
    "tr_tt": "properties.revenue",
    "tr_cu": "properties.currency",
    "tr_af": "properties.affiliation",
    "tr_tx": "properties.tax",
    "tr_sh": "properties.shipping",
    "tr_ci": "properties.city",
    "tr_st": "properties.state",
    "tr_co": "properties.country",
    "ti_id": "properties.order_id",
    "ti_sk": "properties.sku",
    "ti_nm": "properties.name",
    "ti_ca": "properties.category",
    "ti_pr": "properties.price",
    "ti_qu": "properties.quantity",
    "ti_cu": "properties.currency",
    "vid": "properties.session_index",
    "tna": "properties.tracker",
    **dict.fromkeys(("e", "aid", "dtm", "stm", "ttm", "ue_pr", "ue_px", "co", "cx", "key"), ""),
}
_HOMES = compiled(HOMES)
_OK = answer(200, "text/plain", b"ok")
_SEEN = answer(200, "image/gif", PIXEL, (b"cache-control", b"no-cache, no-store, must-revalidate"))
_KINDS: Final = frozenset(("pv", "pp", "se", "ue", "tr", "ti"))
_NOTHING: Final[dict[str, Any]] = {}
_NUMBERS: Final = {"se": ("value",), "tr": ("revenue", "tax", "shipping"), "ti": ("price", "quantity")}


def read(asked: Asked) -> Read:
    wrong = ""
    if asked.path.startswith(VERSIONS) and asked.path != TP2:
        wrong = f"Snowplow's {shown(asked.path)} is of no version that is known"
    if asked.method == "GET":
        return _by_key(asked, [asked.fields], wrong)
    body = json_object(asked.body)
    if isinstance(body, Unmapped):
        raise Refused(400, "malformed_json", f"the body: {body.words}")
    notes, schema = body.get("data"), text(body, "schema")
    if not isinstance(notes, list):
        raise Refused(400, "invalid_body", "the body must have its events in `data`", field="data")
    if not notes:
        return _OK
    if not wrong and not schema.startswith(PAYLOAD):
        wrong = f"{shown(schema, 120)} is no version of payload_data that is known"
    return _by_key(asked, notes, wrong)


def _by_key(asked: Asked, notes: list[Any], wrong: str) -> list[Posted]:
    """Events by their app's id; those without one go with the first that has one."""
    own = asked.fields.get("key", "") or asked.header(b"x-write-key")
    by_key: dict[str, list[Any]] = {}
    if own:
        by_key[own] = notes
    else:
        keys = [text(note, "aid") for note in notes]
        first = next(filter(None, keys), "")
        if not first:
            raise missing_key("the app's id (`aid`), or `key` in the address")
        for key, note in zip(keys, notes, strict=True):
            by_key.setdefault(key or first, []).append(note)
    hides = asked.header(ANONYMOUS) == "*"
    return [Posted(key, those, wrong=wrong, hides_address=hides) for key, those in by_key.items()]


def mapped(note: Any, told: Told) -> Iterable[Event | Unmapped]:
    kind = text(note, "e")
    if kind not in _KINDS:
        return (Unmapped(public(note), f"no event of Snowplow that is mapped: {shown(kind, 40)}"),)
    name, data = "", _NOTHING
    if kind == "ue":
        name, data, wrong = _described(_json(note, "ue_pr", "ue_px"))
        if wrong:
            return (Unmapped(public(note), wrong),)
    made: Event = {"type": "track"}
    _put_time(made, note)
    rest = housed(note, _HOMES, made)
    entities = _NOTHING
    if "co" in note or "cx" in note:
        entities, unread = _entities(note)
        if unread:
            rest["contexts_unread"] = unread
    if entities or not made.get("anonymousId"):
        _put_who(made, entities, told)
    if "messageId" not in made:
        made["messageId"] = message_id("snowplow", json_bytes(note))
    if kind in _NUMBERS:
        for field in _NUMBERS[kind]:
            _to_number(rest, field)
    if data:
        rest.update(data)
    if entities:
        rest["contexts"] = {name: one[0] if len(one) == 1 else one for name, one in entities.items()}
    _put_name(made, kind, name, note, rest, entities)
    made["properties"] = rest
    return (made,)


def _put_time(made: Event, note: dict[str, Any]) -> None:
    """A true time is right as it is; a device's is corrected by the device's clock at sending."""
    if true := note.get("ttm"):
        made["timestamp"] = true
        return
    if at := note.get("dtm"):
        made["timestamp"] = at
        if sent := note.get("stm"):
            made["sentAt"] = sent


def _put_who(made: Event, entities: Mapping[str, list[Any]], told: Told) -> None:
    """Apps tell their device in an entity; who names nobody on purpose has the day's id."""
    if "client_session" in entities:
        session = entities["client_session"][0]
        if who := text(session, "userId"):
            made.setdefault("anonymousId", who)
        if own := text(session, "sessionId"):
            made.setdefault("context", {}).setdefault("session", {"id": own})
    if not made.get("anonymousId") and not made.get("userId") and not told.is_trusted:
        agent = text(made, "context", "userAgent") or told.asked.header(b"user-agent")
        made["anonymousId"] = told.visitor(told.asked.address, agent)


def _put_name(
    made: Event, kind: str, name: str, note: dict[str, Any], rest: dict[str, Any], entities: dict[str, list[Any]]
) -> None:
    if kind == "pv":
        made["type"] = "page"
    elif name == "screen_view":
        made |= {"type": "screen", "name": text(rest, "name")}
    elif name == "snowplow_ecommerce_action":
        made["event"] = shop_event(rest, entities)
    else:
        own = name if kind == "ue" else text(note, "se_ac") if kind == "se" else ""
        made["event"] = own or BECOMES[kind]
    platform = note.get("p")
    if platform == "mob" or platform == "srv":
        made.setdefault("context", {})["channel"] = "app" if platform == "mob" else "server"


def _json(note: dict[str, Any], plain: str, packed: str) -> Any:
    """The JSON of one of two fields; Unmapped where it is none, None where neither is there."""
    if packed in note and (given := note[packed]) and isinstance(given, str):
        try:
            given = urlsafe_b64decode(given.replace("+", "-").replace("/", "_") + "=" * (-len(given) % 4))
        except (ValueError, NoBase64):
            return Unmapped(b"", f"`{packed}` is no base64")
        return json_object(given)
    given = note.get(plain)
    return json_object(given) if isinstance(given, str) and given else given


def _described(outer: Any) -> tuple[str, dict[str, Any], str]:
    """(name of its schema, data, what is wrong) of a self-describing event."""
    if isinstance(outer, Unmapped):
        return "", {}, f"the self-describing event: {outer.words}"
    inner = outer.get("data") if isinstance(outer, dict) else None
    name, data = (_name(text(inner, "schema")), inner.get("data")) if isinstance(inner, dict) else ("", None)
    if not name or not isinstance(data, dict):
        return "", {}, "a self-describing event needs its schema and its data"
    return name, data, ""


def _entities(note: dict[str, Any]) -> tuple[dict[str, list[Any]], str]:
    """Data of an event's contexts by the names of their schemas; and what of them cannot be read."""
    outer = _json(note, "co", "cx")
    if isinstance(outer, Unmapped):
        return {}, text(note, "cx") or text(note, "co")
    found: dict[str, list[Any]] = {}
    for one in listed(outer, "data"):
        if name := _name(text(one, "schema")):
            found.setdefault(name, []).append(get(one, "data"))
    return found, ""


@remembered(1 << 12)
def _name(schema: str) -> str:
    """`save_game` of `iglu:com.acme/save_game/jsonschema/1-0-2`; "" for no schema."""
    parts = schema.removeprefix("iglu:").split("/")
    return parts[1] if len(parts) == 4 and schema.startswith("iglu:") else ""


def _to_number(rest: dict[str, Any], name: str) -> None:
    value = rest.get(name)
    if isinstance(value, str):
        try:
            rest[name] = float(value) if "." in value else int(value)
        except ValueError:
            return  # stays as it was written


def public(note: Any) -> Any:
    """A note without key and address."""
    if not isinstance(note, dict):
        return note
    return {name: value for name, value in note.items() if name not in ("aid", "ip", "key")}


def answered(asked: Asked, accepted: int, rejected: int) -> Answer:
    return _SEEN if asked.method == "GET" else _OK


def refused(refusal: Refusal) -> tuple[str, bytes]:
    """Its clients look at the status alone: they send again what is answered 5xx."""
    return "text/plain", f"{refusal.code}: {refusal.message}".encode()


PROTOCOL: Final = Protocol(
    name="snowplow",
    title="Snowplow",
    paths=(TP2, "/i", f"{VERSIONS}*"),
    read=read,
    mapped=mapped,
    answered=answered,
    refused=refused,
    homes=HOMES,
    becomes=BECOMES,
    public=public,
    key="the app's id (`aid`), or `?key=` in the address",
    once="`eid`",
    switch="the collector's address (`newTracker('sp', 'events.example.com')`), with `GET` or `POST` at the usual path",
    notes={
        "`ttm`, else `dtm` and `stm`": "time; `dtm` is corrected by the device's clock at sending, `stm`",
        "`pp`": "a heartbeat of 10 s in the foreground",
        "`co`, `cx`": "`properties.contexts`, by the names of their schemas",
        "`client_session`": "anonymous id and session of an app",
        "`p`": "`mob`: channel app; `srv`: a server tells of it",
        "`SP-Anonymous: *`": "the address tells no place",
        "no `duid`, `nuid`, `uid`": "the day's id, where the source is a browser or an app",
    },
)
