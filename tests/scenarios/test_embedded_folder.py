"""One folder over starts, ends and rivals: `wayfare up` and the commands that open the folder themselves."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.log import open_log
from tests.scenarios.house import EmbeddedHouse
from tests.scenarios.part import launched, started

VISITS = [
    {
        "type": "page",
        "anonymousId": f"visitor-{n}",
        "messageId": f"v{n}",
        "properties": {"url": "https://shop.example/"},
    }
    for n in range(50)
]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[EmbeddedHouse]:
    """An embedded house of the test's own, on an empty folder, not started."""
    house = EmbeddedHouse(tmp_path)
    yield house
    house.close()


def sessions(house: EmbeddedHouse) -> int:
    done = house.command("ask", "sessions", "--json")
    assert done.returncode == 0, done.stderr
    return int(json.loads(done.stdout)["result"]["total"]["sessions"])


def test_import_and_ask_work_on_an_empty_folder(folder: EmbeddedHouse, tmp_path: Path) -> None:
    file = tmp_path / "visits.ndjson"
    file.write_text("".join(json.dumps(visit) + "\n" for visit in VISITS))
    imported = folder.command("import", str(file))
    assert imported.returncode == 0, imported.stderr
    assert "50 accepted" in imported.stdout
    again = json.loads(folder.command("import", str(file), "--json").stdout)
    assert (again["accepted"], again["duplicates"]) == (0, 50)
    assert sessions(folder) == 50
    verified = folder.command("verify", "--all", "--json")
    assert (verified.returncode, json.loads(verified.stdout)["events"]) == (0, 50)


def test_a_terminated_one_ends_within_ten_seconds_and_the_next_start_goes_on(folder: EmbeddedHouse) -> None:
    folder.collector.launch = launched
    folder.start()
    project = folder.project()
    project.deliver(VISITS)
    assert folder.collector.stop(signal.SIGTERM, within_s=10) == 0, folder.collector.tail()
    folder.collector.launch = started
    assert "Traceback" not in folder.collector.tail()
    folder.start()
    folder.drained()
    assert project.ask("sessions")["total"]["sessions"] == 50
    project.deliver(
        [visit | {"anonymousId": "another", "messageId": f"again {visit['messageId']}"} for visit in VISITS[:5]]
    )
    folder.drained()
    total = project.ask("sessions")["total"]
    assert (total["sessions"], total["events"]) == (51, 55)
    assert project.proof()["differences"] == 0


def test_up_ends_while_traffic_and_a_live_question_go_on(folder: EmbeddedHouse) -> None:
    folder.start()
    project = folder.project()
    url, headers = f"{folder.url}/api/v1/projects/{project.name}/questions/sessions", project.admin_headers
    with folder.http.stream("POST", url, json={}, headers=headers | {"Accept": "text/event-stream"}) as live:
        assert next(live.iter_lines()) == "event: answer"
        for start in range(0, 50, 10):
            project.deliver(VISITS[start : start + 10])
        assert folder.collector.stop(signal.SIGINT, within_s=10) == 0, folder.collector.tail()
    folder.start()
    folder.drained()
    assert project.ask("sessions")["total"]["sessions"] == 50


def test_a_folder_whose_holder_was_killed_is_free(folder: EmbeddedHouse) -> None:
    folder.start()
    project = folder.project()
    project.deliver(VISITS)
    folder.collector.kill()
    assert (folder.folder / "data" / "lock").read_bytes(), "the lock file still names the dead"
    listed = folder.command("project", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    assert project.name in listed.stdout
    folder.start()
    folder.drained()
    assert project.ask("sessions")["total"]["sessions"] == 50


def work_off(folder: EmbeddedHouse) -> None:
    """Ends `up` where nothing waits. The collector notes the time every few seconds: a note may come before its end."""
    log = open_log(f"sqlite:///{folder.folder / 'data' / 'log.sqlite'}")
    while True:
        folder.start()
        folder.drained()
        folder.collector.stop()
        if not any(log.lag().values()):
            return log.close()


def test_a_folder_whose_log_is_cut_anew_goes_on_with_other_shards(folder: EmbeddedHouse) -> None:
    folder.start()
    project = folder.project()
    again = [visit | {"messageId": f"again {visit['messageId']}"} for visit in VISITS]
    project.bring(json.dumps(visit).encode() for visit in VISITS[:25])
    work_off(folder)
    folder.cut(7)
    folder.start()
    project.bring(json.dumps(visit).encode() for visit in [*VISITS[25:], *again])
    folder.drained()
    proof = project.verify()
    assert (proof.exit_code, proof.report["events"]) == (0, 100)
