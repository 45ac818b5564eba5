"""Matomo's visits: `Live.getLastVisitsDetails`, as JSON or CSV. A visit holds its actions; each becomes an event.

In CSV a visit is a row, and its actions lie side by side: `actionDetails_0_type`, `actionDetails_0_itemDetails_1_sku`.
"""

from typing import Any, Final

from pipeline.ingest.exports.export import Event, Export, inside, number, text, there

_NAMES: Final = {"outlink": "Outbound Link Clicked", "download": "File Downloaded", "search": "Products Searched"}
_ORDERS: Final = {
    "ecommerceOrder": "Order Completed",
    "ecommerceAbandonedCart": "Cart Abandoned",
    "goal": "Goal Reached",
}


def events(record: Any) -> list[Event] | None:
    if not isinstance(record, dict) or text(record.get("idVisit")) in ("", "0"):
        return None
    actions = record.get("actionDetails") if "actionDetails" in record else _unfolded(record, "actionDetails")
    found = [each for each in actions if isinstance(each, dict)] if isinstance(actions, list) else []
    about = _about(record)
    made = [_event(record, about, number, each) for number, each in enumerate(found)]
    return [there(each) for each in made]


def _unfolded(cells: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The list that columns such as `NAME_0_type` hold, in the order of the numbers."""
    found: dict[int, dict[str, Any]] = {}
    for column, cell in cells.items():
        place, _, field = column.removeprefix(f"{name}_").partition("_")
        if column.startswith(f"{name}_") and field and place.isdecimal() and len(place) < 6:
            found.setdefault(int(place), {})[field] = cell
    return [found[place] for place in sorted(found)]


def _event(visit: dict[str, Any], about: Event, place: int, action: dict[str, Any]) -> Event:
    kind = text(action.get("type"))
    at = number(action.get("timestamp"))
    is_first = place == 0
    # An outlink's address is where it leads, and no page that was seen.
    target = text(action.get("url")) if kind in ("outlink", "download") else ""
    title = text(action.get("pageTitle")) or text(action.get("title"))
    page = {} if target else {"url": text(action.get("url")), "title": title}
    named = {
        "action": "",
        "event": text(action.get("eventAction")) or "Event",
        "goal": _ORDERS["goal"],
    } | _NAMES | _ORDERS  # fmt: skip
    return {
        "type": "page" if kind == "action" else "track",
        "event": named.get(kind, kind or "Action"),
        "messageId": f"matomo-{text(visit.get('idSite'))}-{text(visit['idVisit'])}-{_part(action, place)}",
        "timestamp": at,
        "anonymousId": text(visit.get("visitorId")) or text(visit.get("fingerprint")),
        "userId": text(visit.get("userId")),
        "sequence": place,
        "context": about | {
            "page": page | {"referrer": text(visit.get("referrerUrl")) if is_first else ""},
            "campaign": _campaign(visit) if is_first else {},
        },
        "properties": {
            "url": target,
            "category": text(action.get("eventCategory")),
            "label": text(action.get("eventName")),
            "event_value": number(action.get("eventValue")),
            "time_spent": number(action.get("timeSpent")),
            "goal": text(action.get("goalName")),
            "order_id": text(action.get("orderId")),
            "revenue": number(action.get("revenue")),
            "currency": text(visit.get("siteCurrency")) if number(action.get("revenue")) is not None else "",
            "keyword": text(action.get("siteSearchKeyword")),
            "items": inside(action.get("itemDetails")) or _unfolded(action, "itemDetails") or None,
            "dimensions": {name: one for name, one in action.items() if name.startswith("dimension")},
        },
    }  # fmt: skip


def _part(action: dict[str, Any], place: int) -> str:
    """An action's own id, where it has one: `idpageview` is shared by what happens on a page."""
    own = text(action.get("pageId")) or text(action.get("goalPageId")) or text(action.get("orderId"))
    return f"{text(action.get('type'))}-{own}-{text(action.get('timestamp'))}-{place}"


def _about(visit: dict[str, Any]) -> Event:
    return {
        "channel": "web",
        "userAgent": text(visit.get("userAgent")),
        "session": {"id": f"{text(visit.get('idSite'))}-{text(visit['idVisit'])}"},
        "device": {"type": text(visit.get("deviceType"))},
        "os": {"name": text(visit.get("operatingSystemName"))},
        "location": {
            "country": text(visit.get("countryCode")),
            "region": text(visit.get("region")),
            "city": text(visit.get("city")),
        },
    }


def _campaign(visit: dict[str, Any]) -> Event:
    """What Matomo knows of the visit's source, where the first address has no tags left."""
    if text(visit.get("referrerType")) != "campaign":
        return {}
    return {
        "source": text(visit.get("campaignSource")) or text(visit.get("referrerName")),
        "medium": text(visit.get("campaignMedium")),
        "name": text(visit.get("campaignName")) or text(visit.get("referrerName")),
    }


EXPORT: Final = Export(
    name="matomo",
    title="Matomo",
    forms=("array", "csv"),
    events=events,
    file="`Live.getLastVisitsDetails`, the export of the visits log, as JSON (pages one after another too), CSV or TSV",
    becomes=(
        ("`visitorId`, `userId`", "device id, user id"),
        ("`actionDetails` of type `action`", "page; others a track call"),
        ("`event`", "the event's action; category, name and value are properties"),
        ("`outlink`, `download`, `search`", "Outbound Link Clicked and File Downloaded with `url`, Products Searched"),
        ("`ecommerceOrder`, `ecommerceAbandonedCart`, `goal`", "Order Completed, Cart Abandoned, Goal Reached"),
        ("`revenue` of these", "value, in the site's currency"),
        ("`idVisit`", "the sender's session"),
        ("`referrerUrl`, campaign", "of the visit's first action"),
        ("`countryCode`, `city`, `deviceType`, `operatingSystemName`", "place and device"),
    ),
)  # fmt: skip
