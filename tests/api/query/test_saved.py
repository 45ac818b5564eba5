from typing import Any

import pytest

from schemas.definitions import Funnel
from tests.api.query.conftest import House

FUNNEL = {"steps": [{"events": ["page"]}, {"events": ["Added"]}], "window": "1h", "breakdown": "$acquisition"}
GOAL = {"events": ["Paid"], "kind": "macro", "where": [{"property": "price", "operator": "gt", "value": 3}]}


async def put(house: House, path: str, body: Any, status: int = 200) -> dict[str, Any]:
    answer = await house.client.put(f"/api/v1/projects/{house.name}/{path}", json=body)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


async def get(house: House, path: str, status: int = 200) -> dict[str, Any]:
    answer = await house.client.get(f"/api/v1/projects/{house.name}/{path}")
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def saved_funnel(house: House) -> Funnel:
    return house.definitions.funnels(house.name)[0]


async def test_a_saved_goal_comes_back_with_its_version_and_every_default(house: House) -> None:
    assert (await put(house, "goals/sale", GOAL))["version"] == 1
    assert await get(house, "goals/sale") == GOAL | {
        "name": "sale",
        "version": 1,
        "ends_journey": None,
        "value_property": "$value",
        "value": None,
        "currency": "",
    }
    changed = await put(house, "goals/sale", GOAL | {"kind": "micro"})
    assert (changed["version"], changed["kind"]) == (2, "micro")
    assert [goal["name"] for goal in (await get(house, "goals"))["goals"]] == ["sale"]


async def test_a_saved_goal_is_told_to_every_partition_of_events_and_changes(house: House) -> None:
    await put(house, "goals/sale", GOAL)
    told = [(topic, partition) for topic, partition, _ in house.writer.records]
    assert sorted(told) == [(topic, partition) for topic in ("changes", "events") for partition in range(3)]
    for topic, partition, record in house.writer.records:
        kind, key = ("k", "c") if topic == "changes" else ("c", "d")
        assert (record["p"], record[kind], record[key]) == (house.name, "define", partition)


async def test_a_saved_funnel_is_told_to_every_partition_of_changes_and_events(house: House) -> None:
    """Sessions agents that do not know it yet mark no event that it names."""
    await put(house, "funnels/shop", FUNNEL)
    told = [(topic, partition) for topic, partition, _ in house.writer.records]
    assert told == [(topic, partition) for topic in ("changes", "events") for partition in range(3)]
    assert [record.get("k") or record["c"] for _, _, record in house.writer.records] == ["define"] * 6
    assert {record["w"] for topic, _, record in house.writer.records if topic == "events"} == {"funnels"}


async def test_what_is_saved_unchanged_keeps_its_version_and_is_told_again(house: House) -> None:
    await put(house, "funnels/shop", FUNNEL)
    assert (await put(house, "funnels/shop", FUNNEL))["version"] == 1
    assert len(house.writer.records) == 12


async def test_what_is_deleted_is_gone_and_told(house: House) -> None:
    await put(house, "funnels/shop", FUNNEL)
    house.writer.records.clear()
    path = f"/api/v1/projects/{house.name}/funnels/shop"
    assert (await house.client.delete(path)).status_code == 204
    assert len(house.writer.records) == 3
    await get(house, "funnels/shop", status=404)
    assert (await house.client.delete(path)).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"events": []}, "events"),
        ({"events": [" "]}, "events[0]"),
        ({"events": ["*"]}, "events"),
        ({"events": ["Paid"], "where": [{"property": "$nope", "value": 1}]}, "where[0].property"),
        ({"events": ["Paid"], "where": [{"property": "a", "operator": "gt"}]}, "where[0].value"),
        ({"events": ["Paid"], "where": [{"property": "a", "operator": "regex", "value": "("}]}, "where[0].value"),
        ({"events": ["Paid"], "where": [{"property": "a", "operator": "gtt", "value": 1}]}, "where[0].operator"),
        ({"events": ["Paid"], "value": 1e300}, "value"),
        ({"events": ["Paid"], "currency": "euro"}, "currency"),
        ({"events": ["Paid"], "knid": "macro"}, "knid"),
        ({"events": ["Paid"], "name": "other"}, "name"),
    ],
)
async def test_a_goal_that_cannot_be_followed_is_refused_at_its_field(house: House, body: Any, field: str) -> None:
    error = (await put(house, "goals/sale", body, status=422))["error"]
    assert error["field"] == field
    assert not house.writer.records


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"window": 0}, "window"),
        ({"window": "0s"}, "window"),
        ({"window": "soon"}, "window"),
        ({"steps": [{"events": ["page"]}]}, "steps"),
        ({"steps": [{"events": ["page"]}] * 33}, "steps"),
        ({"steps": [{"events": ["page"]}, {"events": ["*", "page"]}]}, "steps[1].events"),
        ({"steps": [{"events": ["page"]}, {"events": [""]}]}, "steps[1].events[0]"),
        ({"breakdown": "$nope"}, "breakdown"),
        ({"order": "loose"}, "order"),
        ({"exclusions": [{"events": ["X"], "after": 2}]}, "exclusions[0].after"),
        ({"exclusions": [{"events": ["X"], "before": 3}]}, "exclusions[0].before"),
        ({"exclusions": [{"events": ["X"], "effect": "ignore"}]}, "exclusions[0].effect"),
        ({"steps": [{"events": ["page"], "optional": True}, {"events": ["Added"]}]}, "steps[0].optional"),
    ],
)
async def test_a_funnel_that_cannot_be_followed_is_refused_at_its_field(house: House, change: Any, field: str) -> None:
    error = (await put(house, "funnels/shop", FUNNEL | change, status=422))["error"]
    assert error["field"] == field
    assert not house.writer.records


