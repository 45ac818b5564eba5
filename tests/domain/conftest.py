"""An embedded ClickHouse, for tests that hold a rule of the core against the same rule in SQL."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

Ask = Callable[[str, list[str]], list[list[Any]]]

CHDB = """
import sys, chdb
connection = chdb.connect(":memory:")
for line in sys.stdin:
    sql, rows = line.rstrip("\\n").split("\\t", 1)
    connection.query("CREATE OR REPLACE TABLE asked (line String) ENGINE = Memory")
    connection.query("INSERT INTO asked FORMAT JSONEachRow " + rows)
    print(connection.query(sql, "JSONCompact").bytes().decode().replace("\\n", " "), flush=True)
"""


@pytest.fixture(scope="module")
def clickhouse() -> Iterator[Ask]:
    """Asks the embedded ClickHouse, in a process of its own, over rows of texts in column `line`."""
    with subprocess.Popen(
        [sys.executable, "-c", CHDB], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | {"TZ": "UTC"}
    ) as process:
        assert process.stdin
        assert process.stdout

        def ask(sql: str, lines: list[str]) -> list[list[Any]]:
            rows = " ".join(json.dumps({"line": line}) for line in lines)
            process.stdin.write(f"{sql}\t{rows}\n".encode())  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            rows_back: list[list[Any]] = json.loads(process.stdout.readline())["data"]  # type: ignore[union-attr]
            return rows_back

        yield ask
        process.stdin.close()
