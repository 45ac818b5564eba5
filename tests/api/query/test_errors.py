import json
import logging
from typing import Any

import pytest

from pipeline.errors import StoreRefused, StoreUnavailable
from tests.api.query.conftest import House

STEP = {"events": ["page"]}


@pytest.mark.parametrize(
    ("name", "question", "field", "hint"),
    [
        ("sessions", {"brakdown": "channel"}, "brakdown", "did you mean 'breakdown'?"),
        ("sessions", {"breakdown": "chanel"}, "breakdown", "did you mean 'channel'?"),
        ("sessions", {"breakdown": "$version"}, "breakdown", "no field of a session"),
        ("sessions", {"by": "days"}, "by", "did you mean 'day'?"),
        ("sessions", {"by": 1}, "by", "'hour'"),
        ("sessions", {"limit": "5"}, "limit", "integer"),
        ("sessions", {"limit": 0}, "limit", "must be greater than or equal to 1"),
        ("sessions", {"limit": 2**63}, "limit", "less than or equal to 1000"),
        ("sessions", {"include_bots": "yes"}, "include_bots", "boolean"),
        ("sessions", {"zone": "Europe/Berln"}, "zone", "did you mean 'Europe/Berlin'?"),
        ("sessions", {"zone": "../../etc/passwd"}, "zone", "no zone"),
        ("sessions", {"from": "2023-13-01"}, "from", "ISO date"),
        ("sessions", {"from": "2023-02-01", "to": "2023-01-01"}, "from", "before to"),
        ("sessions", {"from": "2023-02-01", "to": "2023-02-01"}, "from", "before to"),
        ("sessions", {"from": "0001-01-01"}, "from", "between 1970 and 2099"),
        ("sessions", {"from": 5}, "from", "string"),
        ("sessions", {"last": "7y"}, "last", "24h or 7d"),
        ("sessions", {"last": "0d"}, "last", "24h or 7d"),
        ("sessions", {"last": "99999w"}, "last", "24h or 7d"),
        ("sessions", {"last": "7d", "from": "2023-01-01"}, None, "either last or from and to"),
        ("sessions", [], None, "JSON object"),
        ("funnel", {"steps": [STEP]}, "steps", "must have at least 2 items"),
        ("funnel", {"steps": [STEP] * 33}, "steps", "must have at most 32 items"),
        ("funnel", {"steps": [STEP, {"events": []}]}, "steps[1].events", "at least 1"),
        ("funnel", {"steps": [STEP, {"events": [""]}]}, "steps[1].events[0]", "must not be empty"),
        ("funnel", {"steps": [STEP, {"events": [7]}]}, "steps[1].events[0]", "string"),
        ("funnel", {"steps": [STEP, {}]}, "steps[1].events", "required"),
        ("funnel", {"steps": [STEP, "page"]}, "steps[1]", "a JSON object; its fields are events, goal, where"),
        ("retention", {"starts": ["page"]}, "starts", "a JSON object; its fields are events, where"),
        ("funnel", {"steps": [STEP, STEP], "window": 0}, "window", "more than 0"),
        ("funnel", {"steps": [STEP, STEP], "window": "0d"}, "window", "more than 0"),
        ("funnel", {"steps": [STEP, STEP], "window": -5}, "window", "more than 0"),
        ("funnel", {"steps": [STEP, STEP], "window": 2**63}, "window", "at most 366d"),
        ("funnel", {"steps": [STEP, STEP], "window": "7 fortnights"}, "window", "as 7d"),
        ("funnel", {"steps": [STEP, STEP], "window": 1.5}, "window", "integer"),
        ("funnel", {"steps": [STEP, STEP], "window": True}, "window", "integer"),
        ("funnel", {"steps": [STEP, STEP], "count": "user"}, "count", "did you mean 'customers'?"),
        ("funnel", {"steps": [STEP, STEP], "breakdown": "$nope"}, "breakdown", "$channel"),
        ("funnel", {"steps": [STEP, STEP], "order": "strictly"}, "order", "did you mean 'strict'?"),
        ("funnel", {"steps": [STEP, STEP | {"optional": "yes"}]}, "steps[1].optional", "boolean"),
        ("funnel", {"steps": [STEP, STEP | {"optional": True}]}, "steps[1].optional", "last step"),
        ("funnel", {"steps": [STEP | {"optional": True}, STEP]}, "steps[0].optional", "first step"),
        (
            "funnel",
            {"steps": [STEP, STEP | {"optional": True}, STEP], "order": "any"},
            "steps[1].optional",
            "leave the step out",
        ),
        ("funnel", {"steps": [STEP, STEP], "exclusions": {}}, "exclusions", "list"),
        ("funnel", {"steps": [STEP, STEP], "exclusions": [STEP] * 11}, "exclusions", "at most 10"),
        ("funnel", {"steps": [STEP, STEP], "exclusions": [{"after": 1}]}, "exclusions[0].events", "required"),
        ("funnel", {"steps": [STEP, STEP], "exclusions": [STEP | {"after": 0}]}, "exclusions[0].after", "from 1 to 1"),
        ("funnel", {"steps": [STEP, STEP], "exclusions": [STEP | {"after": 2}]}, "exclusions[0].after", "from 1 to 1"),
        ("funnel", {"steps": [STEP, STEP], "exclusions": [STEP | {"after": "1"}]}, "exclusions[0].after", "integer"),
        (
            "funnel",
            {"steps": [STEP] * 3, "exclusions": [STEP | {"after": 2, "before": 1}]},
            "exclusions[0].before",
            "later than 2, and 3 at most",
        ),
        ("funnel", {"steps": [STEP, STEP], "exclusions": [STEP | {"before": 0}]}, "exclusions[0].before", "later"),
        ("funnel", {"steps": [STEP, STEP], "exclusions": [STEP | {"before": 3}]}, "exclusions[0].before", "2 at most"),
        (
            "funnel",
            {"steps": [STEP, STEP], "exclusions": [STEP | {"effect": "removes"}]},
            "exclusions[0].effect",
            "did you mean 'remove'?",
        ),
        (
            "funnel",
            {"steps": [STEP, STEP], "exclusions": [STEP | {"where": [{"property": "$nope", "value": 1}]}]},
            "exclusions[0].where[0].property",
            "$channel",
        ),
        ("funnel", {"steps": [STEP, STEP], "constant": ["a", "b", "c", "d"]}, "constant", "at most 3"),
        ("funnel", {"steps": [STEP, STEP], "constant": ["$nope"]}, "constant[0]", "$channel"),
        ("funnel", {"steps": [STEP, STEP], "constant": [""]}, "constant[0]", "at least 1"),
        ("funnel", {"steps": [STEP, STEP], "constant": "a"}, "constant", "list"),
        ("funnel", {"steps": [STEP, STEP], "within_range": 1}, "within_range", "boolean"),
        ("funnel", {"saved": "x", "constant": []}, "constant", "its own constant"),
        ("funnel", {"steps": [STEP, STEP], "entries": "close"}, "entries", "did you mean 'closed'?"),
        ("funnel", {"steps": [STEP, STEP], "breakdown": "a", "attribution": "frist"}, "attribution", "'first'?"),
        ("funnel", {"steps": [STEP, STEP], "breakdown": "a", "attribution": 0}, "attribution", "number of a step"),
        ("funnel", {"steps": [STEP, STEP], "breakdown": "a", "attribution": True}, "attribution", "number of a step"),
        ("funnel", {"steps": [STEP, STEP], "breakdown": "a", "attribution": 3}, "attribution", "2 steps"),
        ("funnel", {"steps": [STEP, STEP], "breakdown": "a", "attribution": [1]}, "attribution", "number of a step"),
        ("funnel", {"steps": [STEP, STEP], "attribution": "last"}, "attribution", "name a breakdown"),
        ("funnel", {"steps": [STEP, STEP], "convert": {"from": 2}}, "convert.from", "from 1 to 1"),
        ("funnel", {"steps": [STEP, STEP], "convert": {"from": "1"}}, "convert.from", "integer"),
        ("funnel", {"steps": [STEP, STEP], "convert": {"to": 1}}, "convert.to", "later than 1, and 2 at most"),
        ("funnel", {"steps": [STEP, STEP], "convert": {"to": 3}}, "convert.to", "2 at most"),
        ("funnel", {"steps": [STEP, STEP], "convert": {"form": 1}}, "convert.form", "did you mean 'from'?"),
        ("funnel", {"steps": [STEP, STEP], "saved": "x"}, "saved", "either steps or saved"),
        ("funnel", {}, "steps", "either steps or saved"),
        ("funnel", {"saved": "x", "order": "any"}, "order", "its own order"),
        (
            "funnel",
            {"steps": [STEP, STEP, STEP | {"where": [{"property": "a", "operator": "iss", "value": 1}]}]},
            "steps[2].where[0].operator",
            "did you mean 'is'?",
        ),
        (
            "funnel",
            {"steps": [STEP, STEP | {"where": [{"property": "a", "value": {"b": 1}}]}]},
            "steps[1].where[0].value",
            "must be a number",
        ),
        (
            "funnel",
            {"steps": [STEP, STEP | {"where": [{"property": "a", "operator": "in", "value": 1}]}]},
            "steps[1].where[0].value",
            "list",
        ),
        (
            "funnel",
            {"steps": [STEP, STEP | {"where": [{"property": "a", "operator": "regex", "value": "(?=x)"}]}]},
            "steps[1].where[0].value",
            "RE2",
        ),
        ("funnel", {"steps": [STEP, STEP | {"whree": []}]}, "steps[1].whree", "did you mean 'where'?"),
        ("trend", {"events": "page", "where": [{"property": "$nope"}]}, "where[0].property", "$channel"),
        ("trend", {}, "events", "required"),
        ("rejected", {"include_bots": True}, "include_bots", "no field"),
    ],
)
async def test_a_mistake_is_422_with_its_field_and_what_would_be_right(
    house: House, name: str, question: Any, field: str | None, hint: str
) -> None:
    error = await house.refused(name, question)
    assert error["code"] == "invalid_question"
    assert error.get("field") == field
    assert hint in error["message"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"null",
        b'{"steps": NaN}',
        b'{"zone": "\\ud800"}',
        b'{"\\ud800": 1}',
        b"\xff\xfe",
        b'{"steps":[{"events":"a","where":[{"property":"x","value":NaN}]},{"events":"b"}]}',
        b'{"steps":[{"events":"a","where":[{"property":"x","value":"\\ud800"}]},{"events":"b"}]}',
        b'{"steps":[{"events":"a","where":[{"property":"x","operator":"in","value":[1e999]}]},{"events":"b"}]}',
        b'{"steps":[{"events":"\\udc00"},{"events":"b"}]}',
        b'{"a":' * 3000 + b"1" + b"}" * 3000,
        b"[" * 200_000,
        b"1" * 5000,
    ],
)
@pytest.mark.parametrize("name", ["sessions", "funnel"])
async def test_bodies_that_are_no_question_have_the_one_shape(house: House, name: str, body: bytes) -> None:
    answer = await house.client.post(
        f"/api/v1/projects/{house.name}/questions/{name}", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (400, 422), answer.text
    assert set(answer.json()["error"]) >= {"code", "message", "request_id"}


async def test_a_body_beyond_the_limit_is_413(house: House) -> None:
    body = json.dumps({"zone": "x" * 2_000_000})
    answer = await house.client.post(
        f"/api/v1/projects/{house.name}/questions/sessions", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "payload_too_large"


async def test_a_body_that_does_not_say_that_it_is_json_is_told_how_to(house: House) -> None:
    answer = await house.client.post(f"/api/v1/projects/{house.name}/questions/sessions", content=b"{}")
    assert answer.status_code == 422
    assert "application/json" in answer.json()["error"]["message"]


async def test_unknown_addresses_and_methods_have_the_one_shape(house: House) -> None:
    nothing = await house.client.get("/api/v1/nothing")
    assert (nothing.status_code, nothing.json()["error"]["code"]) == (404, "not_found")
    wrong = await house.client.get(f"/api/v1/projects/{house.name}/questions/sessions")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method_not_allowed")
    assert wrong.headers["allow"] == "POST"
    unknown = await house.client.post(f"/api/v1/projects/{house.name}/questions/sesions", json={})
    assert unknown.status_code == 404


async def test_a_request_keeps_the_id_that_it_came_with_unless_it_is_no_plain_word(house: House) -> None:
    given = await house.client.get("/api/v1/nothing", headers={"X-Request-Id": "abc-1"})
    assert given.headers["x-request-id"] == given.json()["error"]["request_id"] == "abc-1"
    forged = await house.client.get("/api/v1/nothing", headers={"X-Request-Id": 'a"b <script>'})
    assert forged.json()["error"]["request_id"] != 'a"b <script>'


async def test_a_fault_is_told_without_what_is_inside(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: Any) -> Any:
        raise StoreRefused("SELECT secret FROM inside", code="syntax_error")

    monkeypatch.setattr(house.store, "query", fails)
    error = await house.refused("sessions", {}, status=500)
    assert "secret" not in error["message"]
    assert error["request_id"] in caplog.text
    assert "SELECT secret" in caplog.text


async def test_a_store_that_is_away_is_503_and_to_be_tried_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> Any:
        raise StoreUnavailable("no route to 10.0.0.3")

    monkeypatch.setattr(house.store, "query", fails)
    answer = await house.client.post(f"/api/v1/projects/{house.name}/questions/sessions", json={})
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "10.0.0.3" not in answer.text


@pytest.mark.parametrize("code", ["memory_limit_exceeded", "timeout_exceeded"])
async def test_a_question_that_reads_too_much_is_told_to_narrow_down(
    house: House, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    measured = house.store.measured

    def fails(sql: str, *rest: Any) -> Any:
        if "FROM sessions" in sql:
            raise StoreRefused("too much", code=code)
        return measured(sql, *rest)

    monkeypatch.setattr(house.store, "measured", fails)
    error = await house.refused("sessions", {})
    assert error["code"] == "question_too_large"


async def test_a_mistake_in_our_own_code_is_500_in_the_one_shape(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: Any) -> Any:
        raise KeyError("inside")

    monkeypatch.setattr(house.store, "query", fails)
    error = await house.refused("sessions", {}, status=500)
    assert error["code"] == "fault"
    assert "inside" not in error["message"]


async def test_neither_keys_nor_bodies_are_logged(house: House, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await house.refused("sessions", {"zone": "ann@example.org"})
        await house.client.get("/api/v1/nothing", headers={"Authorization": "Bearer wf_read_secret"})
    assert "ann@example.org" not in caplog.text
    assert "wf_read_secret" not in caplog.text


async def test_where_nothing_is_saved_yet_a_name_is_answered_so(house: House) -> None:
    error = await house.refused("funnel", {"saved": "checkout"}, status=404)
    assert error["message"] == "there is no saved funnel of this name; there are none yet"


async def test_every_wrong_field_is_told_each_with_what_would_be_right(house: House) -> None:
    question = {
        "steps": [STEP | {"optonal": True, "where": [{"operator": "iss"}]}, {"events": []}],
        "brakdown": "$channel",
        "windw": "7d",
        "order": "strictly",
        "limit": 0,
    }
    error = await house.refused("funnel", question)
    told = {one["field"]: one["message"] for one in (error, *error["others"])}
    hints = {
        "brakdown": "did you mean 'breakdown'?",
        "windw": "did you mean 'window'?",
        "steps[0].optonal": "did you mean 'optional'?",
        "steps[0].where[0].property": "required",
        "steps[0].where[0].operator": "did you mean 'is'?",
        "steps[1].events": "at least 1",
        "order": "did you mean 'strict'?",
        "limit": "greater than or equal to 1",
    }
    assert told.keys() == hints.keys()
    assert {field for field, hint in hints.items() if hint not in told[field]} == set()


async def test_of_many_mistakes_so_many_are_told(house: House) -> None:
    error = await house.refused("sessions", {f"x{number}": number for number in range(1000)})
    assert error["field"] == "x0"
    assert [one["field"] for one in error["others"]] == [f"x{number}" for number in range(1, 20)]


async def test_a_question_with_one_mistake_has_no_others(house: House) -> None:
    assert "others" not in await house.refused("sessions", {"by": 1})
