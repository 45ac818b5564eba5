"""The views for BI tools are on both stores what `schemas/views.py` says, and read with no right on the tables."""

from collections.abc import Callable

import pytest

from pipeline.cli.bi import statements, views_of
from pipeline.settings import Settings, load
from pipeline.store import open_store
from pipeline.store.migrations import bi_database, migrate
from pipeline.store.port import Store
from schemas.views import VIEWS, parse_views
from tests.store.rows import columns

NAMES = (
    ("sessions", "journeys", "touchpoints", "conversions", "funnel_entries", "funnel_daily")
    + ("bounce_daily", "customers", "attribution")
)  # fmt: skip
COLUMNS = "SELECT table, name, type, comment FROM system.columns WHERE database = {bi:String} ORDER BY table, position"
TABLES = "SELECT name, comment FROM system.tables WHERE database = {bi:String} ORDER BY name"
DEFINED = (
    "SELECT count() FROM system.tables WHERE database = {bi:String} "
    "AND position(create_table_query, 'SECURITY DEFINER') > 0"
)


def test_views_and_columns_are_those_that_clickhouse_reports(store: Store) -> None:
    bi = {"bi": bi_database(store)}
    assert sorted(VIEWS) == sorted(NAMES)
    assert store.query(TABLES, bi) == [(name, VIEWS[name].description) for name in sorted(NAMES)]
    assert store.query(COLUMNS, bi) == [(name, *column) for name in sorted(NAMES) for column in VIEWS[name].columns]
    assert all(column.description for view in VIEWS.values() for column in view.columns)
    assert store.query(DEFINED, bi) == [(len(NAMES),)]


def test_every_view_answers_with_the_types_that_it_promises(store: Store) -> None:
    name = bi_database(store)
    for view in VIEWS.values():
        sql = "SELECT toTypeName(tuple(*)) FROM {bi:Identifier}.{view:Identifier} LIMIT 0"
        assert store.query(sql, {"bi": name, "view": view.name}) == []


def test_every_view_answers_whatever_a_join_fills_with(store: Store) -> None:
    name = bi_database(store)
    store.insert("touchpoints", columns("touchpoints", 1, is_bot=[0]))  # of a customer without a journey
    for view in VIEWS.values():
        sql, bound = "SELECT toString(tuple(*)) FROM {bi:Identifier}.{view:Identifier}", {"bi": name, "view": view.name}
        assert store.query(sql, bound, {"join_use_nulls": 1}) == store.query(sql, bound), view.name
    assert store.query("SELECT count() FROM {bi:Identifier}.customers", {"bi": name}) == [(1,)]


def test_views_go_with_their_migration_and_come_back(own_store: Store) -> None:
    bi = {"bi": bi_database(own_store)}
    migrate(own_store, to=0)
    assert own_store.query(TABLES, bi) == []
    migrate(own_store)
    assert len(own_store.query(TABLES, bi)) == len(NAMES)


def test_two_databases_of_one_server_have_views_of_their_own(fresh_database: Callable[[], str]) -> None:
    names = set()
    for url in (fresh_database(), fresh_database()):
        opened = open_store(url)
        try:
            migrate(opened)
            names.add(bi_database(opened))
            assert views_of(load({"WAYFARE_STORE": url})) == bi_database(opened)
        finally:
            opened.close()
    assert len(names) == 2


def test_the_default_database_has_its_views_in_bi() -> None:
    assert views_of(Settings(store="clickhouse://user:word@host:9000")) == "bi"
    assert views_of(Settings(store="clickhouse://user:word@host/default?secure=1")) == "bi"
    assert views_of(Settings(store="clickhouse://user:word@host/wayfare")) == "bi_wayfare"


def test_a_column_without_a_description_is_noticed() -> None:
    sql = (
        "CREATE OR REPLACE VIEW {bi:Identifier}.x (\n    a UInt8\n)\nDEFINER = CURRENT_USER SQL SECURITY DEFINER\n"
        "AS\nSELECT 1 AS a\nCOMMENT 'x';"
    )
    with pytest.raises(ValueError, match="view x"):
        list(parse_views(sql))


def test_the_statements_that_make_a_user_are_clickhouses_sql(asked_store: Store) -> None:
    told = statements("it's `me`", "bi_shop", "sh'op", 30, 10**9, 1000)
    for statement in told:
        (((text),),) = asked_store.query("SELECT formatQuerySingleLine({sql:String})", {"sql": statement})
        assert text
    assert "max_execution_time = 30 MIN 1 MAX 30" in told[0]  # 0 would be no limit
    assert "max_result_rows = 1000 MIN 1 MAX 1000" in told[0]
    assert told[2].startswith("GRANT SELECT ON `bi_shop`.* TO")
    assert len(told) == 4
    assert len(statements("bi", "bi", "", 30, 10**9, 1000)) == 3
