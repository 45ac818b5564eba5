"""`wayfare up`: one process holds the folder, ends within seconds, and the next one goes on where it was."""

import json
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipeline.ingest.acquisition import VERSION
from tests.cli.conftest import Folder, event, lines
from tests.scenarios.house import EmbeddedHouse
from tests.scenarios.part import launched, started, until


@pytest.fixture
def house(tmp_path: Path) -> Iterator[EmbeddedHouse]:
    """A folder of the test's own, on which nothing runs yet."""
    found = EmbeddedHouse(tmp_path)
    yield found
    found.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedHouse]:
    """An `up` for the tests that leave it as it is."""
    found = EmbeddedHouse(tmp_path_factory.mktemp("running"))
    found.collector.launch = launched
    found.start()
    yield found
    found.close()


def sessions(house: EmbeddedHouse) -> int:
    answer = house.http.post(f"{house.url}/api/v1/projects/default/questions/sessions", json={"last": None})
    found: int = answer.json()["result"]["total"]["sessions"]
    return found


def test_ctrl_c_ends_it_within_seconds_and_the_next_start_goes_on(house: EmbeddedHouse, tmp_path: Path) -> None:
    house.collector.launch = launched
    house.start()
    file = tmp_path / "events.ndjson"
    file.write_bytes(lines(event("x", "a"), event("x", "b")))
    assert house.command("import", str(file)).returncode == 0
    assert sessions(house) == 2
    headers = {"Accept": "text/event-stream"}
    with house.http.stream(
        "POST", f"{house.url}/api/v1/projects/default/questions/sessions", json={}, headers=headers
    ) as live:
        assert next(live.iter_lines()) == "event: answer"
        assert house.collector.stop(signal.SIGINT, within_s=10) == 0
    assert "Ended; the data stays." in house.collector.tail()
    assert "Traceback" not in house.collector.tail()
    assert (house.folder / "data" / "lock").read_bytes() == b""
    house.collector.launch = started
    house.start()
    assert sessions(house) == 2


def test_a_second_one_ends_with_2_and_says_who_holds_the_folder(running: EmbeddedHouse) -> None:
    for command in (("up", "--port", "0"), ("serve", "--port", "0"), ("migrate",), ("restore", __file__)):
        second = running.command(*command)
        assert second.returncode == 2, command
        assert str(running.collector.pid) in second.stderr
        assert running.url in second.stderr
    assert running.answers(), "the first one goes on"


def test_a_signal_has_it_tell_where_its_threads_are(running: EmbeddedHouse) -> None:
    running.collector.send(signal.SIGUSR1)
    until(lambda: "(most recent call first)" in running.collector.tail(100_000), "its threads told")
    assert running.answers(), "it goes on"


def test_the_first_project_is_judged_by_the_acquisition_table_of_now(running: EmbeddedHouse) -> None:
    answer = running.http.post(f"{running.url}/api/v1/projects/default/questions/sessions", json={})
    assert answer.json()["definitions"]["acquisition"] == VERSION


def test_the_lock_is_readable_by_its_owner_alone(running: EmbeddedHouse) -> None:
    lock = running.folder / "data" / "lock"
    assert stat.S_IMODE(lock.stat().st_mode) == 0o600
    told = json.loads(lock.read_bytes())
    assert (told["pid"], told["url"]) == (running.collector.pid, running.url)


def test_a_taken_port_is_the_users_mistake(running: EmbeddedHouse, folder: Folder) -> None:
    port = running.url.rpartition(":")[2]
    done = folder.wayfare("up", "--port", port)
    assert done.code == 2
    assert "--port" in done.err


def test_up_is_for_the_embedded_pair_and_a_worker_for_the_other(folder: Folder) -> None:
    pair = {"log": "kafka://localhost:1", "store": "clickhouse://localhost:1/d"}
    assert folder.wayfare("up", **pair).code == 2
    assert folder.wayfare("worker").code == 2


def test_the_token_of_the_lock_is_told_to_nobody_else(running: EmbeddedHouse) -> None:
    token = running.holder["token"]
    assert token not in running.collector.tail()
    assert token not in Path(f"/proc/{running.collector.pid}/environ").read_text()


def test_demo_shows_sessions_bounce_and_a_funnel_that_move_and_goes_on_beside_what_was_sent_to_it(
    tmp_path: Path,
) -> None:
    house = EmbeddedHouse(tmp_path)
    house.collector = house.worker = house.part("demo", "up", "--demo", "--port", "0")
    try:
        house.start()
        moves(house)
        made = house.command("key", "create", "shop", "--json")
        own = {"event": "Order Completed", "userId": "ann"}
        sent = house.http.post(f"{house.url}/v1/track", json=own, auth=(json.loads(made.stdout)["key"], ""))
        assert sent.status_code == 200
        until(lambda: house.command("ask", "customer", "user:ann").returncode == 0, "ann is known", every_s=0.5)
        assert house.collector.stop(signal.SIGINT, within_s=10) == 0
        house.start()
        before = sessions(house)
        until(lambda: sessions(house) > before, "sessions grow again", within_s=30)
    finally:
        house.close()


def moves(house: EmbeddedHouse) -> None:
    def ask(name: str, **question: object) -> dict[str, Any]:
        answer = house.http.post(
            f"{house.url}/api/v1/projects/default/questions/{name}", json={"last": None, **question}
        )
        found: dict[str, Any] = answer.json()["result"]
        return found

    until(lambda: sessions(house) > 100, "sessions of some days are there", within_s=45)
    before = sessions(house)
    until(lambda: sessions(house) > before, "sessions grow", within_s=30)
    assert 0.1 < ask("bounce")["total"]["rate"] < 0.9
    counts = [step["count"] for step in ask("funnel", saved="checkout")["steps"]]
    assert counts[0] > counts[1] > counts[2] > 0
    assert ask("rejected")["count"] == 0
    assert ask("journeys")["converted"] > 0


def test_demo_does_not_mix_with_events_of_ones_own(folder: Folder) -> None:
    assert folder.wayfare("import", "-", given=lines(event("x"))).code == 0
    done = folder.wayfare("up", "--demo", "--port", "0")
    assert done.code == 2
    assert "WAYFARE_PROJECT=demo" in done.err


def test_nobody_reads_from_another_site_or_by_another_name(running: EmbeddedHouse) -> None:
    path = f"{running.url}/api/v1/projects/default/questions/sessions"
    assert httpx.post(path, json={}).status_code == 200
    assert httpx.post(path, json={}, headers={"Host": "evil.example"}).status_code == 401
    assert httpx.post(path, json={}, headers={"X-Forwarded-For": "10.0.0.1"}).status_code == 401
