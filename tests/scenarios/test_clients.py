"""Released Segment clients send to a running collector, and each of their events is in ClickHouse once."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.house import House
from tests.scenarios.project import Project

CLIENTS = Path(__file__).parent / "clients"
CACHE = Path.home() / ".cache" / "wayfare"  # both clients are installed once, beside this project's own packages
PYTHON_CLIENT, NODE_CLIENT = "segment-analytics-python==2.4.0", "@segment/analytics-node@2.3.0"
KINDS = ("alias", "group", "identify", "page", "screen")
ORDERS = 60


@pytest.fixture(scope="session")
def python_client() -> Path:
    """Folder of Python packages with the client."""
    folder = CACHE / f"{PYTHON_CLIENT}-py3.{sys.version_info.minor}"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), PYTHON_CLIENT]
    installed(command, folder / "segment")
    return folder


@pytest.fixture(scope="session")
def node_client() -> Path:
    """Folder of Node packages with the client."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: Segment's client for Node runs on Node.js and comes through npm")
    folder = CACHE / f"node-{NODE_CLIENT.rpartition('@')[2]}"
    folder.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", NODE_CLIENT]
    installed(command, folder / "node_modules" / "@segment" / "analytics-node")
    return folder / "node_modules"


def installed(command: list[str], there: Path) -> None:
    if not there.is_dir():
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
        if done.returncode:
            pytest.skip(f"the client could not be installed: {' '.join(command)}: {done.stderr[-500:]}")


def test_segments_client_for_python(house: House, python_client: Path) -> None:
    sends(house.project(), [sys.executable, str(CLIENTS / "segment_python.py")], PYTHONPATH=str(python_client))


def test_segments_client_for_node(house: House, node_client: Path) -> None:
    sends(house.project(), ["node", str(CLIENTS / "segment_node.cjs")], NODE_PATH=str(node_client))


def sends(project: Project, command: list[str], **environ: str) -> None:
    """Runs the client's program: sixty calls of track, one of each other kind. Then all are there, each once."""
    done = subprocess.run(
        command, env=os.environ | environ | {"HOST": project.house.url, "WRITE_KEY": project.write_key},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    project.house.drained()
    (rows, rejected) = project.rows(
        "SELECT event, count(), uniqExact(message_id), any(user_id), any(toString(properties)) FROM events FINAL "
        "WHERE project = {project:String} GROUP BY event ORDER BY event",
        "SELECT reason, payload FROM rejected FINAL WHERE project = {project:String}",
    )
    assert rejected == []
    sent = [*KINDS, *(f"Order {number}" for number in range(ORDERS))]
    assert sorted((event, count) for event, count, *_ in rows) == sorted((event, 1) for event in sent)
    assert all(count == ids for _, count, ids, *_ in rows)
    assert {user for _, _, _, user, _ in rows} == {"ann"}
    by_name: dict[str, Any] = {event: json.loads(properties) for event, *_, properties in rows}
    assert by_name["Order 7"] == {"number": 7, "title": "Zürich → 東京", "nested": {"deep": [1, 2]}}
    assert project.proof()["differences"] == 0
