"""An insert's rows, split so that a block spans few partitions, as ClickHouse wants them."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pipeline.errors import StoreRefused
from pipeline.store.native import UnfitValue
from schemas.tables import TABLES, Table

MAX_PARTITIONS = 50
DAY_MS = 86_400_000
# The shortest span that MAX_PARTITIONS partitions are sure to cover: below it nothing needs to be looked at.
_SURELY_FEW = {"toMonday": 7 * DAY_MS * (MAX_PARTITIONS - 1), "toYYYYMM": 28 * DAY_MS * (MAX_PARTITIONS - 1)}

Columns = Sequence[Sequence[Any]]


def table_named(name: str) -> Table:
    """Raises StoreRefused for a table that no migration makes."""
    if name not in TABLES:
        raise StoreRefused(f"there is no table {name}", code="unknown_table")
    return TABLES[name]


def split_blocks(table: Table, columns: Columns) -> Iterator[Columns]:
    """The same rows in blocks of at most 50 partitions each; most inserts are one block and aren't touched.

    Raises UnfitValue where columns are missing or of different lengths, or a time is no integer.
    """
    if len(columns) != len(table.columns):
        raise UnfitValue(f"table {table.name} has {len(table.columns)} columns, {len(columns)} were given")
    if any(len(column) != len(columns[0]) for column in columns):
        raise UnfitValue(f"table {table.name}: columns of different lengths")
    if not len(columns[0]):
        return
    if not table.partition_by:
        yield columns
        return
    rule, _, rest = table.partition_by.partition("(")
    times = columns[[column.name for column in table.columns].index(rest.removesuffix(")"))]
    try:
        if max(times) - min(times) < _SURELY_FEW[rule]:
            yield columns
            return
        partitions = _partitions(rule, np.array(times, np.int64))
    except (TypeError, OverflowError) as error:
        raise UnfitValue(f"table {table.name}: times are ms as integers: {error}") from error
    distinct, where = np.unique(partitions, return_inverse=True)
    if len(distinct) <= MAX_PARTITIONS:
        yield columns
        return
    for first in range(0, len(distinct), MAX_PARTITIONS):
        rows = np.flatnonzero((where >= first) & (where < first + MAX_PARTITIONS)).tolist()
        yield [[column[row] for row in rows] for column in columns]


def _partitions(rule: str, times: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Numbers of the weeks (from Monday; 1970 began on a Thursday) or months (UTC) of times in ms."""
    if rule == "toMonday":
        return np.asarray((times // DAY_MS + 3) // 7)
    return times.astype("M8[ms]").astype("M8[M]").astype(np.int64)
