"""PostHog's events: batch exports (JSON lines, Parquet), and files from the page or SQL (CSV, `properties` as JSON).

A distinct id is a device where the event says that its person is not identified, or that it is the device's own id;
else a user. `$identify` also tells the device of before, so that its past joins the user.
"""

from typing import Any, Final

from pipeline.ingest.exports.export import Event, Export, fields, text, there

_VIEWS: Final = {
    "$pageview": "page",
    "$screen": "screen",
    "$identify": "identify",
    "$groupidentify": "group",
    "$set": "identify",
}
_DROPPED: Final = frozenset((
    "$set", "$set_once", "$unset", "$groups", "$lib_version__major", "$lib_version__minor", "$lib_version__patch",
    "$sent_at", "$insert_id", "$time", "token", "distinct_id", "$ip", "$elements", "$elements_chain",
))  # fmt: skip
_PAGE: Final = {"url": "$current_url", "path": "$pathname", "referrer": "$referrer"}
_CAMPAIGN: Final = {"source": "utm_source", "medium": "utm_medium", "name": "utm_campaign"}
_MOVED: Final = frozenset((
    *_PAGE.values(), *_CAMPAIGN.values(), "title", "$device_id", "$user_id", "$session_id", "$raw_user_agent",
    "$device_type", "$os", "$geoip_country_code", "$geoip_subdivision_1_name", "$geoip_city_name",
    "$process_person_profile",
    "$anon_distinct_id",
))  # fmt: skip


def events(record: Any) -> list[Event] | None:
    if not isinstance(record, dict) or not text(record.get("event")) or not text(record.get("distinct_id")):
        return None
    name, given = text(record["event"]), fields(record.get("properties"))
    told = (record.get("person_properties"), record.get("set"), given.get("$set"))  # the event's own word is the newest
    person = {name: one for each in told for name, one in fields(each).items()}
    kind = _VIEWS.get(name, "alias" if name == "$create_alias" else "track")
    device, user = _who(text(record["distinct_id"]), given, name)
    view = {"$pageleave": "page_leave", "$web_vitals": "web_vitals"}.get(name, name)
    others = {key: one for key, one in given.items() if key not in _MOVED and key not in _DROPPED}
    made: Event = {
        "type": kind,
        "event": view if kind == "track" else "",
        "messageId": text(record.get("uuid")) or text(record.get("id")),
        "timestamp": text(record.get("timestamp")),
        "anonymousId": device,
        "userId": user,
        "previousId": text(given.get("alias")) if kind == "alias" else "",
        "groupId": text(given.get("$group_key")) if kind == "group" else "",
        "traits": (person if kind == "identify" else fields(given.get("$group_set"))) if kind != "track" else None,
        "name": text(given.get("$screen_name")) if kind == "screen" else "",
        "context": {
            "page": {key: text(given.get(one)) for key, one in _PAGE.items()} | {"title": text(given.get("title"))},
            "campaign": {key: text(given.get(one)) for key, one in _CAMPAIGN.items()},
            "userAgent": text(given.get("$raw_user_agent")),
            "device": {"type": text(given.get("$device_type"))},
            "os": {"name": text(given.get("$os"))},
            "session": {"id": text(given.get("$session_id"))},
            "location": {
                "country": text(given.get("$geoip_country_code")),
                "region": text(given.get("$geoip_subdivision_1_name")),
                "city": text(given.get("$geoip_city_name")),
            },
            "traits": {key: text(person.get(key)) for key in ("email", "phone")},
        },
        "properties": others if kind not in ("identify", "group", "alias") else None,
    }
    if made["context"]["page"]["referrer"] == "$direct":
        made["context"]["page"]["referrer"] = ""
    return [there(made)]


def _who(distinct: str, given: dict[str, Any], name: str) -> tuple[str, str]:
    """(device, user)."""
    device, user = text(given.get("$device_id")), text(given.get("$user_id"))
    before = text(given.get("$anon_distinct_id"))
    if name in ("$identify", "$create_alias"):
        return before or device, distinct
    if given.get("$is_identified") is False or (not user and distinct == device):
        return distinct, ""
    if not user and given.get("$process_person_profile") is False:
        return distinct, ""
    return device, user or distinct


EXPORT: Final = Export(
    name="posthog",
    title="PostHog",
    forms=("ndjson", "csv", "parquet"),
    events=events,
    file="a batch export of the model events (JSON lines or Parquet), or a CSV of events with `uuid`, `event`, "
    "`properties`, `distinct_id`, `timestamp`",
    becomes=(
        ("`uuid`", "message id"),
        ("`distinct_id`", "user id; device id where the person is not identified"),
        ("`$device_id`, `$anon_distinct_id` of `$identify`", "device id"),
        ("`$pageview`, `$screen`", "page, screen"),
        ("`$identify`, `$groupidentify`, `$create_alias`", "identify, group, alias"),
        ("`$pageleave`, `$web_vitals`", "passive events `page_leave`, `web_vitals`"),
        ("`$set.email`, `$set.phone`", "e-mail and phone, hashed"),
        ("`$current_url`, `$referrer`, `utm_*`, `$session_id`", "page, campaign, session"),
        ("`$geoip_*`, `$raw_user_agent`, `$device_type`, `$os`", "place, agent, device"),
        ("other properties", "properties"),
    ),
)  # fmt: skip
