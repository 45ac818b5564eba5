"""chdb as the engine of a server: sessions, statements, inserts from a pipe, and its errors with their numbers."""

import itertools
import json
import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import chdb

_NUMBERED = re.compile(r"Code: (\d+)\. (.*)", re.S)
_VERSION = re.compile(r" \(version [^)]*\)\s*\Z")
_NAME = r"(?:\w+|`[^`]+`|\"[^\"]+\")"
_INSERT = re.compile(
    rf"\s*INSERT\s+INTO\s+(?:TABLE\s+)?(?P<table>{_NAME}(?:\.{_NAME})?)\s*(?:\((?P<columns>[^()]*)\))?\s*"
    r"(?:VALUES|FORMAT\s+(?P<format>\w+))\s*;?\s*\Z",
    re.I,
)
# What changes no table's columns, behind comments.
_KEEPS = re.compile(
    r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*(?:SELECT|WITH|FROM|INSERT|DESCRIBE|SHOW|EXPLAIN|SET|KILL|OPTIMIZE)\b", re.I | re.S
)
_READS = re.compile(r"[\s(]*(SELECT|WITH|FROM)\b", re.I)

Header = list[tuple[str, str]]  # names and types of columns


class Refusal(Exception):
    """ClickHouse's answer to a statement that it does not carry out."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message if message.startswith("DB::") else f"DB::Exception: {message}"


@contextmanager
def refusals() -> Iterator[None]:
    """chdb raises RuntimeError with ClickHouse's text in it."""
    try:
        yield
    except RuntimeError as error:
        found = _NUMBERED.search(str(error))
        if not found:
            raise Refusal(1002, str(error)) from error
        raise Refusal(int(found[1]), _VERSION.sub("", found[2])) from error


def quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _connect(folder: str) -> Any:
    return chdb.connect(folder)  # type: ignore[no-untyped-call]


class DataInsert:
    """The anatomy of an INSERT whose rows come after it."""

    def __init__(self, table: str, columns: str | None, data_format: str) -> None:
        self.table, self.columns, self.data_format = table, columns, data_format

    @classmethod
    def parse(cls, sql: str) -> "DataInsert | None":
        found = _INSERT.match(sql)
        return cls(found["table"], found["columns"], found["format"] or "Values") if found else None

    def names(self) -> list[str]:
        return [name.strip().strip('`"') for name in (self.columns or "").split(",") if name.strip()]


class Engine:
    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._root = _connect(folder)
        self._root_lock = threading.Lock()
        self._sessions: set[Session] = set()
        self._numbers = itertools.count(1)
        self.changes = 0  # of tables and what they are called by
        self.version = self._ask("SELECT version()")
        self.timezone = self._ask("SELECT timezone()")

    def _ask(self, sql: str) -> str:
        with self._root_lock:
            return str(self._root.query(sql, "TSV").bytes().decode().strip())

    def session(self, database: str = "", *, readonly: bool = False) -> "Session":
        """Raises Refusal where there is no such database."""
        session = Session(self, f"session {next(self._numbers)}")
        self._sessions.add(session)
        try:
            session.prepare(database, readonly)
        except Refusal:
            session.close()
            raise
        return session

    def kill(self, name: str) -> None:
        """Ends the running query of a session."""
        self._ask(f"KILL QUERY WHERE Settings['log_comment'] = {quoted(name)} ASYNC")

    def forget(self, session: "Session") -> None:
        self._sessions.discard(session)

    def close(self) -> None:
        """Queries first, then sessions, then the root: any other order can hang."""
        for session in list(self._sessions):
            self.kill(session.name)
        for session in list(self._sessions):
            session.close()
        with self._root_lock:
            self._root.close()


