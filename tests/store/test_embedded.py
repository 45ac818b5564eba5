"""The embedded store: one process, one folder, nothing acknowledged is lost, and it always comes to an end."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from pipeline.errors import Fault, InUse, InvalidSetting, StoreUnavailable
from pipeline.store import open_store
from pipeline.store.migrations import migrate
from pipeline.store.port import Store
from tests.store.rows import columns


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"chdb:///{tmp_path / 'store'}"


@pytest.fixture
def embedded(url: str) -> Iterator[Store]:
    store = open_store(url)
    yield store
    store.close()


def test_a_relative_folder_is_one_of_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    open_store("chdb:///data/store").close()
    assert (tmp_path / "data" / "store").is_dir()


def test_what_was_written_is_there_after_a_close(url: str) -> None:
    store = open_store(url)
    migrate(store)
    store.insert("owners", columns("owners", 3, owned_from=range(3)))
    store.close()
    again = open_store(url)
    assert again.query("SELECT count() FROM owners") == [(3,)]
    again.close()


def test_a_folder_that_this_process_has_open_is_in_use(embedded: Store, url: str) -> None:
    with pytest.raises(InUse):
        open_store(url)
    assert embedded.query("SELECT 1") == [(1,)]


def test_a_folder_that_another_process_has_open_is_in_use_and_names_it(embedded: Store, url: str) -> None:
    script = "import sys; from pipeline.store import open_store; open_store(sys.argv[1])"
    ended = subprocess.run([sys.executable, "-c", script, url], capture_output=True, text=True, timeout=60)
    assert "InUse" in ended.stderr
    assert f"process {os.getpid()}" in ended.stderr


def test_a_folder_is_free_again_after_its_process_was_killed(url: str) -> None:
    worker, _ = _spawn_writer(url)
    worker.kill()
    worker.join()
    store = open_store(url)
    assert store.query("SELECT 1") == [(1,)]
    store.close()


def test_a_folder_that_cannot_be_made_is_an_invalid_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidSetting, match="file"):
        open_store(f"chdb:///{tmp_path / 'file' / 'store'}")
    open_store(f"chdb:///{tmp_path / 'store'}").close()  # the failure holds nothing back


def test_inserts_reach_the_disk_before_they_are_acknowledged(embedded: Store) -> None:
    sql = "SELECT name, value FROM system.merge_tree_settings WHERE name LIKE 'fsync_%' ORDER BY name"
    assert embedded.query(sql) == [("fsync_after_insert", "1"), ("fsync_part_directory", "1")]


def test_nothing_is_written_where_the_disk_is_almost_full(embedded: Store) -> None:
    """A merge on a full disk has put a part without its marks in the place of whole ones."""
    sql = "SELECT keep_free_space FROM system.disks WHERE name = 'default'"
    assert embedded.query(sql) == [(100_000_000,)]


@pytest.mark.parametrize("sql", ["SELECT count() FROM system.numbers", "SELECT sleepEachRow(1) FROM numbers(60)"])
def test_closing_ends_a_running_query(url: str, sql: str) -> None:
    store = open_store(url)
    told: list[Fault] = []

    def ask() -> None:
        try:
            store.query(sql)
        except Fault as fault:
            told.append(fault)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    started = time.monotonic()
    store.close()
    assert time.monotonic() - started < 10
    for thread in threads:
        thread.join(10)
    assert len(told) == 3


def test_a_stream_that_was_open_at_the_close_is_unavailable(url: str) -> None:
    store = open_store(url)
    stream = iter(store.stream("SELECT number FROM system.numbers"))
    next(stream)
    store.close()
    with pytest.raises(StoreUnavailable):
        list(stream)


@pytest.mark.parametrize("ending", ["store.close()", "sys.exit()", "raise KeyboardInterrupt"])
def test_a_process_with_queries_under_way_comes_to_an_end(url: str, ending: str) -> None:
    """chdb can hang at exit with sessions open."""
    script = (
        "import sys, threading; from pipeline.store import open_store; store = open_store(sys.argv[1]);"
        "ask = lambda: store.query('SELECT count() FROM system.numbers', None, {'max_execution_time': 60});"
        "[threading.Thread(target=ask, daemon=True).start() for _ in range(3)];"
        "store.query('SELECT sleep(0.2)');"
    )
    subprocess.run([sys.executable, "-c", script + ending, url], capture_output=True, timeout=20)
    open_store(url).close()


def _write_and_tell(url: str, tell: Connection) -> None:
    """A process of its own: writers that tell each insert that the store has acknowledged."""
    store = open_store(url)
    migrate(store)
    guard = threading.Lock()

    def write(first: int) -> None:
        number = first
        while True:
            ids = [number * 1000 + row for row in range(50)]
            store.insert("events", columns("events", 50, message_id=ids, project=[f"p{first}"] * 50))
            with guard:
                tell.send(number)
            number += 10

    for first in range(3):
        threading.Thread(target=write, args=(first,), daemon=True).start()
    threading.Event().wait()


def _spawn_writer(url: str) -> tuple[multiprocessing.process.BaseProcess, Connection]:
    context = multiprocessing.get_context("spawn")  # a fork would hang in chdb
    hear, tell = context.Pipe(duplex=False)
    worker = context.Process(target=_write_and_tell, args=(url, tell), daemon=True)
    worker.start()
    tell.close()
    assert hear.poll(60)
    return worker, hear


def test_what_was_acknowledged_is_there_after_a_kill(url: str) -> None:
    acknowledged: set[int] = set()
    worker, hear = _spawn_writer(url)
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        if hear.poll(0.05):
            acknowledged.add(hear.recv())
    assert worker.pid
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
    with suppress(EOFError):
        while hear.poll():
            acknowledged.add(hear.recv())
    store = open_store(url)
    expected = {number * 1000 + row for number in acknowledged for row in range(50)}
    for table in ("events", "timeline"):
        found = {message for (message,) in store.query(f"SELECT message_id FROM {table}")}  # noqa: S608 - two names of ours
        assert expected <= found, table
    assert len(expected) > 500
    store.close()
