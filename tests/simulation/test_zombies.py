"""A worker that freezes between two writes and wakes when others have its shards overwrites nothing and leaves nothing.

zombie   events ..... frozen .............................. wakes: the fence, and then it hears that it has lost
heir              takes the shards, does it all again and more
"""

import asyncio
import threading
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from agents.claims import COUNTER_BITS, Claims
from schemas.log import CHANGES, EVENTS, PAIRS
from tests.agents.virtual_time import run
from tests.simulation.test_broken_off import RULES
from tests.simulation.test_stream_equals_batch import proven
from tests.simulation.world import PARTITIONS, Odds, World
from tests.story import received

NO_FAULT = Odds(crash=0, away=0, move=0, look=0, cache_devices=100)
ZOMBIE, HEIR = 0, 1
# What the zombie is at, and what the heir has heard besides by the time the zombie wakes.
STORIES = {
    "an earlier event moves the start": (["d 09:30 page / user=ann"], ["d 09:20 track Bought"]),
    "a later event makes the same session longer": (["d 09:30 page / user=ann"], ["d 09:40 track Bought"]),
    "somebody else was there first": (
        ["d 09:30 track Bought user=ann email=a@example.com"],
        ["d 09:20 page / user=bob email=a@example.com"],
    ),
    "somebody else bought it": (["d 09:25 login ann", "d 09:30 track Bought"], ["d 09:27 login bob"]),
    "the link was somebody else's first": (
        ["d 09:30 login ann email=a@example.com", "- 10:00 opened mail email=a@example.com"],
        ["e 09:20 login bob email=a@example.com"],
    ),
    "two want the link that was a third one's first": (
        ["d 09:30 login ann email=a@example.com", "e 10:00 login bob email=a@example.com"],
        ["f 09:00 login cid email=a@example.com"],
    ),
    "a server's purchase changes hands": (["d 09:00 track Bought is_passive=yes"], ["d 10:00 login ann"]),
    "a login follows another e-mail": (
        ["d 09:00 mail a@example.com", "d 09:10 login ann"],
        ["d 09:05 mail b@example.com"],
    ),
    "a copy at another time counts": (["d 09:30 page / id=b"], ["d 09:30 page /a id=c", "d 09:00 page / user=bob"]),
    "a reject comes mended": (["d 09:30 page / id=b unusable=yes"], ["d 09:30 page / id=b"]),
}


class Freezer:
    """Freezes the zombie's thread at the effect with that number."""

    def __init__(self, when: str, at: int) -> None:
        self.when, self.at, self.seen = when, at, count()
        self.is_frozen = False
        self.over, self.wake = threading.Event(), threading.Event()  # frozen, or through without it

    def __call__(self, when: str, what: str) -> None:
        if threading.current_thread() is threading.main_thread() or when != self.when:
            return
        if next(self.seen) == self.at:
            self.is_frozen = True
            self.over.set()
            assert self.wake.wait(30)


def reading(read: Callable[..., dict[int, list[Any]]], freezer: Freezer) -> Callable[..., dict[int, list[Any]]]:
    def rows(project: str, table: str, *which: Any) -> dict[int, list[Any]]:
        found = read(project, table, *which)
        freezer("read", table)
        return found

    return rows


async def told(name: str, topic: str, when: str, at: int, seed: int) -> bool:
    """Proves a world whose zombie freezes around its write with that number; whether there was one."""
    first, then = STORIES[name]
    world = World([*RULES, *received("\n".join([*first, *then]))], seed, NO_FAULT, workers=2)
    for shard in world.logs:
        world.move(shard, ZOMBIE)
    for _ in (*RULES, *first):
        await world.step()
    zombie, heir = world.workers[ZOMBIE], world.workers[HEIR]
    for before in (EVENTS, PAIRS, CHANGES):  # the agents before it have done their part
        if before == topic:
            break
        while await zombie.take(before):
            await zombie.turn(before)
    ports = zombie.turns[topic].work.ports
    ports.do = asyncio.to_thread  # type: ignore[assignment, method-assign]
    world.fate = freezer = Freezer(when, at)
    world.facts._by = reading(world.facts._by, freezer)  # type: ignore[method-assign]
    while await zombie.take(topic):
        pass
    turn = asyncio.create_task(zombie.turn(topic))
    turn.add_done_callback(lambda _: freezer.over.set())
    await asyncio.to_thread(freezer.over.wait)
    asked = threading.Event()  # whether it may still write; after the last write at the latest

    def silence() -> float:
        asked.set()
        return ports.session_timeout

    ports.silence = silence
    for shard in world.logs:  # the log has given its shards to another, and it does not know
        world.owner[shard] = HEIR
        heir.gain(shard)
    while world.waiting:
        await world.step()
    for shard, _ in list(world.api.told):
        world.api.release(shard)
    while heir.is_behind():
        await world.settle(HEIR)
    freezer.wake.set()
    turn.add_done_callback(lambda _: asked.set())
    await asyncio.to_thread(asked.wait, 30)
    for shard in world.logs:
        zombie.lose(shard)
    await turn
    if when != "before":  # no insert was under way: the fence alone keeps all of it away
        proven(world)
    heir.turns[topic].work.ports.sweep_after = 0.0  # now nobody else can be writing
    for each in PARTITIONS:
        await heir.turns[each]._sweep()
    while heir.is_behind():
        await world.settle(HEIR)
    proven(world)
    return freezer.is_frozen


@pytest.mark.parametrize("when", ["read", "before", "after"])
@pytest.mark.parametrize("topic", [EVENTS, PAIRS, CHANGES])
@pytest.mark.parametrize("name", STORIES)
def test_a_worker_that_wakes_around_a_read_or_a_write_overwrites_and_leaves_nothing(
    name: str, topic: str, when: str
) -> None:
    async def main() -> None:
        at = 0
        while all([await told(name, topic, when, at, seed) for seed in range(2)]):
            at += 1

    run(main())


def test_of_a_worker_that_freezes_between_the_fence_and_a_write_the_version_is_from_before() -> None:
    """It wakes long after, beside an insert that it began before: a sweep finds both, as their versions are near."""
    hour = 3_600_000
    first, then = STORIES["somebody else was there first"]
    world = World([*RULES, *received("\n".join([*first, *then]))], 1, NO_FAULT, workers=1)
    (worker,) = world.workers
    asked, ahead = [0], list[int]()

    def silence() -> float:
        asked[0] = world.milliseconds
        world.milliseconds += hour
        return 0.0

    def watched(write: Callable[..., None], claims: Claims) -> Callable[..., None]:
        def watching(upserts: list[Any], retracts: list[Any], version: int) -> None:
            if upserts or retracts:
                ahead.append(claims._began + version % (1 << COUNTER_BITS) // 2 - asked[0])
            write(upserts, retracts, version)

        return watching

    worker.ports.silence = silence
    for topic, turns in worker.turns.items():
        agent: Any = turns.work
        ports = agent.ports = replace(worker.ports)
        ports.do, ports.do_all, ports.facts = worker._do, worker._do_all, copy(world.facts)
        ports.facts.write = watched(world.facts.write, agent.claims)
        if topic == PAIRS:
            agent.refused.write = watched(agent.refused.write, agent.claims)

    async def main() -> None:
        for _ in world.steps:
            await world.step()
        await world.settle(0)

    run(main())
    assert len(ahead) > 5
    assert max(ahead) < hour / 2
