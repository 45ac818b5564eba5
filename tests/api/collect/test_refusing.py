"""What the collector refuses as a whole, in the house's one error shape, and never with a false 200."""

import asyncio
import json
import tracemalloc
from typing import Any

import pytest

from api.collect.limits import Limits
from pipeline.errors import LogFull, LogUnavailable, SaltMissing, UserMistake
from tests.api.collect.door import ByPartition, Door, basic, gzipped, small_limits, track


@pytest.fixture
def door() -> Door:
    return Door()


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The error of an answer, checked for its shape."""
    assert answer.status_code == status, answer.text
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) <= {"code", "message", "field", "request_id"}
    assert error["code"] == code
    assert error["message"]
    assert error["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["access-control-allow-origin"]
    assert answer.headers["content-type"] == "application/json"
    return error


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": basic("nobody")},
        {"authorization": basic("old-key")},
        {"authorization": basic("read-key")},
        {"authorization": basic("")},
        {"authorization": "Basic !!!"},
        {"authorization": "Basic w6Q="},
        {"authorization": "Digest x"},
        {"authorization": "Bearer nobody"},
        {"x-write-key": ""},
        {"x-write-key": "nobody"},
    ],
)
async def test_an_unknown_or_revoked_key_is_401_even_where_the_body_has_a_good_one(door: Door, headers: Any) -> None:
    answer = await door.post("/v1/track", track(writeKey="web-key"), key=None, headers=headers)
    refused(answer, 401, "invalid_write_key")
    assert door.log.appended == []


@pytest.mark.parametrize("key", [None, "", 5, ["web-key"]])
@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
async def test_no_key_at_all_is_401(door: Door, path: str, key: Any) -> None:
    body = track(writeKey=key) if path == "/v1/track" else {"batch": [track()], "writeKey": key}
    refused(await door.post(path, body, key=None), 401, "missing_write_key")


async def test_a_revoked_key_in_the_body_is_401(door: Door) -> None:
    refused(await door.post("/v1/track", track(writeKey="old-key"), key=None), 401, "invalid_write_key")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"userId":"u","event":"e"',
        b'{"userId":"u","event":"e"} {}',
        b'{"userId":"u","n":NaN}',
        b'{"userId":"u","n":-Infinity}',
        b'{"userId":"u","s":"cut \\ud83d here, in the middle"}',
        b'{"userId":"u","s":"\xff"}',
        b'{"userId":"u","s":"\xed\xa0\x80"}',
        b"event=e&userId=u",
        '{"userId":"u"}'.encode("utf-16"),
    ],
)
async def test_a_single_event_that_is_no_json_is_400(door: Door, body: bytes) -> None:
    refused(await door.post("/v1/track", body), 400, "malformed_json")
    assert door.log.appended == []


@pytest.mark.parametrize("body", [b"", b'{"batch":[', b'{"batch":[{"type":"track"}', b'{"batch":[{"a":01}]}', b"batch"])
async def test_a_batch_that_is_no_json_is_400(door: Door, body: bytes) -> None:
    refused(await door.post("/v1/batch", body), 400, "malformed_json")


@pytest.mark.parametrize("body", [b"[]", b"5", b'"x"', b"null"])
@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
async def test_a_body_that_is_no_object_is_400(door: Door, path: str, body: bytes) -> None:
    refused(await door.post(path, body), 400, "invalid_body")


@pytest.mark.parametrize("body", [{}, {"batch": None}, {"batch": {}}, {"batch": "x"}, track()])
async def test_a_batch_without_an_array_of_events_is_400_and_names_the_field(door: Door, body: Any) -> None:
    assert refused(await door.post("/v1/batch", body), 400, "invalid_body")["field"] == "batch"


@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
async def test_nesting_that_no_parser_follows_is_400(door: Door, path: str) -> None:
    deep = b"[" * 99_000 + b"]" * 99_000
    refused(await door.post(path, b'{"batch":[' + deep + b"]}"), 400, "too_deep")


async def test_a_body_just_under_500_kb_is_taken_and_one_over_it_is_413(door: Door) -> None:
    fits = {"batch": [track(str(number), pad="x" * 4_900) for number in range(100)]}
    assert len(json.dumps(fits)) < 512_000
    assert (await door.post("/v1/batch", fits)).status_code == 200
    refused(await door.post("/v1/batch", b" " * 512_001), 413, "payload_too_large")


async def test_a_body_over_the_limit_is_413_without_a_content_length_too() -> None:
    door = Door(limits=small_limits())

    async def chunks() -> Any:
        for _ in range(100):
            yield b" " * 100

    answer = await door.client.post("/v1/batch", content=chunks(), headers={"authorization": basic("web-key")})
    refused(answer, 413, "payload_too_large")
    assert door.counters.body_bytes == 0


@pytest.mark.parametrize(("pieces", "closes"), [(30, False), (10_000, True)])
async def test_a_sender_sees_413_after_its_body_unless_that_has_no_end(pieces: int, closes: bool) -> None:
    door, read = Door(limits=small_limits()), 0

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": b" " * 100, "more_body": read < pieces}

    start, _ = await asked(door, [(b"authorization", basic("web-key").encode())], receive)
    assert start["status"] == 413
    assert ((b"connection", b"close") in start["headers"]) == closes
    assert read == min(pieces, 321), "at most 16 times the limit is read"


async def test_a_content_length_over_the_limit_is_413_before_the_body_is_read(door: Door) -> None:
    async def receive() -> dict[str, Any]:
        raise AssertionError("read")

    for told in (b"512001", b"9" * 30):
        sent = await asked(door, [(b"authorization", basic("web-key").encode()), (b"content-length", told)], receive)
        assert sent[0]["status"] == 413


@pytest.mark.parametrize("packed", [gzipped(b" " * 600_000), gzipped(b" " * 50_000_000), gzipped(b" " * 300_000) * 2])
async def test_a_body_that_unpacks_to_more_than_the_limit_is_413(door: Door, packed: bytes) -> None:
    refused(await door.post("/v1/batch", packed), 413, "payload_too_large")


async def test_a_gzip_bomb_is_never_unpacked_beyond_the_limit(door: Door) -> None:
    packed = gzipped(b" " * 20_000_000)
    tracemalloc.start()
    try:
        refused(await door.post("/v1/batch", packed), 413, "payload_too_large")
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "body",
    [
        gzipped(track())[:-4],
        gzipped(track())[:20],
        b"\x1f\x8bnonsense",
        gzipped(track()) + b"rest",
        gzipped(b"") * 70,
        b"\x1f\x8b",
    ],
)
async def test_broken_gzip_is_400(door: Door, body: bytes) -> None:
    refused(await door.post("/v1/track", body), 400, "invalid_gzip")


async def test_a_gzip_body_of_two_members_is_one_body(door: Door) -> None:
    text = json.dumps(track()).encode()
    assert (await door.post("/v1/track", gzipped(text[:30]) + gzipped(text[30:]) + b"\0\0")).status_code == 200


@pytest.mark.parametrize("name", ["br", "zstd", "deflate", "gzip, br", "x" * 3000])
async def test_another_encoding_is_415_and_tells_which_is_taken(door: Door, name: str) -> None:
    answer = await door.post("/v1/track", b"\x28\xb5\x2f\xfd", headers={"content-encoding": name})
    refused(answer, 415, "unsupported_encoding")
    assert answer.headers["accept-encoding"] == "gzip"


async def test_a_single_event_over_32_kb_is_413(door: Door) -> None:
    fits = track(pad="x" * (32_768 - len(json.dumps(track(pad="")))))
    assert (await door.post("/v1/track", fits)).status_code == 200
    fits["pad"] += "x"
    refused(await door.post("/v1/track", fits), 413, "event_too_large")


async def test_more_events_than_one_batch_may_hold_are_413() -> None:
    door = Door(limits=small_limits())
    refused(await door.batch(*[{}] * 21), 413, "too_many_events")
    assert door.log.appended == []


@pytest.mark.parametrize("path", ["/v1/unknown", "/v1/", "/v1", "/v1/track/", "/", "/v1/Track"])
async def test_an_unknown_path_is_404(door: Door, path: str) -> None:
    refused(await door.post(path, track()), 404, "not_found")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_another_method_is_405_and_tells_which_is_right(door: Door, method: str) -> None:
    answer = await door.client.request(method, "/v1/track")
    refused(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST, OPTIONS"


@pytest.mark.parametrize(
    ("error", "code"),
    [(LogFull("x"), "log_full"), (LogUnavailable("x"), "log_unavailable"), (SaltMissing("x"), "salt_missing")],
)
async def test_a_log_that_is_full_or_away_is_503_with_a_time_to_come_back(door: Door, error: Any, code: str) -> None:
    def fail(partition: int) -> None:
        raise error

    door.log.fail = fail
    answer = await door.post("/v1/track", track())
    refused(answer, 503, code)
    assert int(answer.headers["retry-after"]) > 0
    assert door.counters.accepted.total() == 0
    assert door.counters.refusals[503, code] == 1


async def test_a_line_that_no_record_of_the_log_can_hold_is_413(door: Door) -> None:
    def fail(partition: int) -> None:
        raise UserMistake("a line is larger than a record may be: 900000", code="line_too_large")

    door.log.fail = fail
    refused(await door.post("/v1/track", track()), 413, "line_too_large")


async def test_one_partition_that_fails_makes_the_whole_request_503(door: Door) -> None:
    def fail(partition: int) -> None:
        if partition == 2:
            raise LogUnavailable("gone")

    door.log.fail = fail
    refused(await door.batch(*[track(who=f"device-{n}") for n in range(20)]), 503, "log_unavailable")
    assert len(door.log.appended) == 3, "what the others took is known again by its message ids"


async def test_a_log_without_its_topic_is_503() -> None:
    def topic() -> Any:
        raise LogUnavailable("no topic")

    refused(await Door(topic=topic).post("/v1/track", track()), 503, "log_unavailable")


async def asked(door: Door, headers: list[tuple[bytes, bytes]], receive: Any) -> list[dict[str, Any]]:
    """What the collector sends to a request whose messages `receive` gives."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/track", "headers": headers, "client": None}
    await door.collector(scope, receive, send)
    return sent


