"""The store in the process: chdb, ClickHouse's engine as a library, on one folder.

One process holds a folder, and one folder a process. Queries of several threads run at once, each on a session of a
small pool; the GIL is free while ClickHouse works. Never fork with a store open: a child that touches chdb hangs.
"""

import atexit
import fcntl
import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from importlib.resources import as_file, files
from itertools import count
from pathlib import Path
from typing import Any

import chdb

from pipeline.errors import InUse, InvalidSetting, StoreRefused, StoreUnavailable
from pipeline.store.blocks import split_blocks, table_named
from pipeline.store.native import UnfitValue, encode_block
from pipeline.store.parameters import parameter_text, parameter_texts
from pipeline.store.port import Cost, Row, Stop
from pipeline.store.refusals import embedded_error
from pipeline.store.results import rows_of

SESSIONS = 8  # at most so many statements run at once
PIPE_BYTES = 1 << 16  # what a pipe surely holds, so that no second thread is needed to fill it
_SETTING = re.compile(r"[a-z][a-z0-9_]*")

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
                self._root = _connect(self._address)
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
        self._sessions = _Sessions(self._address)
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
        stop = stop or Stop()
        with self._sessions.lease() as session, stop.ends(lambda: self._kill(session)):
            answer = session.run(sql, "Native", parameter_texts(parameters), settings or {})
            data, cost = answer.bytes(), Cost(answer.storage_rows_read(), answer.storage_bytes_read())
        return [row for rows in rows_of(data) for row in rows], cost

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

    def _kill(self, session: "Session") -> None:
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
    def guest(self) -> Iterator["Session"]:
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


class Session:
    """One connection of chdb. The lock is held for every call into it, so that none meets its end."""

    def __init__(self, address: str, name: str) -> None:
        self.connection = _connect(address)
        self.connection.query(f"SET log_comment = '{name}'", "Null")
        self.name = name  # by which its statement is found among those that run
        self.lock = threading.Lock()
        self.closed = False
        self.changed: list[str] = []  # settings that the last statement set

    @contextmanager
    def _call(self) -> Iterator[Any]:
        with self.lock:
            if self.closed:
                raise StoreUnavailable("the store is closed")
            try:
                # The wrapper draws progress bars; what lies below it is the same call.
                yield self.connection._conn
            except RuntimeError as error:
                raise embedded_error(error) from error

    def run(self, sql: str, form: str, parameters: dict[str, str], settings: Mapping[str, Any]) -> Any:
        with self._call() as connection:
            self._check_single(connection, sql)
            self._set(connection, settings)
            return connection.query(sql, form, params=parameters)

    def read_only_as(self, role: str, database: str, settings: Mapping[str, Any]) -> None:
        """Gives up every role but this one, and changing settings where they say readonly = 1. RuntimeError where the
        engine refuses a setting or the database."""
        with self.lock:
            if self.closed:
                raise StoreUnavailable("the store is closed")
            connection = self.connection._conn
            connection.query(f"SET ROLE {role}", "Null")
            connection.query("USE {database:Identifier}", "Null", params={"database": database})
            words = [f"{name} = {_literal(value)}" for name, value in settings.items() if _SETTING.fullmatch(name)]
            connection.query("SET " + ", ".join(words), "Null")

    def read(self, sql: str, form: str, parameters: dict[str, str]) -> bytes:
        """The answer of a statement of others; RuntimeError, in ClickHouse's own words, for what the engine refuses.

        The engine itself says what a statement is: several, or one that writes, changes the session, kills a query or
        puts its result into a file, are not carried out.
        """
        with self.lock:
            if self.closed:
                raise StoreUnavailable("the store is closed")
            connection = self.connection._conn
            kind = connection.classify_query(sql)
            if kind["statement_count"] > 1:
                raise RuntimeError("Code: 62. DB::Exception: Multi-statements are not allowed. (SYNTAX_ERROR)")
            if not kind["statement_count"]:
                connection.query("SELECT formatQuery({sql:String})", "Null", params={"sql": parameter_text(sql)})
                raise RuntimeError("Code: 62. DB::Exception: Syntax error. (SYNTAX_ERROR)")
            if kind["query_class"].name != "READ_ONLY":
                raise RuntimeError("Code: 497. DB::Exception: Not enough privileges: only reading. (ACCESS_DENIED)")
            data: bytes = connection.query(sql, form, params=parameters).bytes()
            return data

    def stream(self, sql: str, parameters: dict[str, str]) -> Iterator[bytes]:
        with self._call() as connection:
            self._check_single(connection, sql)
            self._set(connection, {})
            result = connection.send_query(sql, "Native", params=parameters)
        finished = False
        try:
            while True:
                with self._call() as connection:
                    data = connection.streaming_fetch_result(result).bytes()
                    finished = not data
                if finished:
                    return
                yield data
        finally:
            with self.lock:
                if not finished and not self.closed:
                    self.connection._conn.streaming_cancel_query(result)

    def _check_single(self, connection: Any, sql: str) -> None:
        """chdb would run `a; b` as two statements."""
        if ";" in sql and connection.classify_query(sql)["statement_count"] > 1:
            raise StoreRefused("one statement at a time", code="syntax_error")

    def _set(self, connection: Any, settings: Mapping[str, Any]) -> None:
        """Settings last as long as the session: those of the statement before are put back first."""
        if not settings and not self.changed:
            return
        for name in settings:
            if not _SETTING.fullmatch(name):
                raise StoreRefused(f"{name!r} is no setting", code="unknown_setting")
        words = [f"{name} = DEFAULT" for name in self.changed if name not in settings]
        words += [f"{name} = {_literal(value)}" for name, value in settings.items()]
        self.changed = [*{*self.changed, *settings}]
        connection.query("SET " + ", ".join(words), "Null")
        self.changed = list(settings)


