"""Real events through the whole system give the numbers that others computed from them, however they arrive."""

import csv
import json
from collections import defaultdict
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import pytest

from pipeline.ingest.steps import message_hash
from tests.scenarios.house import House
from tests.scenarios.project import Project
from tests.scenarios.real_data import (
    DATA,
    Way,
    anyhow,
    as_they_are,
    events_of,
    funnel_of,
    needs_data,
    sessions_by_truth,
    shuffled_and_killed,
    twice,
)

pytestmark = needs_data
MINUTE = 60_000
WAYS = [as_they_are, twice, shuffled_and_killed]
ways = pytest.mark.parametrize("way", WAYS, ids=[way.__name__ for way in WAYS])
WHOLE = [as_they_are, anyhow]
whole = pytest.mark.parametrize("way", WHOLE, ids=[way.__name__ for way in WHOLE])


def counted(project: Project, **question: Any) -> tuple[int, int]:
    """Sessions, and those with a single event."""
    total = project.ask("sessions", **question)["total"]
    return total["sessions"], total["single_event_sessions"]


def proven(project: Project) -> None:
    """What `wayfare verify --all` asks for, without the start of another process."""
    report = project.proof()
    assert report["events"] > 0
    assert report["differences"] == 0, report["examples"][:3]


def reference(name: str) -> list[tuple[str, int]]:
    told = json.loads((DATA / "ecom" / "reference_outputs.json").read_text())
    return [(step, count) for step, count in told[name]]


@ways
def test_the_shops_sessions_and_funnels_are_the_publishers(house: House, way: Way) -> None:
    project, lines = house.project(), events_of("ecom")
    way(lines, project)
    house.drained()
    assert counted(project) == (3_605, 231)
    assert project.ask("sessions")["total"]["events"] == len(lines) == 31_106
    people, sessions = reference("funnel_user_id"), reference("funnel_session_id")
    assert funnel_of(project, [step for step, _ in people], window="200d", count="customers") == people
    assert funnel_of(project, [step for step, _ in sessions], window="30d", count="sessions") == sessions
    proven(project)
    ours, theirs, counts = sessions_by_truth(project)
    assert -1 not in counts
    assert ours == theirs
    assert len(theirs) == 3_605


def test_a_gap_of_ten_minutes_gives_the_librarys_sessions(house: House) -> None:
    project = house.project(gap_ms=10 * MINUTE)
    report = project.import_file(DATA / "ecom" / "events.ndjson.gz")
    assert (report["lines"], report["accepted"], report["rejected"], report["duplicates"]) == (31_106, 31_106, {}, 0)
    assert counted(project) == (4_171, 558)
    proof = project.verify()
    assert (proof.exit_code, proof.report["differences"], proof.report["events"]) == (0, 0, 31_106)


@whole
def test_visits_of_a_web_servers_log_are_the_recount(house: House, way: Way) -> None:
    project, lines = house.project(), events_of("access_log", only="page")
    way(lines, project)
    house.drained()
    assert counted(project, include_bots=True)[0] == 2_069
    assert counted(project)[0] < 2_069, "some of them are bots"
    proven(project)


@whole
def test_visits_of_nasas_log_are_webalizers(house: House, way: Way) -> None:
    project, lines = house.project(), events_of("nasa_july", only="page")
    way(lines, project)
    house.drained()
    assert counted(project, include_bots=True)[0] == 940
    proven(project)


def test_import_takes_only_the_events_of_a_type_where_it_is_told_so(house: House) -> None:
    project = house.project()
    report = project.import_file(DATA / "access_log" / "events.ndjson.gz", "--type", "page")
    assert (report["lines"], report["accepted"]) == (9_999, 3_877)
    assert counted(project, include_bots=True)[0] == 2_069


@whole
def test_sessions_by_the_senders_own_ids_are_snowplows(house: House, way: Way) -> None:
    project = house.project(sender_sessions=True)
    way([with_session_id(line) for line in events_of("snowplow_web")], project)
    house.drained()
    proven(project)
    expected, ours = expected_sessions(), sessions_by_sender(project)
    assert len(expected) == 16
    for session, (started, last) in expected.items():
        assert ours[session] == Visit(messages_by_truth(project.name)[session], started, last), session


