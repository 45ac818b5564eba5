"""Projects, keys, settings, doctor, tail and verify from the command line, beside a running `up`."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from uuid import uuid4

import httpx
import pytest

from pipeline.cli import tail
from pipeline.cli.tail import line
from tests.cli.conftest import Command, Folder, event, lines
from tests.scenarios.house import EmbeddedHouse
from tests.scenarios.part import until


def new_name() -> str:
    return f"p{uuid4().hex[:10]}"


def test_a_project_is_made_listed_and_changed(wayfare: Command) -> None:
    name = new_name()
    made = wayfare("project", "create", name, "--zone", "Europe/Berlin", "--gap-minutes", "10", "--json").json
    assert (made["zone"], made["sessions"]["gap_ms"], made["version"]) == ("Europe/Berlin", 600_000, 1)
    changed = wayfare("project", "set", name, "--currency", "USD", "--own-domain", "shop.example", "--json").json
    assert (changed["currency"], changed["own_domains"], changed["version"]) == ("USD", ["shop.example"], 2)
    assert (changed["zone"], changed["sessions"]["gap_ms"]) == ("Europe/Berlin", 600_000)
    assert name in wayfare("project", "list").out


def test_a_limit_of_lateness_is_set_kept_and_taken_back(wayfare: Command) -> None:
    name = new_name()
    wayfare("project", "create", name, "--lateness-days", "2")
    assert wayfare("project", "set", name, "--currency", "USD", "--json").json["lateness_ms"] == 2 * 86_400_000
    assert wayfare("project", "set", name, "--lateness-days", "0", "--json").json["lateness_ms"] is None


@pytest.mark.parametrize("arguments", [
    ("create", "Not A Slug"), ("create", "default"), ("set", "nowhere", "--currency", "EUR"), ("set", "default"),
    ("set", "default", "--zone", "Mars/Base"),
])  # fmt: skip
def test_a_project_that_cannot_be_is_the_users_mistake(wayfare: Command, arguments: tuple[str, ...]) -> None:
    assert wayfare("project", *arguments).code == 2


def test_a_key_is_shown_once_and_never_again(wayfare: Command, embedded: EmbeddedHouse) -> None:
    project = embedded.project().name
    shown = wayfare("key", "create", "site", "-p", project).out
    key = re.search(r"wf_write_\S+", shown)
    assert key
    listed = wayfare("key", "list", "-p", project, "--json").out
    assert key[0] not in listed
    assert "site" in listed
    assert f'<script async src="{embedded.url}/wayfare.js" data-key="{key[0]}"></script>' in shown


def test_a_revoked_key_is_refused_by_the_collector(wayfare: Command, embedded: EmbeddedHouse) -> None:
    project = embedded.project().name
    key = wayfare("key", "create", "site", "-p", project, "--json").json["key"]

    def status() -> int:
        return httpx.post(f"{embedded.url}/v1/track", json=event("x"), auth=(key, "")).status_code

    assert status() == 200
    assert wayfare("key", "revoke", "site", "-p", project).code == 0
    until(lambda: status() == 401, "the key is refused", within_s=5)


def test_a_read_key_reads_its_project_and_administers_nothing(wayfare: Command, embedded: EmbeddedHouse) -> None:
    project, other = embedded.project().name, embedded.project().name
    key = wayfare("key", "create", "reader", "--kind", "read", "-p", project, "--json").json["key"]
    headers = {"Authorization": f"Bearer {key}"}
    ask = f"{embedded.url}/api/v1/projects/{{}}/questions/sessions"
    assert httpx.post(ask.format(project), json={}, headers=headers).status_code == 200
    assert httpx.post(ask.format(other), json={}, headers=headers).status_code == 403
    admin = f"{embedded.url}/api/v1/admin"
    for path in ("/projects", "/progress", "/doctor", f"/projects/{project}/keys"):
        assert httpx.get(admin + path, headers=headers).status_code == 403
        assert httpx.get(admin + path).status_code == 401


def test_an_admin_key_administers_its_project_and_not_the_installation(
    wayfare: Command, embedded: EmbeddedHouse
) -> None:
    project, other = embedded.project().name, embedded.project().name
    key = wayfare("key", "create", "boss", "--kind", "admin", "-p", project, "--json").json["key"]
    headers, admin = {"Authorization": f"Bearer {key}"}, f"{embedded.url}/api/v1/admin"
    assert httpx.get(f"{admin}/projects/{project}/keys", headers=headers).status_code == 200
    assert httpx.get(f"{admin}/progress", headers=headers).status_code == 200
    for path in (f"/projects/{other}/keys", "/projects", "/doctor"):
        assert httpx.get(admin + path, headers=headers).status_code == 403


def test_the_settings_are_listed_without_secrets(wayfare: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYFARE_STORE", "clickhouse://u:geheimnis@h/d")
    told = wayfare("settings")
    assert told.code == 0
    assert "WAYFARE_TURN_EVENTS" in told.out
    assert "geheimnis" not in told.out + wayfare("settings", "--json").out


def test_an_unknown_setting_ends_every_command(wayfare: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYFARE_PROT", "1")
    done = wayfare("ask", "sessions", "--json")
    assert (done.code, done.error["code"]) == (2, "invalid_setting")
    assert "WAYFARE_PORT" in done.error["message"]


def test_an_unknown_command_is_the_users_mistake(wayfare: Command) -> None:
    assert wayfare("nonsense").code == 2
    assert wayfare("ask").code == 2
    assert wayfare("--help").code == 0
    assert wayfare("--version").out.startswith("wayfare ")


def test_the_doctor_finds_a_running_up_well(wayfare: Command) -> None:
    done = wayfare("doctor", "--json")
    states = {check["name"]: check["state"] for check in done.json["checks"]}
    assert done.code == 0
    assert {"settings", "log", "topics", "store", "clock", "tables", "agents", "disk"} <= states.keys()
    assert "fail" not in states.values()


@pytest.mark.parametrize(
    ("pair", "part"), [({"log": "kafka://127.0.0.1:1"}, "log"), ({"store": "clickhouse://u:p@127.0.0.1:1/d"}, "store")]
)
def test_the_doctor_names_the_part_that_is_away(folder: Folder, pair: dict[str, str], part: str) -> None:
    done = folder.wayfare("doctor", "--json", **pair)
    assert (done.code, done.err) == (1, "")
    (check,) = done.json["checks"]
    assert (check["name"], check["state"]) == (part, "fail")
    assert f"WAYFARE_{part.upper()}" in check["advice"]


def test_a_data_folder_that_is_a_file_is_the_users_mistake(folder: Folder) -> None:
    (folder.path / "data").write_text("")
    done = folder.wayfare("ask", "sessions", "--json")
    assert (done.code, done.error["field"]) == (2, "data")


def test_verify_finds_no_difference(wayfare: Command, embedded: EmbeddedHouse, tmp_path: Path) -> None:
    project, file = embedded.project().name, tmp_path / "events.ndjson"
    file.write_bytes(lines(event("x", "a", 1), event("x", "b", 2, userId="u"), event("page", "a", 3)))
    wayfare("import", str(file), "-p", project)
    done = wayfare("verify", "--all", "-p", project)
    assert done.code == 0
    assert "No difference" in done.out
    sampled = wayfare("verify", "--sample", "1", "-p", project, "--json").json
    assert (sampled["differences"], sampled["project"]) == (0, project)
    assert 0 < sampled["events"] < 3
    customer = wayfare("ask", "customer", "user:u", "-p", project, "--json").json["id"]
    for named in (customer, "user:u"):
        assert wayfare("verify", "--customer", named, "-p", project, "--json").json["events"] == 1


def test_verify_ends_and_finds_no_difference_while_events_keep_coming(
    wayfare: Command, embedded: EmbeddedHouse
) -> None:
    project, ended = embedded.project(), Event()

    def send() -> int:
        number = 0
        while not ended.wait(0.2) and number < 100_000:  # at a pace: verify reads all of it
            batch = [event("x", f"d{n % 300}", number + n, userId=f"u{n % 40}" if n % 5 else None) for n in range(20)]
            project.deliver([{**each, "timestamp": None} for each in batch])
            number += 20
        return number

    with ThreadPoolExecutor() as pool:
        sending = pool.submit(send)
        try:
            until(lambda: project.ask("sessions")["total"]["events"] > 200, "events are there")
            for scope in ("--all", "--sample=20"):
                done = wayfare("verify", scope, "-p", project.name)
                assert (done.code, sending.done()) == (0, False), done.out
        finally:
            ended.set()
        assert sending.result() > 0


def test_verify_takes_one_scope(wayfare: Command) -> None:
    assert wayfare("verify", "--all", "--customer", "0" * 16).code == 2
    assert wayfare("verify", "--all", "--sample", "5").code == 2
    assert wayfare("verify", "--customer", "ann").code == 2


def test_what_arrives_is_told_in_order_of_receipt(wayfare: Command, embedded: EmbeddedHouse) -> None:
    project = embedded.project()
    headers = project.admin_headers
    base = f"{embedded.url}/api/v1/admin/projects/{project.name}"
    project.post([event("Viewed", "a", 1), event("Bought", "a", 2), {"type": "track", "anonymousId": "a"}])
    embedded.drained()
    found = httpx.get(f"{base}/arrivals", params={"since": 0}, headers=headers).json()["arrivals"]
    assert sorted(each["event"] or each["reason"] for each in found) == ["Bought", "Viewed", "missing_event"]
    assert [each["received_at"] for each in found] == sorted(each["received_at"] for each in found)
    now = found[-1]["received_at"]
    assert httpx.get(f"{base}/arrivals", params={"since": now + 1}, headers=headers).json()["arrivals"] == []
    told = [line(each).plain for each in found]
    assert any("rejected missing_event" in each for each in told)
    assert any("Viewed" in each for each in told)


def test_tail_says_where_more_arrives_than_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    arrival = {"received_at": 0, "reason": "", "event": "Viewed", "channel": "web", "who": "a", "where": "/"}
    tail._show([arrival] * 3, json=False, most=4)
    assert "more arrive" not in capsys.readouterr().err
    tail._show([arrival] * 4, json=True, most=4)
    told = capsys.readouterr()
    assert "more arrive than are shown" in told.err
    assert len(told.out.splitlines()) == 4


def test_metrics_are_prometheus_text(embedded: EmbeddedHouse) -> None:
    project = embedded.project()
    project.post([event("Viewed")])
    embedded.drained()
    told = httpx.get(f"{embedded.url}/metrics")
    assert told.headers["content-type"].startswith("text/plain; version=0.0.4")
    samples = dict(line.rsplit(" ", 1) for line in told.text.splitlines() if not line.startswith("#"))
    assert samples['wayfare_up{part="log"}'] == samples['wayfare_up{part="agents"}'] == "1"
    assert f'wayfare_collector_accepted_total{{project="{project.name}",source="web"}}' in samples
    assert 'wayfare_log_lag_records{topic="events"}' in samples
    assert float(samples["wayfare_data_age_seconds"]) < 120


def test_health_says_that_all_parts_answer(embedded: EmbeddedHouse) -> None:
    assert httpx.get(f"{embedded.url}/healthz").json() == {"status": "alive"}
    assert httpx.get(f"{embedded.url}/readyz").json() == {"ready": True, "log": "ok", "store": "ok", "agents": "ok"}


def test_errors_have_one_shape_with_json(wayfare: Command) -> None:
    done = wayfare("ask", "nothing", "--json")
    assert json.loads(done.err) == {"error": done.error}
    assert done.error.keys() == {"code", "message", "field"}
