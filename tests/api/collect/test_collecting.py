"""What the collector takes, how it writes it down, and when it says 200."""

import asyncio
from typing import Any

import pytest

from pipeline.domain.identifiers import Kind, identifier
from schemas.log import EVENTS
from tests.api.collect.door import NOW, TOPIC, ByPartition, Door, basic, event_of, gzipped, small_limits, track

SINGLE = {"track": "t", "page": "p", "screen": "s", "identify": "i", "group": "g", "alias": "a"}


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.mark.parametrize("route", [*SINGLE, *SINGLE.values()])
async def test_a_single_event_route_fills_in_the_type_it_is_named_after(door: Door, route: str) -> None:
    answer = await door.post(f"/v1/{route}", {"anonymousId": "anon-1", "event": "Seen"})
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert door.log.event["type"] == {short: name for name, short in SINGLE.items()}.get(route, route)


@pytest.mark.parametrize("text", [b'{"type":null,"userId":"u"}', b'{ "userId" : "u" }', b'{"userId":"u","type":""}'])
async def test_a_missing_or_null_type_is_filled_in_whatever_the_bytes_look_like(door: Door, text: bytes) -> None:
    await door.post("/v1/page", text)
    assert door.log.event["type"] == "page"


async def test_an_event_keeps_the_type_it_names_itself(door: Door) -> None:
    await door.post("/v1/track", {"type": "page", "anonymousId": "a"})
    assert door.log.event["type"] == "page"


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/b", "/v1/import"])
async def test_a_batch_becomes_one_line_an_event_in_the_partition_of_its_device(door: Door, path: str) -> None:
    events = [track(who=f"device-{number}") for number in range(30)]
    assert (await door.post(path, {"batch": events})).json() == {"success": True}
    assert sorted(event_of(line)["anonymousId"] for line in door.log.lines) == sorted(e["anonymousId"] for e in events)
    assert all(topic == EVENTS and lines for topic, _, lines in door.log.appended)
    assert all(line.d == identifier("shop", Kind.device, event_of(line)["anonymousId"]) for line in door.log.lines)
    placed = {(partition, len(lines)) for _, partition, lines in door.log.appended}
    assert {partition for partition, _ in placed} == {line.d % TOPIC.partitions for line in door.log.lines}
    assert len(door.log.appended) == len(placed), "one append a partition"


async def test_events_of_one_device_keep_their_order(door: Door) -> None:
    await door.batch(*[track(str(number)) for number in range(20)])
    assert [event_of(line)["event"] for line in door.log.lines] == [str(number) for number in range(20)]


async def test_a_line_tells_project_source_kind_and_when_it_was_received(door: Door) -> None:
    await door.post("/v1/track", track())
    line = door.log.line
    assert (line.p, line.s, line.k, line.r, line.x, line.c) == ("shop", "site", "browser", NOW, "", "")


async def test_the_bytes_of_an_event_pass_through_untouched(door: Door) -> None:
    event = b'{"type":"track","event":"\xc3\xa9","anonymousId":"a","properties":{"n":1.10,"big":9223372036854775808}}'
    await door.post("/v1/batch", b'{"batch":[' + event + b"]}")
    assert bytes(door.log.line.e) == event


async def test_a_line_has_no_line_breaks_even_where_the_event_was_written_over_several(door: Door) -> None:
    await door.post("/v1/batch", b'{"batch":[{\r\n"type":"track",\n"event":"a\\nb","userId":"u"\n}]}')
    (raw,) = door.log.raw
    assert b"\n" not in raw
    assert b"\r" not in raw
    assert door.log.event == {"type": "track", "event": "a\nb", "userId": "u"}


async def test_sent_at_of_the_batch_counts_before_that_of_the_event(door: Door) -> None:
    await door.post("/v1/batch", {"batch": [track(sentAt="event")], "sentAt": "batch"})
    assert door.log.line.t == "batch"


