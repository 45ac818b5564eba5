"""The door of other trackers' protocols: whose key, what is answered, that it is answered late, and that no bytes break
it.
"""

import gzip
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from api.collect.lines import EventLines
from api.collect.senders import Sender
from api.collect.visitors import Visitor
from api.protocols.adding import Adding
from api.protocols.door import asked_of, visitors
from api.protocols.protocols import PROTOCOLS
from pipeline.errors import LogFull, LogUnavailable
from schemas.definitions import Key
from tests.api.protocols.golden import cases, door, sent

EVENT: dict[str, Any] = {"path": "/e/", "json": {"api_key": "web-key", "uuid": "1", "event": "x", "distinct_id": "d"}}
PATHS = [path.replace("/*", "/x") for each in PROTOCOLS.values() for path in each.paths]


def with_key(key: str, **more: Any) -> dict[str, Any]:
    return {**EVENT, "json": {**EVENT["json"], "api_key": key}, **more}


async def test_an_alias_is_a_second_name_of_the_key() -> None:
    at = door(**{"posthog:phc_old": Key("site", "shop", "write", "h1", source="site")})
    assert (await sent(at, with_key("phc_old"))).status_code == 200
    assert (at.log.line.p, at.log.line.s) == ("shop", "site")


async def test_an_alias_of_another_protocol_is_none() -> None:
    assert (await sent(door(), with_key("1"))).status_code == 401


async def test_a_key_in_the_header_counts_before_what_the_client_calls_its_site() -> None:
    at = door()
    assert (await sent(at, with_key("whatever", headers={"x-write-key": "server-key"}))).status_code == 200
    assert at.log.line.s == "backend"


@pytest.mark.parametrize("key", ["", "nobody", "old-key", "read-key", "admin-key"])
async def test_only_a_write_key_in_force_opens(key: str) -> None:
    at = door()
    answer = await sent(at, with_key(key))
    assert (answer.status_code, at.log.lines) == (401, [])
    assert answer.json()["type"] == "authentication_error"


@pytest.mark.parametrize("error", [LogFull("full"), LogUnavailable("away")])
async def test_the_answer_is_given_only_once_the_log_has_it(error: Exception) -> None:
    at = door()

    def fail(partition: int) -> None:
        raise error

    at.log.fail = fail
    answer = await sent(at, EVENT)
    assert (answer.status_code, answer.json()["type"]) == (503, "server_error")
    assert answer.headers["retry-after"]
    assert at.counters.accepted == {}


async def test_a_page_of_any_site_may_send_and_read_the_answer() -> None:
    asked = {"method": "OPTIONS", "headers": {"origin": "https://shop.example"}}
    assert (await sent(door(), {**EVENT, **asked})).status_code == 204
    answer = await sent(door(), with_key("nobody", headers={"origin": "https://shop.example"}))
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"


async def test_gzip_is_unpacked_whatever_the_headers_say() -> None:
    at = door()
    packed = gzip.compress(json.dumps(EVENT["json"]).encode())
    answer = await at.client.post("/e/?compression=gzip-js", content=packed, headers={"content-type": "text/plain"})
    assert (answer.status_code, at.log.event["event"]) == (200, "x")


async def test_an_address_and_a_key_are_in_no_line() -> None:
    for name in PROTOCOLS:
        for case in cases(name):
            at = door()
            await sent(at, case["request"])
            written = b"".join(at.log.raw)
            assert b"203.0.113" not in written
            assert b"web-key" not in written
            assert b"server-key" not in written


@pytest.mark.parametrize("name", PROTOCOLS)
async def test_what_is_sent_again_has_the_same_message_ids(name: str) -> None:
    for case in cases(name):
        at = door()
        for _ in range(2):
            await sent(at, case["request"])
        ids = [json.loads(bytes(line.e)).get("messageId") for line in at.log.lines if not line.x]
        half = len(ids) // 2
        assert sorted(ids[:half], key=str) == sorted(ids[half:], key=str)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"7", b"[7,null,[]]", b"\x00", b"{", b"data=%", b"\xff"])