async def test_a_body_that_comes_too_slowly_is_408_and_the_connection_closes() -> None:
    door = Door(limits=small_limits())

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b" ", "more_body": True}

    start, body = await asked(door, [(b"authorization", basic("web-key").encode())], receive)
    assert start["status"] == 408
    assert (b"connection", b"close") in start["headers"]
    assert json.loads(body["body"])["error"]["code"] == "request_timeout"
    assert door.log.appended == []


async def test_a_body_that_is_cut_gets_no_answer_and_leaves_no_line(door: Door) -> None:
    whole = json.dumps(track()).encode()
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": whole, "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    assert await asked(door, [(b"authorization", basic("web-key").encode())], receive) == []
    assert door.log.appended == []
    assert door.counters.cut == 1


async def test_large_bodies_are_503_while_as_many_are_held_as_may_be_and_small_ones_are_taken() -> None:
    door, end = Door(limits=Limits(held=100_000)), asyncio.Event()
    key = [(b"authorization", basic("web-key").encode())]

    def comes(*pieces: bytes, then: asyncio.Event | None = None) -> Any:
        rest = list(pieces)

        async def receive() -> dict[str, Any]:
            if not rest and then is not None:
                await then.wait()
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": rest.pop(0), "more_body": bool(rest) or then is not None}

        return receive

    slow = asyncio.create_task(asked(door, key, comes(b" " * 90_000, then=end)))
    await asyncio.sleep(0)
    large = b" " * 70_000, json.dumps(track()).encode()
    start, body = await asked(door, key, comes(*large))
    assert (start["status"], json.loads(body["body"])["error"]["code"]) == (503, "busy")
    assert {(b"connection", b"close"), (b"retry-after", b"2")} <= set(start["headers"])
    small = json.dumps(track()).encode()
    assert (await asked(door, key, comes(b" " * 30_000, small)))[0]["status"] == 200
    end.set()
    assert await slow == []
    assert (await asked(door, key, comes(*large)))[0]["status"] == 200


