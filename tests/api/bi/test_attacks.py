"""A `bi` key opens the views of its project, and nothing else: not another project, table, file or address."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pipeline.store.bi import BiLimits, BiReader, BiRefused, BiStatement
from tests.api.bi.conftest import STORY, Door

DENIED, READONLY, SYNTAX = 497, 164, 62

OTHER_TABLES = (
    "SELECT * FROM default.sessions",
    "SELECT (SELECT count() FROM default.definitions)",
    "SELECT 1 WHERE 1 IN (SELECT 1 FROM default.definitions)",
    "SELECT 1 IN default.salts",
    "SELECT * FROM sessions AS s JOIN default.events AS e ON 1 = 1",
    "SELECT 1 UNION ALL SELECT 1 FROM default.events",
    "WITH x AS (SELECT * FROM default.events) SELECT * FROM x",
    "SELECT * FROM view(SELECT * FROM default.events)",
    "SELECT * FROM loop(default, events)",
    "SELECT * FROM mergeTreeIndex(default, events)",
    "SELECT hasColumnInTable('default', 'events', 'device')",
    "DESCRIBE TABLE default.events",
    "SHOW CREATE TABLE default.definitions",
    "EXISTS TABLE default.events",
    "EXPLAIN SELECT * FROM default.events",
    "EXPLAIN ESTIMATE SELECT * FROM default.events",
    "CHECK TABLE default.events",
    "SELECT * FROM system.users",
    "SELECT * FROM system.grants",
)
EXPLAINED = (
    "EXPLAIN SELECT 1",
    "EXPLAIN ESTIMATE SELECT * FROM touchpoints",
    "/* x */ explain indexes = 1 select * from touchpoints",
    "EXPLAIN PIPELINE SELECT * FROM touchpoints",
    "SELECT * FROM (EXPLAIN ESTIMATE SELECT * FROM touchpoints)",
    "SELECT * FROM viewExplain('EXPLAIN ESTIMATE', '', (SELECT * FROM touchpoints))",
    "SELECT 1 WHERE 1 IN (EXPLAIN ESTIMATE SELECT * FROM touchpoints)",
    "DESCRIBE (EXPLAIN ESTIMATE SELECT * FROM touchpoints)",
)
CHANGES = (
    "INSERT INTO sessions SELECT * FROM sessions",
    "INSERT INTO FUNCTION file('/tmp/wayfare-bi', 'CSV') SELECT 1",
    "INSERT INTO default.definitions VALUES",
    "DROP VIEW sessions",
    "DROP TABLE default.events",
    "DROP DATABASE default",
    "TRUNCATE TABLE default.events",
    "ALTER TABLE default.events DELETE WHERE 1",
    "DELETE FROM default.events WHERE 1",
    "OPTIMIZE TABLE default.events",
    "RENAME TABLE bi.sessions TO bi.x",
    "CREATE VIEW bi.x AS SELECT 1",
    "CREATE TABLE x (a UInt8) ENGINE = Memory",
    "CREATE TEMPORARY TABLE x (a UInt8)",
    "CREATE FUNCTION f AS x -> x",
    "CREATE DICTIONARY bi.d (a UInt8) PRIMARY KEY a SOURCE(HTTP(URL 'http://127.0.0.1:1/' FORMAT 'CSV')) LAYOUT(FLAT)",
    "CREATE USER x",
    "GRANT SELECT ON default.* TO bi",
    "ATTACH TABLE default.x",
    "DETACH TABLE default.events",
    "BACKUP DATABASE default TO File('/tmp/wayfare-bi')",
    "RESTORE DATABASE default FROM File('/tmp/wayfare-bi')",
    "SYSTEM SHUTDOWN",
    "SYSTEM FLUSH LOGS",
    "KILL QUERY WHERE 1",
    "SET ROLE wayfare",
    "SET ROLE ALL",
    "SET max_memory_usage = 0",
    "SET readonly = 0",
    "USE default",
    "EXECUTE AS default SELECT 1",
    "SELECT 1 PARALLEL WITH SET ROLE wayfare",
    "BEGIN TRANSACTION",
)
SOURCES = (
    "file('/etc/passwd', 'LineAsString')",
    "file('/dev/stdin', 'LineAsString')",
    "url('http://127.0.0.1:{port}/', 'LineAsString')",
    "s3('http://127.0.0.1:{port}/bucket/key', 'LineAsString')",
    "remote('127.0.0.1:{port}', system.one)",
    "mysql('127.0.0.1:{port}', 'b', 'c', 'd', 'e')",
    "postgresql('127.0.0.1:{port}', 'b', 'c', 'd', 'e')",
    "mongodb('127.0.0.1:{port}', 'b', 'c', 'd', 'e', 'f String')",
    "redis('127.0.0.1:{port}', 'a', 'a String')",
    "sqlite('/tmp/x.db', 't')",
    "executable('id', TSV, 'a String')",
    "dictionary('default.d')",
    "Python(secret)",
    "default.`/etc/passwd`",
    "icebergLocal('/tmp')",
    "deltaLakeLocal('/tmp')",
    "azureBlobStorage('http://127.0.0.1:{port}', 'a', 'b')",
    "odbc('a', 'b')",
    "jdbc('a', 'b')",
)
FILES = (
    "SELECT file({path})",
    "SELECT file({path}, 'default')",
    "SELECT `file`({path})",
    "SELECT FILE({path})",
    "SELECT * APPLY(file) FROM (SELECT {path})",
    "SELECT arrayMap(x -> file(x), [{path}])",
    "SELECT file(materialize({path}))",
    "SELECT 1 LIMIT length(file({path}))",
    "SELECT * FROM numbers(length(file({path})))",
    "SELECT * FROM values('a String', file({path}))",
    "SELECT * FROM format(LineAsString, file({path}))",
    "SELECT 1 WHERE file({path}) != ''",
    "WITH file({path}) AS x SELECT x",
    "SELECT 1 FORMAT Template SETTINGS format_template_resultset = {path}",
    "EXPLAIN QUERY TREE SELECT file({path})",
    "DESCRIBE format(LineAsString, file({path}))",
    "SELECT catboostEvaluate({path}, 1)",
)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Where nobody may knock."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        found.setblocking(False)
        yield found


def test_no_table_but_the_views_can_be_read(door: Door) -> None:
    key = door.key()
    assert {sql: door.refused(sql, key) for sql in OTHER_TABLES} == dict.fromkeys(OTHER_TABLES, DENIED)


def test_how_the_engine_would_read_is_not_told(door: Door) -> None:
    key = door.key()
    assert {sql: door.refused(sql, key) for sql in EXPLAINED} == dict.fromkeys(EXPLAINED, DENIED)
    assert door.rows("SELECT 'EXPLAIN ESTIMATE' AS `EXPLAIN`", key) == [["EXPLAIN ESTIMATE"]]


def test_nothing_can_be_changed(door: Door) -> None:
    key, before = door.key(), door.rows("SELECT count() FROM sessions")
    for sql in CHANGES:
        assert door.refused(sql, key) in (DENIED, SYNTAX, 60, 344), sql
    assert door.rows("SELECT count() FROM sessions") == before
    assert not Path("/tmp/wayfare-bi").exists()


def test_no_source_is_read_and_no_address_is_knocked_at(door: Door, listener: socket.socket) -> None:
    key, port = door.key(), str(listener.getsockname()[1])
    for source in (one.replace("{port}", port) for one in SOURCES):
        assert door.ask("SELECT * FROM {source}".replace("{source}", source), key).status_code >= 400, source
        described = door.ask(f"DESCRIBE TABLE {source}", key)
        assert described.status_code >= 400 or "a String" in source, source  # the statement itself has the columns
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_no_file_is_read_by_any_function(door: Door, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.write_text("a-secret-line")
    key = door.key()
    for sql in FILES:
        answer = door.ask(sql.replace("{path}", f"'{hidden}'"), key)
        assert answer.status_code >= 400, (sql, answer.text)
        assert "a-secret-line" not in answer.text


def test_a_result_goes_into_no_file(door: Door, tmp_path: Path) -> None:
    key = door.key()
    for head in ("SELECT 1", "SHOW TABLES", "DESCRIBE TABLE sessions", "EXPLAIN SELECT 1", "EXISTS TABLE sessions"):
        assert door.refused(f"{head} INTO OUTFILE '{tmp_path}/out'", key) == DENIED
        assert door.refused(f"{head}\ninto/**/outfile '{tmp_path}/out' FORMAT CSV", key) == DENIED
    assert list(tmp_path.iterdir()) == []


def test_one_statement_at_a_time(door: Door) -> None:
    assert door.refused("SELECT 1; SELECT 2") == SYNTAX
    assert door.refused("SELECT 1; SET ROLE wayfare; SELECT * FROM default.events") == SYNTAX
    assert door.refused("SELECT 1;;;; DROP TABLE default.events") == SYNTAX
    assert door.ask("SELECT 1; -- the end").text == "1\n"


def test_settings_are_refused_in_statements_and_in_the_address(door: Door) -> None:
    key = door.key()
    assert door.refused("SELECT 1 SETTINGS max_memory_usage = 0", key) == READONLY
    assert door.refused("SELECT 1 SETTINGS log_comment = 'another'", key) == READONLY
    inner = "SELECT getSetting('readonly'), substringIndex(getSetting('log_comment'), ' ', 1)"
    for sql in ("SELECT * FROM ({})", "WITH x AS ({}) SELECT * FROM x", "SELECT * FROM view({})"):
        found = door.rows(sql.replace("{}", f"{inner} SETTINGS readonly = 0, log_comment = 'another'"), key)
        assert found == [["1", door.house.name]], sql  # the engine passes over what it may not set
    for name in (
        "log_comment",
        "readonly",
        "format_schema",
        "max_threads",
        "max_block_size",
        "role",
        "allow_ddl",
        "user_files_path",
    ):
        assert door.refused("SELECT 1", key, **{name: "0"}) in (READONLY, 344), name
    assert door.rows("SELECT getSetting('readonly'), getSetting('max_result_rows')", key, max_result_rows="7") == [
        ["1", "7"]
    ]
    assert door.rows("SELECT getSetting('max_result_rows')", key, max_result_rows="9" * 12) == [["1000000"]]
    assert door.rows("SELECT toFloat64(getSetting('max_execution_time'))", key, max_execution_time="0") == [["60"]]


def test_a_key_sees_its_own_project_alone(door: Door) -> None:
    mine = door.rows("SELECT DISTINCT project FROM sessions")
    other = door.house.project("another")
    door.house.tell(STORY.replace("buyer", "somebody"), project=other)
    assert mine == [[door.house.name]]
    for view in ("sessions", "touchpoints", "journeys", "customers", "bounce_daily"):
        assert door.rows("SELECT DISTINCT project FROM {view:Identifier}", param_view=view) == mine, view
        others = "SELECT count() FROM {view:Identifier} WHERE project != {mine:String}"
        assert door.rows(others, param_view=view, param_mine=door.house.name) == [["0"]], view
        # Nor does an error tell of them: the policy comes before the statement's own conditions.
        told = "SELECT count() FROM {view:Identifier} WHERE throwIf(project != {mine:String}) = 0"
        assert door.ask(told, param_view=view, param_mine=door.house.name).status_code == 200, view


def test_other_keys_and_none_are_refused_from_this_machine_too(door: Door) -> None:
    for kind in ("read", "write", "admin"):
        assert door.refused("SELECT 1", door.key(kind=kind)) == 516
    assert door.refused("SELECT 1", "wf_bi_unknown") == 516
    revoked = door.house.definitions.new_key(door.house.name, "bi", "gone")[0]
    door.house.definitions.revoke(door.house.name, "gone")
    assert door.refused("SELECT 1", revoked) == 516


async def test_a_bi_key_asks_no_question(door: Door) -> None:
    asked = await door.house.client.post(
        f"/api/v1/projects/{door.house.name}/questions/sessions",
        json={},
        headers={"Authorization": f"Bearer {door.key()}"},
    )
    assert asked.status_code == 403


def test_the_engines_catalogue_tells_of_the_views_only(door: Door) -> None:
    key = door.key()
    assert {database for (database,) in door.rows("SELECT DISTINCT database FROM system.tables", key)} == {"bi"}
    assert {name for (name,) in door.rows("SELECT name FROM system.databases", key)} == {"bi"}
    for table in ("processes", "parts", "errors", "events", "server_settings", "disks", "stack_trace", "clusters"):
        assert door.rows("SELECT count() FROM system.{table:Identifier}", key, param_table=table) == [["0"]], table
    assert door.ask("SHOW PROCESSLIST", key).text == ""


def test_rows_memory_time_and_length_are_bounded(door: Door) -> None:
    key = door.key()
    assert door.refused("SELECT * FROM numbers(2000000)", key) == 396
    assert door.refused("SELECT groupArray(number) FROM numbers(1000000000)", key, max_memory_usage="100000000") == 241
    assert door.refused("SELECT count() FROM numbers(1000000000000)", key, max_execution_time="1") == 159
    assert door.refused("SELECT '" + "a" * 300_000 + "'", key) == SYNTAX
    assert door.refused("", key) == SYNTAX
    assert door.refused("SELECT", key) == SYNTAX


def test_an_answers_length_is_that_in_its_format(door: Door) -> None:
    reader = BiReader(door.house.store, BiLimits(60, 10**9, 10**6, 10_000))  # type: ignore[arg-type]
    sql = "SELECT number AS `LONG` FROM numbers(100)".replace("LONG", "a" * 1000)  # 800 bytes, as JSON 100,000
    assert reader.read(BiStatement(sql, "shop"), "shop 1").data.count(b"\n") == 100
    with pytest.raises(BiRefused) as caught:
        reader.read(BiStatement(sql, "shop", form="JSONEachRow"), "shop 1")
    assert caught.value.number == 396


async def test_a_client_that_goes_away_ends_its_statement(door: Door) -> None:
    key = door.key()
    sql = "SELECT count() FROM numbers(100000000000000) WHERE NOT ignore(number)"
    async with httpx.AsyncClient(timeout=0.5) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post(f"http://127.0.0.1:{door.port}/bi/", content=sql, headers={"X-ClickHouse-Key": key})
    running = (
        "SELECT count() FROM system.processes WHERE query LIKE '%100000000000000%' AND query NOT LIKE '%processes%'"
    )
    for _ in range(200):
        if door.house.store.query(running) == [(0,)]:
            break
        await asyncio.sleep(0.05)
    assert door.house.store.query(running) == [(0,)]
