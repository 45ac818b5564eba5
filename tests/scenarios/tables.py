"""Statements on an embedded store that no process holds: the tests' window into its tables.

    python -m tests.scenarios.tables FOLDER < [[SQL, PARAMETERS], ...]      prints the rows of each as JSON

A process of its own, because a process can open one embedded folder only.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.store.embedded import EmbeddedStore
from pipeline.store.port import Store
from tests.scenarios.part import HOUSE

Rows = list[tuple[Any, ...]]


def run(store: Store, sql: str, parameters: dict[str, Any]) -> Rows:
    """Rows of a SELECT; none of any other statement."""
    if sql.lstrip().upper().startswith(("SELECT", "WITH")):
        return store.query(sql, parameters)
    store.command(sql, parameters)
    return []


def in_folder(folder: Path, questions: Sequence[tuple[str, dict[str, Any]]]) -> list[Rows]:
    """The rows of each statement on an embedded folder."""
    command = [sys.executable, "-m", "tests.scenarios.tables", str(folder)]
    done = subprocess.run(
        command, input=json.dumps(questions), capture_output=True, text=True, timeout=120, cwd=HOUSE, check=False
    )
    assert done.returncode == 0, done.stderr
    return [[tuple(row) for row in rows] for rows in json.loads(done.stdout)]


def main() -> None:
    questions = json.load(sys.stdin)
    store = EmbeddedStore(Path(sys.argv[1]))
    try:
        json.dump([run(store, sql, parameters) for sql, parameters in questions], sys.stdout)
    finally:
        store.close()


if __name__ == "__main__":
    main()
