"""The views for BI tools in the running system: their sums are the API's, on both pairs."""

import httpx

from tests.scenarios.house import ClusterHouse, EmbeddedHouse
from tests.scenarios.project import Project

STATEMENT = "SELECT count(), sum(events), countIf(bounced_engaged = 1), uniqExact(customer_id) FROM sessions"


def visited(project: Project) -> list[int]:
    """Events of two people, drained; what the API says of them: sessions, events, bounced, customers."""
    visits = (("a", 1, ("page", "page")), ("b", 2, ("page", "track")), ("b", 3, ("page",)))
    events = [
        {
            "type": kind, "anonymousId": who, "messageId": f"{who}-{day}-{number}", "event": "Clicked",
            "timestamp": f"2026-03-0{day}T10:00:0{number}Z",
        }
        for who, day, kinds in visits
        for number, kind in enumerate(kinds)
    ]  # fmt: skip
    project.deliver(events)
    project.house.drained()
    sessions, bounce = project.ask("sessions")["total"], project.ask("bounce")["total"]
    assert sessions["sessions"] == 3
    return [sessions["sessions"], sessions["events"], bounce["bounced"], sessions["customers"]]


def test_the_embedded_pair_answers_at_its_own_port(embedded: EmbeddedHouse) -> None:
    project = embedded.project()
    told = visited(project)
    made = embedded.http.post(
        f"{embedded.url}/api/v1/admin/projects/{project.name}/keys",
        json={"name": "tool", "kind": "bi"},
        headers=project.admin_headers,
    )
    assert made.status_code == 201, made.text
    auth = httpx.BasicAuth("bi", made.json()["key"])
    for path in ("/bi/", "/"):
        answer = embedded.http.post(f"{embedded.url}{path}", content=STATEMENT, auth=auth)
        assert answer.text.split() == [str(number) for number in told], answer.text
    assert embedded.http.post(f"{embedded.url}/bi/", content=STATEMENT).status_code == 403
    assert embedded.http.get(f"{embedded.url}/").status_code == 200  # the page is where it was


def test_clickhouse_has_them_in_a_database_beside_the_tables(cluster: ClusterHouse) -> None:
    project = cluster.project()
    told = visited(project)
    rows = cluster.store.query(
        STATEMENT.replace("FROM sessions", "FROM {bi:Identifier}.sessions WHERE project = {project:String}"),
        {"bi": f"bi_{cluster.database}", "project": project.name},
    )
    assert rows == [tuple(told)]
    assert cluster.http.post(f"{cluster.url}/bi/", content="SELECT 1").status_code == 404
