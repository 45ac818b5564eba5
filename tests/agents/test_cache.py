"""What a worker keeps of devices is bounded by the memory that it takes, and who was used last stays."""

import tracemalloc
from collections.abc import Callable

import msgspec
import pytest

from agents.cache import Cache
from pipeline.domain.devices import (
    FEW_BYTES,
    FEW_SESSIONS,
    Device,
    advance,
    beyond_few,
    device_facts,
    end_of,
    remember,
)
from schemas.definitions import Project
from tests.story import story

SHOP = Project("shop")


def device(ids: int = 0) -> Device:
    """One of a visit, and so many events that are remembered by their ids alone."""
    events = story("d 09:00 page /\nd 09:01 page /a")
    made = end_of(events, device_facts(events, SHOP, {}), SHOP, [event.message_id for event in events])
    for number in range(ids):
        remember(made, number * 2_654_435_761)
    return made


def cache(most: int, *weights: tuple[str, int]) -> list[str]:
    """Who is kept of devices that were used in this order, with so many events each."""
    made = Cache(most)
    for name, ids in weights:
        made.keep((name, 1), device(ids))
    made.trim()
    return [name for name, _ in made.devices]


def test_of_small_devices_as_many_stay_as_the_setting_says_those_used_last() -> None:
    assert cache(2, ("a", 0), ("b", 0), ("c", 0)) == ["b", "c"]


def test_one_that_is_used_again_stays_longer() -> None:
    made = Cache(2)
    for name in ("a", "b", "a", "c"):
        made.keep((name, 1), device())
    made.trim()
    assert [name for name, _ in made.devices] == ["a", "c"]


def test_one_with_many_events_counts_as_many() -> None:
    assert cache(10, ("a", 0), ("b", 0), ("bot", 1_000), ("c", 0), *((f"{n}", 0) for n in range(4))) == [
        "bot", "c", "0", "1", "2", "3",
    ]  # fmt: skip


def test_one_with_earlier_visits_at_hand_counts_as_several() -> None:
    visits = story("\n".join(f"d {hour:02}:00 page /" for hour in range(FEW_SESSIONS + 1)))
    made = Cache(8)
    made.keep(("visitor", 1), end_of(visits, device_facts(visits, SHOP, {}), SHOP, []))
    for name in "abcd":
        made.keep((name, 1), device())
    made.trim()
    assert [name for name, _ in made.devices] == ["a", "b", "c", "d"]


def test_one_that_has_grown_in_the_cache_counts_as_what_it_is_now() -> None:
    made, grows = Cache(10), device()
    made.keep(("bot", 1), grows)
    for number in range(8):
        made.keep((f"{number}", 1), device())
    for number in range(1_000):
        remember(grows, number * 2_654_435_761)
    made.keep(("bot", 1), grows)
    made.trim()
    assert [name for name, _ in made.devices] == ["3", "4", "5", "6", "7", "bot"]


def test_one_that_would_push_out_half_of_the_others_is_dropped_itself() -> None:
    assert cache(10, ("a", 0), ("bot", 5_000), ("b", 0)) == ["a", "b"]


def test_what_is_forgotten_counts_no_more() -> None:
    made = Cache(5)
    made.keep(("bot", 1), device(500))
    made.keep(("a", 1), device())
    made.drop(lambda key: key[0] == "bot")
    for name in "bcde":
        made.keep((name, 1), device())
    made.trim()
    assert len(made) == 5
    made.clear()
    assert len(made) == 0


def many_named(people: int) -> Device:
    """A device on which so many log in, one after the other."""
    made, (login,) = device(), story("d 10:00 login ann email=a@example.com")
    for number in range(1, people):
        event = msgspec.structs.replace(
            login, occurred_at=login.occurred_at + number, message_id=number, user=number << 40, email=number << 41
        )
        advance(made, event, SHOP)
    return made


@pytest.mark.parametrize(
    "make", [lambda: device(300), lambda: device(2_000), lambda: device(30_000), lambda: many_named(1_000)],
    ids=["some events", "more", "a bot", "a tablet in a shop"],
)  # fmt: skip
def test_a_device_takes_about_the_memory_that_it_counts_as(make: Callable[[], Device]) -> None:
    make()  # what is made once in a process is not of it
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        made = make()
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert 0.6 < taken / (FEW_BYTES + beyond_few(made)) < 1.4
