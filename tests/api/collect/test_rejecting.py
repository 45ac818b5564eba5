"""What is wrong with one event costs that event only, and ends in the log with its reason."""

import json
from typing import Any

import pytest

from pipeline.errors import LogFull
from schemas.rejects import REASONS
from tests.api.collect.door import Door, event_of, small_limits, track


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"5", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"null", "not_an_object"),
        (b"[]", "not_an_object"),
        (b"{}", "unknown_type"),
        (b'{"type":"Track","userId":"u"}', "unknown_type"),
        (b'{"type":5,"userId":"u"}', "wrong_type"),
        (b'{"type":"track","event":"e","userId":18446744073709551616}', "number_out_of_range"),
        (b'{"type":"track","event":"e","properties":{"n":1e999}}', "number_out_of_range"),
        (b'{"type":"track","event":"e","anonymousId":"0000","userId":true}', "missing_identity"),
        (b'{"type":"track","userId":"u"}', "missing_event"),
        (b'{"type":"track","userId":"u","event":""}', "missing_event"),
        (b'{"type":"track","event":"e"}', "missing_identity"),
        (b'{"type":"track","event":"e","userId":"","anonymousId":null}', "missing_identity"),
        (b'{"type":"track","event":"e","userId":"u","pad":"' + b"x" * 33_000 + b'"}', "too_large"),
        (b'{"type":"track","event":"e","userId":"u","n":NaN}', "malformed_json"),
        (b'{"type":"track","event":"e","userId":"u","n":[-Infinity]}', "malformed_json"),
        (b'{"type":"track","event":"e","userId":"u","s":"cut \\ud83d"}', "malformed_json"),
        (b'{"type":"track","event":"e","userId":"u","s":"\xff"}', "malformed_json"),
    ],
)
async def test_a_bad_event_of_a_batch_is_rejected_and_the_others_are_taken(door: Door, bad: bytes, reason: str) -> None:
    good = json.dumps(track()).encode()
    answer = await door.post("/v1/batch", b'{"batch":[' + b",".join((good, bad, good)) + b'],"sentAt":"now"}')
    assert answer.json() == {"success": True, "rejected": 1}
    assert reason in REASONS
    rejected = [line for line in door.log.lines if line.x]
    assert [line.x for line in rejected] == [reason]
    assert rejected[0].w
    assert (rejected[0].p, rejected[0].s, rejected[0].t) == ("shop", "site", "now")
    assert [event_of(line)["event"] for line in door.log.lines if not line.x] == ["Order Completed"] * 2


async def test_the_payload_of_a_reject_is_the_event_as_it_came(door: Door) -> None:
    await door.batch({"type": "nothing", "userId": "u"})
    assert door.log.event == {"type": "nothing", "userId": "u"}


async def test_a_payload_that_is_no_json_is_kept_as_text(door: Door) -> None:
    await door.post("/v1/batch", b'{"batch":[{"type":"track","n":NaN,"s":"\\ud83d","quoted":"NaN"}]}')
    assert door.log.event == '{"type":"track","n":NaN,"s":"\\ufffd","quoted":"NaN"}'


async def test_a_word_that_only_looks_like_no_json_is_no_fault(door: Door) -> None:
    text = b'{"batch":[{"type":"track","event":"NaN \\ud83d\\ude00 \\\\ud83d -Infinity","userId":"u"}, {"n":NaN}]}'
    assert (await door.post("/v1/batch", text)).json() == {"success": True, "rejected": 1}
    (kept,) = [line for line in door.log.lines if not line.x]
    assert event_of(kept)["event"] == "NaN \U0001f600 \\ud83d -Infinity"


async def test_a_reject_that_comes_again_is_the_same_line_in_the_same_partition(door: Door) -> None:
    await door.batch({"type": "nothing"}, 5)
    await door.batch({"type": "nothing"}, 5)
    assert door.log.raw[:2] == door.log.raw[2:]
    assert len({line.d for line in door.log.lines}) == 2


async def test_a_single_event_with_a_fault_is_acknowledged_as_a_reject(door: Door) -> None:
    answer = await door.post("/v1/track", {"event": "e"})
    assert (answer.status_code, answer.json()) == (200, {"success": True, "rejected": 1})
    assert door.log.line.x == "missing_identity"


@pytest.mark.parametrize("context", [b"[]", b"5", b'"x"'])
async def test_a_context_that_is_no_object_is_left_to_ingest(door: Door, context: bytes) -> None:
    event = b'{"event":"e","userId":"u","writeKey":"web-key","context":' + context + b"}"
    assert (await door.post("/v1/track", event, key=None)).json() == {"success": True}
    assert door.log.line.x == ""


