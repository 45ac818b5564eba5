"""Released Segment clients send to a running collector, and each of their events is in ClickHouse once."""

import json
import sys
from pathlib import Path
from typing import Any

from tests.equipment.released import node_packages, python_packages
from tests.scenarios.house import House
from tests.scenarios.project import Project

CLIENTS = Path(__file__).parent / "clients"
PYTHON_CLIENT, NODE_CLIENT = "segment-analytics-python==2.4.0", "@segment/analytics-node@2.3.0"
KINDS = ("alias", "group", "identify", "page", "screen")
ORDERS = 60


def test_segments_client_for_python(house: House) -> None:
    sends(
        house.project(),
        [sys.executable, str(CLIENTS / "segment_python.py")],
        PYTHONPATH=str(python_packages(PYTHON_CLIENT)),
    )


def test_segments_client_for_node(house: House) -> None:
    sends(house.project(), ["node", str(CLIENTS / "segment_node.cjs")], NODE_PATH=str(node_packages(NODE_CLIENT)))


def sends(project: Project, command: list[str], **environ: str) -> None:
    """Runs the client's program: sixty calls of track, one of each other kind. Then all are there, each once."""
    project.run_client(command, **environ)
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
