"""Values bound to {name:Type} arrive as they are, whatever they hold, on both adapters."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import StoreRefused
from pipeline.store.parameters import parameter_text
from pipeline.store.port import Store

NASTY = [
    "",
    "'",
    "it's",
    "\\",
    "\\'",
    "'\\",
    "\\\\'",
    "a\\nb",
    "a\nb\tc\rd\be\ff",
    "\0",
    "a\0b",
    "%s %(x)s %%",
    "{value:String}",
    "'; DROP TABLE events; --",
    "/* */ -- #",
    "é ☃ 😀 \u202e \ufeff",
    '"`$$',
    "\\N",
    "NULL",
    "x" * 100_000,
]


@pytest.mark.parametrize("value", NASTY, ids=range(len(NASTY)))
def test_a_text_arrives_as_it_is(asked_store: Store, value: str) -> None:
    assert asked_store.query("SELECT {value:String}, length({value:String})", {"value": value}) == [
        (value, len(value.encode()))
    ]


def test_nasty_texts_arrive_in_arrays_as_they_are(asked_store: Store) -> None:
    assert asked_store.query("SELECT {values:Array(String)}", {"values": NASTY}) == [(NASTY,)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))), st.lists(st.integers(0, 2**64 - 1)))
def test_any_texts_and_ids_arrive_as_they_are(asked_store: Store, texts: list[str], ids: list[int]) -> None:
    sql = "SELECT {texts:Array(String)}, {ids:Array(UInt64)}"
    assert asked_store.query(sql, {"texts": texts, "ids": ids}) == [(texts, ids)]


def test_numbers_keep_all_their_bits(asked_store: Store) -> None:
    sql = "SELECT {u:UInt64}, {h:UInt64}, {i:Int64}, {f:Float64}, {yes:Bool}, {no:Bool}"
    values = {"u": 2**64 - 1, "h": 2**63, "i": -(2**63), "f": 1.0000000000000002e-300, "yes": True, "no": False}
    assert asked_store.query(sql, values) == [(2**64 - 1, 2**63, -(2**63), 1.0000000000000002e-300, True, False)]


def test_nothing_is_null(asked_store: Store) -> None:
    sql = "SELECT {text:Nullable(String)}, {number:Nullable(UInt64)}, {list:Array(Nullable(String))}"
    assert asked_store.query(sql, {"text": None, "number": None, "list": [None, "NULL"]}) == [
        (None, None, [None, "NULL"])
    ]


def test_a_tuple_in_a_list_is_a_tuple(asked_store: Store) -> None:
    pairs = [(2**64 - 1, "it's"), (0, "\\")]
    assert asked_store.query("SELECT {pairs:Array(Tuple(UInt64, String))}", {"pairs": pairs}) == [(pairs,)]


def test_a_tuple_or_set_by_itself_is_an_array(asked_store: Store) -> None:
    sql = "SELECT {one:Array(UInt64)}, {other:Array(String)}"
    assert asked_store.query(sql, {"one": (1, 2), "other": frozenset({"a"})}) == [([1, 2], ["a"])]


def test_a_hundred_thousand_ids_can_be_asked_for_at_once(asked_store: Store) -> None:
    ids = list(range(2**64 - 100_000, 2**64))
    sql = "SELECT count() FROM (SELECT arrayJoin({ids:Array(UInt64)}) AS id) WHERE id IN {ids:Array(UInt64)}"
    assert asked_store.query(sql, {"ids": ids}) == [(100_000,)]


def test_a_parameter_without_a_value_is_refused(asked_store: Store) -> None:
    with pytest.raises(StoreRefused, match="value") as refused:
        asked_store.query("SELECT {value:String}")
    assert refused.value.code == "unknown_query_parameter"


def test_a_value_of_the_wrong_type_is_refused(asked_store: Store) -> None:
    with pytest.raises(StoreRefused):
        asked_store.query("SELECT {value:UInt64}", {"value": "one"})


def test_what_has_no_text_of_its_own_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="dict"):
        parameter_text({"a": 1})