async def test_sent_at_of_the_event_counts_where_the_batch_has_none(door: Door) -> None:
    await door.batch(track(sentAt="event"), track(sentAt=1700000000000))
    assert [line.t for line in door.log.lines] == ["event", "1700000000000"]


async def test_sent_at_in_a_header_counts_first(door: Door) -> None:
    await door.post("/v1/track", track(sentAt="event"), headers={"SentAt": "attempt"})
    assert door.log.line.t == "attempt"


async def test_an_imported_events_own_sent_at_corrects_no_clock(door: Door) -> None:
    await door.post("/v1/import", {"batch": [track(sentAt="2021-01-01T00:00:00Z")]}, key="admin-key")
    assert door.log.line.t == ""


async def test_the_user_agent_of_the_request_stands_in_where_a_browsers_event_brings_none(door: Door) -> None:
    own, none = track(context={"userAgent": "own"}), track(context={})
    await door.batch(own, none, headers={"user-agent": "Firefox"})
    assert [line.a for line in door.log.lines] == ["", "Firefox"]


async def test_the_user_agent_of_a_server_is_not_its_customers(door: Door) -> None:
    await door.post("/v1/track", track(), key="server-key", headers={"user-agent": "analytics-python/2.4.0"})
    assert door.log.line.a == ""


async def test_a_browsers_place_is_that_of_its_connection_whatever_the_event_claims(door: Door) -> None:
    await door.post("/v1/track", track(context={"ip": "203.0.113.9"}))
    assert door.log.line.g == ("FR", "", "Paris")


async def test_a_servers_event_is_placed_by_the_address_it_names(door: Door) -> None:
    await door.batch(track(context={"ip": "203.0.113.9"}), track(), key="server-key")
    assert [line.g for line in door.log.lines] == [("DE", "BE", "Berlin"), None]


@pytest.mark.parametrize(
    "event",
    [
        b'{"type":"track","event":"e","userId":"u","context":{"ip":"203.0.113.9","locale":"de"}}',
        b'{"type":"track","event":"e","userId":"u","ip":"203.0.113.9","request_ip":"203.0.113.9"}',
        b'{"type":"track","event":"e","userId":"u","context":{"i\\u0070":"203.0.113.9"}}',
        b'{"type":"track","event":"e","userId":"u","context":{"ip":"203.0.113.9"},"context":{"locale":"de"}}',
        b'{"type":"track","event":"e","userId":"u","context":{"request_ip" : "203.0.113.9"},"context":{}}',
        b'{"type":"track","event":"e","userId":"u","ip" : "203.0.113.9","ip":null}',
        b'{"type":"nothing","userId":"u","context":{"ip" : "203.0.113.9"}}',
        b'{"type":"track","userId":{"ip":1},"context":{"ip":"203.0.113.9"}}',
        b'{"type":"track","event":"e","userId":"u","n":NaN,"context":{"ip":"203.0.113.9"}}',
        b'{"type":"track","event":"e","userId":"u","pad":"' + b"x" * 40_000 + b'","context":{"ip":"203.0.113.9"}}',
    ],
    ids=[
        "context",
        "top",
        "escaped name",
        "name twice",
        "spaced, twice",
        "spaced, in vain",
        "unknown type",
        "wrong type",
        "no JSON",
        "too large",
    ],
)
async def test_no_address_gets_into_the_log(door: Door, event: bytes) -> None:
    await door.post("/v1/batch", b'{"batch":[' + event + b"]}", key="server-key")
    (raw,) = door.log.raw
    assert b"203.0.113.9" not in raw


async def test_what_else_is_in_the_context_stays(door: Door) -> None:
    await door.post(
        "/v1/track", track(context={"ip": "203.0.113.9", "locale": "de"}, properties={"ip": "203.0.113.9", "n": 1})
    )
    assert door.log.event["context"] == {"locale": "de"}
    assert door.log.event["properties"] == {"n": 1}


