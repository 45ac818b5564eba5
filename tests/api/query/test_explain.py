"""Explain: as many cases as the number says, for every cell of every answer; and the events that are the reason."""

import csv
from typing import Any

import pytest

from schemas.definitions import Goal
from tests.api.query.conftest import House, browser
from tests.story import DAY_ZERO, user

SHOP = """
    tablet  09:00      page /home acquisition=email
    tablet  09:01      login ann
    tablet  09:05      track Added color=red
    tablet  09:30      track Paid color=blue
    phone   +1 10:00   page /home user=ann
    phone   +1 10:01   track Added color=red
    bob     10:00      page /home
    bob     10:01      track Removed
    bob     10:02      track Added color=blue
    bob     +1 10:00   page /home
    cleo    11:00      page /home
    cleo    11:10      track Paid
    dan     11:00      track Paid
    dan     11:30      page /list
    dan     11:31      track Added color=green
    -       12:00      opened mail user=ann
"""
STEPS = [{"events": "page"}, {"events": "Added", "optional": True}, {"events": "Paid"}]


async def explain(house: House, name: str, question: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The result of an explanation; the question is about all time unless it says otherwise."""
    asked = question if {"last", "from"} & set(question) else question | {"last": None}
    body = {"question": asked, "cell": {}} | more
    answer = await house.client.post(f"/api/v1/projects/{house.name}/questions/{name}/explain", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["result"])


async def count(house: House, name: str, question: dict[str, Any], **cell: Any) -> int:
    return int((await explain(house, name, question, cell=cell))["count"])


def reasons(result: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Events of a customer in time, with what they are a reason for."""
    return [(event["event"], event["marks"]) for event in reversed(result["events"])]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"order": "any"},
        {"count": "entries"},
        {"count": "sessions"},
        {"breakdown": "color", "attribution": "last", "limit": 1},
        {"breakdown": "color", "attribution": 2},
        {"breakdown": "color", "attribution": "all", "count": "entries"},
    ],
    ids=str,
)
async def test_every_cell_of_a_funnel_has_as_many_cases_as_it_says(house: House, more: dict[str, Any]) -> None:
    house.tell(SHOP)
    steps = [step | {"optional": False} for step in STEPS] if more.get("order") == "any" else STEPS
    question = {"steps": steps, "by": "day"} | more
    result = (await house.ask("funnel", question))["result"]
    for number, step in enumerate(result["steps"], 1):
        assert await count(house, "funnel", question, step=number) == step["count"]
        assert await count(house, "funnel", question, step=number, part="dropped") == step["dropped"]
    for group in result["groups"]:
        cell = {"kind": group["kind"]} | ({"value": group["value"]} if group["kind"] == "value" else {})
        assert await count(house, "funnel", question, step=3, **cell) == group["steps"][2]["count"]
        assert await count(house, "funnel", question, step=1, **cell) == group["steps"][0]["count"]
    for period in result["periods"]:
        assert await count(house, "funnel", question, step=3, period=period["period"]) == period["counts"][2]


async def test_of_one_customer_the_very_events_that_fill_the_steps_are_marked(house: House) -> None:
    house.tell(SHOP)
    asked = {"steps": STEPS}
    page = await explain(house, "funnel", asked, cell={"step": 3})
    assert page["customers"] == 2
    assert page["rows"][0] == {
        "id": f"{user('ann', house.name):016x}", "kind": "user", "times": 1,
        "first_at": DAY_ZERO + 9 * 3_600_000, "last_at": DAY_ZERO + 9 * 3_600_000 + 30 * 60_000,
    }  # fmt: skip
    assert reasons(await explain(house, "funnel", asked, cell={"step": 3}, customer="user:ann")) == [
        ("page", ["step 1"]),
        ("identify", []),
        ("Added", ["step 2"]),
        ("Paid", ["step 3"]),
    ]


async def test_every_cell_of_sessions_and_bounce_has_as_many_cases_as_it_says(house: House) -> None:
    house.tell(SHOP, goals=[Goal("sale", ("Paid",))])
    numbers = {
        "sessions": ["sessions", "converted_sessions", "engaged_sessions", "single_event_sessions"],
        "bounce": ["sessions", "with_view", "bounced"],
    }
    question = {"by": "day", "breakdown": "acquisition"}
    for name, told in numbers.items():
        result = (await house.ask(name, question))["result"]
        for number in told:
            assert await count(house, name, question, number=number) == result["total"][number]
            for row in result["rows"]:
                cell = {"period": row["period"], "value": row["value"], "number": number}
                assert await count(house, name, question, **cell) == row[number]
    total = (await house.ask("bounce"))["result"]["total"]
    assert await count(house, "bounce", {}, number="stayed") == total["with_view"] - total["bounced"]


async def test_of_a_bounce_the_sessions_events_are_marked_with_the_figures_that_decide(house: House) -> None:
    house.tell(SHOP)
    found = await explain(house, "bounce", {}, cell={"number": "bounced"}, customer="user:ann")
    told = "bounced (engaged): 1 views, 1 interactions, 0 conversions, 0 ms engaged"
    assert reasons(found)[-2:] == [("page", [told]), ("Added", [told])]


