"""What the sessions agent keeps of a device in memory is what is stored, and stays bounded."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import msgspec
import pytest

from pipeline.domain.devices import FEW_SESSIONS
from schemas.definitions import Filter, Goal, Project, SessionOptions
from schemas.facts import Session
from schemas.log import EVENTS, PAIRS, PairNote
from tests.agents.virtual_time import run
from tests.ingest.sending import event, line
from tests.simulation.memory import MemoryFacts
from tests.simulation.test_stream_equals_batch import proven
from tests.simulation.world import Change, Odds, Step, World
from tests.story import email, story, user

NO_FAULT = Odds(crash=0, away=0, move=0, look=0, cache_devices=100)


def test_a_copy_of_an_event_leaves_the_conversion_in_the_session_that_goes_on() -> None:
    """The goal reads a property. A copy changes nothing, but the device is read for it and kept as it was found."""
    goal = Goal("bought", ("Bought",), where=(Filter("price", "gt", 2),))
    events = story("d 09:00 track Bought price=3 id=a\nd 09:00 track Bought price=3 id=a\nd 09:10 page /")

    async def main() -> World:
        world = World([Change("shop", goal), *events], 1, NO_FAULT, workers=1)
        for _ in world.steps:
            await world.step()
            await world.settle(0)
        return world

    (session,) = run(main()).facts.live("sessions")
    assert (session.events, session.conversions) == (2, 1)


@pytest.mark.parametrize("cache_devices", [100, 0], ids=["hot", "cold"])
def test_a_pair_that_is_known_does_not_travel(cache_devices: int) -> None:
    """A sender that tells on every page who is there costs what one costs that tells it once."""
    told = "\n".join(f"d 09:{minute:02} page / user=ann email=a@example.com" for minute in range(20))
    steps = story(told)

    async def main() -> World:
        world = World(steps, 1, replace(NO_FAULT, cache_devices=cache_devices), workers=1)
        for _ in steps:
            await world.step()
            await world.settle(0)
        return world

    world = run(main())
    proven(world)
    notes = [msgspec.json.decode(line, type=PairNote) for value in world.logs[PAIRS, 0] for line in value.split(b"\n")]
    (note,) = [note for note in notes if not note.k]
    assert {note.a, note.b} == {user("ann", "shop"), email("a@example.com", "shop")}


@pytest.mark.parametrize("visits", [1, FEW_SESSIONS, FEW_SESSIONS + 2], ids=["one", "as many as are kept", "more"])
def test_the_first_owner_of_a_cached_device_has_its_whole_past_though_no_event_of_it_is_read(visits: int) -> None:
    past = "\n".join(f"d {hour:02}:00 page /" for hour in range(visits))
    steps = story(f"{past}\nd 10:00 opened mail\nd 11:00 page /\nd 12:00 login ann\nd 12:01 page /a")

    async def main() -> World:
        world = World(steps, 1, NO_FAULT, workers=1)
        for _ in steps:
            await world.step()
            await world.settle(0)
        return world

    world = run(main())
    proven(world)
    for table, count in (("sessions", visits + 2), ("touchpoints", visits + 3)):
        assert [row.owner for row in world.facts.live(table)] == [user("ann", "shop")] * count
    told = world.workers[0].turns[EVENTS].work.ports.counters.render()  # type: ignore[attr-defined]
    assert "wayfare_worker_cold_devices_total 1\n" in told, "when it was first seen"


def test_a_first_owner_has_a_past_that_grows_beyond_few_in_the_turn_that_names_him() -> None:
    times = [f"d {hour:02}:00 page /" for hour in range(FEW_SESSIONS + 2)]
    steps = story("\n".join([*times, "d 12:00 login ann"]))

    async def main() -> World:
        world = World(steps, 1, NO_FAULT, workers=1)
        for part in (steps[:-4], steps[-4:]):
            for _ in part:
                world.append()
            await world.settle(0)
        return world

    world = run(main())
    proven(world)
    told = world.workers[0].turns[EVENTS].work.ports.counters.render()  # type: ignore[attr-defined]
    assert "wayfare_worker_cold_devices_total 1\n" in told, "when it was first seen"


def test_no_session_is_read_for_a_first_owner_whose_device_has_few(monkeypatch: pytest.MonkeyPatch) -> None:
    steps, read = story("d 09:00 page /\nd 10:00 page /\nd 11:00 page /\nd 12:00 login ann"), list[int]()

    def nothing(facts: MemoryFacts, project: str, devices: Iterable[int]) -> dict[int, list[Session]]:
        read.extend(devices)
        return {}

    monkeypatch.setattr(MemoryFacts, "sessions", nothing)

    async def main() -> World:
        world = World(steps, 1, NO_FAULT, workers=1)
        for _ in steps:
            await world.step()
            await world.settle(0)
        return world

    world = run(main())
    assert {row.owner for row in world.facts.live("sessions")} == {user("ann", "shop")}
    assert not read


def test_a_pair_that_a_late_event_takes_back_is_retracted() -> None:
    """The e-mail's owner was followed by Ann; the late event says that it was by Bob."""
    steps = story("d 09:00 page / email=a@example.com\nd 10:00 login ann\nd 09:30 login bob")

    async def main() -> World:
        world = World(steps, 1, NO_FAULT, workers=1)
        for _ in steps:
            await world.step()
            await world.settle(0)
        return world

    world = run(main())
    proven(world)
    assert user("ann", "shop") not in {pair.identifier for pair in world.facts.live("pairs")}


def test_a_restitch_of_every_device_keeps_no_more_devices_than_the_cache_may_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agents.sessions.COLD_DEVICES", 2)
    steps: list[Step] = [
        *story("\n".join(f"d{number} 09:0{minute} page /" for minute in (0, 5) for number in range(30)))
    ]
    steps.append(Change("shop", Project("shop", sessions=SessionOptions(gap_ms=60_000))))
    sizes: list[int] = []

    async def main() -> None:
        world = World(steps, 1, replace(NO_FAULT, cache_devices=3), workers=1)
        for _ in steps[1:]:
            await world.step()
        await world.settle(0)
        await world.step()
        world.facts.fault = cached(world, sizes)
        for shard, _ in list(world.api.told):
            world.api.release(shard)
        await world.settle(0)

    run(main())
    assert len(sizes) > 10
    assert max(sizes) <= 3 + 2


def cached(world: World, sizes: list[int]) -> Callable[[str, str], None]:
    def note(when: str, what: str) -> None:
        sizes.append(len(world.workers[0].turns[EVENTS].work.cache))  # type: ignore[attr-defined]

    return note


def test_what_was_decoded_before_a_rule_of_origin_changed_is_judged_by_the_new_one() -> None:
    """The batch waits decoded while the project's payment provider is saved; it is worked on after that is seen."""
    change = Change("shop", Project("shop", payment_providers=("pay.example",)))

    async def main() -> World:
        world = World([change], 1, NO_FAULT, workers=1, is_ingesting=True)
        page = {"url": "https://shop.example/thanks", "referrer": "https://pay.example/done"}
        came = line(event(type="page", context={"page": page}))
        world.logs[EVENTS, came.d % 2].append(msgspec.json.encode(came))
        await world.workers[0].take(EVENTS)
        await world.step()
        world.workers[0].definitions.refresh()
        await world.settle(0)
        return world

    (row,) = run(main()).facts.live("events")
    assert (row.acquisition, row.referrer_host) == ("direct", "")
