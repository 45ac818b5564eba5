"""Surveys are saved with an admin key, and told to the tracker with the key that it has."""

import re
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from api.snippet import surveys
from pipeline.store.embedded import EmbeddedStore
from pipeline.store.migrations import migrate
from tests.api.query.conftest import LOCAL_TOKEN, House, browser

NPS = {"kind": "nps", "question": "Would you recommend us?", "pages": "/shop/*", "event": "Order Completed"}


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    store = EmbeddedStore(tmp_path_factory.mktemp("store"))
    try:
        migrate(store)
        house = House(store)
        house.app.include_router(surveys.router(house))
        surveys.install(house.app, house)
        yield house
    finally:
        store.close()


@pytest.fixture
async def house(standing: House) -> AsyncIterator[House]:
    standing.renew()
    async with browser(standing, LOCAL_TOKEN) as client:
        standing.client = client
        yield standing


async def save(house: House, name: str, **body: object) -> httpx.Response:
    return await house.client.put(f"/api/v1/projects/{house.name}/surveys/{name}", json=body)


async def test_what_is_saved_is_told_to_the_tracker_until_it_is_taken_back(house: House) -> None:
    write, _ = house.definitions.new_key(house.name, "write", "site")
    saved = await save(house, "after an order", **NPS)
    assert saved.status_code == 200, saved.text
    assert saved.json() | NPS == saved.json()
    assert (saved.json()["version"], saved.json()["every_days"]) == (1, 90)
    listed = await house.client.get(f"/api/v1/projects/{house.name}/surveys")
    assert listed.json() == {"surveys": [saved.json()]}
    async with browser(house, "") as visitor:
        answer = await visitor.get("/wayfare.json", params={"key": write})
        (told,) = answer.json()["surveys"]
        assert (told["name"], told["question"], told["event"]) == ("after an order", NPS["question"], NPS["event"])
        assert re.search(told["pages"], "/shop/shears")
        assert not re.search(told["pages"], "/the/shop/shears")
        beside = await visitor.get(f"/analytics.js/v1/{write}/wayfare.json", params={"key": write})
        assert beside.json() == answer.json(), "where Segment's own snippet has the script from"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["cache-control"] == "public, max-age=300"
        gone = await house.client.delete(f"/api/v1/projects/{house.name}/surveys/after an order")
        assert gone.status_code == 204
        assert (await visitor.get("/wayfare.json", params={"key": write})).json() == {"surveys": []}
        again = await house.client.delete(f"/api/v1/projects/{house.name}/surveys/after an order")
        assert again.status_code == 404


async def test_only_write_keys_are_told(house: House) -> None:
    read, _ = house.definitions.new_key(house.name, "read", "reader")
    async with browser(house, "") as visitor:
        for key in ("", "wf_write_unknown", read):
            assert (await visitor.get("/wayfare.json", params={"key": key})).status_code == 401
        refused = await visitor.put(f"/api/v1/projects/{house.name}/surveys/x", json=NPS)
        assert refused.status_code == 401


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"accent": "red"}, "accent"), ({"after_ms": 3_600_001}, "after_ms"), ({"question": " "}, "question"),
        ({"kind": "stars"}, "kind"), ({"every_days": 0}, "every_days"), ({"colour": "#000000"}, "colour"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)  # fmt: skip
async def test_a_survey_that_cannot_be_asked_is_refused_with_its_field(
    house: House, change: dict[str, object], field: str
) -> None:
    refused = await save(house, "one", **(NPS | change))
    assert refused.status_code in (400, 422)
    assert refused.json()["error"]["field"] == field
