"""What divides those who went through a funnel from those who did not, against counting by hand."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.query.questions.divide import MOST_VALUES, counted
from api.query.questions.odds import Table, fisher, odds_interval, odds_ratio
from pipeline.domain.identifiers import fact_id
from schemas.facts import EventRow
from tests.api.query.conftest import House, replaced
from tests.api.query.laws import laws
from tests.api.query.test_explain import explain
from tests.api.query.test_saved import put
from tests.story import DAY_ZERO, story, user

STEPS = [{"events": "Viewed"}, {"events": "Bought"}]
FEW = {"least": 1, "top": 100}
SHOP = """
    a1  09:00  track Viewed color=red acquisition=email
    a1  09:01  track Bought color=late
    a2  09:00  track Viewed color=red acquisition=email
    a2  09:01  track Bought
    a3  09:00  track Viewed color=red acquisition=direct
    a4  09:00  track Viewed color=blue acquisition=direct
    a5  09:00  track Viewed color=blue acquisition=direct
    a6  09:00  track Viewed acquisition=direct
"""


def row(answer: dict[str, Any], name: str, value: str) -> dict[str, Any]:
    (found,) = [each for each in answer["result"]["rows"] if (each["property"], each["value"]) == (name, value)]
    return dict(found)


def four(found: dict[str, Any]) -> tuple[int, ...]:
    return tuple(found[name] for name in ("converted", "not_converted", "others_converted", "others_not_converted"))


async def test_those_with_a_value_at_the_first_step_are_set_beside_all_others(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("divide", FEW, steps=STEPS)
    assert (answer["result"]["entered"], answer["result"]["converted"]) == (6, 2)
    red = row(answer, "color", "red")
    assert four(red) == (2, 1, 0, 3)
    assert (red["rate"], red["others_rate"], red["test"]) == (pytest.approx(2 / 3), 0, "fisher")
    assert red["odds_ratio"] == pytest.approx(2.5 * 3.5 / (1.5 * 0.5))
    assert red["p_value"] == pytest.approx(fisher(Table(2, 1, 0, 3))) == pytest.approx(0.4)
    assert four(row(answer, "color", "blue")) == (0, 2, 2, 2)
    assert not [each for each in answer["result"]["rows"] if each["value"] == "late"]


async def test_the_session_that_holds_the_first_step_is_looked_at(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("divide", FEW, steps=STEPS)
    first = answer["result"]["rows"][0]
    assert (first["property"], first["value"], four(first)) == ("$session.acquisition", "direct", (0, 4, 2, 0))
    named = await house.ask("divide", FEW, steps=STEPS, properties=["$session.acquisition", "$acquisition"])
    assert {(each["property"], each["value"]) for each in named["result"]["rows"]} == {
        (name, value) for name in ("$session.acquisition", "$acquisition") for value in ("email", "direct")
    }


async def test_properties_can_be_named_and_left_out(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("divide", FEW, steps=STEPS, properties=["color"])
    assert {each["property"] for each in answer["result"]["rows"]} == {"color"}
    assert answer["result"]["tested"] == 2
    answer = await house.ask("divide", FEW, steps=STEPS, without=["color", "$session.acquisition"])
    assert not {"color", "$session.acquisition"} & {each["property"] for each in answer["result"]["rows"]}


async def test_what_too_few_have_or_lack_is_not_tested(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("divide", {"least": 3}, steps=STEPS, properties=["color", "$session.acquisition"])
    assert [(each["property"], each["value"]) for each in answer["result"]["rows"]] == [("color", "red")]


async def test_values_inside_objects_go_by_their_path(house: House) -> None:
    events = story(SHOP, house.name)
    nested = [
        replaced(event, properties=json.dumps({"cart": {"size": number % 2, "items": ["x"]}, "empty": ""}))
        for number, event in enumerate(events)
    ]
    house.tell(nested)
    answer = await house.ask("divide", FEW, steps=STEPS)
    assert {each["property"] for each in answer["result"]["rows"] if each["property"][0] != "$"} == {"cart.size"}


def test_a_property_with_too_many_values_is_left_out() -> None:
    told = [{"id": str(number), "color": "red"} for number in range(MOST_VALUES + 1)]
    counts, left_out = counted(told, [True] * len(told))
    assert (counts, left_out) == ({("color", "red"): [MOST_VALUES + 1, 0]}, ["id"])


async def test_every_number_of_a_row_has_as_many_customers_as_it_says(house: House) -> None:
    house.tell(SHOP)
    for more in ({}, {"count": "sessions"}):
        question: dict[str, Any] = FEW | {"steps": STEPS} | more
        for each in (await house.ask("divide", question))["result"]["rows"][:1]:
            for part in ("converted", "not_converted", "others_converted", "others_not_converted"):
                cell = {"property": each["property"], "value": each["value"], "part": part}
                assert (await explain(house, "divide", question, cell=cell))["count"] == each[part]


async def test_a_saved_funnel_gives_the_same(house: House) -> None:
    for order in ("ordered", "any"):
        await put(house, f"funnels/{order}", {"steps": STEPS, "order": order})
    house.tell(SHOP, funnels=list(house.definitions.funnels(house.name)))
    for order in ("ordered", "any"):
        saved = await house.ask("divide", FEW, saved=order)
        assert saved["result"] == (await house.ask("divide", FEW, steps=STEPS, order=order))["result"]


@pytest.mark.parametrize(
    ("more", "field", "hint"),
    [
        ({"properties": []}, "properties", "at least 1"),
        ({"properties": ["$nope"]}, "properties[0]", "$channel"),
        ({"properties": ["a", "$session.exit_page"]}, "properties[1]", "$session.entry_page"),
        ({"properties": "color"}, "properties", "list"),
        ({"least": 0}, "least", "greater than or equal to 1"),
        ({"top": 1001}, "top", "less than or equal to 1000"),
        ({"without": [3]}, "without[0]", "string"),
        ({"compare": "previous"}, "compare", "no field here"),
    ],
)
async def test_a_question_that_is_wrong_is_refused(house: House, more: Any, field: str, hint: str) -> None:
    error = await house.refused("divide", {"steps": STEPS} | more)
    assert error["field"] == field
    assert hint in error["message"]


@pytest.mark.parametrize(
    ("cell", "field"),
    [
        ({"property": "color"}, "cell.value"),
        ({"value": "red"}, "cell.property"),
        ({"part": "others_converted"}, "cell.part"),
        ({"part": "others"}, "cell.part"),
    ],
)
async def test_a_cell_that_there_is_none_of_is_refused(house: House, cell: dict[str, Any], field: str) -> None:
    path = f"/api/v1/projects/{house.name}/questions/divide/explain"
    answer = await house.client.post(path, json={"question": {"steps": STEPS}, "cell": cell})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)


people = st.lists(
    st.tuples(st.sampled_from(["x", "y", "z", ""]), st.sampled_from([None, True, 7]), st.booleans()), max_size=40
)


@laws(5)
@given(people, st.integers(1, 4))
async def test_numbers_are_those_of_counting_by_hand(
    house: House, told: list[tuple[str, object, bool]], least: int
) -> None:
    house.renew()
    events = []
    for number, (color, size, buys) in enumerate(told):
        properties = {"color": color, "size": size}
        for at, name in enumerate(["Viewed", "Bought"] if buys else ["Viewed"]):
            message = fact_id(house.name, number, at)
            event = EventRow(house.name, number + 1, DAY_ZERO + at, message, 0, number, name, "track", "web")
            events.append(replaced(event, properties=json.dumps({"color": "w"} if at else properties)))
    house.tell(events)
    result = (await house.ask("divide", least=least, top=100, steps=STEPS, properties=["color", "size"]))["result"]
    words = {None: "", True: "true", 7: "7"}
    expected = {}
    for name, values in (("color", [one[0] for one in told]), ("size", [words[one[1]] for one in told])):
        for value, times in Counter(values).items():
            if value and times >= least and len(told) - times >= least:
                both = [one[2] for one, had in zip(told, values, strict=True) if had == value]
                rest = [one[2] for one, had in zip(told, values, strict=True) if had != value]
                expected[name, value] = (sum(both), len(both) - sum(both), sum(rest), len(rest) - sum(rest))
    rows = result["rows"]
    assert {(each["property"], each["value"]): four(each) for each in rows} == expected
    assert result["tested"] == len(expected)
    assert [each["p_value"] for each in rows] == sorted(each["p_value"] for each in rows)
    for rank, each in enumerate(rows, 1):
        table = Table(*four(each))
        assert each["odds_ratio"] == pytest.approx(odds_ratio(table))
        assert each["interval"] == pytest.approx(list(odds_interval(table)))
        later = [one["p_value"] * len(rows) / at for at, one in enumerate(rows, 1) if at >= rank]
        assert each["adjusted"] == pytest.approx(min(1.0, *later))
        assert each["significant"] == (each["adjusted"] <= 0.05)


async def test_traits_are_looked_at_as_they_were_at_the_first_step(house: House) -> None:
    house.tell("""
        a1  08:00  login ann plan=pro
        a1  09:00  track Viewed
        a1  09:01  track Bought
        a1  09:02  login ann plan=basic
        a2  08:00  login bob plan=pro
        a2  09:00  track Viewed
        a3  08:00  login cleo plan=basic
        a3  09:00  track Viewed
        a4  09:00  track Viewed
        a4  09:01  login dan plan=pro
    """)
    for count in ("customers", "sessions"):
        for properties in (None, ["$customer.plan"]):
            question: dict[str, Any] = FEW | {"steps": STEPS, "count": count, "properties": properties}
            answer = await house.ask("divide", question)
            assert four(row(answer, "$customer.plan", "pro")) == (1, 1, 0, 2)
            assert four(row(answer, "$customer.plan", "basic")) == (0, 1, 1, 2)
            cell = {"property": "$customer.plan", "value": "pro", "part": "not_converted"}
            assert (await explain(house, "divide", question, cell=cell))["rows"][0][
                "id"
            ] == f"{user('bob', house.name):016x}"
