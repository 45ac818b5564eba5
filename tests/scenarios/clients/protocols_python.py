"""PyPI's clients of PostHog, Snowplow and Matomo, each with its usual calls. HOST and WRITE_KEY say where to."""

import os
from urllib.parse import urlsplit

from matomopy import MatomoTracker
from posthog import Posthog
from snowplow_tracker import Emitter, SelfDescribing, SelfDescribingJson, Subject, Tracker

HOST, KEY = os.environ["HOST"], os.environ["WRITE_KEY"]
failures: list[object] = []


def posthog(**how: object) -> None:
    mode = str(how.get("capture_mode", "v0"))
    client = Posthog(KEY, host=HOST, on_error=lambda error, batch: failures.append(error), disable_geoip=True, **how)
    client.alias("dev-1", "ann")
    client.set(distinct_id="ann", properties={"plan": "team", "email": "ann@example.com"})
    client.group_identify("company", "acme", {"seats": 3}, distinct_id="ann")
    for number in range(20):
        client.capture(f"posthog {mode} {number}", distinct_id="ann", properties={"number": number, "title": "東京"})
    client.shutdown()


def snowplow(method: str) -> None:
    where = urlsplit(HOST)
    emitter = Emitter(
        str(where.hostname), protocol="http", port=where.port, method=method, batch_size=5,
        on_failure=lambda count, events: failures.append(f"{len(events)} events of Snowplow"),
    )  # fmt: skip
    subject = Subject().set_user_id("bob").set_domain_user_id(f"dev-{method}").set_domain_session_id("s-1")
    tracker = Tracker("sp", emitter, subject, app_id=KEY, encode_base64=method == "post")
    tracker.track_page_view("https://shop.example/shoes?utm_source=news&utm_medium=email", "Shoes")
    tracker.track_page_ping("https://shop.example/shoes", "Shoes", 0, 0, 0, 300)
    tracker.track_struct_event("shop", f"add {method}", "red", "pcs", 2)
    entity = SelfDescribingJson("iglu:com.acme/user/jsonschema/1-0-0", {"a": "東京"})
    told = SelfDescribingJson("iglu:com.acme/save_game/jsonschema/1-0-2", {"level": 23})
    tracker.track(SelfDescribing(told, context=[entity]))
    tracker.flush()


def matomo() -> None:
    with MatomoTracker(HOST, KEY) as tracker:
        tracker.set_visitor_id("0123456789abcdef").set_user_id("cid").set_url("https://shop.example/shoes")
        tracker.track_page_view("Shoes")
        tracker.track_event("video", "play 東京", "intro", 2.5)
        tracker.track_goal(3, 5.0)
        tracker.track_site_search("red shoes")
        tracker.enable_bulk_tracking()
        tracker.track_ecommerce_order("o-1", 48.5)
        tracker.track_action("https://shop.example/list.pdf", "download")
        tracker.track_action("https://other.example/")
        tracker.flush()


posthog()
posthog(gzip=True, capture_mode="v1", capture_compression="gzip")
snowplow("post")
snowplow("get")
matomo()
if failures:
    raise SystemExit(f"not sent: {failures}")
