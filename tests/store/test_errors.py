"""Errors tell apart what was wrong with a statement and what is wrong with the store, and never a password."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.errors import InvalidSetting, StoreRefused, StoreUnavailable
from pipeline.store import open_store, remote
from pipeline.store.port import Store
from tests.equipment.clickhouse_fixtures import Endpoint
from tests.store.rows import columns


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT * FROM nowhere", "unknown_table"),
        ("SELECT nothing", "unknown_identifier"),
        ("SELEC 1", "syntax_error"),
        ("SELECT 1; SELECT 2", "syntax_error"),
        ("SELECT throwIf(1, 'thrown')", "function_throw_if_value_is_non_zero"),
    ],
)
def test_a_wrong_statement_is_refused_with_clickhouses_own_name_of_the_error(
    empty_store: Store, sql: str, code: str
) -> None:
    with pytest.raises(StoreRefused) as refused:
        empty_store.query(sql)
    assert refused.value.code == code
    assert "Stack trace" not in refused.value.message
    assert empty_store.query("SELECT 1") == [(1,)]


def test_a_semicolon_in_a_text_or_at_the_end_is_no_second_statement(empty_store: Store) -> None:
    assert empty_store.query("SELECT ';' -- ; \n;") == [(";",)]


def test_a_query_over_its_time_limit_is_refused(empty_store: Store) -> None:
    with pytest.raises(StoreRefused) as refused:
        empty_store.query("SELECT count() FROM system.numbers", None, {"max_execution_time": 1})
    assert refused.value.code == "timeout_exceeded"


def test_a_setting_that_does_not_exist_is_refused(empty_store: Store) -> None:
    with pytest.raises(StoreRefused):
        empty_store.query("SELECT 1", None, {"no_such_setting": 1})
    assert empty_store.query("SELECT 1") == [(1,)]


def test_a_closed_store_is_unavailable(empty_store: Store) -> None:
    empty_store.query("SELECT 1")
    empty_store.close()
    empty_store.close()
    with pytest.raises(StoreUnavailable):
        empty_store.query("SELECT 1")


def test_nobody_listens_is_unavailable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    store = open_store(f"clickhouse://default:secret-word@127.0.0.1:{port}/default")
    with pytest.raises(StoreUnavailable) as raised:
        store.query("SELECT 1")
    assert "secret-word" not in str(raised.value)


def test_a_server_that_does_not_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(remote, "ANSWER_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = open_store(f"clickhouse://127.0.0.1:{silent.getsockname()[1]}")
        started = time.monotonic()
        with pytest.raises(StoreUnavailable):
            store.query("SELECT 1")
        assert time.monotonic() - started < 5


def test_a_server_that_comes_back_is_used_again(own_clickhouse: Endpoint) -> None:
    store = open_store(own_clickhouse.url)
    assert store.query("SELECT 1") == [(1,)]
    own_clickhouse.stop(9)
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            store.query("SELECT 1")
    own_clickhouse.start()
    assert store.query("SELECT 1") == [(1,)]
    store.close()


def test_a_wrong_password_is_refused_and_not_shown(clickhouse_server: str) -> None:
    store = open_store(clickhouse_server.replace("default@", "default:secret-word@"))
    with pytest.raises(StoreRefused) as refused:
        store.query("SELECT 1")
    assert refused.value.code == "authentication_failed"
    assert "secret-word" not in f"{refused.value} {refused.value!r} {store!r} {vars(store)!r}"


def test_a_password_may_hold_any_character() -> None:
    store = open_store("clickhouse://us%40er:p%2F%3A%40%23@example.org/d%20b?secure=1")
    assert isinstance(store, remote.RemoteStore)
    address = store.address
    assert (address.user, address.password, address.database) == ("us@er", "p/:@#", "d b")
    assert (address.secure, address.verify, address.port) == (True, True, 9440)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mysql://x",
        "chdb://folder",
        "chdb:///",
        "clickhouse:///db",
        "clickhouse://h:99999/d",
        "clickhouse://h/d?tls=1",
    ],
)
def test_a_url_that_names_no_store_is_an_invalid_setting(url: str) -> None:
    with pytest.raises(InvalidSetting) as raised:
        open_store(url)
    assert raised.value.field == "store"


def test_statements_of_many_threads_run_at_once(empty_store: Store) -> None:
    """More threads than sessions or clients; each gets its own answer."""
    wrong: list[object] = []

    def ask(number: int) -> None:
        for _ in range(10):
            if empty_store.query("SELECT {number:UInt64}, sleep(0.005)", {"number": number}) != [(number, 0)]:
                wrong.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(24)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert time.monotonic() - started < 24 * 10 * 0.005 * 2  # one after the other it would take at least 1.2 s


def test_more_streams_than_sessions_may_be_open_while_others_ask(empty_store: Store) -> None:
    streams = [iter(empty_store.stream("SELECT number FROM system.numbers")) for _ in range(12)]
    for stream in streams:
        next(stream)
    assert empty_store.query("SELECT 1") == [(1,)]
    for stream in streams:
        stream.close()  # type: ignore[attr-defined]


def test_large_inserts_of_many_threads_go_in_at_once(store: Store) -> None:
    """More than there are sessions, each more than a pipe holds: none may wait for another that waits for it."""
    with ThreadPoolExecutor(24) as threads:
        for number in range(30):
            threads.submit(store.insert, "events", columns("events", 300, project=[f"p{number}"] * 300))
    assert store.query("SELECT uniqExact(project), count() FROM events FINAL") == [(30, 9_000)]


@pytest.mark.parametrize("empty_store", ["embedded"], indirect=True)
def test_two_sessions_in_one_folder_share_their_tables(empty_store: Store) -> None:
    empty_store.command("CREATE TABLE numbers_seen (number UInt64) ENGINE = MergeTree ORDER BY number")
    stream = iter(empty_store.stream("SELECT number FROM system.numbers"))
    next(stream)  # holds one session
    empty_store.command("INSERT INTO numbers_seen SELECT 5")
    assert empty_store.query("SELECT * FROM numbers_seen") == [(5,)]
