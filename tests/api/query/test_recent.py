"""What arrived last: newest first, each once, whatever has been written twice or taken back."""

import msgspec

from tests.api.query.conftest import House
from tests.story import DAY_ZERO, story


async def test_the_newest_events_come_first_by_when_they_were_received(house: House) -> None:
    late, early = (msgspec.structs.replace(event, project=house.name) for event in story("""
        tablet  09:00  track Late
        phone   10:00  track Early
    """))  # fmt: skip
    late.received_at, early.received_at = DAY_ZERO + 2_000, DAY_ZERO + 1_000
    house.write([late, early])
    answer = await house.ask("recent")
    assert [one["event"] for one in answer["result"]["events"]] == ["Late", "Early"]
    assert [one["event"] for one in (await house.ask("recent", newest=1))["result"]["events"]] == ["Late"]


async def test_an_event_written_twice_is_shown_once(house: House) -> None:
    (event,) = story("tablet  09:00  track Added")
    event.project = house.name
    house.write([event])
    house.write([event])
    assert len((await house.ask("recent"))["result"]["events"]) == 1


async def test_a_retracted_event_is_not_shown(house: House) -> None:
    stays, goes = story("""
        tablet  09:00  track Stays
        tablet  09:01  track Goes
    """)
    stays.project = goes.project = house.name
    house.write([stays, goes])
    house.write([], [goes])
    assert [one["event"] for one in (await house.ask("recent"))["result"]["events"]] == ["Stays"]


async def test_rejects_stand_beside_the_events(house: House) -> None:
    house.reject(reason="too_large", payload='{"a": 1}', received_at=DAY_ZERO)
    result = (await house.ask("recent"))["result"]
    assert result["events"] == []
    assert [(one["reason"], one["payload"]) for one in result["rejected"]] == [("too_large", '{"a": 1}')]


async def test_what_was_received_outside_of_the_range_is_left_out(house: House) -> None:
    house.tell("tablet  09:00  track Added")
    assert (await house.ask("recent", **{"from": "2023-11-16", "to": "2023-11-17"}))["result"]["events"] == []
    assert len((await house.ask("recent", **{"from": "2023-11-15", "to": "2023-11-16"}))["result"]["events"]) == 1
