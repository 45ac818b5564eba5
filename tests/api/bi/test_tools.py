"""Released clients connect and read: what Superset, dbt and notebooks are built on."""

import warnings

import clickhouse_connect
import httpx
import pandas
import pytest
import sqlalchemy

from schemas.views import VIEWS
from tests.api.bi.conftest import Door

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


def test_clickhouse_connect_reads_every_view_with_its_types(door: Door) -> None:
    client = clickhouse_connect.get_client(
        host="127.0.0.1", port=door.port, username="bi", password=door.key(), proxy_path="bi", compress=True
    )
    for view in VIEWS.values():
        # A result without rows has no columns in the native format; with LIMIT 0 the client asks for them alone.
        sql = (
            "SELECT * FROM {view:Identifier} LIMIT 0"
            if view.name == "attribution"
            else "SELECT * FROM {view:Identifier}"
        )
        found = client.query(sql, parameters={"view": view.name})
        assert found.column_names == tuple(column.name for column in view.columns)
        assert [kind.name for kind in found.column_types] == [column.type for column in view.columns], view.name
    by_day = "SELECT day, sum(sessions) AS n FROM bounce_daily WHERE definition = {d:String} GROUP BY day ORDER BY day"
    frame = client.query_df(by_day, parameters={"d": "engaged"})
    assert frame["n"].sum() == int(door.rows("SELECT count() FROM sessions")[0][0])
    many = client.query("SELECT number, toString(number) FROM numbers(50000)")
    assert len(many.result_rows) == 50_000
    with pytest.raises(clickhouse_connect.driver.exceptions.DatabaseError, match="Not enough privileges"):
        client.query("SELECT * FROM default.sessions")
    client.close()


def test_clickhouse_sqlalchemy_and_pandas_read_views_and_reflect_them(door: Door) -> None:
    engine = sqlalchemy.create_engine(f"clickhouse+http://bi:{door.key()}@127.0.0.1:{door.port}/bi?endpoint=bi/")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with engine.connect() as connection:
            frame = pandas.read_sql("SELECT session_id, day, views FROM sessions ORDER BY session_id", connection)
            names = sqlalchemy.inspect(connection).get_view_names()
            columns = sqlalchemy.inspect(connection).get_columns("sessions")
    engine.dispose()
    assert len(frame) == int(door.rows("SELECT count() FROM sessions")[0][0])
    assert frame["views"].sum() == int(door.rows("SELECT sum(views) FROM sessions")[0][0])
    assert set(names) == set(VIEWS)
    assert [column["name"] for column in columns] == [column.name for column in VIEWS["sessions"].columns]


def test_every_place_where_tools_put_a_key_opens(door: Door) -> None:
    key, url = door.key(), f"http://127.0.0.1:{door.port}"
    assert httpx.get(f"{url}/bi/", params={"query": "SELECT 1", "user": "bi", "password": key}).text == "1\n"
    assert httpx.get(f"{url}/bi", params={"query": "SELECT 1"}, auth=("anybody", key)).text == "1\n"
    assert httpx.post(f"{url}/", content="SELECT 1", headers={"Authorization": f"Bearer {key}"}).text == "1\n"
    assert httpx.get(f"{url}/ping").text == httpx.get(f"{url}/bi/ping").text == "Ok.\n"


def test_a_statement_stands_in_the_address_the_body_or_both_and_chooses_its_format(door: Door) -> None:
    key = door.key()
    assert door.ask("+ {n:UInt8}", key, query="SELECT 40", param_n="2").text == "42\n"
    assert door.ask("SELECT 1 AS a", key, default_format="JSONEachRow").json() == {"a": 1}
    assert door.ask("SELECT 1 AS a FORMAT CSVWithNames", key).text == '"a"\n1\n'
    packed = door.ask("SELECT repeat('a', 5000)", key, enable_http_compression="1")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.text == "a" * 5000 + "\n"


def test_columns_and_their_descriptions_are_in_the_engines_catalogue(door: Door) -> None:
    rows = door.rows(
        "SELECT table, name, type, comment FROM system.columns WHERE database = 'bi'", default_format="TSVRaw"
    )
    told = {tuple(row) for row in rows}
    assert told == {(v.name, c.name, c.type, c.description) for v in VIEWS.values() for c in v.columns}