@pytest.mark.parametrize("spaces", ["", " "])
async def test_no_write_key_gets_into_the_log(door: Door, spaces: str) -> None:
    await door.post("/v1/track", f'{{"userId":"u","event":"e","writeKey":{spaces}"web-key"}}'.encode(), key=None)
    await door.batch(track(writeKey="web-key"), {"type": "no", "writeKey": "web-key"})
    assert len(door.log.raw) == 3
    assert not [raw for raw in door.log.raw if b"web-key" in raw]


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": basic("web-key")},
        {"authorization": basic("web-key").replace("Basic", "basic")},
        {"authorization": "Bearer web-key"},
        {"x-write-key": "web-key"},
        {"x-write-key": "web-key", "authorization": "Bearer of-a-proxy"},
    ],
)
async def test_a_write_key_is_taken_from_the_headers(door: Door, headers: dict[str, str]) -> None:
    assert (await door.post("/v1/track", track(), key=None, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [("/v1/track", track(writeKey="web-key")), ("/v1/batch", {"batch": [track()], "writeKey": "web-key"})],
)
async def test_a_write_key_is_taken_from_the_body(door: Door, path: str, body: Any) -> None:
    assert (await door.post(path, body, key=None)).status_code == 200
    assert door.log.line.s == "site"


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json;charset=UTF-8", ""]
)
async def test_json_is_taken_under_any_content_type(door: Door, kind: str) -> None:
    assert (await door.post("/v1/track", track(), headers={"content-type": kind})).status_code == 200


@pytest.mark.parametrize("headers", [{"content-encoding": "gzip"}, {}])
async def test_gzip_is_taken_with_and_without_its_header(door: Door, headers: dict[str, str]) -> None:
    assert (await door.post("/v1/track", gzipped(track()), headers=headers)).status_code == 200
    assert door.log.event["event"] == "Order Completed"


async def test_a_body_that_a_proxy_has_unpacked_is_taken_under_its_old_header(door: Door) -> None:
    assert (await door.post("/v1/track", track(), headers={"content-encoding": "gzip"})).status_code == 200


async def test_a_byte_order_mark_is_skipped(door: Door) -> None:
    assert (await door.post("/v1/track", b'\xef\xbb\xbf{"userId":"u","event":"e"}')).status_code == 200


async def test_an_empty_batch_is_fine_and_writes_nothing(door: Door) -> None:
    answer = await door.batch()
    assert (answer.status_code, answer.json(), door.log.appended) == (200, {"success": True}, [])


async def test_200_is_said_only_after_every_line_is_in_the_log() -> None:
    door, gate = Door(), asyncio.Event()
    written: list[int] = []

    class Slow(ByPartition):
        async def append(self, topic: str, partition: int, lines: list[bytes]) -> None:
            if partition == 1:
                await gate.wait()
            written.extend([partition] * len(lines))

        async def close(self) -> None: ...

    door = Door(writer=Slow())
    asked = asyncio.create_task(door.batch(*[track(who=f"device-{number}") for number in range(20)]))
    await asyncio.sleep(0.01)
    assert not asked.done()
    assert 0 < len(written) < 20
    gate.set()
    assert (await asked).status_code == 200
    assert len(written) == 20


async def test_a_large_request_is_appended_in_chunks_and_answered_after_the_last() -> None:
    door = Door(limits=small_limits())
    answer = await door.batch(*[{"type": "page", "userId": f"u{number}"} for number in range(20)])
    assert answer.status_code == 200
    assert len(door.log.lines) == 20
    assert len(door.log.appended) >= 7


async def test_accepted_events_and_bytes_are_counted(door: Door) -> None:
    await door.batch(track(), track(), {"type": "nothing"})
    text = door.counters.render()
    assert 'wayfare_collector_accepted_total{project="shop",source="site"} 2' in text
    assert 'wayfare_collector_rejected_total{project="shop",source="site",reason="unknown_type"} 1' in text
    assert 'wayfare_collector_answers_total{status="200"} 1' in text
    assert "wayfare_collector_in_flight 0" in text
    assert door.counters.body_bytes > 200
