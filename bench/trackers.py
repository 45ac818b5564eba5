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


def ga4(events: Sequence[Event], key: str) -> tuple[str, Any]:
    """Of one visitor, as all of a request of the Measurement Protocol are."""
    return f"/mp/collect?api_secret={key}&measurement_id=G-1", {
        "client_id": events[0]["anonymousId"],
        "events": [{"name": _name(each, "page_view"), "params": _seen(each)} for each in events],
    }


def _seen(event: Event) -> Event:
    page = event["context"]["page"]
    of_page = {"page_location": page["url"], "page_title": page["title"], "page_referrer": page["referrer"]}
    return {**of_page, "session_id": "1760000000", "engagement_time_msec": 100, "number": NUMBER, **_own(event)}


def gtag(events: Sequence[Event], key: str) -> tuple[str, Any]:
    """Of one visitor and page: what they share is in the address, and each hit is a line."""
    page = events[0]["context"]["page"]
    shared = {
        "v": "2", "tid": key, "cid": events[0]["anonymousId"], "sid": "1760000000", "_p": "1", "dl": page["url"],
        "dt": page["title"], "dr": page["referrer"], "ul": "en-gb", "sr": "1280x900",
    }  # fmt: skip
    return f"/g/collect?{urlencode(shared)}", "\r\n".join(urlencode(_hit(each)) for each in events)


def _hit(event: Event) -> dict[str, str]:
    own = {f"ep.{name}": str(value) for name, value in _own(event).items()}
    return {"en": _name(event, "page_view"), "_et": "100", "ep.number": NUMBER, **own}


def mixpanel(events: Sequence[Event], key: str) -> tuple[str, Any]:
    return "/track?verbose=1", [_mixpanel(each, key) for each in events]


def _mixpanel(event: Event, key: str) -> Event:
    page, device = event["context"]["page"], event["anonymousId"]
    return {
        "event": _name(event, "$mp_web_page_view"),
        "properties": {
            "token": key, "distinct_id": event.get("userId", f"$device:{device}"), "$device_id": device,
            "$insert_id": NUMBER, "time": 1_760_000_000, "$current_url": page["url"], "$referrer": page["referrer"],
            "current_page_title": page["title"], "mp_lib": "web", **_own(event),
        },
    }  # fmt: skip


def jitsu(events: Sequence[Event], key: str) -> tuple[str, Any]:
    return f"/api/s/batch?writeKey={key}", {"batch": [{**each, "messageId": NUMBER} for each in events]}


def openpanel(events: Sequence[Event], key: str) -> tuple[str, Any]:
    """One event a request: it has no batches. The key is in a header, see `HEADERS`."""
    page = events[0]["context"]["page"]
    told = {"__path": page["url"], "__title": page["title"], "__referrer": page["referrer"]}
    known = {"profileId": events[0]["userId"]} if "userId" in events[0] else {}
    properties = {**told, "__deviceId": events[0]["anonymousId"], "number": NUMBER, **_own(events[0])}
    return "/track", {
        "type": "track", "payload": {"name": _name(events[0], "screen_view"), **known, "properties": properties},
    }  # fmt: skip


def _name(event: Event, view: str) -> str:
    found: str = view if event["type"] == "page" else event.get("event", "seen")
    return found


def _own(event: Event) -> Event:
    found: Event = event.get("properties", event.get("traits", {}))
    return {} if event["type"] == "page" else found


PROTOCOLS: dict[str, Callable[[Sequence[Event], str], tuple[str, Any]]] = {
    each.__name__: each for each in (v1, posthog, snowplow, matomo, plausible, ga4, gtag, mixpanel, jitsu, openpanel)
}
ONE_AT_A_TIME = ("plausible", "openpanel")
HEADERS = {"openpanel": "openpanel-client-id"}  # where the key comes in a header of the protocol's own


def request(protocol: str, events: Sequence[bytes], key: str) -> tuple[str, dict[str, str], bytes]:
    """(path, headers, body) of a request with these events, given in Segment's format."""
    path, body = PROTOCOLS[protocol]([json.loads(each) for each in events], key)
    headers = {HEADERS[protocol]: key} if protocol in HEADERS else {}
    return path, headers, (body if isinstance(body, str) else json.dumps(body, separators=(",", ":"))).encode()
