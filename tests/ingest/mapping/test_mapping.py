"""The mapping language: paths, values, rules, and that mistakes in it name their place."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import UserMistake
from pipeline.ingest.mapping.mapping import mapping
from pipeline.ingest.mapping.paths import Place, path
from pipeline.ingest.mapping.values import value

RECORD: dict[str, Any] = {
    "id": 7,
    "customer": {"email": "ann@example.com", "Full name": "Ann"},
    "lines": [{"sku": "a", "n": 1}, {"sku": "b", "n": 2}],
    "params": [{"key": "page", "value": {"s": "/x"}}, {"key": "n", "value": {"i": 3}}],
    "a.b": True,
    "raw": '{"inner": [1, 2]}',
}
PLACE = Place(RECORD, {"account": "k"}, {"x-event": "order"})


@pytest.mark.parametrize(("text", "found"), [
    ("$.id", 7), ("$.customer.email", "ann@example.com"), ("$.customer.Full name", "Ann"),
    ("$.lines[0].sku", "a"), ("$.lines[-1].sku", "b"), ("$.lines[2].sku", None), ("$.lines[*].n", [1, 2]),
    ("$.params[?key='page'].value.s", "/x"), ("$.params[?key=='n'].value.i", 3), ("$.params[?key='no'].value", None),
    ("$['a.b']", True), ("$.raw.inner[1]", 2), ("$$.account", "k"), ("$header.x-event", "order"),
    ("$.id.more", None), ("$.no.way", None), ("$", RECORD),
])  # fmt: skip
def test_a_path_leads_to_what_stands_there(text: str, found: Any) -> None:
    assert path(text).of(PLACE) == found


@pytest.mark.parametrize("text", ["id", "$id", "$.", "$[x]", "$.a[", "$..a", "$.a[?b]"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(UserMistake) as refused:
        path(text, "event[0].event")
    assert refused.value.field == "event[0].event"


@settings(max_examples=60)
@given(st.text(max_size=30))
def test_no_text_does_more_than_to_be_refused(text: str) -> None:
    with suppress(UserMistake):
        path("$" + text).of(PLACE)


@pytest.mark.parametrize(("told", "found"), [
    ("web", "web"), (5, 5), ("$.id", 7), (["$.no", "$.customer.email", "$.id"], "ann@example.com"),
    ({"path": "$.sum", "as": "number", "decimal": ","}, 1234.5), ({"path": "$.cents", "times": 0.01}, 12.34),
    ({"path": "$.dollars", "as": "number"}, 1200), ({"path": "$.word", "as": "number"}, None),
    ({"path": "$.word", "as": "number", "else": 0}, 0), ({"path": "$.word", "map": {"w": "won"}}, None),
    ({"path": "$.w", "map": {"w": "won"}, "else": "open"}, "won"), ({"path": "$.yes", "as": "boolean"}, True),
    ({"path": "$.day", "format": "%d.%m.%Y %H:%M", "zone": "Europe/Berlin"}, "2024-02-01T10:00:00+01:00"),
    ({"path": "$.local", "as": "time", "zone": "America/New_York"}, "2024-07-01T10:00:00-04:00"),
    ({"path": "$.epoch", "as": "time"}, 1_700_000_000), ({"path": "$.word", "format": "%Y"}, None),
    ({"join": ["$.w", "$.id"], "with": "-"}, "w-7"), ({"join": ["$.w", "$.no"]}, None),
    ({"text": "$5 off"}, "$5 off"), ({"path": "$.list", "as": "json"}, [1]), ({"path": "$.id", "as": "text"}, "7"),
])  # fmt: skip
def test_a_value_is_read_as_the_mapping_says(told: Any, found: Any) -> None:
    record = RECORD | {
        "sum": "1.234,5 €", "cents": 1234, "dollars": "$1,200.00", "word": "x", "w": "w", "yes": "Yes", "list": "[1]",
        "day": "01.02.2024 10:00", "local": "2024-07-01T10:00:00", "epoch": 1_700_000_000,
    }  # fmt: skip
    assert value(told, "f").of(Place(record)) == found


CALLS = """
each = "$.calls"
[[event]]
when = { path = "$.state", in = ["ringing", "queued"] }
ignore = true

