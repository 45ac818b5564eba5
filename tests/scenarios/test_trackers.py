"""Released clients of other trackers, of servers: they send here, and each of their events is in ClickHouse once."""

import json
import sys
from pathlib import Path
from typing import Any

from tests.equipment.released import node_packages, python_packages
from tests.scenarios.house import EmbeddedHouse
from tests.scenarios.project import Project

CLIENTS = Path(__file__).parent / "clients"
PYTHON = ("mixpanel==5.4.1", "ga4mp==2.0.4", "openpanel==0.0.1")
NODE = (
    "mixpanel@0.24.0", "@jitsu/js@1.11.0", "@openpanel/sdk@1.3.1", "@openpanel/web@1.4.1", "mixpanel-browser@2.83.0",
    "@minimal-analytics/ga4@1.8.7",
)  # fmt: skip


def sent(project: Project, command: list[str], **environ: str) -> dict[str, list[Any]]:
    """What a client's program put into the store, by event: [user, properties] of each."""
    project.run_client(command, **environ)
    (rows, rejected) = project.rows(
        "SELECT event, user_id, device_id, toString(properties), value_micros FROM events FINAL "
        "WHERE project = {project:String} ORDER BY event, user_id",
        "SELECT reason, payload FROM rejected FINAL WHERE project = {project:String}",
    )
    assert rejected == []
    assert project.proof()["differences"] == 0
    found: dict[str, list[Any]] = {}
    for event, user, device, properties, value in rows:
        found.setdefault(event, []).append((user, device, json.loads(properties), value))
    return found


def test_clients_for_python(embedded: EmbeddedHouse) -> None:
    program = [sys.executable, str(CLIENTS / "trackers_python.py")]
    found = sent(embedded.project(), program, PYTHONPATH=str(python_packages(*PYTHON)))
    assert {name: len(rows) for name, rows in found.items()} == {
        "Mixpanel Order": 1, "Mixpanel Old Order": 1, "track_charge": 1, "purchase": 1, "ga4_postponed": 1,
        "openpanel_order": 1, "identify": 4,
    }  # fmt: skip
    ((user, device, properties, _),) = found["Mixpanel Order"]
    assert (user, device, properties["number"], properties["title"]) == ("mixpanel-ann", "", 7, "Zürich → 東京")
    ((_, device, properties, value),) = found["purchase"]
    assert (device, properties["transaction_id"], value) == ("ga4-visitor", "T-7", 49_900_000)
    assert {"firstName": "Ann", "plan": "garden"} in [traits for _, _, traits, _ in found["identify"]]
    assert found["track_charge"][0][3] == 50_000_000


def test_clients_for_node(embedded: EmbeddedHouse) -> None:
    program = ["node", str(CLIENTS / "trackers_node.cjs")]
    found = sent(embedded.project(), program, NODE_PATH=str(node_packages(*NODE)))
    assert {name: len(rows) for name, rows in found.items()} == {
        "mixpanel_node_order": 1, "mixpanel_node_batch": 1, "mixpanel_node_old": 1, "alias": 1, "jitsu_order": 1,
        "page": 1, "group": 2, "openpanel_node_order": 1, "revenue": 1, "identify": 4,
    }  # fmt: skip
    for name, who in (("mixpanel_node_order", "node-ann"), ("openpanel_node_order", "panel-ann")):
        ((user, _, properties, _),) = found[name]
        assert (user, properties["number"], properties["title"]) == (who, 7, "Zürich → 東京")
    ((user, device, properties, _),) = found["jitsu_order"]
    assert (user, bool(device), properties["number"]) == ("jitsu-ann", True, 7)
    ((user, device, _, value),) = found["revenue"]
    assert (user, device, value) == ("panel-ann", "panel-device", 29_990_000)
