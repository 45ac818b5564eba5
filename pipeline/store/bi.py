"""Statements of BI tools on the embedded store, with no more rights than they need.

Whoever has a `bi` key writes any SQL. It is not read here: chdb's own grants decide (`embedded_users.xml`). Each
statement has a session of its own that first gives up every role but `bi`, takes the key's project as the one whose
rows it sees, sets its limits, and gives up changing settings (readonly = 1).

What holds beyond the grants, because chdb is a library and not a server:
- `file('/path')`, which looks at no grant there, is another function for the whole process (embedded.py);
- the engine's own parser says what kind a statement is: one, and one that reads (Session.read). So none puts its result
  into a file, ends a query or takes another role;
- tables of `system` are filtered by row policies, as chdb gives everybody SELECT on them.
"""

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pipeline.errors import StoreRefused
from pipeline.store.embedded import EmbeddedStore
from pipeline.store.embedded_sessions import Answered
from pipeline.store.native_revision import revised
from pipeline.store.sql import load

# Settings that a tool may choose: of the form of the answer, or limits, which are only lowered.
FORMS: Final = frozenset(
    ("session_timezone", "extremes", "join_use_nulls", "date_time_output_format", "date_time_input_format")
    + ("output_format_json_quote_64bit_integers", "output_format_json_quote_denormals")
    + ("output_format_json_named_tuples_as_objects", "output_format_csv_crlf_end_of_line")
    + ("output_format_native_encode_types_in_binary_format", "output_format_binary_write_json_as_string")
    + ("output_format_native_write_json_as_string", "group_by_use_nulls")
)
THREADS: Final = 2  # of a statement
BLOCK_ROWS: Final = 8_192  # an answer is measured block by block
OVERFLOW: Final = "result_overflow_mode"
LIMITS: Final = ("max_execution_time", "max_memory_usage", "max_result_rows", "max_result_bytes")

_ERROR = re.compile(r"Code: (\d+)\. (.*)", re.S)
_VERSION = re.compile(r"\s*\(version [^)]*\)")


class BiRefused(Exception):
    """What the engine does not carry out: ClickHouse's number and words, as a server would tell them."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number, self.message = number, message


@dataclass(frozen=True)
class BiLimits:
    """Of one statement."""

    seconds: int
    memory_bytes: int
    rows: int  # of the answer
    bytes: int  # of the answer, before and after it is put into its format

    def settings(self, asked: Mapping[str, str]) -> dict[str, int]:
        """The limits, or what was asked for where that is less. BiRefused for what is no number."""
        own = dict(zip(LIMITS, (self.seconds, self.memory_bytes, self.rows, self.bytes), strict=True))
        return {name: min(most, _number(name, asked.get(name, "0")) or most) for name, most in own.items()}


@dataclass(frozen=True)
class BiStatement:
    """What a tool asks. `settings` are those of the request, not of the statement."""

    sql: str
    project: str
    form: str = "TabSeparated"  # where the statement does not say
    revision: int = 0  # of the protocol that the client reads the Native format by
    database: str = ""  # of names without one; "" = the views'
    parameters: Mapping[str, str] | None = None
    settings: Mapping[str, str] | None = None


class BiReader:
    """Answers of the views in any of ClickHouse's formats. Thread-safe."""

    def __init__(self, store: EmbeddedStore, limits: BiLimits) -> None:
        self._store, self._limits = store, limits
        self._numbers = itertools.count(1)
        self.version, self.zone = (str(one) for one in store.query(load("pipeline.store.statements", "bi_server"))[0])

    def name(self, statement: BiStatement) -> str:
        """A name for a statement that runs, to end it by; its first word is the project whose rows it sees."""
        return f"{statement.project} {next(self._numbers)}"

    def read(self, statement: BiStatement, name: str) -> Answered:
        """The answer. Raises BiRefused, StoreUnavailable."""
        own: dict[str, str | int] = {
            **self._chosen(statement.settings or {}),
            "log_comment": name, "timeout_overflow_mode": "throw",
            # What does not fit into memory may go to the disk, but not without end.
            "max_temporary_data_on_disk_size_for_query": 2 * self._limits.memory_bytes,
            "max_threads": THREADS, "max_block_size": BLOCK_ROWS,
            "allow_ddl": 0, "allow_introspection_functions": 0, "readonly": 1,
        }  # fmt: skip
        with self._store.guest() as session:
            try:
                session.read_only_as("bi", statement.database or "bi", own)
                parameters = dict(statement.parameters or {})
                told = session.read(statement.sql, statement.form, parameters, self._limits.bytes)
            except RuntimeError as error:
                raise _refused(error) from error
        if told.form != "Native":
            return told
        try:
            return told._replace(data=revised(told.data, statement.revision))
        except StoreRefused as error:
            raise BiRefused(48, f"DB::Exception: {error.message}. (NOT_IMPLEMENTED)") from error

    def end(self, name: str) -> None:
        """Ends a statement whose client has gone."""
        self._store.command(load("pipeline.store.statements", "bi_end"), {"name": name})

    def _chosen(self, asked: Mapping[str, str]) -> dict[str, str | int]:
        for name in asked:
            if name not in FORMS and name not in LIMITS and name != OVERFLOW:
                raise BiRefused(164, f"DB::Exception: Cannot modify '{name}' setting in readonly mode. (READONLY)")
        limits: dict[str, str | int] = {**self._limits.settings(asked), OVERFLOW: "throw"}
        rows = _number("max_result_rows", asked.get("max_result_rows", "0"))
        # A tool that wants the first rows says so. The limits of the house still refuse, and cut nothing off.
        if asked.get(OVERFLOW) == "break" and 0 < rows <= self._limits.rows:
            limits |= {OVERFLOW: "break", "max_result_bytes": 0}
        return {**{name: value for name, value in asked.items() if name in FORMS}, **limits}


def _number(name: str, value: str) -> int:
    try:
        return max(0, int(float(value)))
    except (ValueError, OverflowError) as error:
        raise BiRefused(72, f"DB::Exception: Cannot parse number of setting {name}. (CANNOT_PARSE_NUMBER)") from error


def _refused(error: RuntimeError) -> BiRefused:
    found = _ERROR.search(str(error))
    if not found:
        return BiRefused(1002, "DB::Exception: the statement cannot be carried out. (UNKNOWN_EXCEPTION)")
    return BiRefused(int(found[1]), _VERSION.sub("", found[2]).strip())
