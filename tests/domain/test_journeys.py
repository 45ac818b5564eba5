"""Journeys of one customer, their stages, and the conversions that they hold."""

import random
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.goals import Hit
from pipeline.domain.identifiers import fact_id
from pipeline.domain.journeys import SILENCE_MS, conversions, journeys
from schemas.facts import Event, Journey, Touchpoint
from tests.domain.making import PROJECT, event

HOUR, DAY = 3_600_000, 86_400_000
PURCHASE = Hit("purchase", 3, "macro", True, 5_000_000, "EUR")
SIGNUP = Hit("signup", 1, "lead", False, 0, "EUR")
_ids = count(1)


def touch(at: int, what: str = "direct", *, ends: bool = False, met: int | None = None, **fields: Any) -> Touchpoint:
    """A session with that acquisition, or, where `what` is *channel, a touchpoint on that channel."""
    channel = what[1:] if what.startswith("*") else ""
    plain: dict[str, Any] = dict.fromkeys(Touchpoint.__struct_fields__, "") | {
        "project": PROJECT,
        "device": 1,
        "owner": 1,
        "started_at": at,
        "id": next(_ids),
        "is_session": not channel,
        "channel": channel or "web",
        "acquisition": "" if channel else what,
        "is_bot": False,
        "conversions": int(ends) if met is None else met,
        "ends_journey": ends,
        "value_micros": 0,
        "cost_micros": 0,
    }
    return Touchpoint(**(plain | fields))


def stitched(*touchpoints: Touchpoint, **more: Any) -> list[Journey]:
    return journeys(touchpoints, project=PROJECT, customer=7, **more)


def test_touchpoints_without_a_conversion_are_one_journey_told_in_order() -> None:
    first, *rest = (touch(0, "paid_search", cost_micros=3), touch(9, "*email", cost_micros=4), touch(20, "direct"))
    (journey,) = stitched(*reversed([first, *rest]))
    assert journey == Journey(
        project=PROJECT,
        customer=7,
        started_at=0,
        id=fact_id(PROJECT, first.id),
        last_at=20,
        touchpoints=3,
        sessions=2,
        conversions=0,
        is_converted=False,
        value_micros=0,
        cost_micros=7,
        first_channel="paid_search",
        last_channel="direct",
        path=("paid_search", "email", "direct"),
        stage="visitor",
    )


def test_a_journey_ending_conversion_ends_it_and_the_next_touchpoint_begins_another() -> None:
    one, two = stitched(touch(0), touch(5, ends=True, value_micros=8), touch(6))
    assert (one.touchpoints, one.is_converted, one.value_micros, one.last_at) == (2, True, 8, 5)
    assert (two.touchpoints, two.is_converted, two.started_at) == (1, False, 6)


def test_a_conversion_that_ends_nothing_leaves_the_journey_open() -> None:
    (journey,) = stitched(touch(0, met=2), touch(5))
    assert (journey.touchpoints, journey.conversions, journey.is_converted, journey.stage) == (2, 2, False, "lead")


def test_exactly_thirty_days_of_silence_go_on_and_a_millisecond_more_does_not() -> None:
    assert len(stitched(touch(0), touch(30 * DAY), touch(60 * DAY))) == 1
    assert len(stitched(touch(0), touch(30 * DAY + 1))) == 2


def test_touchpoints_of_one_moment_are_ordered_by_id() -> None:
    low, high = touch(5, "direct"), touch(5, "referral", ends=True)
    assert [journey.path for journey in stitched(high, low)] == [("direct", "referral")]


@pytest.mark.parametrize(
    ("told", "stages"),
    [
        ([touch(0)], ["visitor"]),
        ([touch(0, ends=True)], ["customer"]),
        ([touch(0, met=1), touch(40 * DAY)], ["lead", "lead"]),
        ([touch(0), touch(40 * DAY, met=1, ends=True), touch(41 * DAY)], ["visitor", "customer", "returning"]),
        ([touch(0, ends=True), touch(1), touch(40 * DAY, ends=True)], ["customer", "returning", "returning"]),
    ],
)
def test_a_stage_is_what_the_customer_has_become_by_the_journeys_end(told: list[Touchpoint], stages: list[str]) -> None:
    assert [journey.stage for journey in stitched(*told)] == stages


def test_what_a_journey_is_worth_and_costs_stays_within_64_bits_whatever_was_sent() -> None:
    most, least = (1 << 63) - 1, -(1 << 63) + 1
    (found,) = stitched(*(touch(hour * HOUR, value_micros=most, cost_micros=least) for hour in range(3)))
    assert (found.value_micros, found.cost_micros) == (most, least)


def test_nothing_makes_no_journey() -> None:
    assert stitched() == []


