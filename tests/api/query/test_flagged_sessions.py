"""A session is a bot's by its first event: what a person does in it later is still his, whatever is asked."""

from typing import Any

import pytest

from tests.api.query.conftest import House
from tests.api.query.test_explain import explain
from tests.api.query.test_saved import put
from tests.story import user

SHOP = """
    ann  09:00  track ping is_bot=yes user=ann group_id=acme
    ann  09:01  track a user=ann group_id=acme
    ann  09:02  track b user=ann group_id=acme
"""
STEPS = [{"events": "a"}, {"events": "b"}]


@pytest.fixture
async def shop(house: House) -> House:
    house.tell(SHOP)
    await put(house, "segments/everybody", {"conditions": [{"kind": "did", "events": "a"}]})
    return house


@pytest.mark.parametrize("more", [{"window": "session"}, {"count": "sessions"}, {}], ids=str)
async def test_a_funnel_of_a_segment_has_him(shop: House, more: dict[str, Any]) -> None:
    answer = await shop.ask("funnel", {"steps": STEPS} | more, segments=["everybody"])
    assert [step["count"] for step in answer["result"]["steps"]] == [1, 1]


async def test_paths_of_a_segment_have_him(shop: House) -> None:
    asked = {"within": "sessions", "nodes": "events", "segments": ["everybody"]}
    result = (await shop.ask("paths", asked))["result"]
    assert [(one["source"], one["target"]) for one in result["links"]] == [("0:a", "1:b")]


@pytest.mark.parametrize(
    ("name", "question", "cell"),
    [
        ("funnel", {"steps": STEPS, "count": "sessions"}, {"step": 2}),
        ("funnel", {"steps": STEPS, "count": "groups", "window": "session"}, {"step": 2}),
        ("funnel", {"steps": STEPS, "window": "session"}, {"step": 2}),
        ("paths", {"within": "sessions", "nodes": "events"}, {"source": "0:a", "target": "1:b"}),
    ],
    ids=str,
)
async def test_it_is_he_who_is_behind_the_number(
    shop: House, name: str, question: dict[str, Any], cell: dict[str, Any]
) -> None:
    found = await explain(shop, name, question, cell=cell)
    assert [one["id"] for one in found["rows"]] == [f"{user('ann', shop.name):016x}"]
