"""Lines to rows: rejects with their reasons, neighbours, control lines, and two readers that agree."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest import Ingest
from schemas.definitions import Project
from schemas.facts import EventRow, Rejected
from schemas.log import Line, log_position
from schemas.rejects import REASONS
from tests.ingest.sending import NOON, SHOP, accepted, event, line, rejected, sent

encode = msgspec.json.encode


def test_a_track_call_is_named_by_its_event_and_every_other_call_by_its_type() -> None:
    assert accepted(event(event=" Order Completed ")).event == "Order Completed"
    for kind in ("page", "screen", "identify", "group"):
        row = accepted(event(type=kind, event="page_view", groupId="g"))
        assert (row.type, row.event) == (kind, kind)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (event(type="Track"), "unknown_type"),
        (event(type=None), "unknown_type"),
        (event(type="video"), "unknown_type"),
        (event(event=None), "missing_event"),
        (event(event=" "), "missing_event"),
        (event(event=5), "wrong_type"),
        (event(type=5), "wrong_type"),
        (event(context="x"), "wrong_type"),
        (event(context=[1]), "wrong_type"),
        (b"[]", "not_an_object"),
        (b"5", "not_an_object"),
        (b'"x"', "not_an_object"),
        (b"null", "not_an_object"),
        (b'{"type":"track","event":"\\ud800","anonymousId":"d"}', "malformed_json"),
        (b'{"type":"track","event":"\xff","anonymousId":"d"}', "malformed_json"),
        (b'{"type":"track","event":"a","anonymousId":"d","context":{"page":{"url":"\xff"}}}', "malformed_json"),
        (b'{"type":"track","anonymousId":"d","context":{"page":{"url":"\\ud800"}}}', "malformed_json"),
        (event(properties={"a": "x" * 33_000}), "too_large"),
        (b'{"x":' + b"[" * 15_000 + b"]" * 15_000 + b"}", "too_deep"),
    ],
)
def test_what_cannot_be_used_is_rejected_with_its_reason_and_payload(payload: Any, reason: str) -> None:
    row = rejected(payload)
    assert row.reason == reason
    assert (row.project, row.received_at, row.source) == ("shop", NOON, "site")
    assert row.message or reason in ("malformed_json",)
    raw = payload if isinstance(payload, bytes) else encode(payload)
    assert row.payload == raw.decode(errors="replace")


def test_context_of_an_empty_array_is_an_empty_context_as_php_writes_it() -> None:
    accepted(event(context=[]))


@pytest.mark.parametrize(
    "context",
    [
        {"page": {"title": 5, "path": "/a"}},
        {"page": "x"},
        {"campaign": []},
        {"device": 5},
        {"userAgent": {}},
        {"traits": 5, "externalIds": 5},
    ],
)
def test_a_detail_of_a_wrong_type_counts_as_absent_and_hurts_nothing_else(context: dict[str, Any]) -> None:
    row = accepted(event(context=context, properties={"revenue": 5}))
    assert row.value_micros == 5_000_000
    assert row.title == ""


def test_a_reject_found_at_the_door_stays_one() -> None:
    one = Line(p="shop", d=7, r=NOON, s="site", x="malformed_json", w="cut off", e=msgspec.Raw(b'"{oops"'))
    (row,) = Ingest({}).accept_lines(encode(one), 0, 0, 0)
    assert isinstance(row, Rejected)
    assert (row.reason, row.message, row.device, row.payload) == ("malformed_json", "cut off", 7, '"{oops"')


def test_a_bad_line_never_hurts_its_neighbours() -> None:
    good = encode(line(event()))
    bad = [encode(line(event(userId=[1]))), b"no line at all", b"{}", good + good, encode(line(b"5"))]
    for broken in bad:
        rows = Ingest({"shop": SHOP}).accept_lines(b"\n".join((good, broken, good)) + b"\n", 1, 2, 3)
        assert [type(row) for row in rows] == [EventRow, Rejected, EventRow]
        assert [row.log_position for row in rows] == [log_position(1, 2, 3, i) for i in range(3)]  # type: ignore[union-attr]


def test_control_lines_come_as_they_are() -> None:
    controls = [
        Line(p="", d=0, r=NOON, c="clock"),
        Line(p="shop", d=5, r=NOON, c="restitch", e=msgspec.Raw(b'{"type":5}')),
    ]
    value = b"\n".join(map(encode, [controls[0], line(event()), controls[1]]))
    first, row, last = Ingest({}).accept_lines(value, 0, 0, 0)
    assert isinstance(row, EventRow)
    assert isinstance(first, Line)
    assert isinstance(last, Line)
    assert (first.c, last.c, last.d, bytes(last.e)) == ("clock", "restitch", 5, b'{"type":5}')


def test_large_records_of_small_lines_are_read_and_a_large_line_among_them_is_rejected() -> None:
    lines = [encode(line(event(messageId=f"m-{n}", properties={"pad": "x" * 900}))) for n in range(60)]
    lines[7] = encode(line(event(properties={"pad": "x" * 40_000})))
    rows = Ingest({}).accept_lines(b"\n".join(lines), 0, 0, 0)
    assert [n for n, row in enumerate(rows) if isinstance(row, Rejected)] == [7]


def test_an_event_of_an_unknown_project_is_treated_by_the_default_rules() -> None:
    (row,) = Ingest({}).accept_lines(encode(line(event())), 0, 0, 0)
    assert isinstance(row, EventRow)


def test_lines_of_several_projects_in_one_record_are_each_judged_by_its_own() -> None:
    strict = Project("other", lateness_ms=1000)
    lines = [line(event(timestamp="2024-06-01T11:00:00Z", sentAt="2024-06-01T12:00:00Z")) for _ in range(3)]
    lines[1].p = "other"
    for order in (lines, lines[::-1], [lines[1], lines[0]]):
        rows = Ingest({"shop": SHOP, "other": strict}).accept_lines(b"\n".join(map(encode, order)), 0, 0, 0)
        assert [(row.project, isinstance(row, Rejected)) for row in rows if not isinstance(row, Line)] == [
            (one.p, one.p == "other") for one in order
        ]


def test_changed_definitions_count_after_a_refresh() -> None:
    projects = {"shop": Project(name="shop")}
    ingest, old = Ingest(projects), line(event(timestamp=0))
    assert isinstance(ingest.accept(old, 0), EventRow)
    projects["shop"] = Project(name="shop", lateness_ms=1)
    ingest.refresh()
    assert isinstance(ingest.accept(old, 0), Rejected)


def test_the_device_is_the_one_that_the_collector_computed() -> None:
    one = line(event())
    one.d = 42
    row = Ingest({}).accept(one, 0)
    assert row.device == 42


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(["2024-06-01T12:00:00Z", "track", "null", "a@b.co", "https://g.co/?gclid=1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=5)
            | st.sampled_from(
                [
                    "page",
                    "url",
                    "campaign",
                    "source",
                    "session",
                    "id",
                    "new",
                    "device",
                    "type",
                    "traits",
                    "email",
                    "revenue",
                    "title",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
FIELDS = (
    *(
        "type",
        "event",
        "messageId",
        "anonymousId",
        "userId",
        "groupId",
        "previousId",
        "timestamp",
        "originalTimestamp",
        "sentAt",
    ),
    *("name", "category", "channel", "sequence", "context", "properties", "traits", "unknown"),
)
EVENTS = st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON)).flatmap(
    lambda fields: st.fixed_dictionaries({}, optional={k: st.just(v) for k, v in event().items()}).map(
        lambda base: {**base, **fields}
    )
)


def _dump(value: Any) -> bytes:
    return json.dumps(value).encode()


@given(
    EVENTS | JSON,
    st.sampled_from(["", "browser", "app", "server", "vendor", "import"]),
    st.sampled_from(["", "2024-06-01T11:59:59Z", "?"]),
)
def test_any_json_gives_a_row_or_a_reason_and_both_readers_agree(payload: Any, kind: str, sent_at: str) -> None:
    row = sent(_dump(payload), kind=kind, t=sent_at)
    if isinstance(row, Rejected):
        assert row.reason in REASONS
    else:
        assert row.message_id
        assert msgspec.json.decode(row.properties).__class__ is dict


@given(
    st.binary(max_size=60) | EVENTS.map(_dump).flatmap(lambda raw: st.integers(0, len(raw)).map(lambda cut: raw[:cut]))
)
def test_any_bytes_give_a_result_for_each_line(value: bytes) -> None:
    for row in Ingest({}).accept_lines(value, 0, 0, 0):
        assert isinstance(row, EventRow | Line) or row.reason in REASONS


def test_the_same_line_gives_the_same_row_in_any_record() -> None:
    lines = [encode(line(event(messageId=f"m-{n}", userId=n if n % 3 else [n]))) for n in range(10)]
    ingest = Ingest({"shop": SHOP})
    together = ingest.accept_lines(b"\n".join(lines), 0, 0, 0)
    for n, one in enumerate(lines):
        (alone,) = ingest.accept_lines(one, 0, 0, 0)
        assert msgspec.structs.replace(alone, log_position=n) == together[n]
