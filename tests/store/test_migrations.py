"""Migrations bring any database of ours to any version, and say so where they cannot."""

import pytest

from pipeline.errors import Fault, UserMistake
from pipeline.store import migrations
from pipeline.store.migrations import Change, Migration, migrate, require_current, statements, status
from pipeline.store.port import Store
from schemas.facts import FOREVER
from schemas.tables import TABLES
from tests.store.rows import T0, columns

OURS = migrations.migrations()
NEWEST = len(OURS)
ALL_UP = [Change(one.number, one.name, "up") for one in OURS]
ALL_DOWN = [Change(one.number, one.name, "down") for one in reversed(OURS)]

TABLES_THERE = "SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY name"

NEXT = Migration(
    NEWEST + 1,
    "next",
    ("CREATE TABLE IF NOT EXISTS next (a UInt8) ENGINE = MergeTree ORDER BY a", "INSERT INTO next SELECT 1"),
    ("DROP TABLE IF EXISTS next",),
)


@pytest.fixture
def following(monkeypatch: pytest.MonkeyPatch) -> Migration:
    """A version that has one migration more."""
    known = (*OURS, NEXT)
    monkeypatch.setattr(migrations, "migrations", lambda: known)
    return NEXT


def tables(store: Store) -> set[str]:
    return {name for (name,) in store.query(TABLES_THERE)}


def test_an_empty_database_gets_all_tables(empty_store: Store) -> None:
    assert status(empty_store)[:2] == (0, NEWEST)
    assert tables(empty_store) == set()
    assert migrate(empty_store) == ALL_UP
    assert set(TABLES) <= tables(empty_store)
    assert status(empty_store)[:2] == (NEWEST, NEWEST)


def test_a_current_database_is_left_alone(own_store: Store) -> None:
    assert migrate(own_store) == []
    assert own_store.query("SELECT count() FROM migrations") == [(NEWEST,)]


def test_an_older_database_keeps_its_rows_and_gets_the_rest(own_store: Store, following: Migration) -> None:
    own_store.insert("owners", columns("owners", 5, owned_from=range(5)))
    assert status(own_store).pending == (following,)
    assert migrate(own_store) == [Change(NEWEST + 1, "next", "up")]
    assert own_store.query("SELECT count() FROM owners") == [(5,)]
    assert own_store.query("SELECT a FROM next") == [(1,)]


def test_who_needs_tables_that_are_not_there_is_told_to_migrate(own_store: Store, following: Migration) -> None:
    with pytest.raises(UserMistake, match="run `wayfare migrate`"):
        require_current(own_store)
    migrate(own_store)
    require_current(own_store)


def test_a_database_of_a_newer_version_is_refused_and_told_which(
    own_store: Store, following: Migration, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(own_store)
    monkeypatch.undo()
    for ask in (status, migrate):
        with pytest.raises(UserMistake, match=f"{NEWEST + 1:04}_next") as refused:
            ask(own_store)
        assert refused.value.code == "newer_database"


def test_down_goes_to_the_asked_version_and_up_comes_back(own_store: Store, following: Migration) -> None:
    migrate(own_store)
    assert migrate(own_store, to=NEWEST) == [Change(NEWEST + 1, "next", "down")]
    assert "next" not in tables(own_store)
    assert migrate(own_store, to=0) == ALL_DOWN
    assert tables(own_store) == {"migrations"}
    assert migrate(own_store) == [*ALL_UP, Change(NEWEST + 1, "next", "up")]
    assert status(own_store).current == NEWEST + 1


def test_a_version_that_does_not_exist_is_a_mistake(empty_store: Store) -> None:
    for version in (-1, 99):
        with pytest.raises(UserMistake) as refused:
            migrate(empty_store, to=version)
        assert refused.value.field == "to"


def test_after_a_crash_at_any_statement_the_next_run_finishes(empty_store: Store) -> None:
    """As a crash leaves it: the statements before it done, and nothing noted."""
    facts = OURS[0]
    for done in (1, 2, len(facts.up) // 2, len(facts.up)):
        for statement in facts.up[:done]:
            empty_store.command(statement)
        assert status(empty_store).current == 0
        assert migrate(empty_store) == ALL_UP
        assert set(TABLES) <= tables(empty_store)
        assert migrate(empty_store, to=1) == ALL_DOWN[:-1]  # later ones, which may change its tables, are gone by then
        for statement in facts.down[:done]:
            empty_store.command(statement)
        assert migrate(empty_store, to=0) == ALL_DOWN[-1:]
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
    assert status(empty_store).current == NEWEST


def test_entries_into_saved_funnels_go_along_into_a_table_of_another_order_and_back(empty_store: Store) -> None:
    """Whenever it crashes on the way there; every statement of 0008 to 0010 and its note are tried."""
    migrate(empty_store, to=7)
    rows = columns("funnel_entries", 3, after_at=[0, 5, FOREVER], step_times=[(T0, T0 + 9, 0)] * 3)
    empty_store.insert("funnel_entries", rows)
    for at in range(2, 9):
        with pytest.raises(Fault):
            migrate(CrashingStore(empty_store, at), to=10)  # type: ignore[arg-type]
        migrate(empty_store)
        found = empty_store.query("SELECT id, standing, took_2, took_3 FROM funnel_entries FINAL ORDER BY id")
        assert found == [(0, 3, 9, 2**32 - 1), (1, 0, 9, 2**32 - 1), (2, 1, 9, 2**32 - 1)]
        migrate(empty_store, to=7)
        assert empty_store.query("SELECT id, after_at FROM funnel_entries ORDER BY id") == [
            (0, 0),
            (1, 5),
            (2, FOREVER),
        ]


def test_migrations_are_numbered_from_one_and_each_has_its_way_back() -> None:
    known = migrations.migrations()
    assert [one.number for one in known] == list(range(1, len(known) + 1))
    assert all(one.up and one.down for one in known)


def test_a_script_is_cut_at_semicolons_outside_of_texts_and_comments() -> None:
    script = "SELECT ';' ; -- no; \n/* ; */\nSELECT 'it''s; ' AS `a;b`;\n-- the end;\n"
    assert statements(script) == ["SELECT ';'", "-- no; \n/* ; */\nSELECT 'it''s; ' AS `a;b`"]
