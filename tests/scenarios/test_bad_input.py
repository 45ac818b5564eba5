"""Input that cannot be used, through the whole system: each has its reason in `rejected`, and its neighbours are in."""

import json
import time
from typing import Any

import msgspec

from tests.scenarios.house import House

NOW = time.time_ns() // 1_000_000


def event(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "Seen",
        "messageId": f"n{number}",
        "anonymousId": f"device-{number % 5}",
        "timestamp": NOW - 60_000,
    } | fields


def text(number: int, **fields: Any) -> bytes:
    return json.dumps(event(number, **fields)).encode()


def nested(depth: int) -> Any:
    return {"in": nested(depth - 1)} if depth else 1


BAD: dict[str, tuple[bytes, str]] = {
    "cut off": (b'{"type":"track","event":"Seen","anony', "malformed_json"),
    "no JSON at all": (b"GET / HTTP/1.1", "malformed_json"),
    "NaN": (b'{"type":"track","event":"Seen","anonymousId":"a","properties":{"price":NaN}}', "malformed_json"),
    "a lone surrogate": (
        rb'{"type":"track","event":"Seen","anonymousId":"a","properties":{"name":"\ud83d"}}',
        "malformed_json",
    ),
    "no UTF-8": (b'{"type":"track","event":"Se\xff\xfen","anonymousId":"a"}', "malformed_json"),
    "an array": (b'["track", "Seen"]', "not_an_object"),
    "a number": (b"7", "not_an_object"),
    "null": (b"null", "not_an_object"),
    "a type that there is none of": (text(1, type="purchase"), "unknown_type"),
    "no type": (text(2, type=None), "unknown_type"),
    "a type that is no text": (text(3, type=7), "wrong_type"),
    "a track call without its name": (text(4, event=None), "missing_event"),
    "a name that is a number": (text(5, event=7), "wrong_type"),
    "ids that are an object": (text(6, userId={"id": 1}), "wrong_type"),
    "a context that is a text": (text(7, context="web"), "wrong_type"),
    "nobody": (text(8, anonymousId=None), "missing_identity"),
    "nobody but a placeholder": (text(9, anonymousId="undefined"), "missing_identity"),
    "2^63 in a property": (text(10, properties={"n": 1 << 63}), "number_out_of_range"),
    "an id beyond 64 bits": (text(11, userId=1 << 70), "number_out_of_range"),
    "money without end": (text(12, properties={"revenue": 1e300}), "number_out_of_range"),
    "nested without end": (text(13, properties=nested(200)), "too_deep"),
    "brackets alone": (
        b'{"type":"track","event":"x","anonymousId":"a","properties":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        "too_deep",
    ),
    "too large": (text(14, properties={"text": "x" * 40_000}), "too_large"),
    "too many properties": (text(15, properties={f"p{n}": n for n in range(2_000)}), "too_many_properties"),
    "an alias of nobody": (text(16, type="alias", userId="me"), "invalid_alias"),
    "an alias of oneself": (text(17, type="alias", userId="me", previousId="me"), "invalid_alias"),
}


def test_each_bad_line_has_its_reason_and_every_good_neighbour_is_in(house: House) -> None:
    project = house.project()
    lines = [line for n, (bad, _) in enumerate(BAD.values()) for line in (text(1_000 + n), bad, text(2_000 + n))]
    project.bring(lines)
    house.drained()
    rejected = project.ask("rejected", newest=1000)
    told = {name: reasons_of(bad, rejected["newest"]) for name, (bad, _) in BAD.items()}
    assert told == {name: {reason} for name, (_, reason) in BAD.items()}
    assert rejected["count"] == len(BAD)
    assert all(each["message"] for each in rejected["newest"]), "each says what is wrong"
    assert project.ask("trend", events=["Seen"])["events"] == 2 * len(BAD)
    proof = project.proof()
    assert (proof["events"], proof["differences"]) == (2 * len(BAD), 0)


def reasons_of(bad: bytes, newest: list[dict[str, Any]]) -> set[str]:
    """Why the line was rejected. It is found by its payload: the same value, or its text where it is none."""
    return {each["reason"] for each in newest if essence(each["payload"].encode()) == essence(bad)}


def essence(sent: bytes) -> str:
    try:
        value = msgspec.json.decode(sent)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = sent.decode("utf-8", "replace")
    return (value if isinstance(value, str) else json.dumps(value, sort_keys=True))[:200]


