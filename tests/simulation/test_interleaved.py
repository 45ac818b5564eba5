"""Agents go on while another stands between two of its writes; devices whose shards go to and fro.

sessions    events ........ stands ........ sessions  touchpoints  owners  pairs   marks
others                      go on with all that can be seen
"""

import asyncio
from itertools import count
from random import Random

import pytest

from schemas.log import CHANGES, EVENTS, PAIRS
from tests.agents.virtual_time import run
from tests.simulation.test_broken_off import RULES, AllAtOnce
from tests.simulation.test_stream_equals_batch import proven
from tests.simulation.test_zombies import NO_FAULT, STORIES, Freezer
from tests.simulation.world import Crash, Odds, World
from tests.story import received

SLOW, OTHER = 0, 1


async def told(name: str, topic: str, at: int) -> bool:
    """Proves a world in which the agent of the topic stands before its write with that number; whether there was one.

    All that is told before has been done; the turn is about what comes after it.
    """
    first, then = STORIES[name]
    world = World([*RULES, *received("\n".join([*first, *then]))], at, NO_FAULT, workers=2)
    for shard in world.logs:
        world.move(shard, SLOW if shard[0] == topic else OTHER)
    for _ in (*RULES, *first):
        await world.step()
    for shard, _ in list(world.api.told):
        world.api.release(shard)
    while any(worker.is_behind() for worker in world.workers):
        await world.settle(SLOW, OTHER)
    while world.waiting:
        await world.step()
    if topic != EVENTS:
        await world.settle(OTHER)
    slow = world.workers[SLOW]
    slow.turns[topic].work.ports.do = asyncio.to_thread  # type: ignore[assignment, method-assign]
    world.fate = freezer = Freezer("before", at)
    while await slow.take(topic):
        pass
    turn = asyncio.create_task(slow.turn(topic))
    turn.add_done_callback(lambda _: freezer.over.set())
    await asyncio.to_thread(freezer.over.wait)
    await world.settle(OTHER)
    freezer.wake.set()
    await turn
    while any(worker.is_behind() for worker in world.workers):
        await world.settle(SLOW, OTHER)
    proven(world)
    return freezer.is_frozen


@pytest.mark.parametrize("topic", [EVENTS, PAIRS, CHANGES])
@pytest.mark.parametrize("name", STORIES)
def test_others_that_go_on_between_two_writes_of_an_agent_miss_nothing(name: str, topic: str) -> None:
    async def main() -> None:
        at = 0
        while await told(name, topic, at):
            at += 1

    run(main())


@pytest.mark.parametrize("name", STORIES)
def test_a_shard_that_comes_back_is_carried_on_from_what_the_other_has_written(name: str) -> None:
    """The first worker has the device in memory as it was before the other one wrote."""

    async def main() -> None:
        first, then = STORIES[name]
        told = [*first, *then, "d 10:10 track Bought", "e 10:10 track Bought"]
        world = World([*RULES, *received("\n".join(told))], 0, Odds(0, 0, 0, 0, cache_devices=100), workers=2)
        for shard in world.logs:
            world.move(shard, SLOW)
        for step in range(len(RULES) + len(told)):
            await world.step()
            for shard, _ in list(world.api.told):
                world.api.release(shard)
            while any(worker.is_behind() for worker in world.workers):
                await world.settle(SLOW, OTHER)
            if step >= len(RULES):
                for shard in world.logs:
                    world.move(shard, 1 - world.owner[shard])
        proven(world)

    run(main())


async def dies(name: str, at: int, random: Random) -> bool:
    """Proves a world in which a worker dies at the effect with that number of what comes later; whether there was one.

    What came first has been done in turns of its own, so that facts are changed and taken back.
    """
    first, then = STORIES[name]
    world = World([*RULES, *received("\n".join([*first, *then]))], 0, NO_FAULT, workers=2)
    world.random = random
    effects = count()

    def fate(when: str, what: str) -> None:
        if next(effects) == at:
            raise Crash

    for _ in (*RULES, *first):
        await world.step()
    for shard, _ in list(world.api.told):
        world.api.release(shard)
    while any(worker.is_behind() for worker in world.workers):
        await world.settle(0, 1)
    while world.waiting:
        await world.step()
    world.fate = fate
    while any(worker.is_behind() for worker in world.workers):
        await world.settle(0, 1)
    proven(world)
    return next(effects) > at


@pytest.mark.parametrize("name", STORIES)
def test_whoever_dies_while_facts_are_taken_back_takes_them_back_in_the_end(name: str) -> None:
    async def main() -> int:
        at = 0
        while all([await dies(name, at, random) for random in (Random(0), AllAtOnce(0))]):
            at += 1
        return at

    assert run(main()) > 10
