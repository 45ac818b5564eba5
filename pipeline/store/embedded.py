"""The store in the process: chdb, ClickHouse's engine as a library, on one folder.

One process holds a folder, and one folder a process. Queries of several threads run at once, each on a session of a
small pool; the GIL is free while ClickHouse works. Never fork with a store open: a child that touches chdb hangs.
"""

import atexit
import fcntl
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import chdb

from pipeline.errors import InUse, InvalidSetting, StoreRefused, StoreUnavailable
from pipeline.store.blocks import split_blocks, table_named
from pipeline.store.embedded_sessions import SESSIONS, Session, Sessions, connect
from pipeline.store.native import UnfitValue, encode_block
from pipeline.store.parameters import parameter_texts
from pipeline.store.port import Column, Cost, Row, Stop
from pipeline.store.results import columns_of, rows_of

PIPE_BYTES = 1 << 16  # what a pipe surely holds, so that no second thread is needed to fill it

_open_folder = threading.Lock()  # chdb knows one folder a process


class EmbeddedStore:
    """`pipeline.store.port.Store` on a folder. Raises InUse where another process, or store, holds it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        if "?" in str(self.folder):
            raise InvalidSetting(f"the folder of an embedded store must not have a ? in its path: {self.folder}")
        if not _open_folder.acquire(blocking=False):
            raise InUse(f"this process has an embedded store open already, and can have one: close it before {folder}")
        try:
            self._lock = _lock(self.folder)
            try:
                self._address = str(self.folder) + f"?config-file={_configuration()}"
                self._root = connect(self._address)
                # `file('/path')` reads any file whatever a session may do; a function of that name takes its place.
                chdb.drop_function("file")
                chdb.create_function("file", lambda: None, [], "String")
            except BaseException as error:
                os.close(self._lock)
                if isinstance(error, RuntimeError):
                    raise StoreUnavailable(f"cannot open {self.folder}: {error}") from error
                raise
        except BaseException:
            _open_folder.release()
            raise
        self._root_lock = threading.Lock()
        self._sessions = Sessions(self._address)
        self._writers = ThreadPoolExecutor(SESSIONS, "wayfare-insert")
        atexit.register(self.close)

    def __repr__(self) -> str:
        return f"EmbeddedStore({str(self.folder)!r})"

    def query(
        self, sql: str, parameters: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None
    ) -> list[Row]:
        return self.measured(sql, parameters, settings)[0]

    def measured(
        self,
        sql: str,
        parameters: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        stop: Stop | None = None,
    ) -> tuple[list[Row], Cost]:
        data, cost = self._answer(sql, parameters, settings, stop)
        return [row for rows in rows_of(data) for row in rows], cost

    def columns(
        self,
        sql: str,
        parameters: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        stop: Stop | None = None,
    ) -> tuple[list[Column], Cost]:
        data, cost = self._answer(sql, parameters, settings, stop)
        return columns_of(data), cost

    def _answer(
        self, sql: str, parameters: Mapping[str, Any] | None, settings: Mapping[str, Any] | None, stop: Stop | None
    ) -> tuple[bytes, Cost]:
        stop = stop or Stop()
        with self._sessions.lease() as session, stop.ends(lambda: self._kill(session)):
            answer = session.run(sql, "Native", parameter_texts(parameters), settings or {})
            return answer.bytes(), Cost(answer.storage_rows_read(), answer.storage_bytes_read())

    def stream(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Iterator[list[Row]]:
        with self._sessions.lease(counted=False) as session:
            for data in session.stream(sql, parameter_texts(parameters)):
                yield from rows_of(data)

    def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        with self._sessions.lease() as session:
            session.run(sql, "Null", parameter_texts(parameters), {})

    def insert(self, table: str, columns: Sequence[Sequence[Any]]) -> None:
        target = table_named(table)
        named = [(column.name, column.type) for column in target.columns]
        head = f"INSERT INTO {table} ({', '.join(f'`{name}`' for name, _ in named)})"
        try:
            for block in split_blocks(target, columns):
                self._send(head, encode_block(named, block))
        except UnfitValue as error:
            raise StoreRefused(f"{table}: {error}", code="unfit_value") from error

    def _kill(self, session: Session) -> None:
        """Ends what a session runs, from another thread."""
        with self._root_lock:
            self._root.query(f"KILL QUERY WHERE Settings['log_comment'] = '{session.name}' ASYNC", "Null")

    def _send(self, head: str, data: bytes) -> None:
        """Through a pipe that the INSERT reads as its file: unlike chdb's own streaming insert it reports every
        error of the table, its views and its partitions."""
        with (
            self._sessions.lease() as session
        ):  # first: a writer that waits for a session could hold up one that has it
            reading, writing = os.pipe()
            filled: Future[None] | None = None
            try:
                if len(data) <= PIPE_BYTES:
                    _fill(writing, data)
                else:
                    filled = self._writers.submit(_fill, writing, data)
                session.run(f"{head} FROM INFILE '/dev/fd/{reading}' COMPRESSION 'none' FORMAT Native", "Null", {}, {})
            finally:
                os.close(reading)  # a writer that still writes ends with BrokenPipeError
                if filled:
                    filled.result()

    @contextmanager
    def guest(self) -> Iterator[Session]:
        """A session of its own, closed afterwards: for statements of others, once its rights have been taken."""
        session = self._sessions.new()
        try:
            yield session
        finally:
            self._sessions.end(session)

    def close(self) -> None:
        """Ends running queries, then the sessions, then the engine; any other order can hang."""
        atexit.unregister(self.close)
        if self._sessions.close(self._root):
            self._writers.shutdown()
            self._root.close()
            os.close(self._lock)
            _open_folder.release()


def _fill(writing: int, data: bytes) -> None:
    """Writes all of it and closes the pipe's end. A reader that has gone away has its own error to tell."""
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(writing, rest) :]
    except BrokenPipeError:
        return
    finally:
        os.close(writing)


def _lock(folder: Path) -> int:
    """The descriptor that holds the folder; the file has the process's id, for those who are turned away."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / "wayfare.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise InvalidSetting(f"cannot use {folder} as the store's folder: {error.strerror}", field="store") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.pread(descriptor, 20, 0).decode().strip()
        os.close(descriptor)
        raise InUse(f"{folder} is in use by process {holder or '?'}: an embedded store has one process") from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _configuration() -> Path:
    """Path of the packaged configuration (the wheel is installed unpacked)."""
    with as_file(files("pipeline.store") / "embedded.xml") as path:
        return path
