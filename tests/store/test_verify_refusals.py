"""`verify` finds refusals that are not what evidence and decisions say."""

from collections.abc import Callable

import msgspec
import pytest

from pipeline.domain.facts import batch
from pipeline.domain.goals import compile_goals
from pipeline.store.definitions import Definitions
from pipeline.store.facts import Facts, mirrored
from pipeline.store.port import Store
from pipeline.store.refused_pairs import RefusedPairs
from pipeline.store.verify import verify
from schemas.definitions import Decision, Project
from schemas.facts import RefusedPair
from tests.store.test_verify import filled
from tests.story import device, email, story, user

__all__ = ["filled"]

STORY = """
    tablet  09:00  login ann email=a@example.com
    phone   10:00  login bob email=a@example.com
    laptop  11:00  page /
"""


class House:
    """A project whose facts obey a split and a join of an anonymous device."""

    def __init__(self, store: Store, name: str) -> None:
        self.store, self.name, definitions = store, name, Definitions(store)
        definitions.save(Project(name))
        ends = (
            ("split", user("ann", name), email("a@example.com", name)),
            (
                "join",
                device("laptop", name),
                user("ann", name),
            ),
        )
        for number, (action, one, other) in enumerate(ends, 1):
            definitions.save(Decision(f"{number:016x}", action, one, other, "so", "ops", number), name)  # type: ignore[arg-type]
        self.snapshot = definitions.refresh()
        events = story(STORY, name)
        found = batch(events, Project(name), compile_goals([], "EUR"), [], self.snapshot.decisions[name])
        pairs = [*found.pairs, *map(mirrored, found.pairs)]
        for rows in (events, found.sessions, found.touchpoints, found.ownerships, pairs, found.identities):
            Facts(store).write(rows, [], 1)
        Facts(store).write(found.journeys, [], 1)
        self.refusals, self.table = found.refusals, RefusedPairs(store)
        self.table.write(self.refusals, [], 1)

    def told(self, *devices: str) -> list[tuple[str, str]]:
        named = [device(one, self.name) for one in devices] or None
        found = verify(self.store, self.snapshot, self.name, devices=named).differences
        return sorted((one.table, one.kind) for one in found)


@pytest.fixture
def house(filled: Store, request: pytest.FixtureRequest) -> House:
    return House(filled, f"refusing-{abs(hash(request.node.name)):x}"[:40])


def test_facts_that_obey_the_decisions_have_no_difference(house: House) -> None:
    assert [one.reason for one in house.refusals] == ["split"]
    assert house.told() == []


def test_what_an_operator_joined_is_looked_at_together(house: House) -> None:
    assert house.told("laptop") == house.told("tablet") == []


def changed(house: House, **columns: object) -> RefusedPair:
    return msgspec.structs.replace(house.refusals[0], **columns)


DAMAGES: dict[str, tuple[Callable[[House], None], list[tuple[str, str]]]] = {
    "a refusal that is gone": (lambda house: house.table.write([], house.refusals, 3), [("refusals", "missing")]),
    "a refusal for another reason": (
        lambda house: house.table.write([changed(house, reason="two_users")], [], 3),
        [("refusals", "differs")],
    ),
    "a refusal of nobody": (
        lambda house: house.table.write([changed(house, identifier=1)], [], 3),
        [("refusals", "surplus")],
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_it_finds(house: House, damage: str) -> None:
    do, expected = DAMAGES[damage]
    do(house)
    assert house.told() == expected
