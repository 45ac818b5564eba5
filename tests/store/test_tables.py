"""What is read from the migrations is what ClickHouse has after them."""

from pipeline.store.port import Store
from schemas.tables import TABLES

COLUMNS = """
SELECT table, name, type, comment, default_kind IN ('ALIAS', 'MATERIALIZED')
FROM system.columns
WHERE database = currentDatabase() AND table IN (SELECT name FROM system.tables
    WHERE database = currentDatabase() AND engine NOT LIKE '%View')
ORDER BY table, position
"""


def test_columns_are_those_that_clickhouse_reports(store: Store) -> None:
    found: dict[str, list[tuple[object, ...]]] = {}
    for table, *column in store.query(COLUMNS):
        found.setdefault(table, []).append(tuple(column))
    del found["migrations"]
    assert set(found) == set(TABLES)
    for table in TABLES.values():
        reported = found[table.name]
        assert [one[:3] for one in reported if not one[3]] == list(table.columns)
        assert [one[:3] for one in reported if one[3]] == list(table.computed)


def test_every_table_of_the_database_is_described(store: Store) -> None:
    sql = (
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine NOT LIKE '%View' AND comment = ''"
    )
    assert store.query(sql) == []
