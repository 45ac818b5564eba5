"""A worker's clock that is set back makes nothing that is told later count less than what was told before."""

import asyncio
from typing import Any

from agents.claims import Claims
from agents.fills import Fills
from agents.ports import Ports
from pipeline.store.definitions import Definitions
from pipeline.store.facts import Facts
from pipeline.store.port import Store
from pipeline.store.sql import load

NOON, FIVE_MINUTES = 1_717_243_200_000, 300_000


def ports(store: Store, *times: int) -> Ports:
    """What an agent stands on whose clock shows these times, the last one from then on."""
    shown = list(times)

    async def send(*_: Any) -> None:
        pass

    def now() -> int:
        return shown.pop(0) if len(shown) > 1 else shown[0]

    return Ports(Facts(store), Definitions(store), send, lambda topic: 1, now)


def test_what_a_fill_tells_last_counts(store: Store) -> None:
    fills = Fills("sessions", ports(store, NOON, NOON - FIVE_MINUTES))
    fills.told("shop", 0, {7}, done=2, total=3, after=5)
    fills.told("shop", 0, {7}, done=1, total=0, after=None)
    asked = {"project": "shop", "agent": "sessions", "shard": 0, "fills": [7]}
    ((_, _, done, is_done, total, _),) = store.query(load("pipeline.store.reads", "fills_of_shard"), asked)
    assert (done, is_done, total) == (3, 1, 3)


def test_progress_is_told_within_a_second_and_the_greatest_counts(store: Store) -> None:
    claims = Claims("sessions", ports(store, NOON, NOON - FIVE_MINUTES, NOON - FIVE_MINUTES + 1_000))

    async def tell() -> None:
        for reached in (1_000, 2_000, 3_000):
            await claims.tell({0: reached})

    asyncio.run(tell())
    assert store.query(load("api.query.questions", "data_until"), {"shards": 1, "first": 0, "after": 1}) == [(3_000,)]