async def test_a_large_body_for_another_trackers_route_needs_a_key_before_it() -> None:
    note = {"event": "Seen", "properties": {"token": "web-key", "distinct_id": "u"}}
    body = b" " * 3_000 + json.dumps(note).encode()
    for key, status in ((None, 413), ("nobody", 413), ("old-key", 413), ("web-key", 200)):
        door = Door(limits=small_limits())
        headers = {} if key is None else {"x-write-key": key}
        assert (await door.post("/track", body, key=None, headers=headers)).status_code == status, key
        assert len(door.log.raw) == (status == 200)


async def test_a_body_in_pieces_is_put_together(door: Door) -> None:
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": bytes([byte]), "more_body": True} for byte in json.dumps(track()).encode()
    ] + [{"type": "http.request", "body": b""}]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    assert (await asked(door, [(b"authorization", basic("web-key").encode())], receive))[0]["status"] == 200


@pytest.mark.parametrize("wanted", ["authorization, x-retry-count", "anonymousid,authorization,content-type,sentat"])
async def test_a_preflight_may_ask_for_any_headers(door: Door, wanted: str) -> None:
    answer = await door.client.options(
        "/v1/batch",
        headers={
            "origin": "https://shop.example",
            "access-control-request-method": "POST",
            "access-control-request-headers": wanted,
        },
    )
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert answer.headers["access-control-allow-headers"] == wanted
    assert "POST" in answer.headers["access-control-allow-methods"]