def hold(met: list[tuple[Event, list[Hit]]], *touchpoints: Touchpoint) -> list[tuple[str, int]]:
    """[(goal, number of the journey that holds it from 1, 0 = none)]"""
    found = stitched(*touchpoints)
    numbers = {0: 0} | {journey.id: number for number, journey in enumerate(found, 1)}
    rows = conversions(met, touchpoints, found, project=PROJECT, customer=7)
    return [(row.goal, numbers[row.journey]) for row in rows]


def test_an_event_that_meets_two_goals_is_two_conversions_of_their_own_ids() -> None:
    purchase = event("purchase", at=9, device=1)
    one, two = conversions([(purchase, [PURCHASE, SIGNUP])], [], [], project=PROJECT, customer=7)
    assert {one.goal, two.goal} == {"purchase", "signup"}
    assert one.id != two.id
    row = one if one.goal == "purchase" else two
    assert (row.occurred_at, row.message_id, row.event) == (9, purchase.message_id, "purchase")
    assert (row.goal_version, row.kind, row.value_micros, row.currency, row.journey) == (
        3,
        "macro",
        5_000_000,
        "EUR",
        0,
    )


def test_a_conversion_belongs_to_the_journey_of_its_session_though_another_began_meanwhile() -> None:
    meanwhile = touch(10, device=2)
    assert hold([(event("purchase", at=20, device=1), [PURCHASE])], touch(0, ends=True), meanwhile) == [("purchase", 1)]


def test_an_event_that_is_a_touchpoint_belongs_to_its_own_journey_not_to_its_devices_session() -> None:
    call = event("call", at=10, device=1, contact="service", channel="call")
    own = touch(10, "*call", id=fact_id(PROJECT, 1, call.message_id, 10))
    assert hold([(call, [SIGNUP])], touch(0, ends=True), own) == [("signup", 2)]


def test_an_event_on_a_device_without_a_session_belongs_to_the_last_journey_begun_by_then() -> None:
    met = [(event("order", at=at, device=9), [PURCHASE]) for at in (4, 5, 60, 200)]
    assert [number for _, number in hold(met, touch(5, ends=True), touch(100))] == [0, 1, 1, 2]


def test_an_event_after_a_long_silence_belongs_to_no_journey() -> None:
    met = [(event("order", at=at, device=1), [PURCHASE]) for at in (30 * DAY, 30 * DAY + 1)]
    assert [number for _, number in hold(met, touch(0))] == [1, 0]


def test_an_event_after_its_own_devices_silence_belongs_to_the_journey_that_goes_on_elsewhere() -> None:
    assert hold(
        [(event("order", at=50 * DAY, device=1), [PURCHASE])], touch(0, ends=True), touch(45 * DAY, device=2)
    ) == [("purchase", 2)]


# ---- laws

any_touch = st.builds(
    touch,
    at=st.integers(0, 8).map(lambda n: n * 10 * DAY) | st.integers(0, 80 * DAY),
    what=st.sampled_from(["direct", "referral", "*email"]),
    ends=st.booleans(),
    met=st.none(),
)
lives = st.lists(any_touch, max_size=12)


@given(lives)
def test_every_touchpoint_is_in_exactly_one_journey_and_only_a_last_one_ends_it(told: list[Touchpoint]) -> None:
    found = stitched(*told)
    ordered = sorted(told, key=lambda one: (one.started_at, one.id))
    assert sum(journey.touchpoints for journey in found) == len(told)
    at = 0
    for journey in found:
        part = ordered[at : at + journey.touchpoints]
        at += journey.touchpoints
        assert journey.id == fact_id(PROJECT, part[0].id)
        assert not any(one.ends_journey for one in part[:-1])
        assert journey.is_converted is part[-1].ends_journey
        assert all(two.started_at - one.started_at <= SILENCE_MS for one, two in pairwise(part))
        if at < len(ordered):
            assert part[-1].ends_journey or ordered[at].started_at - part[-1].started_at > SILENCE_MS


@given(lives, st.randoms(use_true_random=False))
def test_journeys_do_not_depend_on_the_order_of_their_touchpoints(
    told: list[Touchpoint], chance: random.Random
) -> None:
    shuffled = list(told)
    chance.shuffle(shuffled)
    assert stitched(*shuffled) == stitched(*told)


@given(lives)
def test_from_any_journeys_start_on_the_rest_is_the_same_when_the_journey_before_is_given(
    told: list[Touchpoint],
) -> None:
    found = stitched(*told)
    ordered = sorted(told, key=lambda one: (one.started_at, one.id))
    at = 0
    for number, journey in enumerate(found):
        assert stitched(*ordered[at:], after=found[number - 1] if number else None) == found[number:]
        at += journey.touchpoints


@given(lives)
def test_at_most_one_journey_makes_the_customer_and_all_after_it_return(told: list[Touchpoint]) -> None:
    stages = [journey.stage for journey in stitched(*told)]
    rank = ["visitor", "lead", "customer", "returning"]
    assert stages == sorted(stages, key=rank.index)
    assert stages.count("customer") <= 1