[[event]]
when = [{ path = "$.state", is = "ended" }, { path = "$.caller", set = true }]
event = "Call Ended"
channel = "phone"
message_id = { join = ["$.id", "$.state"], with = "-" }
timestamp = "$.at"
phone = "$.caller"
rest = true
[event.properties]
duration_s = { path = "$.duration", as = "number" }
account = "$$.account"
"""


def test_each_record_becomes_the_first_event_whose_condition_holds() -> None:
    ended = {
        "id": 1,
        "state": "ended",
        "at": "2024-01-01T10:00:00Z",
        "caller": "+49 30 1234567",
        "duration": "61",
        "x": 2,
    }
    lost = {"id": 2, "state": "lost"}
    events, unmapped = mapping(CALLS).events({"account": "k", "calls": [{"state": "ringing"}, ended, lost]})
    assert unmapped == [lost]
    assert events == [{
        "type": "track", "event": "Call Ended", "messageId": "1-ended", "timestamp": "2024-01-01T10:00:00Z",
        "context": {"channel": "phone", "traits": {"phone": "+49 30 1234567"}},
        "properties": {"x": 2, "duration_s": 61, "account": "k"},
    }]  # fmt: skip


def test_without_a_message_id_the_same_record_has_the_same_one() -> None:
    made = mapping('[[event]]\nevent = "Visit"\nuser_id = "$.user"')
    one, again, other = ({"user": "a", "n": 1}, {"n": 1, "user": "a"}, {"user": "a", "n": 2})
    ids = [made.events(each)[0][0]["messageId"] for each in (one, again, other)]
    assert ids[0] == ids[1] != ids[2]


def test_an_identify_call_has_traits_and_no_name() -> None:
    text = '[[event]]\ntype = "identify"\nuser_id = "$.id"\nemail = "$.customer.email"\ntraits = "$.customer"'
    ((made,), _) = mapping(text).events(RECORD)
    assert (made["type"], made["userId"], "event" in made) == ("identify", "7", False)
    assert made["traits"] == RECORD["customer"]


@pytest.mark.parametrize(("text", "field"), [
    ("nonsense", "mapping"), ("x = 1", "x"), ("[csv]\ndelimiter = ';'", "event"),
    ("[[event]]\nuser_id = '$.a'", "event[0].event"),
    ("[[event]]\nevent = 'a'\nuser = '$.a'", "event[0].user"), ("[[event]]\nevent = '$a'", "event[0].event"),
    ("[[event]]\nevent = 'a'\n[event.properties]\nx = { path = '$.a', as = 'date' }", "event[0].properties.x.as"),
    ("[[event]]\nevent = 'a'\nwhen = { path = '$.a', like = 'x' }", "event[0].when"),
    ("[[event]]\nevent = 'a'\ntimestamp = { path = '$.a', as = 'time', zone = 'Mars' }", "event[0].timestamp.zone"),
    ("[[event]]\nevent = 'a'\ntimestamp = { path = '$.a', format = '%d.%Q' }", "event[0].timestamp.format"),
    ("[[event]]\nevent = 'a'\ntimestamp = { path = '$.a', as = 'time', format = 5 }", "event[0].timestamp.format"),
    ("[[event]]\nevent = 'a'\nvalue = { path = '$.a', as = ['number'] }", "event[0].value.as"),
    ("[[event]]\nevent = 'a'\n[csv]\nquote = 'x'", "csv"),
    ("[[event]]\nevent = 'a'\n[signature]\nscheme = 'hmac'", "signature.header"),
    ("[[event]]\nevent = 'a'\n[signature]\nsigned = '{timestamp}.{body}'", "signature.timestamp_header"),
    ("[[event]]\nevent = 'a'\n[signature]\nsigned = 'x'", "signature.signed"),
])  # fmt: skip
def test_a_mistake_in_a_mapping_names_its_place(text: str, field: str) -> None:
    with pytest.raises(UserMistake) as refused:
        mapping(text)
    assert refused.value.field == field
