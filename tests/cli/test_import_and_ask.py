"""Files of events go in, and questions are answered, on a folder that nobody holds and beside a running `up`."""

import gzip
from pathlib import Path
from time import sleep

import pytest

from tests.cli.conftest import Command, Folder, event, lines
from tests.scenarios.house import EmbeddedHouse

STORY = (
    event("page", "a", 1, "2026-03-01T10:00:00Z", properties={"url": "https://shop.example/"}),
    event("Viewed", "a", 2, "2026-03-01T10:01:00Z", properties={"color": "red", "price": 12}),
    event("Bought", "a", 3, "2026-03-01T10:02:00Z", properties={"color": "red", "price": 12}),
    event("page", "b", 1, "2026-03-01T11:00:00Z", properties={"url": "https://shop.example/"}),
    event("Viewed", "b", 2, "2026-03-01T11:01:00Z", properties={"color": "blue", "price": 5}),
    event("page", "c", 1, "2026-03-02T09:00:00Z", properties={"url": "https://shop.example/sale"}),
)


@pytest.fixture
def story(wayfare: Command, embedded: EmbeddedHouse, tmp_path: Path) -> str:
    """A project of its own with the story in it."""
    project = embedded.project().name
    file = tmp_path / "story.ndjson"
    file.write_bytes(lines(*STORY))
    done = wayfare("import", str(file), "-p", project, "--json")
    assert done.code == 0, done.err
    assert done.json["accepted"] == 6
    return project


def test_an_import_into_an_empty_folder_can_be_asked_at_once(folder: Folder) -> None:
    file = folder.path / "events.ndjson.gz"
    file.write_bytes(gzip.compress(lines(*STORY)))
    done = folder.wayfare("import", str(file))
    assert (done.code, done.err) == (0, "")
    assert "6 lines" in done.out
    assert "6 accepted, 0 rejected, 0 duplicates" in done.out
    total = folder.wayfare("ask", "sessions", "--json").json["result"]["total"]
    assert (total["sessions"], total["events"], total["views"]) == (3, 6, 3)


def test_bad_lines_are_counted_by_reason_and_the_good_ones_taken(folder: Folder) -> None:
    given = lines(event("x"), "not json", "[1]", '{"type":"track","anonymousId":"a"}', '{"type":"track","event":"y"}')
    report = folder.wayfare("import", "-", "--json", given=given).json
    assert report["lines"] == 5
    assert report["accepted"] == 1
    assert report["rejected"] == {"malformed_json": 1, "not_an_object": 1, "missing_event": 1, "missing_identity": 1}
    assert report["duplicates"] == 0


def test_the_same_file_again_is_all_duplicates(wayfare: Command, story: str, tmp_path: Path) -> None:
    report = wayfare("import", str(tmp_path / "story.ndjson"), "-p", story, "--json").json
    assert (report["accepted"], report["duplicates"]) == (0, 6)
    assert wayfare("ask", "sessions", "-p", story, "--json").json["result"]["total"]["events"] == 6


def test_only_events_of_the_asked_types_are_imported(wayfare: Command, embedded: EmbeddedHouse, tmp_path: Path) -> None:
    project, file = embedded.project().name, tmp_path / "story.ndjson"
    file.write_bytes(lines(*STORY))
    assert wayfare("import", str(file), "-p", project, "--type", "page", "--json").json["accepted"] == 3


