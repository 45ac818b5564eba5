"""Whatever breaks off between any two effects, and whatever comes in with the redelivery, the facts come out right."""

from collections.abc import Callable
from itertools import count
from random import Random
from typing import Any

import pytest

from pipeline.errors import LogUnavailable, StoreUnavailable
from schemas.definitions import Funnel, Goal
from schemas.definitions import Step as FunnelStep
from schemas.facts import EventRow
from tests.agents.virtual_time import run
from tests.simulation.test_stream_equals_batch import proven
from tests.simulation.world import Change, Crash, Odds, Step, World
from tests.story import story

RULES: list[Step] = [
    Change("shop", Goal("bought", ("Bought",))),
    Change("shop", Funnel("way", (FunnelStep(("page",)), FunnelStep(("Bought",))))),
]
# What comes first, and what comes in with the redelivery.
STORIES = {
    "an earlier owner comes late": (
        ["e 10:00 track Bought user=ann email=a@example.com"],
        ["e 09:30 page / user=cid"],
    ),
    "a late event bridges two sessions": (
        ["d 09:00 page /", "d 09:50 page /b user=ann"],
        ["d 09:25 track Bought"],
    ),
    "an e-mail joins two devices": (
        ["d 09:00 mail a@example.com", "e 10:00 page /"],
        ["e 10:05 login ann email=a@example.com"],
    ),
    "a login takes an e-mail over from another": (
        ["d 09:00 mail a@example.com", "d 09:10 login ann"],
        ["d 09:05 login bob", "- 11:00 opened mail email=a@example.com"],
    ),
    "earlier evidence for an e-mail comes late": (
        ["d 10:00 login ann email=a@example.com"],
        ["e 09:00 login bob email=a@example.com"],
    ),
    "copies": (
        ["d 09:00 page / id=a", "d 09:05 track Bought user=ann id=b"],
        ["d 09:00 track Bought id=a", "d 09:07 page / id=c"],
    ),
}
Break = Callable[[World, str], None]


class AllAtOnce(Random):
    """Every turn takes as much as it can: what is redelivered and what comes with it meet in one."""

    def randint(self, a: int, b: int) -> int:
        return b

    def choice(self, seq: Any) -> Any:
        return seq[-1]

    def sample(self, population: Any, k: int, *, counts: Any = None) -> list[Any]:
        return list(population)


def crash(world: World, what: str) -> None:
    raise Crash


def outage(world: World, what: str) -> None:
    raise LogUnavailable("away") if what.startswith("send") else StoreUnavailable("away")


def move(world: World, what: str) -> None:
    """Every shard goes to the other worker."""
    for shard in world.logs:
        world.move(shard, 1 - world.owner[shard])


async def told(first: list[EventRow], then: list[EventRow], at: int, breaks: Break, random: Random) -> bool:
    """Proves a world in which something breaks at the effect with that number; whether there was one."""
    world = World([*RULES, *first, *then], 0, Odds(crash=0, away=0, move=0, look=0), workers=2)
    world.random = random
    effects = count()

    def fate(when: str, what: str) -> None:
        if next(effects) == at:
            while world.waiting:
                world.append()
            breaks(world, what)

    for shard in world.logs:
        world.move(shard, 0)
    for _ in (*RULES, *first):
        await world.step()
    for shard, _ in list(world.api.told):
        world.api.release(shard)
    world.fate = fate
    while any(worker.is_behind() for worker in world.workers):
        await world.settle(0, 1)
    is_broken = not world.waiting
    while world.waiting:
        await world.step()
    while any(worker.is_behind() for worker in world.workers):
        await world.settle(0, 1)
    proven(world)
    return is_broken


@pytest.mark.parametrize("breaks", [crash, outage, move])
@pytest.mark.parametrize("name", STORIES)
def test_at_every_effect(name: str, breaks: Break) -> None:
    first, then = STORIES[name]
    events = story("\n".join(first + then))

    async def main() -> int:
        at = 0
        before, coming = events[: len(first)], events[len(first) :]
        while all([await told(before, coming, at, breaks, random) for random in (Random(0), AllAtOnce(0))]):
            at += 1
        return at

    assert run(main()) > 20