class Session:
    """One connection of chdb, as one client has it."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine, self.name = engine, name
        self._connection = _connect(engine.folder)
        self._changed: list[str] = []
        self._headers: dict[str, Header] = {}  # of tables
        self._seen = 0  # of the engine's changes
        self.readonly = False

    def prepare(self, database: str, readonly: bool) -> None:
        self.run(f"SET log_comment = {quoted(self.name)}")
        if database and database != "default":
            self.run(f"USE `{database}`")
        if readonly:
            self.run("SET readonly = 2")
        self.readonly = readonly

    def run(self, sql: str, data_format: str = "Null", parameters: Mapping[str, str] | None = None) -> Any:
        try:
            with refusals():
                return self._connection.query(sql, data_format, params=dict(parameters or {}))
        finally:
            if not _KEEPS.match(sql):
                self.engine.changes += 1

    def blocks(self, sql: str, parameters: Mapping[str, str]) -> Iterator[Any]:
        """The result of a SELECT as it comes, in Native blocks. Closing the generator ends the query."""
        with refusals():
            result = self._connection.send_query(sql, "Native", params=dict(parameters))
        finished = False
        try:
            while True:
                with refusals():
                    chunk = result.fetch()
                if chunk is None or not chunk.bytes():
                    finished = True
                    return
                yield chunk
        finally:
            if not finished:
                result.cancel()

    def use_settings(self, settings: Mapping[str, str]) -> None:
        """Those of one statement; what the statement before had set is put back."""
        words = [f"{name} = DEFAULT" for name in self._changed if name not in settings]
        for name, value in settings.items():
            if not re.fullmatch(r"[A-Za-z_]\w*", name):
                raise Refusal(115, f"Unknown setting {name!r}. (UNKNOWN_SETTING)")
            words.append(f"{name} = {quoted(value)}")
        self._changed = list(settings)
        if words:
            self.run("SET " + ", ".join(words))

    def check_single(self, sql: str) -> None:
        if self._connection._conn.classify_query(sql)["statement_count"] > 1:
            raise Refusal(62, "Syntax error (Multi-statements are not allowed). (SYNTAX_ERROR)")

    @staticmethod
    def reads(sql: str) -> bool:
        return bool(_READS.match(sql))

    def header(self, select: str, parameters: Mapping[str, str]) -> Header:
        return self._described(f"DESCRIBE ({select})", parameters)

    def insert_header(self, insert: DataInsert) -> Header:
        """The columns that the rows must have, in the statement's order. A server has them at hand, without a query."""
        if self._seen != self.engine.changes:
            self._seen = self.engine.changes
            self._headers.clear()
        if insert.table not in self._headers:
            self._headers[insert.table] = self._described(f"DESCRIBE TABLE {insert.table}", {})
        types = dict(self._headers[insert.table])
        names = insert.names() or list(types)
        for name in names:
            if name not in types:
                raise Refusal(16, f"No such column {name} in table {insert.table}. (NO_SUCH_COLUMN_IN_TABLE)")
        return [(name, types[name]) for name in names]

    def _described(self, sql: str, parameters: Mapping[str, str]) -> Header:
        lines = self.run(sql, "JSONCompactEachRow", parameters).bytes().splitlines()
        return [(row[0], row[1]) for row in map(json.loads, lines)]

    def close(self) -> None:
        self.engine.forget(self)
        self._connection.close()


class RunningInsert:
    """An INSERT that reads its rows from a pipe: unlike chdb's streaming insert it reports every error."""

    def __init__(self, session: Session, insert: DataInsert, data_format: str) -> None:
        self._session = session
        self._reading, self._writing = os.pipe()
        self._refusal: Refusal | None = None
        self._sent = False
        self.rows = 0
        columns = f"({insert.columns})" if insert.columns else ""
        sql = f"INSERT INTO {insert.table} {columns} FROM INFILE '/dev/fd/{self._reading}' COMPRESSION 'none' FORMAT "
        self._thread = threading.Thread(target=self._run, args=(sql + data_format,), daemon=True)
        self._thread.start()

    def _run(self, sql: str) -> None:
        try:
            self.rows = self._session.run(sql).rows_written()
        except Refusal as refusal:
            self._refusal = refusal
        finally:
            os.close(self._reading)

    def append(self, data: bytes) -> None:
        rest = memoryview(data)
        self._sent = True
        try:
            while rest:
                rest = rest[os.write(self._writing, rest[: 1 << 20]) :]
        except BrokenPipeError:
            self._thread.join()
            raise self._refusal or Refusal(1002, "the insert ended before its rows") from None

    def finish(self) -> int:
        """Rows that are written. An insert without rows is none, not an error."""
        self._end()
        if self._refusal and (self._sent or self._refusal.code != 108):
            raise self._refusal
        return self.rows

    def cancel(self) -> None:
        """Ends it without its rows: a block that is promised and never comes."""
        if self._writing >= 0:
            with suppress(BrokenPipeError):  # it has ended already
                os.write(self._writing, b"\x01\x01")
            self._end()

    def _end(self) -> None:
        writing, self._writing = self._writing, -1
        os.close(writing)
        self._thread.join()
