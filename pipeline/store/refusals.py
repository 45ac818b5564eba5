"""ClickHouse's error numbers as errors of ours."""

import re

from clickhouse_driver.errors import ErrorCodes

from pipeline.errors import Fault, StoreRefused, StoreUnavailable

_NAMES = {number: name.lower() for name, number in vars(ErrorCodes).items() if isinstance(number, int)}

# The server is alive but busy, read-only, restarting or short of replicas: the same statement may do later.
_PASSING = frozenset(
    (
        "too_many_simultaneous_queries",
        "socket_timeout",
        "network_error",
        "aborted",
        "table_is_read_only",
        "too_many_parts",
    )
    + ("keeper_exception", "too_few_live_replicas", "no_zookeeper", "unknown_status_of_insert", "server_overloaded")
    + ("unsatisfied_quorum_for_previous_write", "all_connection_tries_failed", "connection_loss", "not_enough_space")
)
_EMBEDDED = re.compile(r"Code: (\d+)\.")
_NAME = re.compile(r"\(([A-Z][A-Z0-9_]+)\)")


def store_error(number: int, message: str) -> Fault:
    """The error to raise for ClickHouse's own; its `code` is ClickHouse's name of it in lower case."""
    text = message.partition("Stack trace:")[0].strip().removeprefix("DB::Exception:").strip()
    named = _NAME.findall(text)
    code = _NAMES.get(number) or (named[-1].lower() if named else "store_refused")
    told = f"ClickHouse error {number} ({code}): {text[:2000]}"
    return StoreUnavailable(told, code=code) if code in _PASSING else StoreRefused(told, code=code)


def embedded_error(error: Exception) -> Fault:
    """The error to raise for one of chdb's, which has the number in its text only."""
    text = str(error)
    found = _EMBEDDED.search(text)
    if not found:
        return StoreRefused(text[:2000])
    return store_error(int(found[1]), text[found.end() :])
