"""What is stored of properties and traits, and the numbers in them."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest.properties import OUT_OF_RANGE, micros
from tests.ingest.sending import accepted, event, rejected

RAW = b'{"type":"track","event":"x","anonymousId":"d","messageId":"m","properties":%s}'


def test_properties_are_stored_byte_for_byte() -> None:
    text = b'{"a": 38.0, "b":1e2,\t"c":"\xc3\xa4", "d":"\\/"}'
    assert accepted(RAW % text).properties == text.decode()


def test_properties_of_a_page_get_its_name_and_category_where_they_have_none() -> None:
    row = accepted(event(type="page", name='Ho"me', category="Docs", properties={"url": "https://shop.example/"}))
    assert json.loads(row.properties) == {"name": 'Ho"me', "category": "Docs", "url": "https://shop.example/"}
    assert accepted(event(type="screen", name="Main")).properties == '{"name":"Main"}'
    assert accepted(event(type="page", name="a", properties={"name": "b"})).properties == '{"name":"b"}'
    assert accepted(event(name="a", properties={})).properties == "{}"
    for unread in (None, 5):
        assert accepted(event(type="page", name="a", properties={"name": unread})).properties == '{"name":"a"}'


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "{ }",
        '{\t"a": 1.0 , "b":"\u00e4"}',
        '{"a":{"name":"inner","category":[]}}',
        '{"n\\u0061me":"own"}',
        '{"\\u006eame":null,"c\\u0061tegory":5}',
        '{"a":"name","b":"\\"name\\""}',
    ],
)
def test_a_page_s_name_and_category_stand_beside_properties_of_any_writing(text: str) -> None:
    raw = b'{"type":"page","name":"N","category":"C","anonymousId":"d","messageId":"m","properties":%s}'
    sent = json.loads(text)
    own = {name: word for name, word in (("name", "N"), ("category", "C")) if not isinstance(sent.get(name), str)}
    stored = accepted(raw % text.encode()).properties
    assert json.loads(stored, object_pairs_hook=list) == json.loads(
        json.dumps(own | {name: value for name, value in sent.items() if name not in own}), object_pairs_hook=list
    )


def test_a_name_that_stands_twice_is_stored_once_with_its_last_value() -> None:
    assert stored_of(b'{"plan":"free","plan":"pro"}') == '{"plan":"pro"}'
    assert stored_of(b'{"plan" : "free", "\\u0070lan"\t:"pro", "at":"10:00"}') == '{"plan":"pro","at":"10:00"}'
    assert stored_of(b'{"revenue":1,"revenue":2}') == '{"revenue":2}'
    assert stored_of(b'{"a":{"plan":"free","plan":"pro"},"b":[{"c":1,"c":2}]}') == '{"a":{"plan":"pro"},"b":[{"c":2}]}'
    assert stored_of(b'{"a":' + b"[" * 200 + b"]" * 200 + b',"a":1}') == '{"a":1}'


def test_nothing_private_is_stored_under_a_name_that_stands_twice() -> None:
    assert stored_of(b'{"email":"ann@example.com","email":true}') == '{"email":true}'
    assert stored_of(b'{"a":{"email":"ann@example.com"},"a":1}') == '{"a":1}'


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":"x\\":1, \\"a\\":2","b" : "https://shop.example/a,{1"}',
        b'{"a" : {"a" : 1.50}, "b":[{"a" :1},{"a" :2}]}',
    ],
)
def test_text_that_only_looks_like_names_changes_nothing(text: bytes) -> None:
    assert stored_of(text) == text.decode()


members = st.lists(st.tuples(st.sampled_from(["a", "b", 'x":', "c :", "d,{"]), st.deferred(lambda: values)), max_size=4)
values = st.recursive(
    st.sampled_from(['":', " :", "1:2", ",{", 1, 2.5, None, True]),
    lambda inner: st.lists(inner, max_size=3) | members.map(tuple),
    max_leaves=8,
)


def written(value: Any, blank: str) -> str:
    """JSON of a value, of a tuple an object with these members, in which names may stand twice."""
    if isinstance(value, tuple):
        told = (f"{json.dumps(name)}{blank}:{blank}{written(inner, blank)}" for name, inner in value)
        return "{" + f",{blank}".join(told) + "}"
    if isinstance(value, list):
        return "[" + ",".join(written(inner, blank) for inner in value) + "]"
    return json.dumps(value)


@given(members.map(tuple), st.sampled_from(["", " ", "\t"]))
def test_whatever_is_sent_no_name_stands_twice_and_the_last_value_counts(told: Any, blank: str) -> None:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    text = written(told, blank)
    found = stored_of(text.encode())
    assert json.loads(found, object_pairs_hook=once) == json.loads(text)


def stored_of(properties: bytes) -> str:
    return accepted(RAW % properties).properties


def test_traits_are_the_properties_of_identify_and_group() -> None:
    assert accepted(event(type="identify", traits={"plan": "x"}, properties={"a": 1})).properties == '{"plan":"x"}'
    assert accepted(event(type="identify", context={"traits": {"plan": "x"}})).properties == '{"plan":"x"}'
    assert (
        accepted(event(type="group", traits={"plan": "x"}, context={"traits": {"n": 1}})).properties == '{"plan":"x"}'
    )


@pytest.mark.parametrize("nothing", [b"{}", b"null", b"[]", b"[ ]"])
def test_no_properties_are_an_empty_object(nothing: bytes) -> None:
    assert accepted(RAW % nothing).properties == "{}"


@pytest.mark.parametrize("wrong", [b'"x"', b"5", b"true", b"[1]", b"[{}]"])
def test_properties_that_are_no_object_are_a_wrong_type(wrong: bytes) -> None:
    row = rejected(RAW % wrong)
    assert (row.reason, row.field, row.payload) == ("wrong_type", "properties", (RAW % wrong).decode())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"a":NaN}', "malformed_json"),
        (b'{"a":"\\ud800"}', "malformed_json"),
        (b'{"a":"\\udc00x"}', "malformed_json"),
        (b'{"a":"\xff"}', "malformed_json"),
        (b'{"a":9223372036854775808}', "number_out_of_range"),
        (b'{"a":-9223372036854775809}', "number_out_of_range"),
        (b'{"a":{"b":[123456789012345678901234567890]}}', "number_out_of_range"),
        (b'{"a":1e400}', "number_out_of_range"),
        (b'{"a":' + b"[" * 40 + b"]" * 40 + b"}", "too_deep"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "too_deep"),
        (b'{"a":' + b"[" * 9000 + b"]" * 9000 + b"}", "too_deep"),
        (b"{" + b",".join(b'"k%d":1' % i for i in range(1001)) + b"}", "too_many_properties"),
        (b'{"a":[' + b",".join(b'{"k":1}' for _ in range(1000)) + b"]}", "too_many_properties"),
    ],
)
def test_what_cannot_be_stored_exactly_is_rejected_with_its_reason(text: bytes, reason: str) -> None:
    assert rejected(RAW % text).reason == reason


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":9223372036854775807,"b":-9223372036854775808}',
        b'{"a":' + b"[" * 31 + b"]" * 31 + b"}",
        b"{" + b",".join(b'"k%d":1' % i for i in range(1000)) + b"}",
        b'{"a":"\\ud83d\\ude00 \\u0000"}',
        b'{"a":0.12345678901234567890123}',
    ],
)
def test_limits_are_inclusive(text: bytes) -> None:
    assert accepted(RAW % text).properties == text.decode()


@pytest.mark.parametrize(
    "key", ["email", "Email", "EMAIL", "e-mail", "emailAddress", "email_address", "phone", "phoneNumber"]
)
def test_email_and_phone_are_never_stored(key: str) -> None:
    row = accepted(event(properties={key: "ann@example.com", "keep": 1.50}))
    assert row.properties == '{"keep":1.5}'


def test_an_escaped_key_hides_nothing() -> None:
    assert accepted(RAW % b'{"\\u0065mail":"ann@example.com"}').properties == "{}"


def test_a_flag_named_like_an_email_is_kept() -> None:
    assert accepted(event(properties={"email": True, "phone": None})).properties == '{"email":true,"phone":null}'


@pytest.mark.parametrize(
    ("properties", "value"),
    [
        (b'{"revenue":12.5}', 12_500_000),
        (b'{"revenue":0.1,"value":9}', 100_000),
        (b'{"value":9,"total":8}', 9_000_000),
        (b'{"total":"19.99"}', 19_990_000),
        (b'{"revenue":null,"value":3}', 3_000_000),
        (b'{"revenue":"free","value":3}', 3_000_000),
        (b'{"revenue":true}', 0),
        (b'{"revenue":-5}', -5_000_000),
        (b'{"revenue":9223372036854.775807}', 2**63 - 1),
        (b'{"revenue":0.0000004}', 0),
        (b'{"revenue":1e-9999}', 0),
    ],
)
def test_the_value_is_revenue_else_value_else_total_to_the_millionth(properties: bytes, value: int) -> None:
    assert accepted(RAW % properties).value_micros == value


@pytest.mark.parametrize("text", [b"9223372036854.775808", b'"NaN"', b'"Infinity"', b"1e300", b'"1e999999999"'])
def test_a_value_beyond_64_bits_of_millionths_is_out_of_range(text: bytes) -> None:
    for name in (b"revenue", b"value", b"total", b"cost"):
        row = rejected(RAW % (b'{"%s":%s}' % (name, text)))
        assert (row.reason, row.field) == ("number_out_of_range", f"properties.{name.decode()}")


def test_currency_and_cost_are_read_beside_the_value() -> None:
    row = accepted(event(properties={"revenue": 1, "currency": "usd ", "cost": "0.25"}))
    assert (row.currency, row.cost_micros) == ("USD", 250_000)
    assert accepted(event(properties={"currency": "usd"})).currency == ""


@given(st.decimals(allow_nan=True, allow_infinity=True, places=6) | st.decimals())
def test_money_is_exact_or_out_of_range(number: Any) -> None:
    found = micros(str(number).encode())
    if not number.is_finite() or abs(number) >= 10**13:
        assert found == OUT_OF_RANGE or abs(number) < 10**13
    elif found != OUT_OF_RANGE:
        assert found is not None
        assert abs(found - number * 1_000_000) <= 1


def test_a_property_of_a_wrong_type_is_kept_and_read_as_absent() -> None:
    row = accepted(event(type="page", properties={"url": 5, "title": "T", "revenue": 1}))
    assert (row.url, row.title, row.value_micros) == ("", "T", 1_000_000)
    assert msgspec.json.decode(row.properties)["url"] == 5
