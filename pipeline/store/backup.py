"""A copy of the embedded pair in one file, made while it runs, and the way back into empty folders.

The copy is consistent because of what it takes first:

    positions of the agents  ->  facts  ->  claims  ->  log, with the positions of the beginning

Facts are written before a position is committed, so the copied facts hold at least all that the copied positions say
is done. What came later is in the copied log and will be delivered again, as after a crash. The other order would
lose it: with the log first, marks that were sent between the copies are in neither; with positions taken after the
facts, what was done between the copies is never done again. Claims come after the facts: whoever takes over after the
restore then writes under a greater term than every row that is there.
"""

import os
import shutil
import sqlite3
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path

import msgspec

from pipeline.errors import LogUnavailable, UserMistake
from pipeline.settings import Settings, file_of
from pipeline.store import open_store
from pipeline.store.migrations import migrations, status
from pipeline.store.port import Store
from pipeline.store.sql import load

FORMAT = 1
SALTS = "salts"  # migration that makes the one table that is in no copy
MANIFEST, FACTS, CLAIMS, LOG = "manifest.json", "facts.tar", "claims.tar", "log.sqlite"

Positions = list[tuple[str, int, int]]  # consumer group, partition's id, next offset


class Manifest(msgspec.Struct, frozen=True):
    format: int
    wayfare: str  # version that made it
    made_at: int  # ms
    migration: int  # of the tables


class Backup(msgspec.Struct, frozen=True):
    file: str
    bytes: int
    made_at: int  # ms


def backup(store: Store, settings: Settings, file: Path) -> Backup:
    """Copies the pair that the settings name, whose store this process has open, into a file that is not there yet.

    Raises UserMistake where the pair isn't embedded or the file exists, StoreRefused or LogUnavailable where the copy
    fails; then no file is left.
    """
    _check_embedded(settings)
    if file.exists():
        raise UserMistake(f"{file} exists: name another file", field="file")
    if not file.parent.is_dir():
        raise UserMistake(f"there is no folder {file.parent}", field="file")
    made_at, log = time.time_ns() // 1_000_000, file_of(settings.log)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=f".{file.name}-") as name:
        folder = Path(name)
        positions = _positions(log)
        _run(store, "backup_facts", folder / FACTS)
        _run(store, "backup_claims", folder / CLAIMS)
        _copy_log(log, folder / LOG, positions)
        manifest = Manifest(FORMAT, version("wayfare"), made_at, status(store).current)
        (folder / MANIFEST).write_bytes(msgspec.json.encode(manifest))
        _pack(folder, folder / "whole.tar")
        (folder / "whole.tar").rename(file)
        _sync(file.parent)
    return Backup(str(file), file.stat().st_size, made_at)


def restore(settings: Settings, file: Path) -> Manifest:
    """Brings a copy back to where the settings name, where nothing may be yet and nothing may run.

    Raises UserMistake where the file is no copy, or of a newer version, or the place is taken.
    """
    _check_embedded(settings)
    log = file_of(settings.log)
    if log.exists():
        raise UserMistake(f"{log} exists: restore into an empty folder", field="log")
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=log.parent, prefix=".restore-") as name:
        manifest = _unpack(file, Path(name))
        store = open_store(settings.store)
        try:
            ((tables,),) = store.query(load("pipeline.store.statements", "tables"))
            if tables:
                raise UserMistake(f"{file_of(settings.store)} has tables: restore into an empty folder", field="store")
            _run(store, "restore_facts", Path(name) / FACTS)
            _run(store, "restore_claims", Path(name) / CLAIMS)
            for statement in (each for one in migrations() if one.name == SALTS for each in one.up):
                store.command(statement)  # an empty table: salts outlive their day in no copy
        finally:
            store.close()
        _sync(Path(name) / LOG)
        # Last: a log without its facts would be taken for a whole restore.
        shutil.move(Path(name) / LOG, log)
        _sync(log.parent)
    return manifest


def _check_embedded(settings: Settings) -> None:
    if not (settings.log.startswith("sqlite:") and settings.store.startswith("chdb:")):
        raise UserMistake(
            "this copies the embedded pair (sqlite and chdb); Kafka and ClickHouse have their own ways",
            code="not_embedded",
        )


def _run(store: Store, statement: str, file: Path) -> None:
    store.command(load("pipeline.store.statements", statement), {"file": str(file)})


@contextmanager
def _log(file: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(file, timeout=30, isolation_level=None)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise LogUnavailable(f"the log {file} cannot be copied: {error}") from error


def _positions(log: Path) -> Positions:
    with _log(log) as connection:
        return connection.execute("SELECT consumer_group, partition_id, next FROM committed").fetchall()


def _copy_log(log: Path, copy: Path, positions: Positions) -> None:
    """The whole log by SQLite's own backup, which writers don't wait for, with the positions of before."""
    with _log(log) as source, _log(copy) as target:
        source.backup(target)
        target.execute("BEGIN")
        target.execute("DELETE FROM committed")
        target.executemany("INSERT INTO committed (consumer_group, partition_id, next) VALUES (?, ?, ?)", positions)
        target.execute("COMMIT")
        target.execute("PRAGMA journal_mode = DELETE")  # one file, without a write-ahead log beside it


def _pack(folder: Path, whole: Path) -> None:
    with tarfile.open(whole, "w") as tar:
        for member in (MANIFEST, FACTS, CLAIMS, LOG):
            tar.add(folder / member, member)
            (folder / member).unlink()  # so that it never takes thrice the room
    _sync(whole)


def _unpack(file: Path, folder: Path) -> Manifest:
    try:
        with tarfile.open(file) as tar:
            for member in (MANIFEST, FACTS, CLAIMS, LOG):
                _take_out(tar, member, folder / member)
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except OSError as error:
        raise UserMistake(f"{file} cannot be unpacked: {error}", field="file") from error
    except (tarfile.TarError, KeyError, msgspec.MsgspecError) as error:
        raise UserMistake(f"{file} is no copy that `wayfare backup` made: {error}", field="file") from error
    if manifest.format > FORMAT or manifest.migration > len(migrations()):
        raise UserMistake(
            f"{file} was made by Wayfare {manifest.wayfare}, which is newer than this one: update Wayfare",
            code="newer_database",
            field="file",
        )
    return manifest


def _take_out(tar: tarfile.TarFile, member: str, target: Path) -> None:
    """A file's content and nothing else of it. tarfile's own way to do so came with Python 3.11.4."""
    packed = tar.extractfile(member) if tar.getmember(member).isreg() else None
    if packed is None:
        raise tarfile.TarError(f"{member} is no file")
    with packed, target.open("wb") as out:
        shutil.copyfileobj(packed, out, 1 << 20)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
