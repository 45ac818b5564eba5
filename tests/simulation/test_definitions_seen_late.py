"""Definitions are seen by each worker at its own time: whatever it did by the old ones is done again."""

from collections.abc import Callable, Coroutine
from typing import Any

from schemas.definitions import Funnel, Goal, Project, SessionOptions
from schemas.definitions import Step as FunnelStep
from schemas.log import CHANGES, EVENTS
from tests.agents.virtual_time import run
from tests.simulation.test_stream_equals_batch import proven
from tests.simulation.world import Change, Odds, Step, World
from tests.story import story

# The worker that holds all shards of `events`, the one that holds the others, and one that holds nothing at first.
SESSIONS, JOURNEYS, IDLE = 0, 1, 2
NO_FAULT = Odds(crash=0, away=0, move=0, look=0, cache_devices=100)
WAY = Funnel("way", (FunnelStep(("Saw",)), FunnelStep(("Bought",))))


def told(steps: list[Step], tell: Callable[[World], Coroutine[Any, Any, None]]) -> World:
    """A world of two workers whose turns are told one by one; in the end all is done."""

    async def main() -> World:
        world = World(steps, 1, NO_FAULT, workers=3)
        for shard in world.logs:
            world.move(shard, SESSIONS if shard[0] == EVENTS else JOURNEYS)
        await tell(world)
        for shard, _ in list(world.api.told):
            world.api.release(shard)
        while any(worker.is_behind() for worker in world.workers):
            await world.settle(SESSIONS, JOURNEYS, IDLE)
        proven(world)
        return world

    return run(main())


def test_an_event_that_a_new_funnel_names_is_followed_though_the_sessions_agent_has_not_seen_the_funnel() -> None:
    first, then = story("d 09:00 page /\nd 09:01 track Saw")

    async def tell(world: World) -> None:
        await world.step()
        await world.settle(SESSIONS, JOURNEYS)
        await world.step()
        for partition in (0, 1):
            world.api.release((CHANGES, partition))
        await world.settle(JOURNEYS)  # it follows the funnel from now on
        await world.step()
        await world.settle(SESSIONS)

    world = told([first, Change("shop", WAY), then], tell)
    assert len(world.facts.live("funnel_entries")) == 1


def test_a_worker_that_takes_a_shard_over_knows_the_definitions_by_which_it_was_left() -> None:
    (bought,) = story("d 09:00 track Bought")
    shard = EVENTS, bought.device % 2

    async def tell(world: World) -> None:
        await world.step()
        for partition in (0, 1):
            world.api.release((CHANGES, partition))
            world.api.release((EVENTS, partition))
        await world.settle(SESSIONS, JOURNEYS)
        world.move(shard, IDLE)
        await world.step()
        await world.settle(IDLE)

    world = told([Change("shop", Goal("bought", ("Bought",))), bought], tell)
    assert [session.conversions for session in world.facts.live("sessions")] == [1]


def test_a_new_projects_first_event_is_cut_by_the_projects_own_options() -> None:
    steps: list[Step] = [Change("mart", Project("mart", sessions=SessionOptions(gap_ms=60_000)))]
    steps += story("d 09:00 page /\nd 09:05 page /", "mart")

    async def tell(world: World) -> None:
        for _ in steps:
            await world.step()
        await world.settle(SESSIONS)

    assert len(told(steps, tell).facts.live("sessions")) == 2


def test_entries_into_the_last_funnel_are_taken_back_from_a_customer_who_owns_no_device_himself() -> None:
    """The user was named in the same millisecond as another, who is the owner; only an e-mail leads to him."""
    steps: list[Step] = [
        *story("d 09:00 login bob sequence=1\nd 09:00 login ann sequence=2 email=a@example.com"),
        *story("e 10:00 track Saw email=a@example.com id=saw"),
        Change("shop", WAY),
        Change("shop", WAY, is_taken_back=True),
    ]

    async def tell(world: World) -> None:
        for _ in range(4):
            await world.step()
        for shard, _ in list(world.api.told):
            world.api.release(shard)
        while any(worker.is_behind() for worker in world.workers):
            await world.settle(SESSIONS, JOURNEYS)
        assert len(world.facts.live("funnel_entries")) == 1
        await world.step()

    assert told(steps, tell).facts.live("funnel_entries") == []
