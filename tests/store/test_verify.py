"""`verify` finds nothing where the facts are what the events say, and each kind of damage where there is one."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import msgspec
import pytest

from pipeline.domain.facts import accepted, batch
from pipeline.domain.funnels import compile_funnel
from pipeline.domain.goals import compile_goals
from pipeline.store import open_store
from pipeline.store.definitions import Definitions, Snapshot
from pipeline.store.facts import Facts, mirrored
from pipeline.store.migrations import migrate
from pipeline.store.port import Store
from pipeline.store.verify import Difference, settled, verify
from schemas.definitions import Funnel, Goal, Project, Step
from schemas.facts import Rejected
from tests.story import device, story

STORY = """
    tablet  09:00     page /
    tablet  09:05     login ann email=a@example.com
    tablet  09:06     track Bought
    phone   10:00     mail a@example.com
    -       11:00     clicked sms user=bob
"""


class House:
    """A project with the facts of the story, to be damaged."""

    def __init__(self, store: Store, name: str) -> None:
        self.store, self.facts, self.version, self.name = store, Facts(store), 1, name
        definitions = Definitions(store)
        definitions.save(Project(name))
        goal, funnel = Goal("bought", ("Bought",)), Funnel("way", (Step(("page",)), Step(("Bought",))))
        definitions.save(goal, name)
        definitions.save(funnel, name)
        self.snapshot: Snapshot = definitions.refresh()
        self.events = accepted(story(STORY, name))
        (funnel,) = self.snapshot.funnels[name]
        found = batch(
            self.events, Project(name), compile_goals(self.snapshot.goals[name], "EUR"), [compile_funnel(funnel)]
        )
        self.found = found
        self.pairs = [*found.pairs, *map(mirrored, found.pairs)]
        tables: list[list[Any]] = [self.events, found.sessions, found.touchpoints, found.ownerships, self.pairs]
        for rows in (*tables, found.identities, found.journeys, found.conversions, found.entries):
            self.write(rows)
        self.write([self.reject(99)])

    def write(self, rows: Any, retracts: Any = ()) -> None:
        self.version += 2
        self.facts.write(rows, retracts, self.version)

    def reject(self, message_id: int, position: int = 5) -> Rejected:
        return Rejected(self.name, device("tablet", self.name), message_id, position, 0, "web", "too_old", "", "", "{}")

    def told(self, *devices: str) -> list[tuple[str, str]]:
        """(table, missing or surplus or differs) of each difference, over all or over what belongs to some devices."""
        named = [device(one, self.name) for one in devices] or None
        found: list[Difference] = verify(self.store, self.snapshot, self.name, devices=named).differences
        return sorted((one.table, one.kind) for one in found)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for all: each test has a project of its own. Scenarios ask the same of both stores."""
    opened = open_store(f"chdb:///{tmp_path_factory.mktemp('store')}")
    migrate(opened)
    yield opened
    opened.close()


_numbers = count(1)


@pytest.fixture
def house(filled: Store) -> House:
    return House(filled, f"shop-{next(_numbers)}")


def test_facts_that_are_what_the_events_say_have_no_difference(house: House) -> None:
    assert house.told() == []
    assert house.told("phone") == []


DAMAGES: dict[str, tuple[Callable[[House], None], list[tuple[str, str]]]] = {
    "a session that is gone": (lambda house: house.write([], house.found.sessions[:1]), [("sessions", "missing")]),
    "a session that counts otherwise": (
        lambda house: house.write([msgspec.structs.replace(house.found.sessions[0], views=7)]),
        [("sessions", "differs")],
    ),
    "a journey of nobody": (
        lambda house: house.write([msgspec.structs.replace(house.found.journeys[0], customer=1)]),
        [("journeys", "surplus")],
    ),
    "an entry whose rivals are others": (
        lambda house: house.write([msgspec.structs.replace(house.found.entries[0], before_at=7)]),
        [("funnel_entries", "surplus")],  # it stands elsewhere, beside the one that is right
    ),
    "an entry that came another way": (
        lambda house: house.write([msgspec.structs.replace(house.found.entries[0], steps=7)]),
        [("funnel_entries", "differs")],
    ),
    "an entry that is gone": (lambda house: house.write([], house.found.entries), [("funnel_entries", "missing")]),
    "evidence that is found from one end only": (
        lambda house: house.write([], [mirrored(house.found.pairs[0])]),
        [("pairs mirrored", "differs")],
    ),
    "evidence that another device is said to have given": (
        lambda house: house.write([mirrored(msgspec.structs.replace(house.found.pairs[0], device=3))]),
        [("pairs mirrored", "differs")],
    ),
    "an event that is rejected as well": (
        lambda house: house.write([house.reject(house.events[0].message_id)]),
        [("rejected", "surplus")],
    ),
    "an event that is rejected twice": (lambda house: house.write([house.reject(99, 6)]), [("rejected", "surplus")]),
    "an event that is there at two times": (
        lambda house: house.write(
            [
                msgspec.structs.replace(
                    house.events[3],
                    occurred_at=house.events[3].occurred_at + 1,
                    log_position=house.events[3].log_position
                    + 1,  # which copy counts does not hang on who is read first
                )
            ]
        ),
        [("events", "surplus")],
    ),
}


def test_an_entry_of_before_its_rivals_were_looked_up_is_no_difference(house: House) -> None:
    before = [msgspec.structs.replace(one, before_at=0, after_at=0) for one in house.found.entries]
    house.write(before, house.found.entries)
    assert house.told() == []


@pytest.mark.parametrize("damage", DAMAGES)
def test_it_finds(house: House, damage: str) -> None:
    do, expected = DAMAGES[damage]
    do(house)
    assert house.told() == expected


def test_an_event_that_is_rejected_as_well_is_found_from_its_device(house: House) -> None:
    house.write([house.reject(house.events[0].message_id)])
    assert house.told("tablet") == [("rejected", "surplus")]
    assert house.told("phone") == [("rejected", "surplus")], "an e-mail joins the two"


def test_what_hangs_together_with_later_events_may_be_under_way(house: House) -> None:
    (bob,) = (journey for journey in house.found.journeys if journey.path == ("sms",))
    house.write([], [bob])
    house.write([], house.found.sessions[:1])
    found = verify(house.store, house.snapshot, house.name).differences
    assert sorted(each.table for each in found) == ["journeys", "sessions"]
    times = sorted(event.received_at for event in house.events)
    for since, left in ((times[-1] + 1, ["journeys", "sessions"]), (times[-1], ["sessions"]), (times[-2], [])):
        rest, moved = settled(house.store, house.snapshot, house.name, found, since)
        assert sorted(each.table for each in rest) == left, "the phone's mail joins it with the tablet"
        assert moved == (len(left) < 2)
