"""Other trackers' exports: a record in, events out, judged by the same ingest that judges all events."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.collect.lines import EventLines
from api.collect.senders import Sender
from api.collect.visitors import Visitor
from pipeline.cli.imports.judging import Judge
from pipeline.ingest.exports.exports import EXPORTS
from pipeline.ingest.exports.snowplow import COLUMNS
from schemas.definitions import Project
from schemas.facts import EventRow

DATA = Path(__file__).parents[4] / "shared" / "data"
JUDGE = Judge(Project("default"))


def made(name: str, record: Any) -> list[dict[str, Any]]:
    found = EXPORTS[name].events(record)
    assert found is not None
    return found


def row(event: dict[str, Any]) -> EventRow:
    found = JUDGE.judged(json.dumps(event).encode())
    assert isinstance(found, EventRow), found
    return found


POSTHOG: dict[str, Any] = {
    "uuid": "0190-1", "event": "$pageview", "distinct_id": "dev-1", "timestamp": "2024-05-01T10:00:00.123Z",
    "properties": {
        "$current_url": "https://shop.example/a?utm_source=x", "$pathname": "/a", "$referrer": "$direct", "title": "A",
        "$device_id": "dev-1", "$session_id": "s-1", "utm_source": "news", "utm_medium": "email", "plan": "pro",
        "$geoip_country_code": "DE", "$is_identified": False, "$ip": "203.0.113.9", "token": "phc_x",
    },
}  # fmt: skip


def test_posthogs_pageview_is_a_view_of_its_device() -> None:
    (event,) = made("posthog", POSTHOG)
    found = row(event)
    assert (found.type, found.device_id, found.user_id, found.path, found.country) == ("page", "dev-1", "", "/a", "DE")
    assert (found.acquisition, found.utm_source, found.referrer) == ("email", "news", "")
    assert event["properties"] == {"plan": "pro", "$is_identified": False}
    assert event["messageId"] == "0190-1"


def test_posthogs_identify_joins_the_device_of_before_and_the_user() -> None:
    (event,) = made("posthog", {
        "uuid": "2", "event": "$identify", "distinct_id": "ann", "timestamp": "2024-05-01T10:01:00Z",
        "properties": json.dumps({"$anon_distinct_id": "dev-1", "$set": {"email": "ann@example.com", "plan": "pro"}}),
    })  # fmt: skip
    found = row(event)
    assert (found.type, found.device_id, found.user_id, bool(found.email)) == ("identify", "dev-1", "ann", True)


def test_posthogs_set_is_no_act_and_what_it_says_is_added_to_what_the_person_was() -> None:
    record = POSTHOG | {
        "event": "$set", "distinct_id": "ann", "properties": {"$set": {"phone": "+4930123456", "plan": "pro"}},
        "person_properties": '{"email": "ann@example.com", "plan": "free"}', "set": None,
    }  # fmt: skip
    (event,) = made("posthog", record)
    found = row(event)
    assert (found.type, found.user_id, event["traits"]["plan"]) == ("identify", "ann", "pro")
    assert found.email
    assert found.phone


def test_posthogs_known_person_is_a_user_and_a_server_event_has_no_device() -> None:
    (event,) = made("posthog", POSTHOG | {"event": "paid", "distinct_id": "ann", "properties": {"revenue": 12.5}})
    found = row(event)
    assert (found.event, found.user_id, found.device_id, found.value_micros) == ("paid", "ann", "", 12_500_000)


GA4: dict[str, Any] = {
    "event_date": "20240501", "event_timestamp": "1714557600123456", "event_name": "page_view", "user_id": None,
    "user_pseudo_id": "11.22", "platform": "WEB", "batch_event_index": 2,
    "event_params": [
        {"key": "page_location", "value": {"string_value": "https://shop.example/a", "int_value": None}},
        {"key": "ga_session_id", "value": {"int_value": "1714557600"}},
        {"key": "engagement_time_msec", "value": {"int_value": "1500"}},
        {"key": "plan", "value": {"string_value": "pro"}},
    ],
    "device": {"category": "mobile", "operating_system": "Android"}, "geo": {"country": "Germany", "city": "Berlin"},
    "collected_traffic_source": {"manual_source": "google", "manual_medium": "cpc", "manual_campaign_name": "spring"},
}  # fmt: skip


def test_ga4s_page_view_has_its_page_session_campaign_and_engaged_time() -> None:
    (event,) = made("ga4", GA4)
    found = row(event)
    assert (found.type, found.occurred_at, found.device_id) == ("page", 1_714_557_600_123, "11.22")
    assert (found.path, found.acquisition, found.utm_campaign) == ("/a", "paid_search", "spring")
    assert (found.device_type, found.os, found.city, found.engaged_ms) == ("mobile", "Android", "Berlin", 1500)
    assert event["context"]["session"] == {"id": "11.22.1714557600"}
    assert event["properties"]["plan"] == "pro"


def test_ga4s_purchase_has_its_value_and_its_own_id() -> None:
    shop = {"transaction_id": "t1", "purchase_revenue": 49.9}
    other = GA4 | {"event_name": "purchase", "ecommerce": shop}
    (event,) = made("ga4", other)
    assert row(event).value_micros == 49_900_000
    assert event["properties"]["transaction_id"] == "t1"
    assert event["messageId"] != made("ga4", GA4)[0]["messageId"]
    assert event["messageId"] == made("ga4", dict(other))[0]["messageId"]


MATOMO: dict[str, Any] = {
    "idSite": "1", "idVisit": "9", "visitorId": "c0ffee", "userId": "ann", "referrerType": "campaign",
    "referrerName": "spring", "campaignSource": "news", "campaignMedium": "email", "campaignName": "spring",
    "referrerUrl": "", "deviceType": "Desktop", "countryCode": "de", "city": "Berlin", "siteCurrency": "EUR",
    "actionDetails": [
        {"type": "action", "url": "https://shop.example/a", "pageTitle": "A", "timestamp": 1714557600},
        {"type": "event", "eventCategory": "Video", "eventAction": "Play", "eventName": "x", "timestamp": 1714557610},
        {"type": "outlink", "url": "https://other.example/", "timestamp": 1714557611},
        {"type": "ecommerceOrder", "orderId": "o1", "revenue": "20.00", "timestamp": 1714557620},
    ],
}  # fmt: skip


def test_matomos_visit_becomes_its_actions_in_order() -> None:
    rows = [row(event) for event in made("matomo", MATOMO)]
    assert [found.event for found in rows] == ["page", "Play", "Outbound Link Clicked", "Order Completed"]
    assert {(found.device_id, found.user_id, found.country) for found in rows} == {("c0ffee", "ann", "DE")}
    assert [found.acquisition for found in rows][0] == "email"
    assert rows[3].value_micros == 20_000_000
    assert (rows[2].path, made("matomo", MATOMO)[2]["properties"]["url"]) == ("", "https://other.example/")
    assert len({found.message_id for found in rows}) == 4
    assert len({found.sender_session for found in rows}) == 1


def test_a_visit_of_matomo_in_a_row_of_csv_is_what_it_is_in_json() -> None:
    visit = {**MATOMO, "actionDetails": [*MATOMO["actionDetails"]]}
    items = [{"itemSKU": "A", "price": "5"}, {"itemSKU": "B", "price": "10"}]
    visit["actionDetails"][3] = visit["actionDetails"][3] | {"itemDetails": items}
    cells = {name: one for name, one in visit.items() if name != "actionDetails" and one}
    for place, action in enumerate(visit["actionDetails"]):
        cells |= {f"actionDetails_{place}_{name}": str(one) for name, one in action.items() if name != "itemDetails"}
    for place, item in enumerate(items):
        cells |= {f"actionDetails_3_itemDetails_{place}_{name}": one for name, one in item.items()}
    assert made("matomo", dict(reversed(cells.items()))) == made("matomo", visit)


def snowplow(**cells: str) -> str:
    return "\t".join(cells.get(name, "") for name in COLUMNS)


SNOWPLOW = {
    "app_id": "shop", "platform": "web", "event": "page_view", "event_id": "e-1", "domain_userid": "dev-1",
    "collector_tstamp": "2024-05-01 10:00:01.000", "derived_tstamp": "2024-05-01 10:00:00.500",
    "event_name": "page_view", "page_url": "https://shop.example/a", "mkt_medium": "cpc", "mkt_source": "google",
    "domain_sessionid": "s-1",
    "contexts": json.dumps({"data": [{"schema": "iglu:com.s/web_page/jsonschema/1-0-0", "data": {"id": "p"}}]}),
}  # fmt: skip


def test_snowplows_page_view_has_its_derived_time_and_its_contexts() -> None:
    assert len(COLUMNS) == 131
    (event,) = made("snowplow", snowplow(**SNOWPLOW))
    found = row(event)
    assert (found.type, found.occurred_at, found.acquisition) == ("page", 1_714_557_600_500, "paid_search")
    assert event["properties"]["contexts"] == {"web_page": {"id": "p"}}


def test_snowplows_app_is_known_by_its_session_entity() -> None:
    entity = {"schema": "iglu:com.snowplowanalytics.snowplow/client_session/jsonschema/1-0-2", "data": {
        "userId": "app-1", "sessionId": "s-1", "sessionIndex": 3,
    }}  # fmt: skip
    of_app = {"platform": "mob", "domain_userid": "", "network_userid": "net-1", "contexts": json.dumps({
        "schema": "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-1", "data": [entity],
    })}  # fmt: skip
    found = row(made("snowplow", snowplow(**SNOWPLOW | of_app))[0])
    assert (found.channel, found.device_id) == ("app", "app-1")
    assert (
        found.sender_session
        == row(made("snowplow", snowplow(**SNOWPLOW | {"domain_sessionid": "s-1"}))[0]).sender_session
    )


def test_snowplows_pings_are_passive_and_its_own_events_have_their_names() -> None:
    (ping,) = made("snowplow", snowplow(**SNOWPLOW | {"event": "page_ping", "event_name": "page_ping"}))
    assert (row(ping).is_passive, row(ping).engaged_ms) == (True, 10_000)
    told = json.dumps(
        {"schema": "iglu:u", "data": {"schema": "iglu:com.x/order/jsonschema/1-0-0", "data": {"revenue": 5}}}
    )
    (own,) = made(
        "snowplow", snowplow(**SNOWPLOW | {"event": "unstruct", "event_name": "order", "unstruct_event": told})
    )
    assert (row(own).event, row(own).value_micros) == ("order", 5_000_000)
    (struct,) = made("snowplow", snowplow(**SNOWPLOW | {"event": "struct", "event_name": "event", "se_action": "add"}))
    assert row(struct).event == "add"


BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def logged(request: str = "GET /a HTTP/1.1", status: int = 200, agent: str = "Mozilla/5.0 (X11; Linux)") -> str:
    return f'203.0.113.9 - ann [17/May/2015:12:05:03 +0200] "{request}" {status} 99 "http://r.example/" "{agent}"'


def test_a_log_line_is_a_view_of_an_address_that_is_not_kept() -> None:
    (event,) = made("access-log", logged())
    found = row(event)
    assert (found.type, found.path, found.referrer_host, found.user_id) == ("page", "/a", "r.example", "ann")
    assert found.occurred_at == 1_431_857_103_000
    lines = EventLines(
        Sender("default", "import", "import"), sent_at="", partitions=1, event_limit=32_768,
        places=lambda address: None, visitor=Visitor(is_trusted=True),
    )  # fmt: skip
    lines.add_text(json.dumps(event).encode())
    assert b"203.0.113.9" not in lines.by_partition[0][0]


@pytest.mark.parametrize("before", ["", "shop.example:443 ", "shop.example "])
def test_a_users_name_in_a_log_may_have_spaces_and_an_address_be_of_version_6(before: str) -> None:
    line = before + logged('GET /a?q=\\"x\\" HTTP/2.0').replace("203.0.113.9 - ann", "2001:db8::1 - Ann Lee")
    (event,) = made("access-log", line)
    assert (event["context"]["ip"], event["userId"]) == ("2001:db8::1", "Ann Lee")
    assert event["context"]["page"]["url"].endswith('/a?q="x"')


def test_of_a_log_bots_are_flagged_assets_are_no_views_and_failures_nothing() -> None:
    assert row(made("access-log", logged(agent=BOT))[0]).is_bot
    assert made("access-log", logged("GET /a.png HTTP/1.1"))[0]["event"] == "asset"
    assert made("access-log", logged("POST /a HTTP/1.1")) == made("access-log", logged(status=404)) == []


def test_a_real_log_has_the_events_that_its_publisher_counted() -> None:
    file = DATA / "access_log" / "events.ndjson.gz"
    if not file.exists():
        pytest.skip("the shared data is not beside the checkout")
    with gzip.open(file, "rt") as told:
        real = [json.loads(line) for line in told][:2000]
    for each in real:
        page, context, given = each["context"]["page"], each["context"], each["properties"]
        if given["method"] != "GET" or given["status"] not in (200, 304):
            continue
        at = each["timestamp"][:19]
        date, clock = at.split("T")
        year, month, day = date.split("-")
        agent, referrer = context["userAgent"], page.get("referrer") or "-"
        line = (
            f"{context['ip']} - - [{day}/{('', 'Jan', 'Feb', 'Mar', 'Apr', 'May')[int(month)]}/{year}:{clock} +0000] "
            f'"GET {page["path"]} HTTP/1.1" {given["status"]} 1 "{referrer}" "{agent}"'
        )
        ((event,),) = (made("access-log", line),)
        assert event["timestamp"] == f"{at}+00:00"
        assert event["context"]["page"]["path"] == page["path"]


@pytest.mark.parametrize("name", EXPORTS)
@pytest.mark.parametrize("record", [None, 7, [], {}, "", "x\ty", {"event": 1}, {"idVisit": 0}])
def test_what_is_no_record_of_an_export_is_told_so(name: str, record: Any) -> None:
    assert EXPORTS[name].events(record) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)
)


@settings(max_examples=60)
@given(st.sampled_from([("posthog", POSTHOG), ("ga4", GA4), ("matomo", MATOMO)]), st.data())
def test_no_value_of_a_wrong_type_breaks_an_export(which: tuple[str, dict[str, Any]], data: st.DataObject) -> None:
    name, record = which
    key = data.draw(st.sampled_from(sorted(record)))
    EXPORTS[name].events(record | {key: data.draw(JSON)})
    inner = record.get("properties")
    if isinstance(inner, dict):
        key = data.draw(st.sampled_from(sorted(inner)))
        EXPORTS[name].events(record | {"properties": inner | {key: data.draw(JSON)}})
