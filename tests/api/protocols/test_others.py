"""What a golden file cannot show: times, addresses, ids of a day; and that any body has an answer."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.api.collect.door import NOW, Door, event_of
from tests.api.protocols.golden import door, sent

OPENPANEL = {"openpanel-client-id": "web-key"}
MIXPANEL = {"event": "tap", "properties": {"token": "web-key", "distinct_id": "ann"}}
GA4 = "/mp/collect?api_secret=server-key"
TIMELESS = [
    {"path": "/track", "json": MIXPANEL},
    {"path": "/track", "headers": OPENPANEL, "json": {"type": "track", "payload": {"name": "tap", "profileId": "ann"}}},
    {"path": GA4, "json": {"client_id": "1.2", "events": [{"name": "tap"}]}},
]


def ids(at: Door) -> list[str]:
    return [event_of(line)["messageId"] for line in at.log.lines]


@pytest.mark.parametrize("request_", TIMELESS)
async def test_what_is_sent_again_has_the_same_id_and_what_happens_again_later_another(request_: Any) -> None:
    at = door()
    await sent(at, request_)
    await sent(at, request_)
    at.collector._now = lambda: NOW + 5_000
    await sent(at, request_)
    first, again, later = ids(at)
    assert first == again != later


async def test_an_event_with_a_time_is_the_same_whenever_it_comes() -> None:
    at = door()
    request = {"path": GA4, "json": {"client_id": "1.2", "timestamp_micros": 1, "events": [{"name": "tap"}]}}
    await sent(at, request)
    at.collector._now = lambda: NOW + 3_600_000
    await sent(at, request)
    assert len(set(ids(at))) == 1


@pytest.mark.parametrize(("flag", "has_place"), [("ip=1", True), ("ip=0", False), ("verbose=1", True)])
async def test_mixpanels_ip_flag_says_whether_the_address_tells_a_place(flag: str, has_place: bool) -> None:
    at = door()
    await sent(at, {"path": f"/track?{flag}", "json": MIXPANEL})
    assert (at.log.line.g is not None) == has_place


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_snowplows_server_anonymisation_takes_the_place_away(method: str) -> None:
    at = door()
    note = {"e": "pv", "aid": "web-key", "duid": "d-1", "url": "https://shop.example/"}
    body = {"schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4", "data": [note]}
    posted = {"path": "/com.snowplowanalytics.snowplow/tp2", "json": body}
    asked = {"path": f"/i?{urlencode(note)}", "method": "GET"}
    for headers in ({}, {"SP-Anonymous": "*"}):
        await sent(at, {**(posted if method == "POST" else asked), "headers": headers})
    assert [line.g is not None for line in at.log.lines] == [True, False]


@pytest.mark.parametrize("path", ["/i/v9/e/", "/i/v2/analytics/events"])
@pytest.mark.parametrize("is_in_header", [True, False])
async def test_posthogs_paths_of_an_unknown_version_are_refused_and_kept(path: str, is_in_header: bool) -> None:
    at = door()
    event = {"event": "tap", "distinct_id": "ann", "uuid": "u-1"}
    headers = {"authorization": "Bearer web-key"} if is_in_header else {}
    body = {"batch": [event]} if is_in_header else {"batch": [event], "api_key": "web-key"}
    answer = await sent(at, {"path": path, "headers": headers, "json": body})
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_version")
    line = at.log.line
    assert (line.x, line.p) == ("unmapped", "shop")
    assert "of no version that is known" in line.w
    assert event_of(line) == event
    assert b"web-key" not in at.log.raw[0]


async def test_a_path_of_snowplows_of_an_unknown_version_is_refused_and_kept() -> None:
    at = door()
    note = {"e": "pv", "aid": "web-key", "eid": "e-1", "url": "https://shop.example/"}
    body = {"schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4", "data": [note]}
    answer = await sent(at, {"path": "/com.snowplowanalytics.snowplow/tp3", "json": body})
    assert (answer.status_code, answer.text[:15]) == (400, "unknown_version")
    assert (at.log.line.x, "of no version that is known" in at.log.line.w) == ("unmapped", True)
    assert event_of(at.log.line) == {name: value for name, value in note.items() if name != "aid"}


@pytest.mark.parametrize("is_of_many", [True, False])
async def test_matomos_requests_of_an_unknown_version_are_kept_without_key_and_address(is_of_many: bool) -> None:
    at = door()
    note = {"idsite": "web-key", "rec": "1", "apiv": "2", "cip": "203.0.113.9", "url": "https://shop.example/"}
    body = {"json": {"requests": ["?" + urlencode(note)]}} if is_of_many else {"form": note}
    answer = await sent(at, {"path": "/matomo.php", **body})
    assert answer.status_code == 400
    assert (at.log.line.x, "version '2'" in at.log.line.w) == ("unmapped", True)
    assert event_of(at.log.line) == {"rec": "1", "apiv": "2", "url": "https://shop.example/"}
    assert b"web-key" not in at.log.raw[0]
    assert b"203.0.113" not in at.log.raw[0]


MADE_UP = "3e1d0f52-6a63-4b7e-8a1e-0123456789ab"


async def posthog(event: str, distinct: str, **more: Any) -> Door:
    at = door()
    note = {"event": event, "distinct_id": distinct, "uuid": "u-1", "properties": {}, **more}
    assert (await sent(at, {"path": "/batch/", "json": {"api_key": "server-key", "batch": [note]}})).status_code == 200
    return at


@pytest.mark.parametrize(("own", "alias"), [(MADE_UP, "ann"), ("ann", MADE_UP)])
async def test_posthogs_alias_brings_a_devices_past_to_its_user_whichever_comes_first(own: str, alias: str) -> None:
    at = await posthog("$create_alias", own, properties={"distinct_id": own, "alias": alias})
    renamed, *named = map(event_of, at.log.lines)
    assert (renamed["type"], renamed["userId"], renamed["previousId"]) == ("alias", alias, own)
    assert all(each["type"] == "identify" for each in named)
    assert ("ann", MADE_UP) in [(each["userId"], each["anonymousId"]) for each in named]
    assert len(set(ids(at))) == len(at.log.lines)


async def test_traits_that_posthog_sets_once_are_an_identify_call() -> None:
    event = (await posthog("$set_once", "ann", **{"$set_once": {"first": "mail"}})).log.event
    assert (event["type"], event["userId"], event["traits"]) == ("identify", "ann", {"first": "mail"})


@pytest.mark.parametrize(("distinct", "more"), [("$company_c1", {}), (MADE_UP, {"$process_person_profile": False})])
async def test_a_group_of_posthogs_that_names_nobody_makes_no_customer(distinct: str, more: dict[str, Any]) -> None:
    group = {"$group_type": "company", "$group_key": "c1", "$group_set": {"name": "C"}, **more}
    at = await posthog("$groupidentify", distinct, properties=group)
    assert (at.log.line.x, "names no person" in at.log.line.w) == ("unmapped", True)
    assert event_of((await posthog("$groupidentify", "ann", properties=group)).log.line)["userId"] == "ann"


async def test_ga4s_engaged_time_counts_as_text_too() -> None:
    at = door()
    events = [{"name": "user_engagement", "params": {"engagement_time_msec": "2500"}}]
    await sent(at, {"path": GA4, "json": {"client_id": "1.2", "events": events}})
    assert at.log.event["properties"] == {"engagement_time_msec": 2500}


@pytest.mark.parametrize("is_of_many", [True, False])
async def test_a_product_that_matomo_tells_in_custom_variables_is_viewed(is_of_many: bool) -> None:
    at = door()
    told = {
        "5": ["_pkc", "beds"],
        "2": ["_pkp", 10],
        "3": ["_pks", "s-1"],
        "4": ["_pkn", "spade"],
        "1": ["plan", "pro"],
    }
    note = {"idsite": "web-key", "rec": "1", "_id": "0123456789abcde0", "rand": "1", "cvar": json.dumps(told)}
    body = {"json": {"requests": ["?" + urlencode(note)]}} if is_of_many else {"form": note}
    await sent(at, {"path": "/matomo.php", **body})
    found = at.log.event
    assert found["type"] == "page"
    viewed = {"category": "beds", "price": 10, "sku": "s-1", "name": "spade"}
    assert found["properties"] == {"cvar": json.dumps(told), **viewed}


OLD: list[tuple[str, dict[str, str], Any]] = [
    ("/api/v1/event?token=web-key", {}, [{"event_type": "tap", "api_key": "web-key"}]),
    ("/api/v1/s2s/event", {"x-auth-token": "server-key"}, {"event_type": "tap"}),
    ("/event", OPENPANEL, {"name": "tap", "profileId": "ann"}),
]


@pytest.mark.parametrize(("path", "headers", "body"), OLD)
async def test_calls_of_clients_of_an_older_form_are_refused_and_kept(
    path: str, headers: dict[str, str], body: Any
) -> None:
    at = door()
    answer = await sent(at, {"path": path, "headers": headers, "json": body})
    assert (answer.status_code, at.log.line.x) == (400, "unmapped")
    assert "are not known" in at.log.line.w
    assert b"web-key" not in at.log.raw[0]


@pytest.mark.parametrize("options", ["x", 1.5, [1], None])
async def test_options_of_posthogs_version_1_that_are_no_object_are_none(options: Any) -> None:
    at = door()
    event = {"event": "paid", "uuid": "v-1", "distinct_id": "ann", "options": options, "properties": {"plan": "pro"}}
    headers = {"authorization": "Bearer server-key"}
    answer = await sent(at, {"path": "/i/v1/analytics/events", "headers": headers, "json": {"batch": [event]}})
    assert answer.status_code == 200
    assert at.log.event["properties"] == {"plan": "pro"}


async def test_openpanels_clients_may_ask_for_the_id_of_their_visitor() -> None:
    at = door()
    headers = {"openpanel-client-id": "web-key"}
    call = {"type": "track", "payload": {"name": "tap", "properties": {}}}
    told = (await sent(at, {"path": "/track", "headers": headers, "json": call})).json()
    asked = await sent(at, {"path": "/track/device-id", "method": "GET", "headers": headers})
    assert (asked.status_code, asked.json()) == (200, told)
    assert at.log.event["anonymousId"] == told["deviceId"]
    unknown = {"openpanel-client-id": "nobody's"}
    assert (await sent(at, {"path": "/track/device-id", "method": "GET", "headers": unknown})).status_code == 401


@pytest.mark.parametrize("way", ["query", "body", "bulk"])
@pytest.mark.parametrize(("title", "charset", "wanted"), [
    ("Gr%FC%DFe", "ISO-8859-1", "Grüße"), ("Gr%C3%BC%C3%9Fe", "ISO-8859-1", "Grüße"),
    ("%CF%F0%E8%E2%E5%F2", "windows-1251", "Привет"),
    ("Gr%FCn", "klingon", "Gr\ufffdn"), ("Gr%FCn", "hex", "Gr\ufffdn"),
    ("Gr%FCn", "punycode", "Gr\ufffdn"), ("%FC%5Cud800", "unicode_escape", "\ufffd\\ud800"),
])  # fmt: skip
async def test_matomos_title_is_read_in_the_charset_of_the_page(
    title: str, charset: str, wanted: str, way: str
) -> None:
    at = door()
    told = f"idsite=web-key&rec=1&_id=0123456789abcdef&cs={charset}&action_name={title}"
    ways: dict[str, Any] = {
        "query": {"path": f"/matomo.php?{told}", "method": "GET"},
        "body": {"path": "/matomo.php", "text": told},
        "bulk": {"path": "/matomo.php", "json": {"requests": [f"?{told}"]}},
    }
    await sent(at, ways[way])
    assert at.log.event["context"]["page"]["title"] == wanted
    assert "cs" not in at.log.event["properties"]


async def test_jitsus_policy_takes_the_place_away() -> None:
    at = door()
    event = {"type": "track", "event": "tap", "anonymousId": "a"}
    for policy in ("keep", "remove", "strip-last-octet"):
        headers = {"x-write-key": "web-key", "x-ip-policy": policy}
        await sent(at, {"path": "/api/s/track", "headers": headers, "json": event})
    assert [line.g is not None for line in at.log.lines] == [True, False, False]


async def test_jitsus_key_may_have_a_secret_behind_it() -> None:
    at = door()
    event = {"type": "track", "event": "tap", "anonymousId": "a"}
    answer = await sent(at, {"path": "/api/s/track", "headers": {"x-write-key": "web-key:any"}, "json": event})
    assert (answer.status_code, answer.json()) == (200, {"ok": True})


async def test_openpanel_tells_a_page_the_id_that_its_visitor_has_for_the_day() -> None:
    at = door()
    call = {"type": "track", "payload": {"name": "tap"}}
    answers = [await sent(at, {"path": "/track", "headers": OPENPANEL, "json": call}) for _ in range(2)]
    devices = {event_of(line)["anonymousId"] for line in at.log.lines}
    assert devices == {answer.json()["deviceId"] for answer in answers}
    assert len(devices) == 1


async def test_openpanels_servers_pass_their_visitors_address_on_and_it_is_not_kept() -> None:
    at = door()
    call = {"type": "track", "payload": {"name": "tap"}}
    browser = await sent(at, {"path": "/track", "headers": OPENPANEL, "json": call, "address": "203.0.113.9"})
    headers = {"openpanel-client-id": "server-key", "x-client-ip": "203.0.113.9"}
    await sent(at, {"path": "/track", "headers": headers, "json": call})
    assert {event_of(line)["anonymousId"] for line in at.log.lines} == {browser.json()["deviceId"]}
    assert at.log.lines[1].g == ("DE", "BE", "Berlin")
    assert b"203.0.113.9" not in b"".join(at.log.raw)


async def test_a_jitsu_visitor_who_keeps_no_ids_has_one_of_the_day() -> None:
    at = door()
    event = {"type": "page", "messageId": "m"}
    await sent(at, {"path": "/api/s/page", "headers": {"x-write-key": "web-key"}, "json": event})
    assert at.log.event["anonymousId"].startswith("cookieless-")


async def test_gtags_properties_of_a_visitor_are_one_call_a_day() -> None:
    at = door()
    for later in (0, 3_600_000, 86_400_000):
        at.collector._now = lambda later=later: NOW + later  # type: ignore[misc]
        await sent(at, {"path": f"/g/collect?v=2&tid=web-key&cid=1.2&en=tap&_s={later + 1}&up.plan=pro", "text": ""})
    people = [event_of(line)["messageId"] for line in at.log.lines if event_of(line)["type"] == "identify"]
    assert people[0] == people[1] != people[2]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from((
                *("event", "properties", "type", "payload", "name", "params", "events", "user_properties", "user_data"),
                *("$set", "$append", "$transactions", "$distinct_id", "distinct_id", "context", "profileId", "groups"),
                *("client_id", "device", "user_location", "__path", "__revenue", "time", "$time", "token", "batch"),
                *("traits", "clientIds", "groupIds", "property", "__identify", "timestamp_micros", "$merge"),
            )),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)  # fmt: skip
WHERE = st.sampled_from((
    *((GA4, {}), ("/debug/mp/collect", {}), ("/g/collect?v=2&tid=web-key&cid=1", {})),
    *((path, {"authorization": "Basic d2ViLWtleTo="}) for path in ("/track", "/engage", "/import", "/groups")),
    *(("/track", OPENPANEL), ("/api/s/event", {"x-write-key": "web-key"}), ("/api/s/batch?writeKey=web-key", {})),
))  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(WHERE, JSON, st.sampled_from(("track", "identify", "alias", "increment", "group", "assign_group", "$identify")))
async def test_whatever_a_body_holds_it_has_an_answer(where: Any, body: Any, kind: str) -> None:
    path, headers = where
    if isinstance(body, dict) and path == "/track":
        body = {"event": kind, "type": kind, "payload": body.get("payload", body), **body}
    try:
        text = json.dumps(body)
    except ValueError:
        return
    answer = await sent(door(), {"path": path, "headers": headers, "text": text})
    assert answer.status_code in (200, 204, 400, 401)


async def test_events_of_jitsus_batches_that_need_nothing_go_on_as_they_came() -> None:
    written = [
        '{"type":"track","event":"x","anonymousId":"a","messageId":"1","properties":{"sum":1.50}}',
        '{"type":"page","userId":"u","messageId":"2","properties":{}}',
    ]
    at = door()
    body = '{"batch":[' + ",".join(written) + "]}"
    answer = await sent(at, {"path": "/api/s/batch?writeKey=web-key", "text": body})
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert sorted(bytes(line.e).decode() for line in at.log.lines) == sorted(written)
