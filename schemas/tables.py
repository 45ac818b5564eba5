"""Names, order, types and descriptions of every table's columns, read from the migrations.

The .sql files of `schemas/clickhouse` stay the only definition: what stands here is parsed from them once.
`tests/store` holds it against what ClickHouse itself reports after the migrations.
"""

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import NamedTuple


class Column(NamedTuple):
    name: str
    type: str  # as ClickHouse writes it, e.g. DateTime64(3, 'UTC')
    description: str


class Table(NamedTuple):
    name: str
    columns: tuple[Column, ...]  # those that an insert writes, in the table's order
    computed: tuple[Column, ...]  # ALIAS and MATERIALIZED columns
    partition_by: str  # expression, "" = one partition
    order_by: tuple[str, ...]
    description: str


_TEXT = r"'((?:[^'\\]|\\.)*)'"
_CREATE = re.compile(rf"CREATE TABLE IF NOT EXISTS (\w+) \(\n(.*?)\n\)\n(ENGINE = .*?)COMMENT {_TEXT};", re.S)
_ADD = re.compile(rf"ALTER TABLE (\w+)\n    ADD COLUMN IF NOT EXISTS (\w+) (.+?) COMMENT {_TEXT} AFTER (\w+);")
_COLUMN = re.compile(rf"\s+(\w+) (.+?)(?: (ALIAS|MATERIALIZED) .+?)? COMMENT {_TEXT},?")
_PARTITION = re.compile(r"^PARTITION BY (.+)$", re.M)
_ORDER = re.compile(r"^ORDER BY \((.+)\)$", re.M)


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def parse_tables(sql: str) -> Iterator[Table]:
    """The tables that a migration creates. ValueError where a column is not laid out as ours are."""
    for name, body, engine, description in _CREATE.findall(sql):
        stored: list[Column] = []
        computed: list[Column] = []
        for line in body.splitlines():
            found = _COLUMN.fullmatch(line)
            if not found:
                raise ValueError(f"table {name}: a column must be `name type [ALIAS expression] COMMENT '...'`: {line}")
            column = Column(found[1], found[2], _plain(found[4]))
            (computed if found[3] else stored).append(column)
        partition, order = _PARTITION.search(engine), _ORDER.search(engine)
        yield Table(
            name,
            tuple(stored),
            tuple(computed),
            partition[1] if partition else "",
            tuple(order[1].split(", ")) if order else (),
            _plain(description),
        )


def _with_added(table: Table, sql: str) -> Table:
    """The table with the columns that a later migration adds to it."""
    for name, column, kind, description, after in _ADD.findall(sql):
        if name == table.name and column not in [each.name for each in table.columns]:  # made anew it has them
            at = [each.name for each in table.columns].index(after) + 1
            added = Column(column, kind, _plain(description))
            table = table._replace(columns=(*table.columns[:at], added, *table.columns[at:]))
    return table


def _load() -> Mapping[str, Table]:
    folder = files("schemas") / "clickhouse"
    migrations = sorted((f for f in folder.iterdir() if f.name.endswith(".up.sql")), key=lambda f: f.name)
    texts = [file.read_text("utf-8") for file in migrations]
    whole = "\n".join(texts)
    return {table.name: _with_added(table, whole) for text in texts for table in parse_tables(text)}


TABLES: Mapping[str, Table] = _load()
