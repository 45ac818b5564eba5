"""Released clients of other trackers for servers send to a running collector; each of their events is there once."""

import sys
from collections import Counter
from typing import Any

from tests.equipment.released import python_packages
from tests.scenarios.house import EmbeddedHouse
from tests.scenarios.test_clients import CLIENTS

PACKAGES = ("posthog==7.91.1", "snowplow-tracker==1.1.0", "matomopy==0.1.0")
ORDERS = 20


def test_posthogs_snowplows_and_matomos_clients_for_python(embedded: EmbeddedHouse) -> None:
    project = embedded.project()
    made = embedded.http.post(
        f"{embedded.url}/api/v1/admin/projects/{project.name}/keys",
        json={"name": "backend", "kind": "write", "source": "backend", "source_kind": "server"},
        headers=project.admin_headers,
    )
    project.write_key = made.json()["key"]
    embedded.project()  # whoever knows a newer project knows the key too
    program = [sys.executable, str(CLIENTS / "protocols_python.py")]
    project.run_client(program, PYTHONPATH=str(python_packages(*PACKAGES)))

    recent = project.ask("recent", newest=1000)
    assert recent["rejected"] == []
    found = Counter(each["event"] for each in recent["events"])
    assert found == Counter(
        [f"posthog {mode} {number}" for mode in ("v0", "v1") for number in range(ORDERS)]
        + ["alias", "identify", "identify", "group"] * 2
        + ["page", "page_ping", "save_game"] * 2
        + ["add post", "add get"]
        + ["page", "play 東京", "Goal 3", "Products Searched", "Order Completed"]
        + ["File Downloaded", "Outbound Link Clicked"]
    )
    ann: Any = project.customer("user:ann")
    assert (ann["user_ids"], ann["group_ids"], ann["traits"]) == (["ann"], ["acme"], {"plan": "team"})
    assert project.customer("email:ann@example.com")["id"] == ann["id"]
    bob = project.customer("user:bob")
    saved = [each for each in bob["timeline"] if each["event"] == "save_game"]
    assert [each["properties"]["level"] for each in saved] == [23, 23]
    assert [each["properties"]["contexts"]["user"] for each in saved] == [{"a": "東京"}] * 2
    order = next(each for each in recent["events"] if each["event"] == "Order Completed")
    assert order["value_micros"] == 48_500_000
    assert project.proof()["differences"] == 0
