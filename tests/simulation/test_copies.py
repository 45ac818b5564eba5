"""One event that comes twice counts once, whatever lies between its copies; clocks that are wrong lose nothing.

The agents are the product's own, and here the ingest steps too: the logs hold what collectors write.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from pipeline.ingest import device_key
from schemas.definitions import Project
from schemas.log import EVENTS, Line
from tests.agents.virtual_time import run
from tests.ingest.sending import DAY, HOUR, MINUTE, NOON, event, line
from tests.simulation.world import Change, Odds, World

NO_FAULT = Odds(crash=0, away=0, move=0, look=0, cache_devices=100)
Between = Callable[[World], None]


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()


def nothing(world: World) -> None:
    """The worker still has the device in memory."""


def restart(world: World) -> None:
    world.die(0)


def move(world: World) -> None:
    for shard in world.logs:
        world.move(shard, to=1)


def put(world: World, *lines: Line) -> None:
    """One record, as a collector writes it."""
    shard = EVENTS, lines[0].d % 2
    world.logs[shard].append(b"\n".join(map(msgspec.json.encode, lines)))


def copies(*records: tuple[Line, ...], between: Between = nothing) -> World:
    """What is stored after these records; `between` happens between any two."""

    async def main() -> World:
        world = World([Change("mart", Project("mart"))], 1, NO_FAULT, workers=2, is_ingesting=True)
        await world.step()
        for shard in world.logs:
            world.move(shard, to=0)
        for record in records:
            put(world, *record)
            await world.settle(0, 1)
            between(world)
        await world.settle(0, 1)
        return world

    return run(main())


def counted(world: World) -> list[tuple[str, int]]:
    """What counts: (event, occurred_at), in time; what agents write with it agrees."""
    rows = sorted(world.facts.live("events"), key=lambda row: row.occurred_at)
    assert sorted((row.device, row.message_id) for row in rows) == sorted(
        (row.device, row.message_id) for row in world.facts.live("timeline")
    )
    assert sum(session.events for session in world.facts.live("sessions")) == len(rows)
    return [(row.event, row.occurred_at) for row in rows]


def told(at: int = NOON, sent: int | None = None, received: int | None = None, **fields: Any) -> Line:
    """An event of `at` (None: without a timestamp), as its sender sent it `sent` and a collector took it `received`."""
    payload = event(**{"timestamp": iso(at), **fields})
    if sent is not None:
        payload["sentAt"] = iso(sent)
    payload = {key: value for key, value in payload.items() if value is not None}
    return line(payload, received_at=at if received is None else received)


FIRST = told(sent=NOON + 50, received=NOON + 50)
AGAIN = {
    "after 25 h": told(sent=NOON + 25 * HOUR, received=NOON + 25 * HOUR),
    "after 28 days": told(sent=NOON + 28 * DAY, received=NOON + 28 * DAY),
    "after 28 days as it was sent at first": told(sent=NOON + 50, received=NOON + 28 * DAY),
    "after 28 days as if it were sent a year ago": told(sent=NOON - 365 * DAY, received=NOON + 28 * DAY),
    "after 28 days as if it were sent tomorrow": told(sent=NOON + 29 * DAY, received=NOON + 28 * DAY),
    "after 25 h without a timestamp": told(received=NOON + 25 * HOUR, timestamp=None),
    "at once with another body": told(received=NOON + 60, event="Bought", properties={"price": 3}),
    "before its first copy was taken": told(sent=NOON - HOUR, received=NOON - HOUR),
}


@pytest.mark.parametrize("between", [nothing, restart, move])
@pytest.mark.parametrize("again", AGAIN.values(), ids=AGAIN)
def test_an_id_that_comes_again_counts_once_as_it_came_first(again: Line, between: Between) -> None:
    world = copies((FIRST,), (again,), between=between)
    assert counted(world) == [("Clicked", NOON)]
    assert world.facts.live("rejected") == []


@pytest.mark.parametrize("again", AGAIN.values(), ids=AGAIN)
def test_an_id_that_is_twice_in_a_record_counts_once_as_it_stands_first(again: Line) -> None:
    assert counted(copies((FIRST, again))) == [("Clicked", NOON)]


@pytest.mark.parametrize("between", [nothing, restart, move])
def test_a_timestamp_that_is_missing_does_not_make_a_retry_another_event(between: Between) -> None:
    first, again = (told(received=NOON + late, timestamp=None) for late in (0, 25 * HOUR))
    assert counted(copies((first,), (again,), between=between)) == [("Clicked", NOON)]


def test_the_same_id_on_another_device_or_in_another_project_is_another_event() -> None:
    other = told(anonymousId="device-2")
    elsewhere = msgspec.structs.replace(FIRST, p="mart", d=device_key("mart", event()))
    assert counted(copies((FIRST,), (other,), (elsewhere,))) == [("Clicked", NOON)] * 3


VISIT = [told(NOON + minute * MINUTE, messageId=f"m-{minute}") for minute in (0, 10, 20, 45)]


@pytest.mark.parametrize("wrong", [-DAY, DAY, -365 * DAY, 60 * 365 * DAY])
def test_a_client_whose_clock_is_wrong_is_corrected_by_when_it_says_that_it_sent(wrong: int) -> None:
    """Each is told two seconds before it is sent: the correction moves it to two seconds before it is received."""
    lines = [
        told(one.r + wrong, sent=one.r + wrong + 2_000, received=one.r + 2_000, messageId=f"m-{number}")
        for number, one in enumerate(VISIT)
    ]
    assert counted(copies(*((one,) for one in lines))) == [("Clicked", one.r) for one in VISIT]


@pytest.mark.parametrize("between", [nothing, restart, move])
def test_a_servers_clock_that_steps_back_five_minutes_loses_and_splits_nothing(between: Between) -> None:
    """Events without a time of their own are as old as the collector says; the others keep their own."""
    stamped = [told(NOON + 11 * MINUTE, received=NOON + 6 * MINUTE, messageId="s-1")]
    bare = [
        told(received=NOON + minute * MINUTE, timestamp=None, messageId=f"b-{number}")
        for number, minute in enumerate((0, 10, 5, 6, 7))  # the step back lies behind the second
    ]
    world = copies(*((one,) for one in (*bare[:3], *stamped, *bare[3:])), between=between)
    assert [at for _, at in counted(world)] == [NOON + minute * MINUTE for minute in (0, 5, 6, 7, 10, 11)]
    assert len(world.facts.live("sessions")) == 1
    assert world.facts.live("rejected") == []
