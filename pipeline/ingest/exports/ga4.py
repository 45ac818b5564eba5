"""GA4's BigQuery export (`events_YYYYMMDD` as JSON lines, or Parquet), by its published schema.

`event_params` are a list of {key, value: {string_value | int_value | float_value | double_value}}.
"""

import hashlib
from typing import Any, Final

from pipeline.ingest.exports.export import Event, Export, fields, inside, number, text, there

_VALUES: Final = ("string_value", "int_value", "float_value", "double_value")
_TYPES: Final = {"page_view": "page", "screen_view": "screen"}
_MOVED: Final = frozenset((
    "page_location", "page_title", "page_referrer", "ga_session_id", "currency", "value", "firebase_screen",
    "engagement_time_msec", "source", "medium", "campaign",
))  # fmt: skip


def events(record: Any) -> list[Event] | None:
    at = text(record.get("event_timestamp")) if isinstance(record, dict) else ""
    if not at.isdecimal() or not text(record.get("event_name")):
        return None
    name, given = text(record["event_name"]), _params(record.get("event_params"))
    geo, device, shop = (fields(record.get(each)) for each in ("geo", "device", "ecommerce"))
    web = fields(device.get("web_info"))
    kind, session = _TYPES.get(name, "track"), given.get("ga_session_id")
    who = text(record.get("user_pseudo_id"))
    value = number(given.get("value"))
    made: Event = {
        "type": kind,
        "event": name if kind == "track" else "",
        "messageId": _id(record, who, name, at),
        "timestamp": int(at) // 1000,  # microseconds
        "anonymousId": who,
        "userId": text(record.get("user_id")),
        "sequence": number(record.get("batch_event_index")),
        "name": text(given.get("firebase_screen")) if kind == "screen" else "",
        "context": {
            "channel": "app" if text(record.get("platform")) in ("ANDROID", "IOS") else "web",
            "page": {
                "url": text(given.get("page_location")),
                "title": text(given.get("page_title")),
                "referrer": text(given.get("page_referrer")),
            },
            "campaign": _campaign(record, given),
            "session": {"id": f"{who}.{text(session)}" if text(session) else ""},
            "device": {"type": text(device.get("category"))},
            "os": {"name": text(device.get("operating_system"))},
            "location": {
                "country": text(geo.get("country")),
                "region": text(geo.get("region")),
                "city": text(geo.get("city")),
            },
        },
        "properties": {key: one for key, one in given.items() if key not in _MOVED}
        | {
            "value": value if value is not None else number(shop.get("purchase_revenue")),
            "currency": text(given.get("currency")),
            "engagement_time_msec": number(given.get("engagement_time_msec")),
            "transaction_id": text(given.get("transaction_id")) or text(shop.get("transaction_id")),
            "items": inside(record.get("items")) or None,
            "browser": text(device.get("browser")) or text(web.get("browser")),
            "user_properties": _params(record.get("user_properties")),
        },
    }
    return [there(made)]


def _params(given: Any) -> dict[str, Any]:
    found = {}
    for each in given if isinstance(given, list) else ():
        value = each.get("value") if isinstance(each, dict) else None
        if isinstance(value, dict) and text(each.get("key")):
            told = next((value[name] for name in _VALUES if value.get(name) is not None), None)
            # BigQuery writes 64-bit integers as texts.
            is_whole = told is value.get("int_value") and isinstance(told, str) and _is_whole(told)
            found[text(each["key"])] = int(told) if is_whole and isinstance(told, str) else told
    return found


def _is_whole(told: str) -> bool:
    return told.removeprefix("-").isdecimal() and len(told) < 19


def _campaign(record: dict[str, Any], given: dict[str, Any]) -> Event:
    """Of the event itself; `traffic_source`, the user's first one, is not of this event and is left out."""
    told = fields(record.get("collected_traffic_source"))
    return {
        "source": text(told.get("manual_source")) or text(given.get("source")),
        "medium": text(told.get("manual_medium")) or text(given.get("medium")),
        "name": text(told.get("manual_campaign_name")) or text(given.get("campaign")),
    }


def _id(record: dict[str, Any], who: str, name: str, at: str) -> str:
    """GA4 gives events no id. What tells them apart in its own export: who, what, when, and the place in its batch."""
    parts = (who, name, at, *(text(record.get(each)) for each in ("event_bundle_sequence_id", "batch_event_index")))
    params = str(record.get("event_params"))
    return "ga4-" + hashlib.sha256("\0".join((*parts, params)).encode()).hexdigest()[:40]


EXPORT: Final = Export(
    name="ga4",
    title="GA4's BigQuery export",
    forms=("ndjson", "parquet"),
    events=events,
    file="`events_YYYYMMDD` exported as JSON lines or Parquet",
    becomes=(
        ("`user_pseudo_id`, `user_id`", "device id, user id"),
        ("`event_timestamp`", "time, from microseconds"),
        ("`page_view`, `screen_view`", "page, screen; `user_engagement` is passive"),
        ("`page_location`, `page_title`, `page_referrer`", "page"),
        ("`ga_session_id` with `user_pseudo_id`", "the sender's session"),
        ("`collected_traffic_source.manual_*`, else `source`, `medium`, `campaign`", "campaign"),
        ("`value`, else `ecommerce.purchase_revenue`; `currency`", "value"),
        ("`engagement_time_msec`", "engaged time"),
        ("`geo`, `device`, `platform`", "place, device, channel"),
        ("other `event_params`, `items`, `user_properties`", "properties"),
    ),
)
