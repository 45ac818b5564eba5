"""Numbered migrations of the tables, up and down.

`schemas/clickhouse/NNNN_name.up.sql` and `.down.sql`, applied one after another and noted in table `migrations`.
Every statement can be run again (IF NOT EXISTS, IF EXISTS): after a crash in the middle, what was not noted is
simply run once more, and two processes that migrate at once do no harm. `{bi:Identifier}` in one is the database of the
views for BI tools (statements/bi_database.sql).
"""

import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from pipeline.errors import UserMistake
from pipeline.store.port import Store
from pipeline.store.sql import load

PENDING = "pending_migrations"

_FILE = re.compile(r"(\d{4})_(\w+)\.up\.sql")
# A string, a quoted name, a comment, or the end of a statement.
_TOKEN = re.compile(r"'(?:[^'\\]|\\.|'')*'|`[^`]*`|\"[^\"]*\"|--[^\n]*|/\*.*?\*/|(;)", re.S)


class Migration(NamedTuple):
    number: int
    name: str
    up: tuple[str, ...]
    down: tuple[str, ...]


class Status(NamedTuple):
    current: int  # 0 = no migration applied
    latest: int
    pending: tuple[Migration, ...]


class Change(NamedTuple):
    number: int
    name: str
    direction: str  # up or down


def statements(sql: str) -> list[str]:
    """The statements of a script, without the semicolons between them."""
    parts, start = [], 0
    for token in _TOKEN.finditer(sql):
        if token[1]:
            parts.append(sql[start : token.start()])
            start = token.end()
    parts.append(sql[start:])
    return [part.strip() for part in parts if re.sub(r"--[^\n]*|/\*.*?\*/", "", part, flags=re.S).strip()]


@cache
def migrations() -> tuple[Migration, ...]:
    """All that this version of Wayfare knows, numbered from 1 without a gap."""
    folder = files("schemas") / "clickhouse"
    found = [match for entry in folder.iterdir() if (match := _FILE.fullmatch(entry.name))]
    return tuple(
        Migration(
            int(match[1]),
            match[2],
            tuple(statements((folder / match[0]).read_text("utf-8"))),
            tuple(statements((folder / match[0].replace(".up.", ".down.")).read_text("utf-8"))),
        )
        for match in sorted(found, key=lambda match: match[0])
    )


def status(store: Store) -> Status:
    """Where the database stands. Changes nothing. Raises UserMistake for a database of a newer version."""
    known = migrations()
    applied = _applied(store)
    current = max(applied, default=0)
    if current > len(known):
        newest = ", ".join(f"{number:04}_{name}" for number, name in sorted(applied.items()) if number > len(known))
        raise UserMistake(
            f"this database is of a newer version of Wayfare (it has {newest}, this version knows up to "
            f"{len(known):04}): update Wayfare, or take the migrations back with the version that made them",
            code="newer_database",
        )
    return Status(current, len(known), tuple(one for one in known if one.number not in applied))


def require_current(store: Store) -> None:
    """Raises UserMistake where tables are missing or older than this version, or newer."""
    found = status(store)
    if found.pending:
        raise UserMistake(
            f"the tables are at version {found.current} of {found.latest}: run `wayfare migrate`", code=PENDING
        )


def migrate(store: Store, to: int | None = None) -> list[Change]:
    """Brings the database to a version: the latest, one before it (down), or 0 (no tables left). Returns what was done.

    Raises UserMistake for a version that does not exist, or a database of a newer one.
    """
    known, before = migrations(), status(store)
    target = len(known) if to is None else to
    if not 0 <= target <= len(known):
        raise UserMistake(f"there is no version {target}: versions are 0 to {len(known)}", field="to")
    up = [one for one in before.pending if one.number <= target]
    down = [one for one in reversed(known) if one.number > target and one not in before.pending]
    if up or down:
        store.command(load("pipeline.store.statements", "migrations_table"))
    for migration in down:
        _run(store, migration, migration.down, is_applied=0)
    for migration in up:
        _run(store, migration, migration.up, is_applied=1)
    return [Change(one.number, one.name, "down") for one in down] + [Change(one.number, one.name, "up") for one in up]


def bi_database(store: Store) -> str:
    """Name of the database that holds the views for BI tools."""
    ((name,),) = store.query(load("pipeline.store.statements", "bi_database"))
    return str(name)


def _run(store: Store, migration: Migration, script: tuple[str, ...], *, is_applied: int) -> None:
    for statement in script:
        store.command(statement, {"bi": bi_database(store)} if "{bi:Identifier}" in statement else None)
    record = {"number": migration.number, "name": migration.name, "is_applied": is_applied}
    store.command(load("pipeline.store.statements", "migrations_record"), record)


def _applied(store: Store) -> dict[int, str]:
    ((exists,),) = store.query(load("pipeline.store.statements", "migrations_exists"))
    if not exists:
        return {}
    return dict(store.query(load("pipeline.store.statements", "migrations_applied")))
