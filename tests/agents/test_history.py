"""A changed definition fills history anew piece by piece: between events, and on after a crash."""

from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from pipeline.ingest.rejudged import rejudged
from pipeline.ingest.rules import Rules
from schemas.definitions import Goal, Project, SessionOptions
from schemas.log import EVENTS, Line
from tests.agents.virtual_time import run
from tests.simulation.test_stream_equals_batch import proven
from tests.simulation.world import Change, Crash, Odds, Step, World
from tests.story import story

NO_FAULT = Odds(crash=0, away=0, move=0, look=0, cache_devices=100)
DEVICES = 12
PAST = story("\n".join(f"d{number} 09:00 track Bought price=5\nd{number} 09:20 page /" for number in range(DEVICES)))


def world_of(change: Change, then: Callable[[World], Coroutine[Any, Any, None]]) -> World:
    """The past is there; the change is told; then what the test does; in the end all is done and right."""

    async def main() -> World:
        steps: list[Step] = [*PAST, change]
        world = World(steps, 1, NO_FAULT, workers=1)
        for _ in steps:
            await world.step()
        await world.settle(0)
        for shard, _ in list(world.api.told):
            world.api.release(shard)
        await then(world)
        await world.settle(0)
        proven(world)
        return world

    return run(main())


def pieces(world: World) -> list[int]:
    """The device up to which each piece of `events` had come when it was asked for."""
    lines = [
        msgspec.json.decode(line, type=Line)
        for (topic, _), log in world.logs.items()
        for line in log
        if topic == EVENTS and line.startswith(b"{")
    ]
    return [msgspec.json.decode(line.e).get("a", 0) for line in lines if line.c == "define"]


async def nothing(world: World) -> None:
    pass


def test_a_piece_asks_for_the_next_until_all_is_done() -> None:
    world = world_of(Change("shop", Project("shop", sessions=SessionOptions(gap_ms=60_000))), nothing)
    assert len(world.facts.live("sessions")) == 2 * DEVICES
    asked = pieces(world)
    assert len(asked) == len(set(asked)) + 1 >= DEVICES / 2  # both partitions begin at 0
    told = [row for (_, _, agent, _), row in world.facts.memory.fills.items() if agent == "sessions"]
    assert [row["is_done"] for row in told] == [1, 1]
    assert [row["done"] for row in told] == [row["total"] for row in told]
    assert sum(row["done"] for row in told) == DEVICES


def test_a_piece_that_comes_again_after_it_was_told_is_not_done_again() -> None:
    deaths = iter([4, 9])

    async def then(world: World) -> None:
        count, at = 0, next(deaths)

        def fate(when: str, what: str) -> None:
            nonlocal count, at
            if (when, what) == ("after", "fills"):
                count += 1
                if count == at:
                    at = next(deaths, 0)
                    raise Crash

        world.fate = fate

    world = world_of(Change("shop", Goal("bought", ("Bought",))), then)
    asked = pieces(world)
    assert len(asked) == len(set(asked)) + 1
    assert len(world.facts.live("conversions")) == DEVICES


def test_a_change_of_referrers_judges_anew_what_brought_the_stored_visits_about() -> None:
    (row,) = story("d 09:00 page /")
    came = msgspec.structs.replace(
        row, url="https://shop.example/", referrer="https://pay.example/done", acquisition="referral",
        referrer_host="pay.example",
    )  # fmt: skip
    assert rejudged(came, Rules()) is came
    judged = rejudged(came, Rules(not_referrers=("pay.example",)))
    assert (judged.acquisition, judged.referrer_host) == ("direct", "")
    assert msgspec.structs.replace(judged, acquisition="referral", referrer_host="pay.example") == came