def _connect(address: str) -> Any:
    return chdb.connect(address)  # type: ignore[no-untyped-call]


def _literal(value: Any) -> str:
    return str(int(value)) if isinstance(value, int) else "'" + parameter_texts({"": str(value)})[""] + "'"


class _Sessions:
    """The pool. A session is opened when none is free; beyond SESSIONS, statements wait for one.

    Streams don't count: who reads one may ask other things meanwhile, and must not wait for itself.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._all: list[Session] = []
        self._numbers = count(1)
        self._free: list[Session] = []
        self._slots = threading.Semaphore(SESSIONS)
        self._guard = threading.Lock()
        self._closed = False

    @contextmanager
    def lease(self, *, counted: bool = True) -> Iterator[Session]:
        with self._slots if counted else nullcontext():
            session = self._take()
            try:
                yield session
            finally:
                with self._guard:
                    self._free.append(session)

    def _take(self) -> Session:
        with self._guard:
            if self._closed:
                raise StoreUnavailable("the store is closed")
            if self._free:
                return self._free.pop()
        return self.new()

    def new(self) -> Session:
        """One that is not of the pool until it is given back."""
        with self._guard:
            if self._closed:
                raise StoreUnavailable("the store is closed")
            session = Session(self._address, f"wayfare session {next(self._numbers)}")
            self._all.append(session)
            return session

    def end(self, session: Session) -> None:
        """Closes one that nobody else has."""
        with self._guard:
            if self._closed:
                return
            self._all.remove(session)
            with session.lock:
                session.closed = True
                session.connection.close()

    def close(self, root: Any) -> bool:
        """False where it is closed already."""
        with self._guard:
            if self._closed:
                return False
            self._closed = True
        for session in self._all:
            # A query may start after the first KILL: ask again until the session is free.
            while not session.lock.acquire(timeout=0.2):
                root.query("KILL QUERY WHERE query NOT LIKE 'KILL QUERY%' ASYNC", "Null")
            session.closed = True
            session.lock.release()
            session.connection.close()
        return True


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
