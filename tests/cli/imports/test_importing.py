"""`wayfare import` of mapped files and of other trackers' exports, and how one that was killed goes on."""

import json
import subprocess
from pathlib import Path

import pytest

from pipeline.cli.imports import checkpoint
from pipeline.cli.imports.checkpoint import Done
from pipeline.cli.imports.sending import BATCH_LINES
from pipeline.ingest.exports.exports import EXPORTS
from tests.cli.conftest import Command, event, lines
from tests.ingest.exports.test_exports import GA4, POSTHOG, SNOWPLOW, logged, snowplow
from tests.scenarios.house import EmbeddedHouse
from tests.scenarios.part import HOUSE, WAYFARE, environment, until

MAPPING = """
[csv]
delimiter = ";"
[[event]]
event = "Store Visited"
channel = "store"
timestamp = { path = "$.day", format = "%d.%m.%Y %H:%M", zone = "Europe/Berlin" }
email = "$.mail"
rest = true
"""
VISITS = (
    "day;mail;shop\n01.05.2024 10:00;ann@example.com;Berlin\n02.05.2024 11:00;;Bonn\n"
    "03.05.2024 11:00;bob@example.com;Bonn\n"
)


@pytest.fixture
def visits(tmp_path: Path) -> tuple[str, ...]:
    (tmp_path / "visits.csv").write_text(VISITS)
    (tmp_path / "visits.toml").write_text(MAPPING)
    return str(tmp_path / "visits.csv"), "--mapping", str(tmp_path / "visits.toml")


def test_rows_of_csv_become_events_and_a_rejected_row_is_named(
    wayfare: Command, embedded: EmbeddedHouse, visits: tuple[str, ...]
) -> None:
    project = embedded.project().name
    report = wayfare("import", *visits, "-p", project, "--json").json
    assert (report["lines"], report["accepted"], report["rejected"]) == (3, 2, {"missing_identity": 1})
    assert [(each["file"], each["line"], each["reason"]) for each in report["where"]] == [
        ("visits.csv", 3, "missing_identity")
    ]
    again = wayfare("import", *visits, "-p", project, "--json").json
    assert (again["accepted"], again["lines_before"]) == (0, 0)
    shown = wayfare("import", *visits, "-p", embedded.project().name)
    assert "visits.csv:3" in shown.out


def test_a_dry_run_shows_what_the_first_rows_become_and_sends_nothing(
    wayfare: Command, visits: tuple[str, ...]
) -> None:
    records = wayfare("import", *visits, "--dry-run", "--rows", "2", "-p", "nowhere", "--json").json["records"]
    assert [each["line"] for each in records] == [2, 3]
    becomes = records[0]["events"][0]["becomes"]
    assert (becomes["event"], becomes["channel"], becomes["contact"]) == ("Store Visited", "store", "engagement")
    assert becomes["occurred_at"] == "2024-05-01T08:00:00.000+00:00"
    assert records[1]["events"][0]["reason"] == "missing_identity"
    shown = wayfare("import", *visits, "--dry-run")
    assert "Store Visited" in shown.out
    assert "rejected as missing_identity" in shown.out


def test_an_import_that_was_killed_goes_on_where_it_was(
    wayfare: Command, embedded: EmbeddedHouse, tmp_path: Path
) -> None:
    project, file = embedded.project().name, tmp_path / "a.ndjson"
    first = lines(event("a", "a", 1), event("a", "a", 2))
    file.write_bytes(first)
    assert wayfare("import", str(file), "-p", project, "--json").json["accepted"] == 2
    file.write_bytes(first + lines(event("a", "a", 3)))
    plan = _mark(file)
    assert checkpoint.kept(file, Done(checkpoint.identity_of(file), plan, project, 0, 2, len(first)))
    report = wayfare("import", str(file), "-p", project, "--json").json
    assert (report["lines_before"], report["lines"], report["accepted"], report["duplicates"]) == (2, 1, 1, 0)
    assert not checkpoint.place_of(file).exists()
    # Of a store that has nothing of it, it is not believed.
    other = embedded.project().name
    assert checkpoint.kept(file, Done(checkpoint.identity_of(file), plan, other, 0, 2, len(first)))
    assert wayfare("import", str(file), "-p", other, "--json").json["accepted"] == 3