async def test_nothing_that_is_sent_is_a_fault(path: str, body: bytes) -> None:
    for method in ("GET", "POST"):
        for query in ("", "?data=!", "?a=%ff&compression=lz64&data=A"):
            answer = await door().client.request(method, path + query, content=body)
            assert answer.status_code < 500


JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text(max_size=8),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@pytest.mark.parametrize("name", PROTOCOLS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=some.data())
async def test_a_field_of_any_value_is_no_fault_and_loses_nothing(name: str, data: Any) -> None:
    request = data.draw(
        some.sampled_from([case["request"] for case in cases(name) if "json" in case["request"]] or [{}])
    )
    if not request:
        return
    body = json.loads(json.dumps(request["json"]))
    place = body
    while isinstance(place, dict | list) and place and data.draw(some.booleans()):
        at = data.draw(some.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if isinstance(place[at], dict | list) and place[at]:
            place = place[at]
        else:
            place[at] = data.draw(JSON)
    if isinstance(place, dict) and place:
        place[data.draw(some.sampled_from(sorted(place)))] = data.draw(JSON)
    assert (await sent(door(), {**request, "json": body})).status_code < 500


def test_every_route_leads_to_its_protocol_with_and_without_a_slash_at_its_end() -> None:
    for each in PROTOCOLS.values():
        for path in each.paths:
            assert each in asked_of(path.replace("/*", "/anything"))
            assert each in asked_of(path.removesuffix("*").rstrip("/") + ("/x" if "*" in path else "/"))
    assert asked_of("/") == asked_of("/v1/track") == asked_of("/api/v1/projects") == ()


def test_a_days_id_is_one_of_network_agent_and_project_and_of_no_other_day() -> None:
    day = 1_700_000_000_000

    def told(project: str, now: int, address: str, agent: str, secret: bytes = b"") -> str:
        return visitors(lambda day: b"%d" % day + secret, project, now)(address, agent)

    first = told("shop", day, "203.0.113.9", "agent")
    assert first
    assert told("shop", day + 1, "203.0.113.200", "agent") == first
    others = {
        told("shop", day, "203.0.114.9", "agent"),
        told("shop", day, "203.0.113.9", "other"),
        told("other", day, "203.0.113.9", "agent"),
        told("shop", day + 86_400_000, "203.0.113.9", "agent"),
        told("shop", day, "203.0.113.9", "agent", b"of another house"),
    }
    assert len(others | {first}) == 6
    assert told("shop", day, "", "agent") == told("shop", day, "nowhere", "agent") == ""
    assert told("shop", day, "2001:db8:1:2::3", "a") == told("shop", day, "2001:db8:1:ffff::9", "a") != ""


def lines_of(events: list[dict[str, Any]]) -> dict[int, list[bytes]]:
    sender, visitor = Sender("shop", "site", "browser"), Visitor(received_at=1)
    made = Adding(EventLines(sender, sent_at="", partitions=2, event_limit=999, places=dict.get, visitor=visitor))
    for event in events:
        made.add(event)
    made.flush()
    return made.lines.by_partition


TELLING = some.sampled_from(("ip", "home_phone2", "IpAddress", "writeKey", "shipping", "iPhone", "name"))
SHOWN = some.sampled_from(
    ("x", "a@b.example", "203.0.113.77", "2001:db8:0:11::5", "wf_write_Ab9", "a%40b.example", "+4930 123", 7, None)
)
NESTED = some.recursive(
    SHOWN, lambda one: some.lists(one, max_size=2) | some.dictionaries(TELLING, one, max_size=2), max_leaves=3
)
MADE = some.fixed_dictionaries({
    "type": some.sampled_from(("track", "page", "nothing")), "event": some.just("x"),
    "anonymousId": some.sampled_from(("d1", "d2", "")), "properties": some.dictionaries(TELLING, NESTED, max_size=2),
})  # fmt: skip


@settings(max_examples=80)
@given(some.lists(MADE, max_size=4))
def test_events_that_are_looked_through_together_become_the_lines_that_each_becomes(made: list[dict[str, Any]]) -> None:
    alone: dict[int, list[bytes]] = {}
    for each in made:
        for partition, lines in lines_of([each]).items():
            alone.setdefault(partition, []).extend(lines)
    assert lines_of(made) == alone
