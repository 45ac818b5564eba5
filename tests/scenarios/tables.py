"""Statements on an embedded store that no process holds: the tests' window into its tables.

A process of its own does them, because a process can open one embedded folder only.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.store.embedded import EmbeddedStore
from pipeline.store.port import Store
from tests.scenarios.part import environment, finished

Rows = list[tuple[Any, ...]]


def run(store: Store, sql: str, parameters: dict[str, Any]) -> Rows:
    """Rows of a SELECT; none of any other statement."""
    if sql.lstrip().upper().startswith(("SELECT", "WITH")):
        return store.query(sql, parameters)
    store.command(sql, parameters)
    return []


def in_folder(folder: Path, questions: Sequence[tuple[str, dict[str, Any]]]) -> list[Rows]:
    """The rows of each statement on an embedded folder."""
    done = finished((str(folder),), environment({}), json.dumps(questions).encode(), main=main)
    assert done.returncode == 0, done.stderr.decode()
    return [[tuple(row) for row in rows] for rows in json.loads(done.stdout)]


def main() -> None:
    """The process: its argument is the folder, its input [[SQL, PARAMETERS], ...], its output the rows of each."""
    questions = json.load(sys.stdin)
    store = EmbeddedStore(Path(sys.argv[1]))
    try:
        json.dump([run(store, sql, parameters) for sql, parameters in questions], sys.stdout)
    finally:
        store.close()
