"""Columns become blocks and blocks become rows again; ClickHouse's own reading of them is held in test_inserts."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import StoreRefused
from pipeline.store.native import RUN, UnfitValue, encode_block, encoder
from pipeline.store.results import rows_of, split_types

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "UInt8": st.integers(0, 2**8 - 1),
    "UInt32": st.integers(0, 2**32 - 1),
    "UInt64": st.integers(0, 2**64 - 1),
    "Int64": st.integers(-(2**63), 2**63 - 1),
    "Bool": st.booleans(),
    "String": TEXT,
    "LowCardinality(String)": TEXT,
    "Array(UInt64)": st.lists(st.integers(0, 2**64 - 1)),
    "Array(Int64)": st.lists(st.integers(-(2**63), 2**63 - 1)),
    "Array(String)": st.lists(TEXT),
    "Array(LowCardinality(String))": st.lists(TEXT),
}


@given(st.data(), st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=5), st.integers(1, 20))
def test_what_is_encoded_is_what_is_read(data: st.DataObject, types: list[str], rows: int) -> None:
    columns = [data.draw(st.lists(VALUES[one], min_size=rows, max_size=rows)) for one in types]
    block = encode_block([(f"column {number}", one) for number, one in enumerate(types)], columns)
    assert [row for some in rows_of(block) for row in some] == list(zip(*columns, strict=True))


@pytest.mark.parametrize("rows", [RUN - 1, RUN, RUN + 1, 3 * RUN + 7])
def test_rows_that_are_encoded_in_several_runs_are_one_block(rows: int) -> None:
    def value(column_type: str, row: int) -> Any:
        if column_type.startswith("Array"):
            return [value(column_type.removeprefix("Array(")[:-1], row + number) for number in range(row % 3)]
        return row % 2 if column_type in ("Bool", "UInt8") else str(row) if "String" in column_type else row

    columns = [[value(one, row) for row in range(rows)] for one in VALUES]
    block = encode_block([(f"column {number}", one) for number, one in enumerate(VALUES)], columns)
    assert [row for some in rows_of(block) for row in some] == list(zip(*columns, strict=True))


ALIKE: dict[str, tuple[Any, Any]] = {
    "UInt8": (0, 255),
    "UInt64": (2**64 - 1, 0),
    "Int64": (-1, 7),
    "Bool": (False, True),
    "Float64": (0.0, -0.5),
    "String": ("", "ä"),
    "LowCardinality(String)": ("web", ""),
    "Array(UInt64)": ([], [1, 2]),
}


@pytest.mark.parametrize("rows", [1, 2, 3, RUN, RUN + 1])
@pytest.mark.parametrize("other_at", [None, 0, 1, -1])
def test_a_column_of_one_value_is_read_as_it_is_and_so_is_one_with_a_single_other(
    rows: int, other_at: int | None
) -> None:
    columns = [[value] * rows for value, _ in ALIKE.values()]
    if other_at is not None and rows > 1:
        for column, (_, other) in zip(columns, ALIKE.values(), strict=True):
            column[other_at] = other
    block = encode_block([(f"column {number}", one) for number, one in enumerate(ALIKE)], columns)
    assert [row for some in rows_of(block) for row in some] == list(zip(*columns, strict=True))


@pytest.mark.parametrize("length", [0, 1, 127, 128, 16_383, 16_384, 3_000_000])
@pytest.mark.parametrize("letter", ["a", "é"])
def test_texts_of_any_length_are_encoded(length: int, letter: str) -> None:
    values = [letter * length, "b", ""]
    block = encode_block([("text", "String")], [values])
    assert list(rows_of(block)) == [[(value,) for value in values]]


@pytest.mark.parametrize("keys", [1, 2, 256, 257, 65_536, 65_537])
def test_any_number_of_names_fits_a_low_cardinality_column(keys: int) -> None:
    values = [f"name {number}" for number in range(keys)] * 2
    block = encode_block([("name", "LowCardinality(String)")], [values])
    assert list(rows_of(block)) == [[(value,) for value in values]]


def test_times_travel_as_milliseconds() -> None:
    assert encoder("DateTime64(3, 'UTC')")([1, -1]) == encoder("Int64")([1, -1])


def test_a_protocol_that_marks_serializations_has_a_byte_after_each_type() -> None:
    assert encode_block([("a", "UInt8")], [[7]]) == b"\x01\x01\x01a\x05UInt8\x07"
    assert encode_block([("a", "UInt8")], [[7]], b"\x00") == b"\x01\x01\x01a\x05UInt8\x00\x07"


def test_blocks_follow_each_other() -> None:
    one = encode_block([("a", "UInt8")], [[1, 2]])
    assert list(rows_of(one + encode_block([("a", "UInt8")], [[]]) + one)) == [[(1,), (2,)], [(1,), (2,)]]


def test_an_unfit_value_names_its_column() -> None:
    for column_type, value in (
        ("UInt8", 256),
        ("UInt64", -1),
        ("String", 5),
        ("String", b"a"),
        ("Array(String)", [None]),
    ):
        with pytest.raises(UnfitValue, match="colour"):
            encode_block([("colour", column_type)], [[value]])


def test_columns_of_different_lengths_do_not_make_a_block() -> None:
    with pytest.raises(UnfitValue, match="b has 1 values, a has 2"):
        encode_block([("a", "UInt8"), ("b", "UInt8")], [[1, 2], [1]])


def test_an_unknown_type_of_a_result_is_refused() -> None:
    with pytest.raises(StoreRefused, match="Thing"):
        list(rows_of(b"\x01\x01\x01a\x05Thing\x00"))


def test_arguments_of_types_are_told_apart() -> None:
    assert list(split_types("String, Array(Tuple(a UInt8, b String)), Enum8('a, b' = 1)")) == [
        "String",
        "Array(Tuple(a UInt8, b String))",
        "Enum8('a, b' = 1)",
    ]
