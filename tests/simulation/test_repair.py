"""Whatever is damaged in the store, the agents make it anew when a repair asks them to."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from api.admin.repair import needs_every_device, requests
from pipeline.store.evidence import Evidence
from pipeline.store.facts import mirrored
from pipeline.store.verify import COPIES, TABLES, Difference, compare
from schemas.definitions import Goal
from schemas.facts import Identity
from tests.agents.virtual_time import run
from tests.simulation.memory import KEYS
from tests.simulation.test_stream_equals_batch import proven
from tests.simulation.world import PARTITIONS, Change, Odds, Step, World
from tests.story import story

NO_FAULT = Odds(crash=0, away=0, move=0, look=0, cache_devices=100)
STEPS: list[Step] = [
    Change("shop", Goal("bought", ("Bought",))),
    *story("""
        tablet  09:00  page /
        tablet  09:05  login ann email=a@example.com
        tablet  09:06  track Bought price=3
        phone   10:00  mail a@example.com
        phone   10:01  login bob
        -       11:00  clicked sms email=c@example.com phone=+4912345678
    """),
]
TOLD = {TABLES[kind]: kind for kind in TABLES}


def gone(rows: dict[Any, Any], key: Any, value: Any) -> None:
    del rows[key]


def changed(rows: dict[Any, Any], key: Any, value: Any) -> None:
    version, row = value
    names = next(key for kind, key in KEYS.values() if kind is type(row))
    others = [each for each in row.__struct_fields__ if each not in names and isinstance(getattr(row, each), int)]
    rows[key] = version, msgspec.structs.replace(row, **{others[-1]: getattr(row, others[-1]) + 1})


def found(world: World) -> list[Difference]:
    """As `verify` tells them: rows of tables by their keys, of copies that there is a difference."""
    expected, differences = world.expected(), []
    for table, rows in (
        ("sessions", expected.sessions),
        ("touchpoints", expected.touchpoints),
        ("owners", expected.ownerships),
        ("identities", expected.identities),
        ("journeys", expected.journeys),
        ("conversions", expected.conversions),
    ):
        differences += compare(TOLD[table], world.facts.live(table), rows)
    pairs = [pair for pair in world.facts.live("pairs") if pair.identifier < pair.other]
    differences += compare(TOLD["pairs"], pairs, expected.pairs)
    for copy in ("timeline", "owners_by_owner", "identities_by_customer"):
        table = COPIES[copy]
        if sorted(map(repr, world.facts.live(copy))) != sorted(map(repr, world.facts.live(table))):
            differences.append(Difference(copy, "differs", {"rows": 1}, None, None))
    if sorted(map(repr, world.facts.live("pairs"))) != sorted(map(repr, [*pairs, *map(mirrored, pairs)])):
        differences.append(Difference("pairs mirrored", "differs", {"rows": 1}, None, None))
    return differences


async def repaired(table: str, damage: Callable[..., None], at: int) -> bool:
    """Proves a world in which the row with that number was damaged and made anew; whether there was one."""
    world = World(STEPS, 1, NO_FAULT, workers=1)
    for _ in STEPS:
        await world.step()
    for shard, _ in list(world.api.told):
        world.api.release(shard)
    await world.settle(0)
    rows = world.facts.tables[table]
    living = [(key, value) for key, value in rows.items() if value[1] is not None]
    if at >= len(living):
        return False
    damage(rows, *living[at])
    differences = found(world)
    assert differences
    evidence = Evidence(list(world.accepted()), world.expected())
    assert all(evidence.of(one) for one in differences if one.table not in COPIES), differences
    every = world.facts.devices_of_shard("shop", (), 0, 1) if needs_every_device(differences) else []
    identities = [row for row in world.expected().identities if needs_every_device(differences)]
    asked = requests("shop", [*differences, *map(about, identities)], every, PARTITIONS)
    for shard, lines in asked.items():
        world.logs[shard] += lines
    await world.settle(0)
    proven(world)
    return True


def about(row: Identity) -> Difference:
    return Difference("identities", "differs", {"identifier": row.identifier}, None, None)


@pytest.mark.parametrize("damage", [gone, changed])
@pytest.mark.parametrize(
    "table", ["sessions", "touchpoints", "owners", "pairs", "identities", "journeys", "conversions"]
)
def test_a_fact_that_was_damaged_is_made_anew(table: str, damage: Callable[..., None]) -> None:
    async def main() -> int:
        at = 0
        while await repaired(table, damage, at):
            at += 1
        return at

    assert run(main())


@pytest.mark.parametrize("table", ["timeline", "owners_by_owner", "identities_by_customer"])
def test_a_row_that_a_copy_of_a_table_has_lost_is_made_anew(table: str) -> None:
    async def main() -> int:
        at = 0
        while await repaired(table, gone, at):
            at += 1
        return at

    assert run(main())
