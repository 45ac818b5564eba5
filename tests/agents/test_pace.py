"""A customer who takes long rests between two times; others do not wait for him, and nothing of him is lost."""

from typing import Any

from agents.journeys import JourneysAgent
from agents.pace import MOST_MS, RESTS, Pace
from schemas.log import CHANGES, Mark
from tests.agents.virtual_time import run
from tests.simulation.test_stream_equals_batch import proven
from tests.simulation.world import Odds, World
from tests.story import story, user

BIG, SMALL = ("shop", 1), ("shop", 2)


def test_a_large_customer_rests_for_longer_than_he_took_and_never_for_long() -> None:
    at = 0
    pace = Pace(lambda: at, large=10)
    pace.stitched(BIG, 10, 100)
    pace.stitched(SMALL, 9, 100)
    assert (pace.is_large(BIG), pace.is_large(SMALL), pace.rests(BIG), pace.rests(SMALL)) == (True, False, True, False)
    at = RESTS * 100
    assert not pace.rests(BIG)
    pace.stitched(BIG, 10, 100 * MOST_MS)
    at += MOST_MS - 1
    assert pace.rests(BIG)
    at += 1
    assert not pace.rests(BIG)


def test_one_who_has_become_small_rests_no_more() -> None:
    pace = Pace(lambda: 0, large=10)
    pace.stitched(BIG, 10, 100)
    pace.stitched(BIG, 9, 100)
    assert not pace.rests(BIG)


def test_a_partition_in_which_always_somebody_rests_is_not_held_up_for_long() -> None:
    at = 0
    pace = Pace(lambda: at, large=10)
    found = []
    for at in range(0, 3 * MOST_MS, MOST_MS // 2):  # noqa: B007 - the clock reads it
        found.append(pace.held({7}))
    assert found == [{7}, {7}, set(), {7}, {7}, set()]
    pace.held({7})
    assert pace.held(()) == set()
    at += MOST_MS
    assert pace.held({7}) == {7}, "it was not held in between"


def test_who_has_been_found_large_is_stitched_alone_and_after_those_who_are_marked_beside_him() -> None:
    steps = story("b 09:00 login big\nb 10:00 page /\ns 10:00 login small")
    big, small = user("big", "shop"), user("small", "shop")

    async def main() -> list[list[int]]:
        world = World(steps, 1, Odds(crash=0, away=0, move=0, look=0, cache_devices=100), workers=1)
        journeys = world.workers[0].turns[CHANGES].work
        assert isinstance(journeys, JourneysAgent)
        journeys.pace = Pace(lambda: 0, large=2)
        for _ in steps:
            world.append()
        await world.settle(0)
        assert (journeys.pace.is_large(("shop", big)), journeys.pace.is_large(("shop", small))) == (True, False)
        stitched, real = list[list[int]](), journeys._customers

        def noted(project: str, marks: dict[int, set[int]], *rest: Any) -> dict[int, int]:
            stitched.append(sorted(marks))
            return real(project, marks, *rest)

        journeys._customers = noted  # type: ignore[method-assign]
        await journeys.turn([(one % 2, [Mark(p="shop", c=one, i=one)]) for one in (big, small)])
        return stitched

    assert run(main()) == [[small], [big]]


def test_who_is_marked_beside_a_large_customer_does_not_wait_until_he_has_rested() -> None:
    steps = story("b 09:00 login big\ns 09:00 login small\nb 10:00 page /\ns 10:00 page /")

    async def main() -> None:
        world = World(steps, 1, Odds(crash=0, away=0, move=0, look=0, cache_devices=100), workers=1)
        (turns, at) = world.workers[0].turns[CHANGES], [0]
        journeys = turns.work
        assert isinstance(journeys, JourneysAgent)
        for _ in steps[:2]:
            world.append()
        await world.settle(0)
        journeys.pace = Pace(lambda: at[0], large=1)
        journeys.pace.stitched(("shop", user("big", "shop")), 1, 100)
        for _ in steps[2:]:
            world.append()
        until, said = world.data_until(), dict(journeys.said)
        for _ in range(20):
            world._clock_records()
            for topic in world.workers[0].turns:
                await world.workers[0].take(topic)
                await world.workers[0].turn(topic)
        touched = {row.customer: row.touchpoints for row in world.facts.live("journeys")}
        assert touched == {user("big", "shop"): 1, user("small", "shop"): 2}
        assert turns.waiting, "not acknowledged: it would come again after a crash"
        assert world.data_until() <= until
        held = user("big", "shop") % 2
        assert journeys.said[held] == said[held], "a mark of his may go on yet"
        assert journeys.said[1 - held] > said[1 - held]
        at[0] = MOST_MS
        await world.settle(0)
        proven(world)
        assert not turns.waiting

    run(main())