async def test_a_saved_funnel_answers_from_its_entries(house: House) -> None:
    await put(house, "funnels/shop", FUNNEL)
    house.tell(
        """
        ann  09:00  page /home acquisition=email
        ann  09:05  track Added
        bob  10:00  page /home
        """,
        funnels=[saved_funnel(house)],
    )
    answer = await house.ask("funnel", saved="shop", by="day")
    assert [step["count"] for step in answer["result"]["steps"]] == [2, 1]
    assert answer["definitions"] == {"funnel": 1, "funnel.shop": 1, "project": 1, "acquisition": 1}
    assert [(group["value"], group["steps"][1]["count"]) for group in answer["result"]["groups"]] == [
        ("direct", 0),
        ("email", 1),
    ]
    assert answer["question"]["steps"] is None
    assert await house.ask("funnel", answer["question"]) == answer


async def test_entries_of_an_older_version_do_not_count_and_a_warning_tells_of_them(house: House) -> None:
    await put(house, "funnels/shop", FUNNEL)
    house.tell("ann  09:00  page /home", funnels=[saved_funnel(house)])
    await put(house, "funnels/shop", FUNNEL | {"window": "2h"})
    answer = await house.ask("funnel", saved="shop")
    assert answer["result"]["entered"] == 0
    assert answer["warnings"][0].startswith("1 entries are still of another version")
    followed = await get(house, "funnels/shop/entries")
    assert [(one["version"], one["is_current"], one["entries"]) for one in followed["versions"]] == [(1, False, 1)]


async def test_the_entries_of_a_saved_funnel_are_summed_by_the_step_they_stand_at(house: House) -> None:
    await put(house, "funnels/shop", FUNNEL)
    house.tell(
        """
        ann  09:00  page /home
        ann  09:05  track Added
        ann  09:06  page /home
        bob  10:00  page /home
        """,
        funnels=[saved_funnel(house)],
    )
    (version,) = (await get(house, "funnels/shop/entries"))["versions"]
    assert (version["entries"], version["customers"], version["by_steps"]) == (3, 2, [2, 1])


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ({"saved": "shop", "window": "1h"}, "window"),
        ({"saved": "shop", "order": "ordered"}, "order"),
        ({"saved": "shop", "exclusions": []}, "exclusions"),
        ({"saved": "shop", "constant": ["color"]}, "constant"),
        ({"saved": "shop", "steps": FUNNEL["steps"]}, "either steps or saved"),
        ({}, "either steps or saved"),
    ],
)
async def test_a_saved_funnel_has_its_own_options(house: House, question: Any, told: str) -> None:
    await put(house, "funnels/shop", FUNNEL)
    assert told in (await house.refused("funnel", question))["message"]


async def test_a_saved_funnel_that_there_is_not_is_answered_with_the_nearest(house: House) -> None:
    await put(house, "funnels/checkout", FUNNEL)
    error = await house.refused("funnel", {"saved": "chekout"}, status=404)
    assert error["field"] == "saved"
    assert "'checkout'" in error["message"]