def test_after_a_kill_the_same_command_brings_the_rest_and_nothing_twice(
    wayfare: Command, embedded: EmbeddedHouse, tmp_path: Path
) -> None:
    project, file, count = embedded.project().name, tmp_path / "b.ndjson", 3 * BATCH_LINES
    file.write_bytes(lines(*(event("a", f"d{number % 50}", number) for number in range(count))))
    arguments = ("import", str(file), "-p", project, "--json")
    importing = subprocess.Popen(
        [*WAYFARE, *arguments], env=environment(embedded.settings), cwd=HOUSE, stdout=subprocess.DEVNULL
    )
    until(lambda: checkpoint.place_of(file).exists(), "a part is in the log", every_s=0.005)
    importing.kill()
    assert importing.wait() < 0  # it had not ended by itself
    report = wayfare(*arguments).json
    assert report["lines_before"] >= BATCH_LINES
    assert report["lines_before"] + report["lines"] == count
    total = wayfare("ask", "sessions", "-p", project, "--json").json["result"]["total"]
    assert (total["sessions"], total["events"]) == (50, count)


def _mark(file: Path) -> str:
    from pipeline.cli.importing import _plan

    return _plan(file, "", "", None, frozenset()).mark


VISIT = {"idVisit": 1, "visitorId": "v", "actionDetails": [
    {"type": "action", "url": "https://shop.example/", "timestamp": 1714557600},
    {"type": "event", "eventAction": "Play", "timestamp": 1714557610},
]}  # fmt: skip
PLAYED_POSTHOG = POSTHOG | {"uuid": "0190-2", "event": "Play", "timestamp": "2024-05-01T10:00:10Z"}
PLAYED_GA4 = GA4 | {"event_name": "play", "event_timestamp": "1714557610123456"}
PLAYED_SNOWPLOW = SNOWPLOW | {
    "event": "struct", "event_name": "event", "se_action": "play", "event_id": "e-2",
    "derived_tstamp": "2024-05-01 10:00:10.500",
}  # fmt: skip
# Of each export a view, an event ten seconds later, and a record that is none of it.
EXPORTED = {
    "posthog": ("events.ndjson", lines(POSTHOG, PLAYED_POSTHOG, {"no": "event"})),
    "ga4": ("events_20240501.json", lines(GA4, PLAYED_GA4, {"no": "event"})),
    "matomo": ("visits.json", json.dumps([VISIT, {"no": "visit"}]).encode()),
    "snowplow": ("part-00000.tsv", lines(snowplow(**SNOWPLOW), snowplow(**PLAYED_SNOWPLOW), "no\tevent")),
    "access-log": ("access.log", lines(logged(), logged("GET /a.png HTTP/1.1").replace(":03 ", ":13 "), "no line")),
}


def test_every_export_is_run_through_the_command() -> None:
    assert EXPORTED.keys() == EXPORTS.keys()


@pytest.mark.parametrize("name", EXPORTED)
def test_an_export_can_be_asked(wayfare: Command, embedded: EmbeddedHouse, tmp_path: Path, name: str) -> None:
    project, (file_name, content) = embedded.project().name, EXPORTED[name]
    (tmp_path / file_name).write_bytes(content)
    report = wayfare("import", str(tmp_path / file_name), "--from", name, "-p", project, "--json").json
    assert (report["accepted"], report["rejected"], report["not_sent"]) == (2, {}, {"unmapped": 1})
    total = wayfare("ask", "sessions", "-p", project, "--json").json["result"]["total"]
    assert (total["sessions"], total["events"], total["views"]) == (1, 2, 1)


@pytest.mark.parametrize(("arguments", "field"), [
    (("--from", "urchin"), "from"), (("--format", "xlsx"), "format"), ((), "mapping"),
    (("--mapping", "absent.toml"), "mapping"),
    (("--from", "ga4", "--mapping", "x"), "from"),
])  # fmt: skip
def test_a_wrong_option_is_the_users_mistake(
    wayfare: Command, visits: tuple[str, ...], arguments: tuple[str, ...], field: str
) -> None:
    done = wayfare("import", visits[0], *arguments, "--json")
    assert (done.code, done.error["field"]) == (2, field)
