"""A request of ClickHouse's HTTP interface as a statement.

    POST /bi/?database=bi&max_execution_time=5   SELECT ... FORMAT Native
    X-ClickHouse-User: bi   X-ClickHouse-Key: KEY      or Basic, or ?user=&password=

The statement is the parameter `query` with the body after it. Whatever is no parameter of the interface is a setting.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Final

from api.bi import blocks
from pipeline.store.bi import BiRefused, BiStatement

LONGEST: Final = 262_144  # bytes of a statement, as ClickHouse's own max_query_size

# What belongs to the interface and changes nothing here: a session is one statement, answers come whole.
_PASSED_OVER: Final = frozenset(
    ("query", "database", "default_format", "user", "password", "quota_key", "query_id")
    + ("session_id", "session_timeout", "session_check", "close_session", "stacktrace", "wait_end_of_query")
    + ("buffer_size", "send_progress_in_http_headers", "http_headers_progress_interval_ms", "add_http_cors_header")
    + ("enable_http_compression", "http_zlib_compression_level", "cancel_http_readonly_queries_on_client_close")
    + ("compress", "client_protocol_version")
    # Of inserts, which nobody makes here: the JDBC client sends them with every statement.
    + ("async_insert", "wait_for_async_insert")
)
_ONLY_AS: Final = {"decompress": ("0", "", "1"), "readonly": ("1", "2")}
_FORMAT: Final = re.compile(r"\w{1,60}")
_REVISION: Final = re.compile(r"[0-9]{1,9}")
_OWN_DATABASE: Final = ("", "default")  # what tools say where nobody chose one


def secret(headers: Mapping[str, str], asked: Mapping[str, str]) -> str:
    """The key that came with a request, wherever tools put it; "" without one."""
    given = headers.get("x-clickhouse-key", "")
    if given:
        return given
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return asked.get("password", "")


def statement(project: str, headers: Mapping[str, str], asked: Mapping[str, str], body: bytes) -> BiStatement:
    """Raises BiRefused for what is none, or more than the interface has here."""
    try:
        sql = asked.get("query", "") + _plain(asked, body).decode()
    except UnicodeDecodeError as error:
        raise BiRefused(62, "DB::Exception: The statement is not UTF-8. (SYNTAX_ERROR)") from error
    if not sql.strip() or len(sql) > LONGEST:
        raise BiRefused(62, f"DB::Exception: A statement has 1 to {LONGEST} bytes. (SYNTAX_ERROR)")
    form = headers.get("x-clickhouse-format") or asked.get("default_format") or "TabSeparated"
    if not _FORMAT.fullmatch(form):
        raise BiRefused(73, "DB::Exception: Unknown format. (UNKNOWN_FORMAT)")
    for name, values in _ONLY_AS.items():
        if asked.get(name, values[0]) not in values:
            raise BiRefused(
                344, f"DB::Exception: {name} is one of {', '.join(filter(None, values))}. (SUPPORT_IS_DISABLED)"
            )
    revision = asked.get("client_protocol_version", "0")
    if not _REVISION.fullmatch(revision):
        raise BiRefused(72, "DB::Exception: Cannot parse client_protocol_version. (CANNOT_PARSE_NUMBER)")
    database = headers.get("x-clickhouse-database") or asked.get("database", "")
    return BiStatement(
        sql,
        project,
        form=form,
        revision=int(revision),
        database="" if database in _OWN_DATABASE else database,
        parameters={name[6:]: value for name, value in asked.items() if name.startswith("param_")},
        settings={
            name: value
            for name, value in asked.items()
            if name not in _PASSED_OVER and name not in _ONLY_AS and not name.startswith("param_")
        },
    )


def _plain(asked: Mapping[str, str], body: bytes) -> bytes:
    """The body, out of its frames where it comes in some."""
    if asked.get("decompress") != "1":
        return body
    try:
        return blocks.unframed(body, LONGEST)
    except ValueError as error:
        raise BiRefused(271, f"DB::Exception: Cannot decompress: {error}. (CANNOT_DECOMPRESS)") from error
