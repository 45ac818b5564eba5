"""The events of bench.events as other trackers' clients send them: for each protocol a body of so many events.

Every event has its number, `bench-000000000000`, once, in a place that ends in the log: its id, or a property.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

NUMBER = "bench-000000000000"
Event = dict[str, Any]


def v1(events: Sequence[Event], key: str) -> tuple[str, Any]:
    return "/v1/batch", {"batch": [{**each, "messageId": NUMBER} for each in events], "writeKey": key}


def posthog(events: Sequence[Event], key: str) -> tuple[str, Any]:
    return "/batch/", {
        "api_key": key,
        "sent_at": events[0]["sentAt"],
        "batch": [_posthog(each, key) for each in events],
    }


def _posthog(event: Event, key: str) -> Event:
    page, device = event["context"]["page"], event["anonymousId"]
    return {
        "event": "$pageview" if event["type"] == "page" else event.get("event", "$set"),
        "uuid": NUMBER,
        "timestamp": event["timestamp"],
        "properties": {
            "token": key, "distinct_id": event.get("userId", device), "$device_id": device, "$session_id": device[:8],
            "$is_identified": "userId" in event, "$current_url": page["url"], "$pathname": page["path"],
            "$referrer": page["referrer"], "$raw_user_agent": event["context"]["userAgent"], "$lib": "web",
            **_own(event),
        },
    }  # fmt: skip


def snowplow(events: Sequence[Event], key: str) -> tuple[str, Any]:
    schema = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"
    return "/com.snowplowanalytics.snowplow/tp2", {"schema": schema, "data": [_snowplow(each, key) for each in events]}


def _snowplow(event: Event, key: str) -> Event:
    page = event["context"]["page"]
    name = event.get("event", "viewed").lower().replace(" ", "_")
    own = {"schema": f"iglu:com.acme/{name}/jsonschema/1-0-0", "data": _own(event)}
    outer = {"schema": "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0", "data": own}
    is_view = event["type"] == "page"
    return {
        "e": "pv" if is_view else "ue", "eid": NUMBER, "aid": key, "p": "web", "tv": "js-4.10.1",
        "duid": event["anonymousId"], "sid": event["anonymousId"][:8], "dtm": "1760000000000", "stm": "1760000001000",
        "url": page["url"], "page": page["title"], "refr": page["referrer"], "ua": event["context"]["userAgent"],
        **({} if is_view else {"ue_pr": json.dumps(outer)}),
    }  # fmt: skip


def matomo(events: Sequence[Event], key: str) -> tuple[str, Any]:
    return "/matomo.php", {"requests": ["?" + urlencode(_matomo(each, key)) for each in events]}


def _matomo(event: Event, key: str) -> dict[str, str]:
    page = event["context"]["page"]
    told = {
        "idsite": key, "rec": "1", "apiv": "1", "rand": event["messageId"], "_id": event["anonymousId"],
        "url": page["url"], "urlref": page["referrer"], "action_name": page["title"], "res": "1280x900",
        "ua": event["context"]["userAgent"], "dimension1": NUMBER, "cdt": "1760000000",
    }  # fmt: skip
    return told if event["type"] == "page" else told | {"e_c": "shop", "e_a": event.get("event", "seen"), "e_v": "2.5"}


def plausible(events: Sequence[Event], key: str) -> tuple[str, Any]:
    """One event a request: it has no batches."""
    page = events[0]["context"]["page"]
    own = {name: str(value) for name, value in _own(events[0]).items()}
    name = "pageview" if events[0]["type"] == "page" else events[0].get("event", "seen")
    return "/api/event", {
        "n": name, "u": page["url"], "d": key, "r": page["referrer"], "p": {**own, "number": NUMBER},
    }  # fmt: skip


def _own(event: Event) -> Event:
    found: Event = event.get("properties", event.get("traits", {}))
    return {} if event["type"] == "page" else found


PROTOCOLS: dict[str, Callable[[Sequence[Event], str], tuple[str, Any]]] = {
    each.__name__: each for each in (v1, posthog, snowplow, matomo, plausible)
}
ONE_AT_A_TIME = ("plausible",)


def request(protocol: str, events: Sequence[bytes], key: str) -> tuple[str, bytes]:
    """(path, body) of a request with these events, given in Segment's format."""
    path, body = PROTOCOLS[protocol]([json.loads(each) for each in events], key)
    return path, json.dumps(body, separators=(",", ":")).encode()
