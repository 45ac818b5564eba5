"""The file of the embedded log: its tables, and one connection that writes and one that reads."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

from pipeline.errors import InvalidSetting, LogUnavailable

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS partitions(
    id INTEGER PRIMARY KEY,
    topic TEXT NOT NULL,            -- full name, with the generation
    partition INTEGER NOT NULL,
    low INTEGER NOT NULL DEFAULT 0, -- first offset that is kept
    next INTEGER NOT NULL DEFAULT 0,
    UNIQUE(topic, partition)
);
CREATE TABLE IF NOT EXISTS records(id INTEGER PRIMARY KEY, appended_at INTEGER NOT NULL, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS committed(
    consumer_group TEXT NOT NULL,
    partition_id INTEGER NOT NULL,
    next INTEGER NOT NULL,
    PRIMARY KEY(consumer_group, partition_id)
) WITHOUT ROWID;
"""
_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA mmap_size=268435456",
    "PRAGMA wal_autocheckpoint=4000",
    "PRAGMA cache_size=-16000",
)


# One thread of this process writes to a file at a time, by whichever connection: who waits here goes on as soon as the
# other has ended. SQLite, on whose own lock other processes wait, looks again after pauses of up to 100 ms.
_TURNS = WeakValueDictionary[Path, threading.Lock]()
_TURNS_LOCK = threading.Lock()


def _turn_of(path: Path) -> threading.Lock:
    with _TURNS_LOCK:
        return _TURNS.setdefault(path, threading.Lock())


class SqliteFile:
    """Thread-safe; opened at first use. Each connection is used by one thread at a time, under its lock."""

    def __init__(self, path: Path, timeout: float) -> None:
        """`timeout`: s that a transaction waits for one of another process."""
        self.path, self.timeout = path, timeout
        self._write_lock, self._read_lock = _turn_of(path.absolute()), threading.Lock()
        self._writes: sqlite3.Connection | None = None
        self._reads: sqlite3.Connection | None = None

    def close(self) -> None:
        with self._write_lock, self._read_lock:
            for connection in (self._writes, self._reads):
                if connection is not None:
                    connection.close()
            self._writes = self._reads = None

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: committed at the end, rolled back on any error. LogUnavailable for what SQLite raises."""
        with self._write_lock, self._faults():
            if self._writes is None:
                self._writes = self._connect()
            connection = self._writes
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        with self._read_lock, self._faults():
            if self._reads is None:
                self._reads = self._connect()
            yield self._reads

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise LogUnavailable(f"the log {self.path} cannot be used: {error}") from error
        except OSError as error:
            raise LogUnavailable(f"the log {self.path} cannot be used: {error.strerror}") from error

    def _connect(self) -> sqlite3.Connection:
        os.makedirs(self.path.parent, exist_ok=True)
        # A bit less than the timeout: who waits for a locked file hears of it from SQLite.
        wait = max(self.timeout - 0.5, 0.1)
        connection = sqlite3.connect(self.path, timeout=wait, isolation_level=None, check_same_thread=False)
        try:
            for pragma in _PRAGMAS:
                connection.execute(pragma).close()
            connection.executescript(_SCHEMA)
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def file_of(url: str) -> Path:
    """Absolute path of `sqlite:///relative/file` or `sqlite:////absolute/file`."""
    path = url.partition("///")[2]
    if not url.startswith("sqlite:///") or not path or path.endswith("/"):
        raise InvalidSetting(f"the embedded log is sqlite:///FILE, not {url!r}", field="log")
    return Path(path).absolute()