@pytest.mark.parametrize(
    "told", [{"traits": {"email": "Ann@Example.com"}}, {"context": {"traits": {"email": "ann@example.com"}}}]
)
async def test_an_event_of_a_person_without_ids_goes_by_the_e_mail(door: Door, told: Any) -> None:
    await door.batch({"type": "identify", **told}, {"type": "identify", "traits": {"email": "ann@example.com"}})
    first, second = door.log.lines
    assert (first.x, first.d) == ("", second.d)


async def test_true_is_not_the_user_1(door: Door) -> None:
    one, true = {"type": "page", "userId": 1}, {"type": "page", "userId": True}
    assert (await door.batch(one, true)).json() == {"success": True, "rejected": 1}


async def test_a_very_large_payload_is_cut_to_text(door: Door) -> None:
    await door.batch(track(pad="x" * 400_000))
    assert door.log.line.x == "too_large"
    assert len(door.log.raw[0]) < 40_000
    assert isinstance(door.log.event, str)


async def test_rejects_alone_still_need_the_log(door: Door) -> None:
    def fail(partition: int) -> None:
        raise LogFull("x")

    door.log.fail = fail
    assert (await door.batch(5)).status_code == 503
    assert door.counters.rejected.total() == 0


async def test_an_admin_key_imports_into_its_own_project_as_a_trusted_source(door: Door) -> None:
    headers = {"authorization": "Bearer admin-key", "x-wayfare-project": "shop"}
    event = track(context={"ip": "203.0.113.9"})
    answer = await door.post("/v1/import", {"batch": [event]}, key=None, headers=headers)
    assert answer.status_code == 200
    line = door.log.line
    assert (line.p, line.s, line.k, line.g) == ("shop", "import", "import", ("DE", "BE", "Berlin"))


async def test_the_local_token_imports_into_the_project_it_names(door: Door) -> None:
    headers = {"authorization": "Bearer local-token", "x-wayfare-project": "other"}
    await door.post("/v1/import", {"batch": [track()]}, key=None, headers=headers)
    assert door.log.line.p == "other"


@pytest.mark.parametrize(
    ("key", "project", "status", "code"),
    [
        ("admin-key", "other", 403, "forbidden"),
        ("local-token", "", 400, "missing_project"),
        ("local-token", "nowhere", 404, "unknown_project"),
        ("read-key", "shop", 401, "invalid_write_key"),
    ],
)
async def test_an_import_is_refused_where_key_and_project_do_not_fit(
    door: Door, key: str, project: str, status: int, code: str
) -> None:
    headers = {"authorization": f"Bearer {key}", "x-wayfare-project": project}
    answer = await door.post("/v1/import", {"batch": [track()]}, key=None, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


async def test_an_admin_key_sends_nothing_elsewhere(door: Door) -> None:
    assert (await door.post("/v1/batch", {"batch": [track()]}, key="admin-key")).status_code == 401


async def test_an_import_may_be_larger_than_a_batch() -> None:
    door = Door(limits=small_limits())
    body = {"batch": [track(str(number)) for number in range(50)]}
    assert 2_000 < len(json.dumps(body)) < 6_000
    assert (await door.post("/v1/import", body)).status_code == 413
    assert (await door.post("/v1/import", body, key="admin-key")).status_code == 200
    assert len(door.log.lines) == 50
    assert (await door.post("/v1/import", b" " * 6_001, key="admin-key")).status_code == 413


async def test_an_import_may_come_one_event_a_line_and_a_bad_line_is_a_reject(door: Door) -> None:
    one, two = json.dumps(track("1")).encode(), json.dumps(track("2")).encode()
    body = b"\r\n".join([one, b"", b'{"cut', b'{"n":NaN}', b"\xff\xfe", b"  " + two])
    kind = {"content-type": "application/x-ndjson; charset=utf-8"}
    answer = await door.post("/v1/import", body, key="admin-key", headers=kind)
    assert answer.json() == {"success": True, "rejected": 3}
    assert sorted(event_of(line)["event"] for line in door.log.lines if not line.x) == ["1", "2"]
    rejects = {event_of(line): line.x for line in door.log.lines if line.x}
    assert rejects == {'{"cut': "malformed_json", '{"n":NaN}': "malformed_json", "\ufffd\ufffd": "malformed_json"}


async def test_an_empty_import_is_fine(door: Door) -> None:
    headers: dict[str, Any] = {"content-type": "application/x-ndjson"}
    assert (await door.post("/v1/import", b"\n\n", key="admin-key", headers=headers)).json() == {"success": True}
