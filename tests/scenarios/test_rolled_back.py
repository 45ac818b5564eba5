"""A project's session rules are changed and rolled back: history is filled anew both times, and is what it was."""

from typing import Any

from tests.scenarios.house import House
from tests.scenarios.project import Project

VISITS = [
    {
        "type": "page", "anonymousId": f"visitor {who}", "messageId": f"{who} {minute}",
        "timestamp": f"2026-03-01T10:{minute:02}:00Z",
    }
    for who in range(40)
    for minute in (0, 10, 40)
]  # fmt: skip


def found(project: Project) -> tuple[Any, ...]:
    sessions, journeys = project.ask("sessions")["total"], project.ask("journeys", newest=0)
    return sessions, project.ask("bounce")["total"], journeys


def changed(project: Project, method: str, path: str, body: dict[str, Any]) -> int:
    """The version that the change made; returns when history is filled anew."""
    url = f"{project.house.url}/api/v1/admin/projects/{project.name}{path}"
    answer = project.house.http.request(method, url, json=body, headers=project.admin_headers)
    assert answer.status_code == 200, answer.text
    project.house.drained()
    return int(answer.json()["version"])


def test_session_rules_are_changed_and_rolled_back_by_the_projects_route(house: House) -> None:
    project = house.project()
    project.deliver(VISITS)
    house.drained()
    before = found(project)
    assert before[0]["sessions"] == 40
    first = changed(project, "PUT", "", {"sessions": {"gap_ms": 300_000}}) - 1
    assert found(project)[0]["sessions"] == 120
    assert project.proof()["differences"] == 0
    assert changed(project, "POST", "/rollback", {"version": first}) == first + 2
    assert found(project) == before
    url = f"{house.url}/api/v1/admin/projects/{project.name}/versions"
    kept = house.http.get(url, headers=project.admin_headers).json()["versions"]
    assert [(one["version"], one["body"]["sessions"]["gap_ms"]) for one in kept][:3] == [
        (first + 2, 1_800_000),
        (first + 1, 300_000),
        (first, 1_800_000),
    ]
    assert project.proof()["differences"] == 0
