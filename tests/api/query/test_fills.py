"""While history is filled anew after a changed definition, answers say which version they used, and how far it is."""

from typing import Any

import pytest

from schemas.definitions import Goal
from tests.api.query.conftest import House

STORY = "ann 09:00 track Bought user=ann"
BOUGHT, ASKED = {"events": ["Bought"]}, {"events": ["Asked"]}


async def put(house: House, goal: dict[str, Any]) -> int:
    answer = await house.client.put(f"/api/v1/projects/{house.name}/goals/sale", json=goal)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["version"])


async def get(house: House, path: str) -> Any:
    answer = await house.client.get(f"/api/v1/projects/{house.name}/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def told(house: House, shards: range, done: int, total: int) -> None:
    """Shards of `changes` tell how far they are with the newest fill."""
    fill = max(
        row[0] for row in house.store.query("SELECT id FROM fills WHERE project = {p:String}", {"p": house.name})
    )
    for shard in shards:
        row = [house.name, fill, "journeys", shard, "", 0, 0, done, total, 1, int(done == total), 1]
        house.store.insert("fills", [[value] for value in row])


async def test_an_answer_says_the_version_before_and_how_far_it_is(house: House) -> None:
    await put(house, BOUGHT)
    house.tell(STORY, goals=[Goal("sale", ("Bought",))])
    assert await put(house, ASKED) == 2
    answer = await house.ask("sessions")
    assert answer["definitions"]["goal.sale"] == 1
    assert answer["warnings"] == ["goal.sale is being filled anew: 0% of the numbers are of version 2"]
    told(house, range(1), 1, 4)
    # a quarter of one shard of six: those that have not told yet may have as much to do
    assert "14%" in (await house.ask("sessions"))["warnings"][0]
    house.fill(house.name)
    answer = await house.ask("sessions")
    assert (answer["definitions"]["goal.sale"], answer["warnings"]) == (2, [])


async def test_a_goal_that_was_taken_back_is_named_until_it_is_out_of_the_numbers(house: House) -> None:
    await put(house, BOUGHT)
    house.tell(STORY, goals=[Goal("sale", ("Bought",))])
    await house.client.delete(f"/api/v1/projects/{house.name}/goals/sale")
    answer = await house.ask("sessions")
    assert answer["definitions"]["goal.sale"] == 1
    assert "the time after it was taken back" in answer["warnings"][0]
    house.fill(house.name)
    assert "goal.sale" not in (await house.ask("sessions"))["definitions"]


async def test_a_fill_is_done_when_all_shards_are_and_what_they_marked_is_worked_on(house: House) -> None:
    await put(house, BOUGHT)
    told(house, range(5), 2, 2)
    (one,) = (await get(house, "fills"))["fills"]
    assert (one["state"], one["share"]) == ("filling", 6 / 7)
    told(house, range(5, 6), 2, 2)
    (one,) = (await get(house, "fills"))["fills"]
    assert (one["notion"], one["from_version"], one["to_version"], one["share"]) == ("goal.sale", 0, 1, 1.0)
    assert one["state"] == "filling"  # nobody has told `data_until` yet


STEPS = [{"events": ["Viewed"]}, {"events": ["Bought"]}]
ONCE_AND_AGAIN = {  # the definition, what it was first and what it became, and the field in which they differ
    "goal": ("goals/sale", BOUGHT, ASKED, "events"),
    "funnel": ("funnels/way", {"steps": STEPS}, {"steps": STEPS[::-1]}, "steps"),
}


@pytest.mark.parametrize("kind", ONCE_AND_AGAIN)
async def test_every_version_is_kept_and_an_older_one_can_be_the_newest_again(house: House, kind: str) -> None:
    name, first, then, field = ONCE_AND_AGAIN[kind]
    path = f"/api/v1/projects/{house.name}/{name}"
    shown = []
    for body in (first, then):
        answer = await house.client.put(path, json=body)
        assert answer.status_code == 200, answer.text
        shown.append(answer.json()[field])
    assert shown[0] != shown[1]
    told = len(house.writer.records)
    answer = await house.client.post(f"{path}/rollback", json={"version": 1})
    assert (answer.json()["version"], answer.json()[field]) == (3, shown[0])
    assert len(house.writer.records) == 3 * told / 2, "agents hear of it as of any change"
    versions = (await get(house, f"{name}/versions"))["versions"]
    assert [(one["version"], one["body"][field]) for one in versions] == [(3, shown[0]), (2, shown[1]), (1, shown[0])]
    notion = f"{kind}.{name.split('/')[1]}"
    assert [one["notion"] for one in (await get(house, "fills"))["fills"]] == [notion] * 3
    missing = await house.client.post(f"{path}/rollback", json={"version": 9})
    assert (missing.status_code, missing.json()["error"]["field"]) == (404, "version")


async def test_a_goal_that_was_taken_back_can_be_rolled_back_to(house: House) -> None:
    await put(house, BOUGHT)
    path = f"/api/v1/projects/{house.name}/goals/sale"
    await house.client.delete(path)
    assert (await get(house, "goals/sale/versions"))["versions"][0]["is_taken_back"]
    assert (await house.client.post(f"{path}/rollback", json={"version": 1})).json()["version"] == 3
