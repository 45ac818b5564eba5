"""A copy made while the pair runs is a state from which nothing is lost, and goes back only where nothing is."""

import itertools
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import UserMistake
from pipeline.log.sqlite import SqliteLog
from pipeline.settings import Settings, load
from pipeline.store import open_store
from pipeline.store.backup import backup, restore
from pipeline.store.migrations import migrate, migrations, status
from pipeline.store.port import Store
from tests.store.rows import T0, columns

GROUP = "wayfare-sessions"


def settings_in(folder: Path) -> Settings:
    folder.mkdir(exist_ok=True)
    return load({"WAYFARE_DATA": str(folder)})


class Pair:
    """An embedded pair with an agent: a record of the log becomes a row of `events`, then its offset is committed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.log = SqliteLog(Path(settings.log.removeprefix("sqlite:///")))
        self.store: Store = open_store(settings.store)
        migrate(self.store)
        self.log.ensure_topics(2)
        self.partitions = self.log.partition_ids(self.log.topic("events").name)
        self._stop = threading.Event()

    def append(self, message: int) -> None:
        self.log.append([(self.partitions[message % 2], str(message).encode())])

    def turn(self, records: int = 20) -> None:
        for partition in self.partitions:
            start = self.log.committed(GROUP).get(partition, 0)
            fetched = self.log.fetch(partition, start, records=records)
            if fetched:
                ids = [int(value) for _, _, value in fetched]
                self.store.insert("events", columns("events", len(ids), message_id=ids, occurred_at=[T0] * len(ids)))
                self.log.commit(GROUP, {partition: fetched[-1][0] + 1})

    def drain(self) -> None:
        while any(
            self.log.committed(GROUP).get(partition, 0) < self.log.ends()[partition].next
            for partition in self.partitions
        ):
            self.turn(1000)

    def messages(self, table: str = "events") -> set[int]:
        sql = {"events": "SELECT message_id FROM events FINAL", "timeline": "SELECT message_id FROM timeline FINAL"}
        return {message for (message,) in self.store.query(sql[table])}

    def in_log(self) -> set[int]:
        return {
            int(value) for partition in self.partitions for _, _, value in self.log.fetch(partition, 0, records=10**6)
        }

    def done(self) -> set[int]:
        """Messages that the committed offsets say are done."""
        committed = self.log.committed(GROUP)
        return {
            int(value)
            for partition in self.partitions
            for offset, _, value in self.log.fetch(partition, 0, records=10**6)
            if offset < committed.get(partition, 0)
        }

    def close(self) -> None:
        self.store.close()
        self.log.close()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    pair = Pair(settings_in(tmp_path / "here"))
    yield pair
    pair.close()


def test_a_copy_made_amid_writes_loses_nothing(pair: Pair, tmp_path: Path) -> None:
    acknowledged: list[int] = []
    stop = threading.Event()

    def collect() -> None:
        for message in itertools.count():
            if stop.is_set():
                return
            pair.append(message)
            acknowledged.append(message)

    def work() -> None:
        while not stop.is_set():
            pair.turn()

    threads = [threading.Thread(target=collect), threading.Thread(target=work)]
    for thread in threads:
        thread.start()
    while len(pair.messages()) < 200:
        pass
    before = set(acknowledged)
    made = [backup(pair.store, pair.settings, tmp_path / f"copy-{number}.tar") for number in range(3)]
    stop.set()
    for thread in threads:
        thread.join()
    pair.close()

    for number, one in enumerate(made):
        elsewhere = settings_in(tmp_path / f"there-{number}")
        restore(elsewhere, Path(one.file))
        again = Pair(elsewhere)
        assert before <= again.in_log()  # what was acknowledged before the copy is in it
        assert again.messages() <= again.in_log()  # no fact is of an event that the log does not have
        assert again.done() <= again.messages()  # no position is ahead of the facts
        assert again.done() <= again.messages("timeline")
        again.drain()
        assert again.messages() == again.messages("timeline") == again.in_log()
        again.close()


def test_positions_are_those_from_before_the_facts_were_copied(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent goes on while the facts are copied: its later positions must not travel."""
    for message in range(40):
        pair.append(message)
    pair.turn(5)
    command = pair.store.command

    def command_and_work(sql: str, parameters: object = None) -> None:
        command(sql, parameters)  # type: ignore[arg-type]
        if "BACKUP" in sql:
            pair.turn(5)

    monkeypatch.setattr(pair.store, "command", command_and_work)
    backup(pair.store, pair.settings, tmp_path / "copy.tar")
    assert len(pair.done()) == 30
    pair.close()
    elsewhere = settings_in(tmp_path / "there")
    restore(elsewhere, tmp_path / "copy.tar")
    again = Pair(elsewhere)
    assert len(again.done()) == 10
    assert again.messages() == again.done()
    again.close()


