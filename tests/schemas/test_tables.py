"""The tables' definition in SQL, the structs of the facts and the descriptions say the same."""

import typing

import msgspec
import pytest

from schemas import facts
from schemas.tables import TABLES, Column, parse_tables

STRUCTS: dict[str, type[msgspec.Struct]] = {
    "events": facts.EventRow,
    "timeline": facts.Event,
    "sessions": facts.Session,
    "touchpoints": facts.Touchpoint,
    "owners": facts.Ownership,
    "pairs": facts.Pair,
    "refusals": facts.RefusedPair,
    "identities": facts.Identity,
    "journeys": facts.Journey,
    "conversions": facts.Conversion,
    "funnel_entries": facts.FunnelEntry,
    "rejected": facts.Rejected,
}
WRITERS = ["version", "is_deleted"]
PYTHON_TYPES = {
    "String": str,
    "LowCardinality(String)": str,
    "Bool": bool,
    "DateTime64(3, 'UTC')": int,
    "Array(UInt64)": tuple[int, ...],
    "Array(Int64)": tuple[int, ...],
    "Array(String)": tuple[str, ...],
    "Array(LowCardinality(String))": tuple[str, ...],
} | dict.fromkeys(("UInt8", "UInt32", "UInt64", "Int64"), int)


@pytest.mark.parametrize("table", STRUCTS)
def test_a_struct_has_its_tables_columns_in_order_and_of_the_same_type(table: str) -> None:
    types = typing.get_type_hints(STRUCTS[table])
    fields = [(name, types[name]) for name in STRUCTS[table].__struct_fields__]
    stored = [(one.name, PYTHON_TYPES[one.type]) for one in TABLES[table].columns]
    assert fields == stored[: -len(WRITERS)]
    assert [name for name, _ in stored[-len(WRITERS) :]] == WRITERS


def test_events_begin_with_the_columns_of_the_timeline() -> None:
    narrow = TABLES["timeline"].columns[: -len(WRITERS)]
    assert TABLES["events"].columns[: len(narrow)] == narrow


@pytest.mark.parametrize(("copy", "of"), [("owners_by_owner", "owners"), ("identities_by_customer", "identities")])
def test_a_copy_has_the_columns_of_its_table(copy: str, of: str) -> None:
    assert TABLES[copy].columns == TABLES[of].columns


@pytest.mark.parametrize("table", TABLES)
def test_every_table_and_column_is_described(table: str) -> None:
    assert len(TABLES[table].description) > 10
    undescribed = [one.name for one in TABLES[table].columns + TABLES[table].computed if not one.description.strip()]
    assert not undescribed


@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_sorted_and_cut_by_columns_that_it_has(table: str) -> None:
    names = {one.name for one in TABLES[table].columns + TABLES[table].computed}
    assert TABLES[table].order_by or table == "salts"  # a log, of a few rows
    assert set(TABLES[table].order_by) <= names
    assert TABLES[table].partition_by.partition("(")[2].removesuffix(")") in names | {""}


def test_computed_columns_are_none_that_an_insert_writes() -> None:
    assert [one.name for one in TABLES["sessions"].computed][:2] == ["duration_ms", "bounced_engaged"]


def test_a_column_without_a_description_is_an_error() -> None:
    with pytest.raises(ValueError, match="a UInt8"):
        list(
            parse_tables(
                "CREATE TABLE IF NOT EXISTS t (\n    a UInt8\n)\nENGINE = MergeTree\nORDER BY (a)\nCOMMENT 'x';"
            )
        )


def test_quotes_and_commas_in_a_description_are_text() -> None:
    column = "a UInt8 COMMENT 'it\\'s, so'"
    (table,) = parse_tables(f"CREATE TABLE IF NOT EXISTS t (\n    {column}\n)\nENGINE = Memory\nCOMMENT 'x';")
    assert table.columns == (Column("a", "UInt8", "it's, so"),)
