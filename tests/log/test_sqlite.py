"""What only the embedded log does: trimming, and positions as the transport sees them."""

import resource
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import InvalidSetting, LogUnavailable, NotFound
from pipeline.log.sqlite import Ends, SqliteLog
from pipeline.log.sqlite_file import SqliteFile, file_of
from tests.log.place import Place


@pytest.fixture
def log(sqlite_place: Place) -> Iterator[SqliteLog]:
    opened = sqlite_place.open()
    assert isinstance(opened, SqliteLog)
    opened.ensure_topics(1)
    yield opened
    opened.close()


def partition(log: SqliteLog) -> int:
    return log.partition_ids("wayfare-events-1")[0]


def test_trimming_keeps_what_a_group_has_not_committed(log: SqliteLog) -> None:
    here = partition(log)
    log.append([(here, b"%d" % n) for n in range(10)])
    assert log.trim(0) == 0
    log.commit("slow", {here: 3})
    log.commit("quick", {here: 10})
    assert log.trim(-1) == 3
    assert [offset for offset, _, _ in log.fetch(here, 0)] == [3, 4, 5, 6, 7, 8, 9]
    assert log.ends()[here] == Ends(3, 10)


def test_trimming_keeps_what_is_younger_than_the_retention(log: SqliteLog) -> None:
    here = partition(log)
    log.append([(here, b"x")])
    log.commit("group", {here: 1})
    assert log.trim(60_000) == 0
    assert log.trim(-1) == 1


def test_a_long_prefix_is_trimmed_in_steps(log: SqliteLog) -> None:
    here = partition(log)
    log.append([(here, b"x")] * 12_000)
    log.commit("group", {here: 11_500})
    assert log.trim(-1) == 11_500
    assert log.ends()[here] == Ends(11_500, 12_000)


def test_offsets_go_on_after_everything_was_trimmed(log: SqliteLog) -> None:
    here = partition(log)
    log.append([(here, b"a"), (here, b"b")])
    log.commit("group", {here: 2})
    log.trim(-1)
    assert log.append([(here, b"c")]) == [2]
    assert log.lag()["events"] == 1


def test_a_transaction_with_an_unknown_partition_writes_nothing(log: SqliteLog) -> None:
    here = partition(log)
    with pytest.raises(NotFound):
        log.append([(here, b"a"), (999, b"b")])
    assert log.fetch(here, 0) == []
    assert log.append([(here, b"c")]) == [0]


def test_a_fetch_is_bounded_by_records_and_by_bytes(log: SqliteLog) -> None:
    here = partition(log)
    log.append([(here, b"x" * 100) for _ in range(20)])
    assert len(log.fetch(here, 5, records=3)) == 3
    assert [offset for offset, _, _ in log.fetch(here, 5, max_bytes=250)] == [5, 6, 7]


def test_every_commit_to_the_file_is_synced(log: SqliteLog) -> None:
    with log._tables.writing() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "log.sqlite").write_bytes(b"something else entirely, and long enough to be looked at" * 100)
    log = SqliteLog(tmp_path / "log.sqlite")
    with pytest.raises(LogUnavailable):
        log.check()


def test_a_log_that_may_not_grow_is_unavailable_until_it_may(log: SqliteLog) -> None:
    here = partition(log)
    log.append([(here, b"kept")])
    file = log._tables.path
    size = max(each.stat().st_size for each in (file, file.with_name(f"{file.name}-wal")))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))  # as a disk without room
    try:
        with pytest.raises(LogUnavailable):
            log.append([(here, b"lost")])
        with pytest.raises(LogUnavailable):
            log.check()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    log.check()
    assert log.append([(here, b"kept, too")]) == [1]


def test_three_slashes_are_relative_and_four_absolute() -> None:
    assert file_of("sqlite:///a/log.sqlite") == Path("a/log.sqlite").absolute()
    assert file_of("sqlite:////var/log.sqlite") == Path("/var/log.sqlite")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///folder/", "sqlite:file"])
def test_a_url_without_a_file_is_a_mistake(url: str) -> None:
    with pytest.raises(InvalidSetting):
        file_of(url)


def test_who_writes_waits_for_another_thread_of_the_process_and_not_for_sqlites_lock(tmp_path: Path) -> None:
    first, second = SqliteFile(tmp_path / "log", 5), SqliteFile(tmp_path / "log", 0.1)  # 0.1 s is all that SQLite waits
    done = threading.Event()

    def write() -> None:
        with second.writing() as connection:
            connection.execute("INSERT INTO records VALUES(1, 0, x'00')")
        done.set()

    thread = threading.Thread(target=write)
    with first.writing():
        thread.start()
        assert not done.wait(0.3)
    thread.join(5)
    assert done.is_set()
    for each in (first, second):
        each.close()
