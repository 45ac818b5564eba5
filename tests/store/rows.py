"""Rows for tables under test: columns with every type's edges in them."""

from collections.abc import Sequence
from typing import Any

from schemas.tables import TABLES

T0 = 1_700_000_000_000  # Tuesday 2023-11-14 22:13:20 UTC


def columns(table: str, rows: int, **given: Sequence[Any]) -> list[Sequence[Any]]:
    """Columns of a table, in its order: those given, the rest plain and different from row to row."""
    unknown = set(given) - {column.name for column in TABLES[table].columns}
    assert not unknown, unknown
    return [given.get(one.name, _plain(one.name, one.type, rows)) for one in TABLES[table].columns]


def _plain(name: str, column_type: str, rows: int) -> Sequence[Any]:
    if name == "version":
        return [1] * rows
    if name == "is_deleted" or column_type == "Bool":
        return [0] * rows
    if column_type.startswith("Array("):
        return [()] * rows
    if column_type.startswith("DateTime64"):
        return [T0 + row for row in range(rows)]
    if column_type == "LowCardinality(String)":
        return [f"{name} {row % 7}" for row in range(rows)]
    if column_type == "String":
        return [f"{name} {row}" for row in range(rows)]
    return [row % 200 for row in range(rows)]
