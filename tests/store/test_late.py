"""A sweep finds the rows that may have come late: each older owner's last ones in the shard, whatever clocks say."""

from collections.abc import Callable
from random import Random

import msgspec
import pytest

from agents.claims import COUNTER_BITS
from pipeline.store.facts import Fact, Facts
from pipeline.store.late import Late
from pipeline.store.port import Store
from schemas.facts import Identity, Journey, Pair
from tests.simulation.memory import MemoryFacts
from tests.store.test_facts import row

BEHIND = 1_000
LATE = Late([(1 << COUNTER_BITS | 500, 2 << COUNTER_BITS), (2 << COUNTER_BITS, 3 << COUNTER_BITS)], BEHIND)
SHARDS = 2
MADE: dict[str, tuple[type[Fact], str, Callable[[Facts], set[tuple[str, int]]]]] = {
    "devices": (Pair, "device", lambda facts: facts.devices_written(0, SHARDS, LATE)),
    "customers": (Journey, "customer", lambda facts: facts.customers_written(0, SHARDS, LATE)),
    "identifiers": (Identity, "identifier", lambda facts: facts.identifiers_written(LATE)),
}


def write(facts: Facts, which: str, project: str, number: int, term: int, counter: int) -> None:
    kind, name, _ = MADE[which]
    made = msgspec.structs.replace(row(kind, Random(number)), project=project, **{name: number})
    facts.write([made], [], (term << COUNTER_BITS | counter) - 1)


@pytest.mark.parametrize("which", MADE)
def test_of_each_older_owner_the_last_rows_are_found(store: Store, which: str) -> None:
    for facts in (Facts(store), MemoryFacts(lambda when, what: None)):
        for number, term, counter in (
            (2, 1, 499),  # long before the claim
            (4, 1, 8_999),
            (6, 1, 9_000),
            (8, 1, 10_000),  # the last one of the first owner
            (10, 2, 1),  # another's clock
            (12, 2, 900),
            (14, 3, 0),  # of who sweeps
        ):
            write(facts, which, f"late {which}", number, term, counter)
        found = {number for project, number in MADE[which][2](facts) if project == f"late {which}"}
        assert found == {6, 8, 10, 12}, type(facts)


def test_how_far_a_former_owner_came_in_another_shard_is_no_matter(store: Store) -> None:
    for facts in (Facts(store), MemoryFacts(lambda when, what: None)):
        write(facts, "devices", "others", 2, 1, 5_000)
        write(facts, "devices", "others", 3, 1, 90_000)
        write(facts, "identifiers", "one shard", 2, 1, 5_000)
        write(facts, "identifiers", "another shard", 3, 1, 90_000)
        assert ("others", 2) in MADE["devices"][2](facts)
        assert ("one shard", 2) in MADE["identifiers"][2](facts)


def test_where_no_term_is_older_nothing_is_read(store: Store) -> None:
    assert Facts(store).devices_written(0, SHARDS, Late([], BEHIND)) == set()