async def test_every_cell_of_retention_has_as_many_cases_as_it_says(house: House) -> None:
    house.tell(SHOP)
    for counting in ("on", "on_or_after"):
        question = {
            "starts": {"events": "page"}, "by": "day", "periods": 2, "counting": counting,
            "from": "2023-11-15", "to": "2023-11-17",
        }  # fmt: skip
        for cohort in (await house.ask("retention", question))["result"]["cohorts"]:
            size = await count(house, "retention", question, period=cohort["period"])
            assert size == cohort["customers"]
            for cell in cohort["cells"]:
                at = {"period": cohort["period"], "after": cell["after"]}
                assert await count(house, "retention", question, **at) == cell["count"]
                assert await count(house, "retention", question, **at, part="stayed_away") == size - cell["count"]
    found = await explain(house, "retention", question, cell={"after": 1}, customer="user:ann")
    marks = [told for told in reasons(found) if told[1]]
    assert marks == [("page", ["start of the cohort 2023-11-15"]), ("page", ["came back, day 1"])]


@pytest.mark.parametrize(
    "more",
    [
        {"depth": 3, "fan_out": 1},
        {"through": {"events": "Added"}, "depth": 2},
        {"ends_at": {"events": "Paid"}, "within": "customers", "fold": "loops"},
    ],
    ids=str,
)
async def test_every_node_and_link_has_as_many_cases_as_it_says(house: House, more: dict[str, Any]) -> None:
    house.tell(SHOP)
    result = (await house.ask("paths", more))["result"]
    assert await count(house, "paths", more) == result["paths"]
    for node in result["nodes"]:
        assert await count(house, "paths", more, node=node["id"]) == node["paths"]
        assert await count(house, "paths", more, node=node["id"], part="begins") == node["begins"]
        assert await count(house, "paths", more, node=node["id"], part="ends") == node["ends"]
    for link in result["links"]:
        assert await count(house, "paths", more, source=link["source"], target=link["target"]) == link["paths"]


async def test_points_of_a_trend_have_as_many_cases_as_they_say(house: House) -> None:
    house.tell(SHOP)
    question = {"events": "Added", "by": "day", "where": [{"property": "color", "value": "red"}]}
    for point in (await house.ask("trend", question))["result"]["points"]:
        assert await count(house, "trend", question, period=point["period"]) == point["events"] == 1


async def test_customers_come_page_by_page_and_all_of_them_as_csv(house: House) -> None:
    house.tell(SHOP)
    asked = {"steps": STEPS}
    whole = await explain(house, "funnel", asked)
    ids = [row["id"] for row in whole["rows"]]
    assert ids == sorted(ids)
    assert whole["next"] is None
    first = await explain(house, "funnel", asked, limit=3)
    rest = await explain(house, "funnel", asked, limit=3, after=first["next"])
    assert first["rows"] + rest["rows"] == whole["rows"]
    assert rest["next"] is None
    async with browser(house, "local-token", Accept="text/csv") as client:
        path = f"/api/v1/projects/{house.name}/questions/funnel/explain"
        answer = await client.post(path, json={"question": asked | {"last": None}, "cell": {}})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    lines = list(csv.DictReader(answer.text.splitlines()))
    assert lines == [{name: str(value) for name, value in row.items()} for row in whole["rows"]]


async def test_the_statements_are_told_with_what_they_read(house: House) -> None:
    house.tell(SHOP)
    cost = (await explain(house, "sessions", {}))["cost"]
    (one,) = cost["statements"]
    assert one["name"] == "owned_sessions"
    assert one["sql"].startswith("-- Sessions that start in")
    assert one["parameters"]["project"] == house.name
    assert (one["rows"], one["rows_read"] >= 6, one["bytes_read"] > 100, one["ms"] > 0) == (6, True, True, True)
    assert (cost["rows_read"], cost["bytes_read"], cost["ms"]) == (one["rows_read"], one["bytes_read"], one["ms"])


@pytest.mark.parametrize(
    ("name", "body", "field", "hint"),
    [
        ("funnel", {"cell": {"step": 4}}, "cell.step", "3 steps"),
        ("funnel", {"cell": {"period": "2023-11-15"}}, "cell.period", "by day"),
        ("funnel", {"cell": {"kind": "none"}}, "cell.kind", "breakdown"),
        ("funnel", {"cell": {"part": "drop"}}, "cell.part", "did you mean 'dropped'?"),
        ("funnel", {"cell": {"stage": 1}}, "cell.stage", "no field"),
        ("funnel", {"cell": {}, "after": "x"}, "after", "16 hex"),
        ("funnel", {"cell": {"step": 3}, "customer": "user:bob"}, "customer", "no customer"),
        ("funnel", {"cell": {"step": 3}, "customer": "mail"}, "customer", "16 hex"),
        ("sessions", {"cell": {"period": "2023-11-15"}}, "cell.period", "by day"),
        ("bounce", {"cell": {"value": "email"}}, "cell.value", "breakdown"),
        ("retention", {"cell": {"after": 9}}, "cell.after", "8 periods"),
        ("paths", {"cell": {"source": "0:/home"}}, "cell", "source and target"),
        ("paths", {"cell": {"part": "ends"}}, "cell.node", "name it"),
        ("trend", {}, "cell", "required"),
    ],
)
async def test_a_cell_that_the_answer_does_not_have_is_refused_with_its_field(
    house: House, name: str, body: dict[str, Any], field: str, hint: str
) -> None:
    house.tell(SHOP)
    questions: dict[str, dict[str, Any]] = {
        "funnel": {"steps": STEPS}, "retention": {"starts": {"events": "page"}}, "trend": {"events": "page"},
    }  # fmt: skip
    asked = {"question": questions.get(name, {}) | {"last": None}} | body
    error = await house.refused(f"{name}/explain", asked, status=404 if "no customer" in hint else 422)
    assert error.get("field") == field
    assert hint in error["message"]
