"""Laws: whatever comes, the collector answers; and what it answers 200 is in the log, event for event."""

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from api.collect import salvage
from pipeline.errors import LogFull, LogUnavailable
from schemas.log import Line
from schemas.rejects import REASONS
from tests.api.collect.door import TOPIC, Door, event_of, gzipped

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)


def nested(inner: Any) -> Any:
    return st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)


values = st.recursive(scalars, nested, max_leaves=8)
names = st.sampled_from(
    ["type", "event", "userId", "anonymousId", "traits", "context", "messageId", "sentAt", "writeKey", "ip"]
)
kinds = st.sampled_from(["track", "page", "alias", "other"])
good = st.fixed_dictionaries(
    {
        "type": st.just("track"),
        "event": st.text(min_size=1, max_size=9),
        "userId": st.integers(1, 99).map("u{}".format),
    },
    optional={"properties": st.dictionaries(st.text(max_size=6), scalars, max_size=3)},
)
events = good | st.dictionaries(names, values | kinds, max_size=6) | values
fates = st.lists(st.sampled_from([None, LogFull("full"), LogUnavailable("away")]), min_size=4, max_size=4)
routes = st.sampled_from(["/v1/track", "/v1/p", "/v1/batch", "/v1/import"])
encodings = st.sampled_from([{}, {"content-encoding": "gzip"}, {"content-type": "application/x-ndjson"}])


def failing(door: Door, fate: list[Exception | None]) -> None:
    def fail(partition: int) -> None:
        if error := fate[partition]:
            raise error

    door.log.fail = fail


@given(routes, st.binary(max_size=200) | st.binary(max_size=80).map(gzipped), encodings, fates)
@settings(deadline=None)
async def test_any_bytes_are_answered(path: str, body: bytes, headers: dict[str, str], fate: list[Any]) -> None:
    door = Door()
    failing(door, fate)
    for key in ("web-key", "admin-key", None):
        answer = await door.post(path, body, key=key, headers=headers)
        assert answer.status_code in (200, 400, 401, 413, 415, 503)
        assert answer.status_code == 200 or answer.json()["error"]["code"]


@given(st.lists(events, max_size=12), fates)
@settings(deadline=None)
async def test_a_batch_is_200_exactly_when_every_event_of_it_is_in_the_log(batch: list[Any], fate: list[Any]) -> None:
    door = Door()
    failing(door, fate)
    text = json.dumps({"batch": batch}, ensure_ascii=False).encode("utf-8", "surrogatepass")
    answer = await door.post("/v1/batch", text)
    if answer.status_code == 200:
        lines = door.log.lines
        assert len(lines) == len(batch)
        assert answer.json().get("rejected", 0) == len([line for line in lines if line.x])
    else:
        assert answer.status_code == 503
        assert any(fate)


@given(st.lists(events, max_size=12))
@settings(deadline=None)
async def test_every_line_is_one_json_object_of_the_right_partition(batch: list[Any]) -> None:
    door = Door()
    await door.post("/v1/batch", json.dumps({"batch": batch}, indent=1).encode())
    for _, partition, lines in door.log.appended:
        for raw in lines:
            assert b"\n" not in raw
            line = msgspec.json.decode(raw, type=Line)
            assert line.d % TOPIC.partitions == partition
            assert line.x in ("", *REASONS)
            json.loads(raw, parse_constant=lambda name: 1 / 0)


@given(st.lists(events, max_size=12), st.booleans(), st.sampled_from(["web-key", "server-key"]))
@settings(deadline=None)
async def test_a_batch_read_in_one_pass_and_one_read_event_by_event_leave_the_same_lines(
    batch: list[Any], repeats_key: bool, key: str
) -> None:
    at_once, one_by_one = Door(), Door()
    for event in batch:
        if repeats_key and isinstance(event, dict):
            event["writeKey"] = key
    text = json.dumps({"batch": batch}, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    for door, body in ((at_once, text), (one_by_one, text + b"\n")):  # a line break: no event passes as it is
        await door.post("/v1/batch", body, key=key, headers={"user-agent": "Firefox", "origin": "https://shop.example"})
    assert order_by_partition(at_once) == order_by_partition(one_by_one)
    assert at_once.counters.rejected == one_by_one.counters.rejected


def order_by_partition(door: Door) -> dict[int, list[Any]]:
    """Lines by partition, as values: members that were written anew may be spaced differently."""
    return {partition: [json.loads(line) for line in lines] for _, partition, lines in door.log.appended}


@given(st.lists(good, min_size=1, max_size=8))
@settings(deadline=None)
async def test_good_events_arrive_as_they_were_sent(batch: list[Any]) -> None:
    door = Door()
    text = json.dumps({"batch": batch}).encode()
    assert (await door.post("/v1/batch", text)).status_code == 200
    spoilt = [event for event in batch if salvage.marked(json.dumps(event).encode())]
    taken = [json.dumps(event_of(line), sort_keys=True) for line in door.log.lines if not line.x]
    assert sorted(taken) == sorted(json.dumps(event, sort_keys=True) for event in batch if event not in spoilt)
    assert len(door.log.lines) == len(batch)


@given(values)
@settings(deadline=None)
def test_marking_changes_nothing_but_what_json_does_not_have(value: Any) -> None:
    text = json.dumps(value).encode()
    marked = salvage.marked(text)
    if marked is None:
        assert msgspec.json.encode(msgspec.json.decode(text, type=msgspec.Raw)) == text
    else:
        msgspec.json.decode(marked, type=msgspec.Raw)
        assert salvage.MARK not in salvage.original(marked).encode()


@given(st.text(alphabet='"\\udDc8N\naf{}:', max_size=400))
def test_marking_is_quick_and_never_fails_on_broken_text(text: str) -> None:
    salvage.marked(text.encode() + b"NaN")


def test_marking_costs_no_more_than_a_pass_over_an_unfinished_text() -> None:
    salvage.marked(b'"' + b'\\"' * 250_000 + b"\\u")