@pytest.mark.parametrize("key", ["web-key", "nobody"])
async def test_answers_and_errors_alike_may_be_read_by_the_page_that_sent(door: Door, key: str) -> None:
    answer = await door.post("/v1/track", track(), key=key, headers={"origin": "https://shop.example"})
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["vary"] == "Origin"


async def test_no_error_repeats_the_key_or_the_address(door: Door) -> None:
    for answer in (
        await door.post("/v1/track", track(), key="s3cret"),
        await door.post("/v1/track", b'{"writeKey":"s3cret","context":{"ip":"203.0.113.9"', key="web-key"),
        await door.post("/v1/track", {"writeKey": "s3cret", "context": {"ip": "203.0.113.9"}}, key=None),
    ):
        assert answer.status_code >= 400
        assert "s3cret" not in answer.text
        assert "203.0.113.9" not in answer.text


async def test_a_collector_that_closes_finishes_what_is_under_way_and_takes_no_more() -> None:
    gate = asyncio.Event()

    class Slow(ByPartition):
        async def append(self, topic: str, partition: int, lines: list[bytes]) -> None:
            await gate.wait()

        async def close(self) -> None: ...

    door = Door(writer=Slow())
    under_way = asyncio.create_task(door.post("/v1/track", track()))
    await asyncio.sleep(0.01)
    closing = asyncio.create_task(door.collector.close())
    await asyncio.sleep(0.01)
    assert not closing.done()
    refused(await door.post("/v1/track", track()), 503, "shutting_down")
    gate.set()
    assert (await under_way).status_code == 200
    await closing


async def test_closing_waits_no_longer_than_it_may() -> None:
    class Stuck(ByPartition):
        async def append(self, topic: str, partition: int, lines: list[bytes]) -> None:
            await asyncio.Event().wait()

        async def close(self) -> None: ...

    door = Door(writer=Stuck())
    under_way = asyncio.create_task(door.post("/v1/track", track()))
    await asyncio.sleep(0.01)
    await door.collector.close(within_s=0.05)
    assert not under_way.done()
    under_way.cancel()
