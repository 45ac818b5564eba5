"""A step that is a goal: the same as its events and filters, ad hoc and saved, as the goal changes."""

from typing import Any

import pytest

from schemas.definitions import Funnel
from tests.api.query.conftest import House
from tests.api.query.test_saved import put

SHOP = """
    ann   09:00  page /home
    ann   09:01  track Paid price=50
    bob   09:00  page /home
    bob   09:01  track Paid price=5
    cleo  09:00  page /home
    cleo  09:01  track Signed price=50
"""
DEAR = {"events": ["Paid", "Signed"], "where": [{"property": "price", "operator": "gte", "value": 10}]}
BY_GOAL: list[dict[str, Any]] = [{"events": "page"}, {"goal": "dear"}]
BY_EVENTS: list[dict[str, Any]] = [{"events": "page"}, DEAR]


def counts(answer: dict[str, Any]) -> list[int]:
    return [step["count"] for step in answer["result"]["steps"]]


async def test_a_step_of_a_goal_is_filled_by_whatever_meets_it(house: House) -> None:
    await put(house, "goals/dear", DEAR)
    house.tell(SHOP)
    for more in ({}, {"order": "any"}, {"order": "strict"}, {"count": "entries"}, {"breakdown": "price"}):
        answer = await house.ask("funnel", steps=BY_GOAL, **more)
        assert counts(answer) == counts(await house.ask("funnel", steps=BY_EVENTS, **more))
        assert answer["definitions"]["goal.dear"] == 1
    assert answer["result"]["steps"][1]["label"] == "dear"
    assert answer["question"]["steps"][1]["goal"] == "dear"
    narrow = [{"events": "page"}, {"goal": "dear", "where": [{"property": "$event", "value": "Paid"}]}]
    assert counts(await house.ask("funnel", steps=narrow)) == [3, 1]
    assert (await house.ask("drop_off", steps=BY_GOAL))["result"]["entered"] == 3


async def test_a_saved_funnel_changes_with_its_goal_and_says_so(house: House) -> None:
    await put(house, "goals/dear", DEAR)
    saved = await put(house, "funnels/way", {"steps": BY_GOAL})
    assert (saved["steps"][1]["goal"], saved["steps"][1]["events"], saved["version"]) == ("dear", None, 1)
    house.tell(SHOP, funnels=list(house.definitions.funnels(house.name)))
    assert counts(await house.ask("funnel", saved="way")) == [3, 2]
    await put(house, "goals/dear", {"events": "Paid"})
    funnel: Funnel = house.definitions.funnels(house.name)[0]
    assert (funnel.version, funnel.steps[1].events, funnel.steps[1].where) == (2, ("Paid",), ())
    house.tell(SHOP, funnels=[funnel])
    answer = await house.ask("funnel", saved="way")
    assert (counts(answer), answer["definitions"]["goal.dear"]) == ([3, 2], 2)
    path = f"/api/v1/projects/{house.name}/goals/dear"
    refused = (await house.client.delete(path)).json()["error"]
    assert "funnel 'way' has a step of this goal" in refused["message"]
    assert (await house.client.delete(f"/api/v1/projects/{house.name}/funnels/way")).status_code == 204
    assert (await house.client.delete(path)).status_code == 204


@pytest.mark.parametrize(
    ("step", "field", "hint"),
    [
        ({"goal": "deer"}, "steps[1].goal", "did you mean 'dear'?"),
        ({"goal": "dear", "events": "Paid"}, "steps[1].goal", "either"),
        ({}, "steps[1].events", "either"),
        ({"goal": ""}, "steps[1].goal", "at least 1"),
        ({"goals": "dear"}, "steps[1].goals", "did you mean 'goal'?"),
        ({"goal": "dear", "where": [{"property": "$nope"}]}, "steps[1].where[0].property", "$channel"),
    ],
)
async def test_a_goal_that_there_is_not_is_422_with_the_nearest(
    house: House, step: dict[str, Any], field: str, hint: str
) -> None:
    await put(house, "goals/dear", DEAR)
    error = await house.refused("funnel", {"steps": [{"events": "page"}, step]})
    assert (error["field"], hint in error["message"]) == (field, True), error
