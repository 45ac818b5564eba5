"""What a query gives is plain Python values, exact and the same from both adapters."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.errors import StoreRefused
from pipeline.store import open_store
from pipeline.store.port import Store
from pipeline.store.remote import _Clients

EXACT = {
    "toUInt8(255)": 255,
    "toUInt64(18446744073709551615)": 2**64 - 1,
    "toInt64(-9223372036854775808)": -(2**63),
    "toFloat64(0)": 0.0,
    "1 / 3": 1 / 3,
    "toFloat32(0.5)": 0.5,
    "true": True,
    "NULL": None,
    "CAST(NULL, 'Nullable(UInt64)')": None,
    "toNullable(5)": 5,
    "''": "",
    "'it''s'": "it's",
    "repeat('é', 100)": "é" * 100,
    "toLowCardinality('x')": "x",
    "toLowCardinality(toNullable('y'))": "y",
    "CAST(NULL, 'LowCardinality(Nullable(String))')": None,
    "[]": [],
    "[1, 2]": [1, 2],
    "[[1], [], [2, 3]]": [[1], [], [2, 3]],
    "[toLowCardinality('a'), toLowCardinality('b')]": ["a", "b"],
    "[NULL, 'a']": [None, "a"],
    "(1, 'a', NULL)": (1, "a", None),
    "CAST((1, 'a'), 'Tuple(number UInt8, text String)')": (1, "a"),
    "[(1, ['a', 'b']), (2, [])]": [(1, ["a", "b"]), (2, [])],
    "(toLowCardinality('a'), [toLowCardinality('b')])": ("a", ["b"]),
    "map('a', 1, 'b', 2)": {"a": 1, "b": 2},
    "map('a', [1])": {"a": [1]},
    "toUnixTimestamp64Milli(toDateTime64('2023-11-14 22:13:20.001', 3, 'UTC'))": 1_700_000_000_001,
}


@pytest.mark.parametrize("expression", EXACT, ids=str)
def test_a_value_comes_out_exact_and_of_its_type(asked_store: Store, expression: str) -> None:
    ((value,),) = asked_store.query(f"SELECT {expression}")
    assert value == EXACT[expression]
    assert type(value) is type(EXACT[expression])


def test_floats_that_are_no_numbers_stay_what_they_are(asked_store: Store) -> None:
    ((nan, inf, average),) = asked_store.query("SELECT nan, -inf, avg(number) FROM numbers(0)")
    assert math.isnan(nan)
    assert math.isinf(inf)
    assert math.isnan(average)


@pytest.mark.parametrize(
    "expression", ["now()", "today()", "now64(3)", "[now()]", "toDecimal64(1, 2)", "generateUUIDv4()"]
)
def test_what_has_no_plain_value_may_not_leave_the_store(asked_store: Store, expression: str) -> None:
    with pytest.raises(StoreRefused, match="toUnixTimestamp64Milli") as refused:
        asked_store.query(f"SELECT {expression}")
    assert refused.value.code == "unfit_type"
    assert asked_store.query("SELECT 1") == [(1,)]


def test_a_result_without_rows_is_an_empty_list(asked_store: Store) -> None:
    assert asked_store.query("SELECT number, 'a' FROM numbers(0)") == []


def test_rows_of_many_blocks_keep_their_order(asked_store: Store) -> None:
    sql = "SELECT number, toString(number), [toLowCardinality(toString(number % 300))] FROM numbers(200000)"
    rows = asked_store.query(sql, None, {"max_threads": 1, "max_block_size": 10_000})
    assert rows == [(number, str(number), [str(number % 300)]) for number in range(200_000)]


def test_a_stream_gives_the_same_rows_in_blocks(asked_store: Store) -> None:
    sql = "SELECT number, {text:String} FROM numbers({rows:UInt64})"
    blocks = list(asked_store.stream(sql, {"text": "it's", "rows": 300_000}))
    assert len(blocks) > 1
    assert [row for block in blocks for row in block] == [(number, "it's") for number in range(300_000)]


def test_a_stream_may_be_left_in_the_middle(asked_store: Store) -> None:
    for _ in range(20):  # more often than there are sessions or clients
        stream = iter(asked_store.stream("SELECT number FROM system.numbers"))
        assert next(stream)[0] == (0,)
        stream.close()  # type: ignore[attr-defined]
    assert asked_store.query("SELECT 1") == [(1,)]


def test_a_stream_tells_an_error_in_its_middle(asked_store: Store) -> None:
    with pytest.raises(StoreRefused, match="three"):
        for _ in asked_store.stream("SELECT throwIf(number = 3000000, 'three') FROM numbers(5000000)"):
            pass
    assert asked_store.query("SELECT 1") == [(1,)]


def test_a_statement_that_copies_a_table_has_no_limit_of_the_servers_profile(
    fresh_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    connectable = _Clients._connectable

    def limited(clients: _Clients) -> Any:
        client = connectable(clients)
        client.settings["max_execution_time"] = 1  # as a profile of the server's would have it
        return client

    monkeypatch.setattr(_Clients, "_connectable", limited)
    store = open_store(fresh_database())
    slow = "SELECT sleepEachRow(0.1) FROM numbers(15) SETTINGS max_block_size = 1"
    with pytest.raises(StoreRefused):
        store.query(slow)
    store.command("CREATE TABLE copied (slept UInt8) ENGINE = MergeTree ORDER BY slept")
    store.command(f"INSERT INTO copied {slow}")
    assert store.query("SELECT count() FROM copied") == [(15,)]
    store.close()


def test_settings_hold_for_their_query_only(asked_store: Store) -> None:
    sql = "SELECT getSetting('max_block_size'), getSetting('max_execution_time')"
    (default,) = asked_store.query(sql)
    assert asked_store.query(sql, None, {"max_block_size": 1234, "max_execution_time": 7}) == [(1234, 7.0)]
    assert asked_store.query(sql, None, {"max_block_size": 99}) == [(99, default[1])]
    assert asked_store.query(sql) == [default]