def test_a_batch_loses_only_its_bad_events(house: House) -> None:
    project = house.project()
    answer = project.post_raw(
        "/v1/batch",
        b'{"batch":[' + text(1) + b"," + BAD["NaN"][0] + b",3," + text(2, type="?") + b"," + text(3) + b"]}",
    )
    assert (answer.status_code, answer.json()["rejected"]) == (200, 3)
    house.drained()
    assert project.ask("trend", events=["Seen"])["events"] == 2
    counts = {each["reason"]: each["count"] for each in project.ask("rejected")["counts"]}
    assert counts == {"malformed_json": 1, "not_an_object": 1, "unknown_type": 1}


def test_what_may_be_read_in_two_ways_is_stored_in_one(house: House) -> None:
    project = house.project()

    def sent(text: bytes, charset: str) -> int:
        kind = f"application/json; charset={charset}"
        return project.post_raw("/v1/batch", b'{"batch":[%b]}' % text, **{"Content-Type": kind}).status_code

    start = b'{"type":"track","anonymousId":"a",'
    taken = [
        start + b'"event":"Nul","properties":{"said":"one\\u0000two"}}',
        start + b'"event":"Once","event":"Twice","anonymousId":"b","properties":{"said":"first","said":"last"}}',
        start + '"event":"Umlaut","properties":{"said":"für"}}'.encode(),
    ]
    assert [sent(text, "iso-8859-1") for text in taken] == [200] * 3
    assert sent(start + b'"event":"Raw","properties":{"said":"one\0two"}}', "utf-8") == 400
    assert sent((start.decode() + '"event":"Wide"}').encode("utf-16"), "utf-16") == 400
    assert sent(start + '"event":"Latin","properties":{"said":"für"}}'.encode("latin-1"), "iso-8859-1") == 200
    house.drained()
    (rows,) = project.rows(
        "SELECT event, toString(properties), device FROM events FINAL WHERE project = {project:String}"
    )
    said = {event: json.loads(properties)["said"] for event, properties, _ in rows}
    assert said == {"Nul": "one\0two", "Twice": "last", "Umlaut": "für"}
    assert len({device for _, _, device in rows}) == 2
    (reject,) = project.ask("rejected")["newest"]
    assert (reject["reason"], "f\ufffdr" in reject["payload"]) == ("malformed_json", True)
    assert project.proof()["differences"] == 0


def test_a_body_that_is_no_json_is_refused_whole_and_an_empty_batch_is_nothing(house: House) -> None:
    project = house.project()
    for body, code in ((b"{", "malformed_json"), (b"[]", "invalid_body"), (b"", "malformed_json")):
        answer = project.post_raw("/v1/batch", body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, code), body
    assert project.post([]).status_code == 200
    house.drained()
    assert project.ask("rejected")["count"] == 0
    assert project.ask("sessions")["total"]["events"] == 0


def test_times_of_1970_are_kept_and_those_of_2099_are_when_they_came(house: House) -> None:
    project = house.project()
    project.bring(
        [
            text(1, event="Early", timestamp="1970-01-01T00:00:00.001Z"),
            text(2, event="Late", timestamp="2099-12-31T23:59:59Z"),
            text(3, event="Unreadable", timestamp="yesterday"),
            text(4, event="Endless", timestamp=1 << 62),
            text(5, event="Negative", timestamp=-(1 << 62)),
        ]
    )
    house.drained()
    ((early,), *others) = (
        project.ask("trend", events=[name], by="month")["points"]
        for name in ("Early", "Late", "Unreadable", "Endless", "Negative")
    )
    assert (early["period"][:7], early["events"]) == ("1970-01", 1)
    today = time.strftime("%Y-%m", time.gmtime())
    assert [[(point["period"][:7], point["events"]) for point in points] for points in others] == [[(today, 1)]] * 4
    assert project.ask("rejected")["count"] == 0
    assert project.proof()["differences"] == 0


def test_what_is_older_than_the_projects_limit_is_rejected(house: House) -> None:
    project = house.project(lateness_ms=86_400_000)
    project.bring([text(1), text(2, timestamp=NOW - 2 * 86_400_000)])
    house.drained()
    assert [(each["reason"], each["count"]) for each in project.ask("rejected")["counts"]] == [("too_old", 1)]
    assert project.ask("trend", events=["Seen"])["events"] == 1
