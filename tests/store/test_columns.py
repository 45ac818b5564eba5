"""A statement of numbers comes back as columns, from both stores alike."""

import pytest

from pipeline.errors import StoreRefused
from pipeline.store.port import Store

NUMBERS = "SELECT number AS n, toInt64(number) - 1, toUInt8(number % 2), number > 0 FROM numbers({many:UInt64})"


def test_each_column_is_an_array_of_its_type(store: Store) -> None:
    columns, cost = store.columns(NUMBERS, {"many": 100_000}, {"max_block_size": 1_000})
    assert [column.dtype.str for column in columns] == ["<u8", "<i8", "|u1", "|u1"]
    assert [int(column.sum()) for column in columns] == [4_999_950_000, 4_999_850_000, 50_000, 99_999]
    assert cost == store.measured(NUMBERS, {"many": 100_000})[1]


def test_without_a_row_there_is_no_column(store: Store) -> None:
    assert store.columns(NUMBERS, {"many": 0})[0] == []


def test_a_text_is_no_number(store: Store) -> None:
    with pytest.raises(StoreRefused, match="String"):
        store.columns("SELECT toString(number) FROM numbers(2)")


def test_a_limit_refuses_columns_as_it_refuses_rows(store: Store) -> None:
    with pytest.raises(StoreRefused) as refusal:
        store.columns(NUMBERS, {"many": 10}, {"max_result_rows": 5, "result_overflow_mode": "throw"})
    assert refusal.value.code == "too_many_rows_or_bytes"