def test_verify_finds_a_row_that_was_damaged_on_purpose(house: House) -> None:
    project = house.project()
    project.bring(events_of("ecom")[:400])
    house.drained()
    assert project.proof()["differences"] == 0
    project.rows(
        "INSERT INTO sessions SELECT * REPLACE (events + 1 AS events, version + 1 AS version) FROM sessions FINAL "
        "WHERE project = {project:String} ORDER BY device, started_at LIMIT 1"
    )
    proof = project.verify()
    assert proof.exit_code == 3
    assert proof.report["differences"] == 1
    (told,) = proof.report["examples"]
    assert (told["table"], told["kind"]) == ("sessions", "differs")
    assert told["stored"]["events"] == told["expected"]["events"] + 1
    assert len(told["events"]) == min(told["expected"]["events"], 20)
    mended = project.house.command("verify", "--all", "--repair", "--project", project.name, "--json")
    assert (mended.returncode, project.proof()["differences"]) == (0, 0)


# -- Snowplow's edge cases

EXCEPTED = ("long session", "Unexpired session")  # package rules of their own, see the data's README
HEARTBEAT_MS = 5_000


class Visit(NamedTuple):
    messages: frozenset[int]
    started_at: int
    last_at: int


def with_session_id(line: bytes) -> bytes:
    """The event with its session id where a sender would put it."""
    event = json.loads(line)
    if session := event["properties"].get("truth_session_id"):
        event["context"]["sessionId"] = session
    return json.dumps(event).encode()


def expected_sessions() -> dict[str, tuple[int, int]]:
    """Start and end by session id. One that is page pings alone Snowplow dates back by its heartbeat, we do not."""
    with (DATA / "snowplow_web" / "snowplow_web_sessions_expected.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["user_id"] not in EXCEPTED]
    pages = {
        event["properties"].get("truth_session_id")
        for event in map(json.loads, events_of("snowplow_web"))
        if event["event"] != "page_ping"
    }
    return {
        row["domain_sessionid"]: (
            moment(row["start_tstamp"]) + (0 if row["domain_sessionid"] in pages else HEARTBEAT_MS),
            moment(row["end_tstamp"]),
        )
        for row in rows
    }


def moment(text: str) -> int:
    return round(datetime.fromisoformat(f"{text}+00:00").timestamp() * 1000)


@cache
def messages_by_truth(project: str) -> dict[str, frozenset[int]]:
    """The ids that the file holds for each session, as our tables name them."""
    sent: defaultdict[str, set[int]] = defaultdict(set)
    for event in map(json.loads, events_of("snowplow_web")):
        sent[event["properties"].get("truth_session_id", "")].add(message_hash(project, event["messageId"]))
    return {session: frozenset(ids) for session, ids in sent.items()}


def sessions_by_sender(project: Project) -> dict[str, Visit]:
    """Our sessions by the id that the sender gave them. It may lie on several devices, or have several owners in turn:
    then several of our sessions make one of the sender's."""
    events, sessions = project.rows(
        "SELECT message_id, sender_session, toString(properties) FROM events FINAL WHERE project = {project:String}",
        "SELECT sender_session, sum(events), toUnixTimestamp64Milli(min(started_at)), "
        "toUnixTimestamp64Milli(max(last_at)) FROM sessions FINAL WHERE project = {project:String} GROUP BY 1",
    )
    names: dict[int, str] = {}
    messages: defaultdict[int, set[int]] = defaultdict(set)
    for message, session, properties in events:
        names[session] = json.loads(properties).get("truth_session_id", "")
        messages[session].add(message)
    found = {}
    for session, count, started, last in sessions:
        assert count == len(messages[session]), names[session]
        found[names[session]] = Visit(frozenset(messages[session]), started, last)
    return found
