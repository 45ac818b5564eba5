"""Answers and explanations as CSV, JSON lines and Parquet: the same rows in each."""

import csv
import io
import json
from typing import Any

import pyarrow.parquet
import pytest
from msgspec.structs import replace

from api.query import export
from tests.api.query.conftest import House, browser
from tests.api.query.test_explain import SHOP, STEPS, explain
from tests.story import story

FUNNEL = {"steps": STEPS, "by": "day", "last": None}


async def table(house: House, path: str, body: dict[str, Any], media: str, part: str = "") -> bytes:
    async with browser(house, "local-token", Accept=media) as client:
        asked = f"/api/v1/projects/{house.name}/questions/{path}{f'?part={part}' if part else ''}"
        answer = await client.post(asked, json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(media)
    return answer.content


def cell(value: Any) -> str:
    """As CSV has it."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


async def in_all_forms(house: House, path: str, body: dict[str, Any], part: str = "") -> list[dict[str, Any]]:
    """The rows, which are the same in every form."""
    lines = (await table(house, path, body, export.LINES, part)).decode().splitlines()
    rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    packed = pyarrow.parquet.read_table(io.BytesIO(await table(house, path, body, export.PARQUET, part)))
    assert packed.to_pylist() == rows
    text = (await table(house, path, body, export.CSV, part)).decode()
    told = [{name: cell(value) for name, value in row.items()} for row in rows]
    assert list(csv.DictReader(io.StringIO(text))) == told
    return rows


async def test_an_answers_rows_come_in_every_form(house: House) -> None:
    house.tell(SHOP)
    result = (await house.ask("sessions", breakdown="acquisition"))["result"]
    rows = await in_all_forms(house, "sessions", {"last": None, "breakdown": "acquisition"})
    assert [{**row, "values": json.loads(row["values"])} for row in rows] == result["rows"]
    assert await in_all_forms(house, "bounce", {"last": None}) == [(await house.ask("bounce"))["result"]["total"]]


async def test_another_part_is_named_and_lists_inside_are_rows_of_their_own(house: House) -> None:
    house.tell(SHOP)
    result = (await house.ask("funnel", FUNNEL))["result"]
    steps = await in_all_forms(house, "funnel", FUNNEL)
    assert [(row["count"], json.loads(row["events"])) for row in steps] == [
        (step["count"], step["events"]) for step in result["steps"]
    ]
    periods = await in_all_forms(house, "funnel", FUNNEL, part="periods")
    assert [json.loads(row["counts"]) for row in periods] == [period["counts"] for period in result["periods"]]
    question = {"starts": {"events": "page"}, "by": "day", "periods": 1, "last": None}
    cohorts = (await house.ask("retention", question))["result"]["cohorts"]
    assert [(row["period"], row["cells.count"]) for row in await in_all_forms(house, "retention", question)] == [
        (cohort["period"], cell["count"]) for cohort in cohorts for cell in cohort["cells"]
    ]


async def test_all_customers_behind_a_number_come_in_every_form_and_in_pieces(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "PIECE", 3)
    house.tell(SHOP)
    whole = await explain(house, "funnel", {"steps": STEPS})
    assert len(whole["rows"]) > 3
    assert await in_all_forms(house, "funnel/explain", {"question": FUNNEL, "cell": {}}) == whole["rows"]


async def test_of_nothing_there_is_an_empty_file(house: House) -> None:
    for media in export.WRITERS:
        found = await table(house, "trend", {"events": "page", "last": None}, media, part="points")
        if media == export.PARQUET:
            assert pyarrow.parquet.read_table(io.BytesIO(found)).num_rows == 0
        else:
            assert found == b""


async def test_a_part_that_the_answer_does_not_have_is_refused(house: House) -> None:
    async with browser(house, "local-token", Accept=export.CSV) as client:
        answer = await client.post(f"/api/v1/projects/{house.name}/questions/funnel?part=nodes", json=FUNNEL)
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == "part"
    assert "steps, " in answer.json()["error"]["message"]


async def test_the_main_part_of_stickiness_is_its_histogram_and_of_drop_points_what_was_done_last(house: House) -> None:
    house.tell(SHOP)
    result = (await house.ask("stickiness", events="Added"))["result"]
    assert await in_all_forms(house, "stickiness", {"events": "Added", "last": None}) == result["histogram"]
    question = {"page": "/home", "of": "seen"}
    result = (await house.ask("drop_points", question))["result"]
    assert await in_all_forms(house, "drop_points", question | {"last": None}) == result["elements"]


async def test_parts_of_journeys_and_of_what_is_asked_of_a_funnel_come_as_rows(house: House) -> None:
    house.tell(SHOP)
    journeys = (await house.ask("journeys"))["result"]
    for part in ("transitions", "lengths", "durations", "first_channels"):
        assert await in_all_forms(house, "journeys", {"last": None}, part=part) == journeys[part]
    asked = {"steps": STEPS, "last": None}
    left = (await house.ask("drop_off", asked))["result"]["steps"]
    assert not left[0]["followed"] or not left[1]["followed"]  # a step has a row though nobody left after it
    assert [(row["step"], row["followed.count"]) for row in await in_all_forms(house, "drop_off", asked)] == [
        (step["step"], one["count"]) for step in left for one in step["followed"] or [{"count": None}]
    ]
    divided = asked | {"least": 1, "properties": ["$path", "$acquisition"]}
    rows = (await house.ask("divide", divided))["result"]["rows"]
    assert [row["property"] for row in await in_all_forms(house, "divide", divided)] == [
        row["property"] for row in rows
    ]


async def test_a_list_of_values_of_any_kind_is_json_in_one_column_though_some_are_objects(house: House) -> None:
    """Objects among a property's frequent values made rows of them, and the values of all others were gone."""
    first, second = story("ann 09:00 track Added\nann 09:01 track Added")
    told_of = ({"a": {"k": "v"}, "b": "red"}, {"a": "plain", "b": "red"})
    house.tell([replace(one, properties=json.dumps(held)) for one, held in zip((first, second), told_of, strict=True)])
    rows = await in_all_forms(house, "catalogue", {"last": None})
    told = {row["properties.name"]: json.loads(row["properties.frequent"]) for row in rows}
    assert told["b"] == ["red"]
    assert sorted(told["a"], key=str) == ["plain", {"k": "v"}]


@pytest.mark.parametrize("text", ["=1+1|cmd", "@SUM(A1)", "+41 44 000", "-2+3", "\t=1", "\r=1"])
async def test_a_text_that_a_spreadsheet_would_calculate_is_marked_in_csv_alone(house: House, text: str) -> None:
    """Whoever follows a link of his own making chooses a campaign's name."""
    house.tell([replace(one, utm_campaign=text) for one in story("ann 09:00 page /home")])
    asked = {"last": None, "breakdown": "campaign"}
    lines = (await table(house, "sessions", asked, export.LINES)).decode()
    assert json.loads(lines)["value"] == text
    sheet = (await table(house, "sessions", asked, export.CSV)).decode()
    assert next(csv.DictReader(io.StringIO(sheet, newline="")))["value"] == "'" + text
    packed = pyarrow.parquet.read_table(io.BytesIO(await table(house, "sessions", asked, export.PARQUET)))
    assert packed.to_pylist()[0]["value"] == text


def test_numbers_stay_as_they_are_in_csv_and_truth_is_told_as_json_tells_it() -> None:
    rows: list[dict[str, Any]] = [{"n": -5, "rate": -0.5, "text": "-5", "yes": True, "nothing": None}]
    assert b"".join(export.WRITERS[export.CSV][0](iter([rows]))) == b"n,rate,text,yes,nothing\r\n-5,-0.5,-5,true,\r\n"
