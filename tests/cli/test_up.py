"""`wayfare up`: one process holds the folder, ends within seconds, and the next one goes on where it was."""

import json
import os
import signal
import stat
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Folder, event, lines
from tests.scenarios.house import EmbeddedHouse
from tests.scenarios.part import until


@pytest.fixture
def house(tmp_path: Path):  # type: ignore[no-untyped-def]
    """An `up` of the test's own."""
    found = EmbeddedHouse(tmp_path)
    yield found
    found.close()


def sessions(house: EmbeddedHouse) -> int:
    answer = house.http.post(f"{house.url}/api/v1/projects/default/questions/sessions", json={"last": None})
    found: int = answer.json()["result"]["total"]["sessions"]
    return found


def test_ctrl_c_ends_it_within_seconds_and_the_next_start_goes_on(house: EmbeddedHouse, tmp_path: Path) -> None:
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
    house.start()
    assert sessions(house) == 2


def test_a_second_one_ends_with_2_and_says_who_holds_the_folder(house: EmbeddedHouse) -> None:
    house.start()
    for command in (("up", "--port", "0"), ("serve", "--port", "0"), ("migrate",), ("restore", __file__)):
        second = house.command(*command)
        assert second.returncode == 2, command
        assert str(house.collector.pid) in second.stderr
        assert house.url in second.stderr


def test_the_lock_is_readable_by_its_owner_alone(house: EmbeddedHouse, tmp_path: Path) -> None:
    house.start()
    lock = tmp_path / "data" / "lock"
    assert stat.S_IMODE(lock.stat().st_mode) == 0o600
    told = json.loads(lock.read_bytes())
    assert (told["pid"], told["url"]) == (house.collector.pid, house.url)
    assert house.collector.stop() == 0
    assert lock.read_bytes() == b""


def test_a_killed_one_leaves_a_folder_that_the_next_takes(house: EmbeddedHouse) -> None:
    house.start()
    house.collector.kill()
    house.start()
    assert house.http.get(f"{house.url}/readyz").status_code == 200


def test_a_taken_port_is_the_users_mistake(house: EmbeddedHouse, folder: Folder) -> None:
    house.start()
    folder.settings = {"data": str(folder.path / "other")}
    port = house.url.rpartition(":")[2]
    done = folder.wayfare("up", "--port", port)
    assert done.code == 2
    assert "--port" in done.err


def test_up_is_for_the_embedded_pair_and_a_worker_for_the_other(folder: Folder) -> None:
    pair = {"log": "kafka://localhost:1", "store": "clickhouse://localhost:1/d"}
    assert folder.wayfare("up", **pair).code == 2
    assert folder.wayfare("worker").code == 2


def test_the_data_is_not_seen_by_others_while_an_import_holds_it(house: EmbeddedHouse) -> None:
    house.start()
    holder = house.holder
    assert holder["token"] not in house.collector.tail()
    assert holder["token"] not in " ".join(Path(f"/proc/{os.getpid()}/environ").read_text().split("\0"))


def test_demo_shows_sessions_bounce_and_a_funnel_that_move(tmp_path: Path) -> None:
    house = EmbeddedHouse(tmp_path)
    house.collector = house.worker = house.part("demo", "up", "--demo", "--port", "0")
    try:
        house.start()
        base = f"{house.url}/api/v1/projects/default/questions"

        def ask(name: str, **question: object) -> dict[str, object]:
            answer = house.http.post(f"{base}/{name}", json={"last": None, **question})
            found: dict[str, object] = answer.json()["result"]
            return found

        def sessions() -> int:
            return ask("sessions")["total"]["sessions"]  # type: ignore[index,call-overload,no-any-return]

        until(lambda: sessions() > 100, "sessions of some days are there", within_s=45)
        before = sessions()
        until(lambda: sessions() > before, "sessions grow", within_s=30)
        rate = ask("bounce")["total"]["rate"]  # type: ignore[index,call-overload]
        assert 0.1 < rate < 0.9
        steps = ask("funnel", saved="checkout")["steps"]
        counts = [step["count"] for step in steps]  # type: ignore[attr-defined]
        assert counts[0] > counts[1] > counts[2] > 0
        assert ask("rejected")["count"] == 0
        assert ask("journeys")["converted"] > 0  # type: ignore[operator]
    finally:
        house.close()


def test_demo_does_not_mix_with_events_of_ones_own(folder: Folder) -> None:
    assert folder.wayfare("import", "-", given=lines(event("x"))).code == 0
    done = folder.wayfare("up", "--demo", "--port", "0")
    assert done.code == 2
    assert "WAYFARE_PROJECT=demo" in done.err


def test_demo_goes_on_beside_what_was_sent_to_it(tmp_path: Path) -> None:
    house = EmbeddedHouse(tmp_path)
    house.collector = house.worker = house.part("demo", "up", "--demo", "--port", "0")
    try:
        house.start()
        until(lambda: sessions(house) > 100, "sessions of some days are there", within_s=45)
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


def test_nobody_reads_from_another_site_or_by_another_name(house: EmbeddedHouse) -> None:
    house.start()
    path = f"{house.url}/api/v1/projects/default/questions/sessions"
    assert httpx.post(path, json={}).status_code == 200
    assert httpx.post(path, json={}, headers={"Host": "evil.example"}).status_code == 401
    assert httpx.post(path, json={}, headers={"X-Forwarded-For": "10.0.0.1"}).status_code == 401
