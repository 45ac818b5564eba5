"""A worker whose generation of the topics is worked off ends, to start on the next one; not at the first look."""

import asyncio
import contextlib
from types import SimpleNamespace
from typing import Any

import pytest

from agents import crew as crews
from agents.claims import CLOCKS_APART_MS, COUNTER_BITS, Claims
from agents.crew import Crew
from agents.ports import Ports
from pipeline.errors import LogUnavailable
from tests.agents.virtual_time import run


class Enough(Exception):
    """The log has told all that the test gave it."""


def watched(monkeypatch: pytest.MonkeyPatch, told: list[int | Exception]) -> tuple[list[BaseException], int]:
    """What a crew of generation 1 fails with while the log tells these, and how many looks it took."""
    failed: list[BaseException] = []
    looks = iter(told)

    def due() -> int:
        one = next(looks, Enough())
        if isinstance(one, Exception):
            raise one
        return one

    async def here(work: Any, *arguments: Any) -> Any:
        return work(*arguments)

    async def main() -> None:
        crew: Any = object.__new__(Crew)
        crew.generation, crew.fail = 1, failed.append
        crew.log_port = SimpleNamespace(due=due)
        crew.ailments = dict
        monkeypatch.setattr(crews.asyncio, "to_thread", here)
        with contextlib.suppress(Enough):
            await crew._watch()

    run(main())
    return failed, len(told) - len(list(looks))


def test_it_ends_when_three_looks_in_a_row_find_another_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    failed, looks = watched(monkeypatch, [1, 2, 2, 1, 2, 2, 2, 2, 2])
    assert [getattr(error, "code", "") for error in failed] == ["moved"]
    assert looks == 8  # the last is for the words


def test_it_stays_while_the_log_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    away = LogUnavailable("away")
    assert watched(monkeypatch, [2, away, 2, away, 2, 2, 1]) == ([], 7)


class Store:
    def __init__(self, claims: list[tuple[int, int, int, int]]) -> None:
        self.claims = claims

    def query(self, sql: str, parameters: Any = None, settings: Any = None) -> list[Any]:
        if "max(term)" in sql:
            return [(max((term for _, term, _, _ in self.claims), default=0),)]
        return self.claims

    def insert(self, table: str, columns: Any) -> None:
        _, shards, terms, times, _, swept, _ = columns
        known = {claim[:2]: claim for claim in self.claims}
        known |= {row[:2]: row for row in zip(shards, terms, times, swept, strict=True)}
        self.claims = list(known.values())


@pytest.mark.parametrize(("swept_before", "since"), [(0, 100_000), (1, 5_000_000)])
def test_the_first_owner_of_a_shard_sweeps_up_after_the_generation_before(swept_before: int, since: int) -> None:
    store, clock = Store([(3, 1, 100_000, swept_before)]), [5_000_000]
    facts: Any = SimpleNamespace(store=store)
    definitions: Any = SimpleNamespace(refresh=lambda: None)

    async def send(topic: str, partition: int, value: bytes) -> None: ...

    ports = Ports(facts, definitions, send, lambda _: 4, lambda: clock[0], lambda: clock[0], lambda: 2)
    ports.sweep_after = 10.0

    async def main() -> None:
        claims = Claims("sessions", ports)
        await claims.hold({0})
        assert store.claims[-1][0] == 1 << 10  # not the shard 0 of before
        clock[0] += 10_000
        ((low, _),), behind = (await claims.due())[0]
        assert low == 1 << 40 | max(0, 2 * (since - 10_000 - CLOCKS_APART_MS - 100_000))
        # The older one's owner may have gone on in another of its shards, no matter how late it left this one.
        assert (behind >= 1 << COUNTER_BITS) == (not swept_before)
        await claims.swept(0)
        assert [claim[0] for claim in store.claims if claim[3]] == [3] * swept_before + [1 << 10]

    asyncio.run(main())
