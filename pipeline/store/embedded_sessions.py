"""Sessions of chdb, the engine in the process: what runs a statement, and the pool of them."""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from itertools import count
from typing import Any, NamedTuple

import chdb

from pipeline.errors import StoreRefused, StoreUnavailable
from pipeline.store.parameters import parameter_text, parameter_texts
from pipeline.store.refusals import embedded_error

SESSIONS = 8  # at most so many statements run at once
_REMEMBERED = 64  # statements that a session knows to be single: to tell costs a sixth of what planning one takes
_FORMAT = re.compile(rb" FORMAT (\w+)\s*\Z")  # at the end of a statement that the engine has written
_SETTING = re.compile(r"[a-z][a-z0-9_]*")


class Answered(NamedTuple):
    """The answer of a statement in its format, and how many rows it has."""

    data: bytes
    rows: int
    form: str


class Session:
    """One connection of chdb. The lock is held for every call into it, so that none meets its end."""

    def __init__(self, address: str, name: str) -> None:
        self.connection = connect(address)
        self.connection.query(f"SET log_comment = '{name}'", "Null")
        self.name = name  # by which its statement is found among those that run
        self.lock = threading.Lock()
        self.closed = False
        self.changed: list[str] = []  # settings that the last statement set
        self._is_single = lru_cache(_REMEMBERED)(self._told_single)

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
            self._check_single(sql)
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

    def read(self, sql: str, form: str, parameters: dict[str, str], most: int) -> Answered:
        """The answer of a statement of others, of `most` bytes at most; RuntimeError, in ClickHouse's own words, for
        what the engine refuses.

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
            plain = connection.query(
                "SELECT formatQuerySingleLine({sql:String})", "TSVRaw", params={"sql": parameter_text(sql)}
            )
            if not kind["statement_count"]:
                raise RuntimeError("Code: 62. DB::Exception: Syntax error. (SYNTAX_ERROR)")
            # How the engine would read tells sizes of the tables below the views. Inside another statement it has no
            # grant.
            if plain.bytes().startswith(b"EXPLAIN"):
                raise RuntimeError("Code: 497. DB::Exception: Not enough privileges: no EXPLAIN. (ACCESS_DENIED)")
            if kind["query_class"].name != "READ_ONLY":
                raise RuntimeError("Code: 497. DB::Exception: Not enough privileges: only reading. (ACCESS_DENIED)")
            answer = connection.query(sql, form, params=parameters)
            if answer.size() > most:  # the engine's own limit is of what it has before it is put into its format
                raise RuntimeError("Code: 396. DB::Exception: The answer is too long. (TOO_MANY_ROWS_OR_BYTES)")
            own = _FORMAT.search(plain.bytes())
            return Answered(answer.bytes(), answer.rows_read(), own[1].decode() if own else form)

    def stream(self, sql: str, parameters: dict[str, str]) -> Iterator[bytes]:
        with self._call() as connection:
            self._check_single(sql)
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

    def _check_single(self, sql: str) -> None:
        """chdb would run `a; b` as two statements."""
        if ";" in sql and not self._is_single(sql):
            raise StoreRefused("one statement at a time", code="syntax_error")

    def _told_single(self, sql: str) -> bool:
        return bool(self.connection._conn.classify_query(sql)["statement_count"] <= 1)

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


def connect(address: str) -> Any:
    return chdb.connect(address)  # type: ignore[no-untyped-call]


def _literal(value: Any) -> str:
    return str(int(value)) if isinstance(value, int) else "'" + parameter_texts({"": str(value)})[""] + "'"


class Sessions:
    """The pool. A session is opened when none is free; beyond SESSIONS, statements wait for one.

    Streams don't count: who reads one may ask other things meanwhile, and must not wait for itself.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._all: list[Session] = []
        self._numbers = count(1)
        self._free: list[Session] = []
        self._slots = threading.Semaphore(SESSIONS)
        self._guard = threading.Condition()
        self._closed = False
        self._moving = 0  # sessions that are being opened or closed; nobody waits for them but the end

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
            self._moving += 1
        with self._moved():
            session = Session(self._address, f"wayfare session {next(self._numbers)}")
            self._all.append(session)  # also where the store is being closed: that waits, and closes it
            return session

    def end(self, session: Session) -> None:
        """Closes one that nobody else has."""
        with self._guard:
            if self._closed:
                return
            self._all.remove(session)
            self._moving += 1
        with self._moved(), session.lock:
            session.closed = True
            session.connection.close()

    @contextmanager
    def _moved(self) -> Iterator[None]:
        try:
            yield
        finally:
            with self._guard:
                self._moving -= 1
                self._guard.notify_all()

    def close(self, root: Any) -> bool:
        """False where it is closed already."""
        with self._guard:
            if self._closed:
                return False
            self._closed = True
            self._guard.wait_for(lambda: not self._moving)
        for session in self._all:
            # A query may start after the first KILL: ask again until the session is free.
            while not session.lock.acquire(timeout=0.2):
                root.query("KILL QUERY WHERE query NOT LIKE 'KILL QUERY%' ASYNC", "Null")
            session.closed = True
            session.lock.release()
            session.connection.close()
        return True
