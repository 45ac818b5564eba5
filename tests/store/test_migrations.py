"""Migrations bring any database of ours to any version, and say so where they cannot."""

import pytest

from pipeline.errors import Fault, UserMistake
from pipeline.store import migrations
from pipeline.store.migrations import Change, Migration, migrate, statements, status
from pipeline.store.port import Store
from schemas.tables import TABLES
from tests.store.rows import columns

TABLES_THERE = "SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY name"

SECOND = Migration(
    2,
    "second",
    ("CREATE TABLE IF NOT EXISTS second (a UInt8) ENGINE = MergeTree ORDER BY a", "INSERT INTO second SELECT 1"),
    ("DROP TABLE IF EXISTS second",),
)


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> Migration:
    """A version that has one migration more."""
    known = (*migrations.migrations(), SECOND)
    monkeypatch.setattr(migrations, "migrations", lambda: known)
    return SECOND


def tables(store: Store) -> set[str]:
    return {name for (name,) in store.query(TABLES_THERE)}


def test_an_empty_database_gets_all_tables(empty_store: Store) -> None:
    assert status(empty_store)[:2] == (0, 1)
    assert tables(empty_store) == set()
    assert migrate(empty_store) == [Change(1, "facts", "up")]
    assert set(TABLES) <= tables(empty_store)
    assert status(empty_store)[:2] == (1, 1)


def test_a_current_database_is_left_alone(store: Store) -> None:
    assert migrate(store) == []
    assert store.query("SELECT count() FROM migrations") == [(1,)]


def test_an_older_database_keeps_its_rows_and_gets_the_rest(store: Store, second: Migration) -> None:
    store.insert("owners", columns("owners", 5, owned_from=range(5)))
    assert status(store).pending == (second,)
    assert migrate(store) == [Change(2, "second", "up")]
    assert store.query("SELECT count() FROM owners") == [(5,)]
    assert store.query("SELECT a FROM second") == [(1,)]


def test_a_database_of_a_newer_version_is_refused_and_told_which(
    store: Store, second: Migration, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(store)
    monkeypatch.undo()
    for ask in (status, migrate):
        with pytest.raises(UserMistake, match="0002_second") as refused:
            ask(store)
        assert refused.value.code == "newer_database"


def test_down_goes_to_the_asked_version_and_up_comes_back(store: Store, second: Migration) -> None:
    migrate(store)
    assert migrate(store, to=1) == [Change(2, "second", "down")]
    assert "second" not in tables(store)
    assert migrate(store, to=0) == [Change(1, "facts", "down")]
    assert tables(store) == {"migrations"}
    assert migrate(store) == [Change(1, "facts", "up"), Change(2, "second", "up")]
    assert status(store).current == 2


def test_a_version_that_does_not_exist_is_a_mistake(empty_store: Store) -> None:
    for version in (-1, 99):
        with pytest.raises(UserMistake) as refused:
            migrate(empty_store, to=version)
        assert refused.value.field == "to"


def test_after_a_crash_at_any_statement_the_next_run_finishes(empty_store: Store) -> None:
    """As a crash leaves it: the statements before it done, and nothing noted."""
    (facts,) = migrations.migrations()
    for done in (1, 2, len(facts.up) // 2, len(facts.up)):
        for statement in facts.up[:done]:
            empty_store.command(statement)
        assert status(empty_store).current == 0
        assert migrate(empty_store) == [Change(1, "facts", "up")]
        assert set(TABLES) <= tables(empty_store)
        for statement in facts.down[:done]:
            empty_store.command(statement)
        assert migrate(empty_store, to=0) == [Change(1, "facts", "down")]
        assert tables(empty_store) == {"migrations"}


class CrashingStore:
    """A store that fails at its n-th command."""

    def __init__(self, store: Store, at: int) -> None:
        self.query, self._command, self._left = store.query, store.command, at

    def command(self, sql: str, parameters: object = None) -> None:
        self._left -= 1
        if self._left == 0:
            raise Fault("crash")
        self._command(sql, parameters)  # type: ignore[arg-type]


@pytest.mark.parametrize("at", [1, 2, 5])
def test_a_migration_that_failed_is_not_noted(empty_store: Store, at: int) -> None:
    with pytest.raises(Fault):
        migrate(CrashingStore(empty_store, at))  # type: ignore[arg-type]
    assert status(empty_store).current == 0
    migrate(empty_store)
    assert status(empty_store).current == 1


def test_migrations_are_numbered_from_one_and_each_has_its_way_back() -> None:
    known = migrations.migrations()
    assert [one.number for one in known] == list(range(1, len(known) + 1))
    assert all(one.up and one.down for one in known)


def test_a_script_is_cut_at_semicolons_outside_of_texts_and_comments() -> None:
    script = "SELECT ';' ; -- no; \n/* ; */\nSELECT 'it''s; ' AS `a;b`;\n-- the end;\n"
    assert statements(script) == ["SELECT ';'", "-- no; \n/* ; */\nSELECT 'it''s; ' AS `a;b`"]
