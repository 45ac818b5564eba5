"""What browser clients of Segment and RudderStack ask for before they send."""

from typing import Any

import pytest

from tests.api.collect.door import Door, basic

SEGMENT, RUDDERSTACK = "/v1/projects/{key}/settings", "/sourceConfig/?writeKey={key}&p=npm"
ORIGIN = {"Origin": "https://shop.example"}


async def asked(path: str, key: str, **headers: str) -> Any:
    return await Door().client.get(path.format(key=key), headers=ORIGIN | headers)


async def test_segments_client_is_told_to_send_here_alone() -> None:
    answer = await asked(SEGMENT, "web-key")
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    told = answer.json()
    assert list(told["integrations"]) == ["Segment.io"]
    assert told["integrations"]["Segment.io"]["apiKey"] == "web-key"
    assert told["plan"]["track"]["__default"]["enabled"] is True
    assert told["remotePlugins"] == []


@pytest.mark.parametrize("path", ["/sourceConfig", "/sourceConfig/?p=npm", RUDDERSTACK])
async def test_rudderstacks_client_is_told_that_its_source_is_on_and_has_no_other_destination(path: str) -> None:
    answer = await asked(path, "web-key", Authorization=basic("web-key"))
    assert answer.status_code == 200
    source = answer.json()["source"]
    assert (source["writeKey"], source["enabled"], source["name"]) == ("web-key", True, "site")
    assert source["destinations"] == source["connections"] == []
    assert source["config"]["statsCollection"] == {"errors": {"enabled": False}, "metrics": {"enabled": False}}


async def test_rudderstacks_key_may_stand_in_the_address() -> None:
    assert (await asked(RUDDERSTACK, "web-key")).status_code == 200


@pytest.mark.parametrize("path", [SEGMENT, RUDDERSTACK])
@pytest.mark.parametrize("key", ["unknown", "old-key", "read-key", "admin-key"])
async def test_only_a_write_key_has_settings(path: str, key: str) -> None:
    answer = await asked(path, key)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_write_key")
    assert key not in answer.text.replace("the write key is unknown", "")


async def test_other_reads_of_the_collector_are_no_routes() -> None:
    for path in ("/v1/projects/web-key", "/v1/projects/web-key/settings/more", "/v1/projects//settings"):
        assert (await asked(path, "")).status_code == 404
    assert (await asked("/v1/track", "")).status_code == 405
