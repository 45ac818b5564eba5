"""Two who were strangers turn out to be one: whatever is asked says so, in all of its answers alike."""

from typing import Any

import httpx

from tests.scenarios.house import ClusterHouse, House
from tests.scenarios.project import Project

CUSTOMERS = "SELECT uniqExact(customer_id) FROM {}sessions WHERE project = {}"
STEPS = {"steps": [{"events": [name]} for name in ("Viewed", "Bought")], "window": "7d"}


def event(name: str, who: str, day: int, **more: Any) -> dict[str, Any]:
    at = f"2026-03-0{day}T10:00:00Z"
    return {"type": "track", "event": name, "anonymousId": who, "messageId": f"{name} {who}", "timestamp": at} | more


# Ann is known by her user id on the laptop, and by her address alone on the phone.
STRANGERS = [
    event("Viewed", "laptop", 1, userId="ann"),
    event("Opened", "phone", 2, type="identify", traits={"email": "ann@example.com"}),
    event("Bought", "phone", 3),
]
PAIR = event("Signed In", "tablet", 4, type="identify", userId="ann", traits={"email": "ann@example.com"})


def tool(project: Project) -> str:
    """A key for a BI tool."""
    house = project.house
    made = house.http.post(
        f"{house.url}/api/v1/admin/projects/{project.name}/keys",
        json={"name": "tool", "kind": "bi"},
        headers=project.admin_headers,
    )
    assert made.status_code == 201, made.text
    return str(made.json()["key"])


def views(project: Project, key: str) -> int:
    """Customers that a BI tool counts over the view `sessions`."""
    house = project.house
    if isinstance(house, ClusterHouse):
        sql = CUSTOMERS.format("{bi:Identifier}.", "{project:String}")
        rows = house.store.query(sql, {"bi": f"bi_{house.database}", "project": project.name})
        return int(rows[0][0])
    sql = CUSTOMERS.format("", f"'{project.name}'")
    answer = house.http.post(f"{house.url}/bi/", content=sql, auth=httpx.BasicAuth("bi", key))
    assert answer.status_code == 200, answer.text
    return int(answer.text)


def told(project: Project, key: str) -> dict[str, tuple[int, ...]]:
    """What each kind of answer makes of who is who."""
    sessions, journeys = project.ask("sessions")["total"], project.ask("journeys")
    profile = project.customer("user:ann")
    saved, asked = project.ask("funnel", saved="way"), project.ask("funnel", **STEPS)
    return {
        "sessions": (sessions["sessions"], sessions["customers"]),
        "journeys": (journeys["journeys"],),
        "saved funnel": (saved["converted"],),
        "funnel": (asked["converted"],),
        "profile": (profile["sessions"], len(profile["journeys"])),
        "views": (views(project, key),),
    }


def test_a_new_pair_shows_in_sessions_journeys_funnels_profile_and_views(house: House) -> None:
    project = house.project()
    key = tool(project)
    project.save("funnels", {"name": "way", **STEPS})
    project.deliver(STRANGERS)
    house.drained()
    assert told(project, key) == {
        "sessions": (3, 2), "journeys": (2,), "saved funnel": (0,), "funnel": (0,), "profile": (1, 1), "views": (2,)
    }  # fmt: skip
    project.deliver([PAIR])
    house.drained()
    assert told(project, key) == {
        "sessions": (4, 1), "journeys": (1,), "saved funnel": (1,), "funnel": (1,), "profile": (4, 1), "views": (1,)
    }  # fmt: skip
    assert project.proof()["differences"] == 0