def test_a_file_that_is_not_there_or_is_cut_short_is_the_users_mistake(wayfare: Command, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gz"
    cut.write_bytes(gzip.compress(lines(*STORY) * 50)[:-20])
    for file in (tmp_path / "absent", cut):
        done = wayfare("import", str(file), "--json")
        assert (done.code, done.error["field"]) == (2, "FILE")


def test_a_project_that_does_not_exist_is_the_users_mistake(wayfare: Command, tmp_path: Path) -> None:
    file = tmp_path / "story.ndjson"
    file.write_bytes(lines(*STORY))
    done = wayfare("import", str(file), "-p", "nowhere", "--json")
    assert (done.code, done.error["code"]) == (2, "unknown_project")


def test_without_a_range_a_question_is_about_all_time(wayfare: Command, story: str) -> None:
    assert wayfare("ask", "sessions", "-p", story, "--json").json["result"]["total"]["sessions"] == 3
    assert wayfare("ask", "sessions", "-p", story, "--last", "today", "--json").json["result"]["total"]["sessions"] == 0
    march_first = ("--from", "2026-03-01", "--to", "2026-03-02")
    assert wayfare("ask", "sessions", "-p", story, *march_first, "--json").json["result"]["total"]["sessions"] == 2


def test_a_funnel_is_drawn_as_bars(wayfare: Command, story: str) -> None:
    done = wayfare("ask", "funnel", "-p", story, "--steps", "page,Viewed,Bought")
    assert done.code == 0
    assert [line.split()[1] for line in done.out.splitlines()[1:4]] == ["page", "Viewed", "Bought"]
    full, two_thirds, third = (line.count("█") for line in done.out.splitlines()[1:4])
    assert (full, two_thirds, third) == (40, 26, 13)
    assert "1 of 3 went through: 33.3 %" in done.out


def test_a_number_is_explained_by_its_customers_and_one_of_them_by_his_events(wayfare: Command, story: str) -> None:
    asked = ("-p", story, "--steps", "page,Viewed", "--explain", '{"step": 2}')
    result = wayfare("ask", "funnel", *asked, "--json").json["result"]
    assert result["count"] == len(result["rows"]) == 2
    one = wayfare("ask", "funnel", result["rows"][0]["id"], *asked, "--json").json["result"]
    assert [event["marks"] for event in reversed(one["events"])] == [["step 1"], ["step 2"]]
    assert "2 customers" in wayfare("ask", "funnel", *asked).out
    table = wayfare("ask", "funnel", *asked, "--format", "csv").out.splitlines()
    assert table[0] == "id,kind,times,first_at,last_at"
    assert [line.split(",")[0] for line in table[1:]] == [row["id"] for row in result["rows"]]


def test_a_step_may_be_a_goal(wayfare: Command, embedded: EmbeddedHouse, tmp_path: Path) -> None:
    project, file = embedded.project(), tmp_path / "story.ndjson"
    dear = [{"property": "price", "operator": "gt", "value": 10}]
    project.save("goals", {"name": "dear view", "events": ["Viewed"], "where": dear})
    file.write_bytes(lines(*STORY))
    assert wayfare("import", str(file), "-p", project.name).code == 0
    result = wayfare("ask", "funnel", "-p", project.name, "--steps", "page,goal:dear view", "--json").json["result"]
    assert [step["count"] for step in result["steps"]] == [3, 1]
    refused = wayfare("ask", "funnel", "-p", project.name, "--steps", "page,goal:dear vie", "--json")
    assert (refused.code, refused.error["field"]) == (2, "steps[1].goal")
    assert "dear view" in refused.error["message"]


@pytest.mark.parametrize(("where", "count"), [
    ("color=red", [1, 1]), ("color!=red", [1, 0]), ("price>=12", [1, 1]), ("price<12", [1, 0]), ("color~lu", [1, 0]),
])  # fmt: skip
def test_filters_hold_on_every_step(wayfare: Command, story: str, where: str, count: list[int]) -> None:
    answer = wayfare("ask", "funnel", "-p", story, "--steps", "Viewed,Bought", "--where", where, "--json").json
    assert [step["count"] for step in answer["result"]["steps"]] == count


def test_a_question_can_be_given_whole_as_json(wayfare: Command, story: str) -> None:
    whole = '{"definition": "single_page", "by": "day", "from": "2026-03-01", "to": "2026-03-03"}'
    result = wayfare("ask", "bounce", "-p", story, "--question", whole, "--json").json["result"]
    assert result["total"]["bounced"] == 1
    assert [row["period"] for row in result["rows"]] == ["2026-03-01", "2026-03-02"]


@pytest.mark.parametrize("question", ["sessions", "bounce", "journeys", "rejected", "catalogue"])
def test_every_question_has_a_table_and_json(wayfare: Command, story: str, question: str) -> None:
    shown = wayfare("ask", question, "-p", story)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.strip()
    assert "result" in wayfare("ask", question, "-p", story, "--json").json


def test_a_trend_is_drawn_day_by_day(wayfare: Command, story: str) -> None:
    done = wayfare("ask", "trend", "-p", story, "--events", "page", "--by", "day")
    assert done.code == 0
    assert "2026-03-01" in done.out
    assert "2026-03-02" in done.out


def test_a_customer_is_found_by_user_id_and_email(wayfare: Command, embedded: EmbeddedHouse, tmp_path: Path) -> None:
    project, file = embedded.project().name, tmp_path / "events.ndjson"
    file.write_bytes(lines(event("Viewed", "d", userId="u1", context={"traits": {"email": "Ann@Example.com"}})))
    assert wayfare("import", str(file), "-p", project).code == 0
    by_user = wayfare("ask", "customer", "user:u1", "-p", project, "--json").json
    by_email = wayfare("ask", "customer", "ann@example.com", "-p", project, "--json").json
    assert by_user["id"] == by_email["id"]
    assert by_user["user_ids"] == ["u1"]
    assert "Timeline" in wayfare("ask", "customer", by_user["id"], "-p", project).out


@pytest.mark.parametrize(("arguments", "field"), [
    (("nothing",), "QUESTION"),
    (("customer",), "ID"),
    (("sessions", "--last", "soon"), "last"),
    (("sessions", "--from", "yesterday"), "from"),
    (("bounce", "--definition", "none"), "definition"),
    (("funnel", "--steps", "a,b", "--window", "0d"), "window"),
    (("funnel", "--steps", "a,b", "--window", "0"), "window"),
    (("funnel", "--steps", "a,b", "--where", "color"), "where"),
    (("funnel", "--saved", "a", "--where", "color=red"), "where"),
    (("sessions", "--where", "color=red"), "where[0].property"),
    (("paths", "--where", "color=red"), "where"),
    (("sessions", "user:a"), "ID"),
    (("customer", "user:a", "--last", "7d"), "last"),
    (("sessions", "--question", "{"), "question"),
    (("sessions", "--question", '{"nonsense": 1}'), "nonsense"),
])  # fmt: skip
def test_a_wrong_question_is_the_users_mistake_and_names_the_field(
    wayfare: Command, arguments: tuple[str, ...], field: str
) -> None:
    done = wayfare("ask", *arguments, "-p", "default", "--json")
    assert (done.code, done.out) == (2, "")
    assert done.error["field"] == field


def test_of_several_wrong_fields_each_has_its_line(wayfare: Command) -> None:
    asked = ("ask", "retention", "-p", "default", "--question", '{"by": "days", "startz": 1}')
    assert [one["field"] for one in wayfare(*asked, "--json").error["others"]] == ["starts", "by"]
    told = wayfare(*asked).err
    assert all(hint in told for hint in ("did you mean 'starts'?", "is required (starts)", "did you mean 'day'? (by)"))


def test_a_step_that_is_no_event_is_answered_and_noted(wayfare: Command, story: str) -> None:
    done = wayfare("ask", "funnel", "-p", story, "--steps", "page,Boght")
    assert done.code == 0
    assert "no event named 'Boght'" in done.out


def test_a_rejected_event_is_replayed_after_the_rule_was_changed(
    wayfare: Command, embedded: EmbeddedHouse, tmp_path: Path
) -> None:
    project, file = embedded.project().name, tmp_path / "old.ndjson"
    wayfare("project", "set", project, "--lateness-days", "1")
    sleep(1.5)  # agents look for changed projects once a second here
    file.write_bytes(lines(event("Bought", "a", 1, "2024-03-01T10:00:00Z"), "no json"))
    assert wayfare("import", str(file), "-p", project).code == 0
    counts = wayfare("ask", "rejected", "-p", project, "--json").json["result"]["counts"]
    assert {each["reason"] for each in counts} == {"too_old", "malformed_json"}
    wayfare("project", "set", project, "--lateness-days", "10000")
    sleep(1.5)
    report = wayfare("replay", "-p", project, "--json").json
    assert report == {"replayed": 1, "accepted": 1, "still_rejected": 0, "unreadable": 1}
    counts = wayfare("ask", "rejected", "-p", project, "--json").json["result"]["counts"]
    assert [each["reason"] for each in counts] == ["malformed_json"]
    assert wayfare("ask", "sessions", "-p", project, "--json").json["result"]["total"]["events"] == 1
    assert wayfare("verify", "--all", "-p", project).code == 0


def test_changed_session_rules_hold_for_what_was_there_before_when_the_command_ends(folder: Folder) -> None:
    last_at = event("Bought", "a", 4, "2026-03-01T10:14:00Z")  # 12 minutes after the one before
    assert folder.wayfare("import", "-", given=lines(*STORY, last_at)).code == 0
    assert folder.wayfare("project", "set", "default", "--gap-minutes", "10").code == 0  # three sessions till then
    assert folder.wayfare("ask", "sessions", "--json").json["result"]["total"]["sessions"] == 4


def test_a_copy_of_a_running_folder_is_restored_into_another(
    wayfare: Command, story: str, folder: Folder, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.tar"
    made = wayfare("backup", str(copy), "--json").json
    assert made["bytes"] == copy.stat().st_size
    assert wayfare("backup", str(copy)).code == 2
    assert folder.wayfare("restore", str(copy)).code == 0
    told = folder.wayfare("ask", "sessions", "-p", story, "--json").json
    assert told["result"]["total"]["events"] == 6
    assert folder.wayfare("restore", str(copy)).code == 2
