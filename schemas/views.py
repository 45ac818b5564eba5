"""Names, order, types and descriptions of the columns of the views that BI tools read, read from the migrations.

The .sql files of `schemas/clickhouse` stay the only definition. `tests/store` holds it against what ClickHouse itself
reports after the migrations, and the page docs/bi.md is made from it.
"""

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import NamedTuple

from schemas.tables import Column


class View(NamedTuple):
    name: str
    columns: tuple[Column, ...]
    description: str


_TEXT = r"'((?:[^'\\]|\\.)*)'"
_CREATE = re.compile(
    r"CREATE OR REPLACE VIEW \{bi:Identifier\}\.(\w+) \(\n(.*?)\n\)\nDEFINER = CURRENT_USER SQL SECURITY DEFINER\n"
    rf"AS\n.*?\nCOMMENT {_TEXT};",
    re.S,
)
_COLUMN = re.compile(rf"\s+(\w+) (.+?) COMMENT {_TEXT},?")


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def parse_views(sql: str) -> Iterator[View]:
    """The views that a migration creates. ValueError where a column is not laid out as ours are."""
    for name, body, description in _CREATE.findall(sql):
        columns = []
        for line in body.splitlines():
            found = _COLUMN.fullmatch(line)
            if not found:
                raise ValueError(f"view {name}: a column must be `name type COMMENT '...'`: {line}")
            columns.append(Column(found[1], found[2], _plain(found[3])))
        yield View(name, tuple(columns), _plain(description))


def _load() -> Mapping[str, View]:
    folder = files("schemas") / "clickhouse"
    migrations = sorted((f for f in folder.iterdir() if f.name.endswith(".up.sql")), key=lambda f: f.name)
    return {view.name: view for f in migrations for view in parse_views(f.read_text("utf-8"))}


VIEWS: Mapping[str, View] = _load()
