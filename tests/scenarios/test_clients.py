"""Released clients of Segment and RudderStack send to a running collector, and what they were once seen to send is sent
again; each of their events is in ClickHouse once.
"""

import gzip
import json
import sys
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.ingest.who import message_hash
from tests.api.collect.test_captured_clients import CAPTURES, NOT_SENT_ON
from tests.equipment.bad_way import REFUSED, TAKEN, BadWay
from tests.equipment.released import node_packages, python_packages
from tests.scenarios.house import EmbeddedHouse, House
from tests.scenarios.project import Project

CLIENTS = Path(__file__).parent / "clients"
PYTHON_CLIENT, NODE_CLIENT = "segment-analytics-python==2.4.0", "@segment/analytics-node@2.3.0"
RUDDER_CLIENT = "rudder-sdk-python==2.1.9"
CAPTURED_KEY = "WRITEKEY123"
KINDS = ("alias", "group", "identify", "page", "screen")
ORDERS = 60

Client = Callable[[], tuple[list[str], dict[str, str]]]


def segments_for_python() -> tuple[list[str], dict[str, str]]:
    """The command, and what it needs in its environment."""
    return [sys.executable, str(CLIENTS / "segment_python.py")], {"PYTHONPATH": str(python_packages(PYTHON_CLIENT))}


def segments_for_node() -> tuple[list[str], dict[str, str]]:
    return ["node", str(CLIENTS / "segment_node.cjs")], {"NODE_PATH": str(node_packages(NODE_CLIENT))}


def rudderstacks_for_python() -> tuple[list[str], dict[str, str]]:
    return [sys.executable, str(CLIENTS / "rudder_python.py")], {"PYTHONPATH": str(python_packages(RUDDER_CLIENT))}


def test_segments_client_for_python(house: House) -> None:
    command, needs = segments_for_python()
    sends(house.project(), command, **needs)


def test_segments_client_for_node(house: House) -> None:
    command, needs = segments_for_node()
    sends(house.project(), command, **needs)


def test_rudderstacks_client_for_python(embedded: EmbeddedHouse) -> None:
    command, needs = rudderstacks_for_python()
    sends(embedded.project(), command, **needs)


@pytest.mark.parametrize("client", [segments_for_python, segments_for_node, rudderstacks_for_python])
def test_over_a_bad_way_every_event_of_a_client_arrives_once(embedded: EmbeddedHouse, client: Client) -> None:
    """Its requests are cut and refused, also when they have been taken, two times each and more."""
    command, needs = client()
    with BadWay(embedded.url, misfortunes=2) as way:
        sends(embedded.project(), command, HOST=way.url, **needs)
    assert set(way.met) & set(TAKEN)
    assert set(way.met) & set(REFUSED)


@pytest.mark.skipif(not CAPTURES.is_dir(), reason=f"needs the captured requests in {CAPTURES}")
def test_all_that_clients_were_seen_to_send_is_there_once_however_they_tried_again(embedded: EmbeddedHouse) -> None:
    """Retried batches that have grown, explicit nulls for ids, empty user ids; whole scenarios, in their order."""
    project = embedded.project()
    sent: Counter[str] = Counter()
    for file in sorted(CAPTURES.glob("*.json")):
        for scenario in json.loads(file.read_text())["scenarios"].values():
            for request in scenario["requests"]:
                sent.update(replayed(project, request))
    assert max(sent.values()) > 1  # they did send again
    embedded.drained()
    (rows, rejected) = project.rows(
        "SELECT message_id FROM events FINAL WHERE project = {project:String}",
        "SELECT message_id, reason, payload FROM rejected FINAL WHERE project = {project:String}",
    )
    for _, reason, payload in rejected:  # a browser client was called with the id that the user had: it joins nothing
        told = json.loads(payload)
        assert (reason, told["type"], told["previousId"]) == ("invalid_alias", "alias", told["userId"])
    found = Counter(row[0] for row in (*rows, *rejected))
    assert found == Counter({message_hash(project.name, each): 1 for each in sent})
    assert project.proof()["differences"] == 0


def replayed(project: Project, request: dict[str, Any]) -> list[str]:
    """Sends a captured request with the project's key; the message ids in it."""
    mine = json.dumps(request).replace(CAPTURED_KEY, project.write_key)
    request = json.loads(mine)
    headers = {name: value for name, value in request["headers"].items() if name not in NOT_SENT_ON}
    if "authorization" in headers:
        headers["authorization"] = "Basic " + b64encode(f"{project.write_key}:".encode()).decode()
    body = request["body"]
    content = b"" if body is None else json.dumps(body).encode()
    if request["compressed"] == "gzip":
        content = gzip.compress(content)
    answer = project.house.http.request(
        request["method"], f"{project.house.url}{request['path']}", content=content, headers=headers,
        params=request["query"],
    )  # fmt: skip
    assert answer.status_code in (200, 204), answer.text
    return [event["messageId"] for event in body.get("batch", [body])] if request["method"] == "POST" else []


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