def test_definitions_claims_and_migrations_come_back(pair: Pair, tmp_path: Path) -> None:
    pair.store.insert("claims", columns("claims", 3, shard=[0, 1, 2]))
    pair.store.insert("definitions", columns("definitions", 2))
    made = backup(pair.store, pair.settings, tmp_path / "copy.tar")
    assert made.bytes == (tmp_path / "copy.tar").stat().st_size
    pair.close()
    elsewhere = settings_in(tmp_path / "there")
    manifest = restore(elsewhere, tmp_path / "copy.tar")
    newest = migrations()[-1].number
    assert (manifest.migration, manifest.made_at) == (newest, made.made_at)
    store = open_store(elsewhere.store)
    assert status(store).current == newest
    assert store.query("SELECT count() FROM claims") == [(3,)]
    assert store.query("SELECT count() FROM definitions") == [(2,)]
    store.close()


def test_nothing_else_is_left_beside_the_copy(pair: Pair, tmp_path: Path) -> None:
    (tmp_path / "copies").mkdir()
    backup(pair.store, pair.settings, tmp_path / "copies" / "copy.tar")
    assert [one.name for one in (tmp_path / "copies").iterdir()] == ["copy.tar"]


def test_a_file_that_exists_is_not_overwritten(pair: Pair, tmp_path: Path) -> None:
    (tmp_path / "copy.tar").write_text("mine")
    with pytest.raises(UserMistake, match="exists"):
        backup(pair.store, pair.settings, tmp_path / "copy.tar")
    assert (tmp_path / "copy.tar").read_text() == "mine"


def test_a_copy_does_not_go_over_what_is_there(pair: Pair, tmp_path: Path) -> None:
    pair.append(1)
    pair.drain()
    backup(pair.store, pair.settings, tmp_path / "copy.tar")
    pair.close()
    with pytest.raises(UserMistake, match="empty folder"):
        restore(pair.settings, tmp_path / "copy.tar")
    Path(pair.settings.log.removeprefix("sqlite:///")).unlink()
    with pytest.raises(UserMistake, match="has tables"):
        restore(pair.settings, tmp_path / "copy.tar")
    store = open_store(pair.settings.store)
    assert store.query("SELECT message_id FROM events") == [(1,)]
    store.close()


def test_what_is_no_copy_is_a_mistake_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no tar")
    with tarfile.open(tmp_path / "other.tar", "w") as tar:
        tar.add(tmp_path / "text", "text")
    for name, told in (("text", "no copy"), ("other.tar", "no copy"), ("absent", "cannot be unpacked: .*No such file")):
        with pytest.raises(UserMistake, match=told):
            restore(settings_in(tmp_path / "there"), tmp_path / name)
    assert list((tmp_path / "there").iterdir()) == []


def test_a_copy_goes_back_by_the_first_of_python_3_11_too(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Debian 12 has 3.11.2, where tarfile's `filter` is not known yet."""
    pair.append(1)
    pair.drain()
    backup(pair.store, pair.settings, tmp_path / "copy.tar")
    pair.close()
    monkeypatch.delattr(tarfile, "data_filter")
    monkeypatch.setattr(tarfile.TarFile, "extract", lambda self, member, path="", set_attrs=True: None)
    restored = settings_in(tmp_path / "there")
    restore(restored, tmp_path / "copy.tar")
    again = Pair(restored)
    assert again.messages() == {1}
    again.close()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE])
def test_a_copy_whose_parts_are_no_files_is_none(tmp_path: Path, kind: bytes) -> None:
    (tmp_path / "secret").write_text("{}")
    with tarfile.open(tmp_path / "links.tar", "w") as tar:
        part = tarfile.TarInfo("manifest.json")
        part.type, part.linkname = kind, str(tmp_path / "secret")
        tar.addfile(part)
    with pytest.raises(UserMistake, match="no copy"):
        restore(settings_in(tmp_path / "there"), tmp_path / "links.tar")


def test_a_copy_of_a_newer_version_is_refused(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.store.backup.FORMAT", 2)
    backup(pair.store, pair.settings, tmp_path / "copy.tar")
    monkeypatch.undo()
    with pytest.raises(UserMistake) as refused:
        restore(settings_in(tmp_path / "there"), tmp_path / "copy.tar")
    assert refused.value.code == "newer_database"


def test_servers_have_ways_of_their_own(pair: Pair, tmp_path: Path) -> None:
    settings = load({"WAYFARE_DATA": str(tmp_path), "WAYFARE_LOG": "kafka://127.0.0.1:1"})
    with pytest.raises(UserMistake) as refused:
        backup(pair.store, settings, tmp_path / "copy.tar")
    assert refused.value.code == "not_embedded"
