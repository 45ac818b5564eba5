"""What a customer was at an event, and what he is: against the journeys gone through one by one."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain.journeys import SILENCE_MS, Stages
from schemas.definitions import Goal, SessionOptions
from tests.api.query.conftest import House
from tests.api.query.test_customers import get
from tests.api.query.test_explain import explain
from tests.api.query.test_saved import put
from tests.story import DAY, DAY_ZERO

GOALS = [Goal("sale", ("Paid",)), Goal("sign", ("Signed",), kind="lead")]
SHOP = """
    ann  09:00      page /home
    ann  09:01      track Viewed
    ann  09:02      track Paid
    ann  09:03      track Viewed
    ann  +1 09:00   page /home
    ann  +1 09:01   track Viewed
    ann  +1 09:02   track Paid
    ann  +40 09:00  page /home
    ann  +40 09:01  track Viewed
    bob  09:00      track Signed
    bob  +40 09:00  track Viewed
    cleo +40 09:00  track Viewed
"""
# Viewed: ann's four as visitor (twice, in one journey), customer, lapsed; bob's as a lead; cleo's as a visitor.
AT_THE_EVENT = {"visitor": 3, "customer": 1, "lapsed": 1, "lead": 1}


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked on day 41."""
    monkeypatch.setattr("api.query.ask.time", SimpleNamespace(time_ns=lambda: (DAY_ZERO + 41 * DAY) * 1_000_000))


async def test_events_are_told_by_what_their_customer_was_and_is(house: House, later: None) -> None:
    house.tell(SHOP, goals=GOALS)
    for name, wanted in (("$stage", AT_THE_EVENT), ("$stage_now", {"returning": 4, "lead": 1, "visitor": 1})):
        question: dict[str, Any] = {"events": "Viewed", "breakdown": name}
        answer = await house.ask("trend", question)
        assert {group["value"]: group["a"] for group in answer["result"]["groups"]} == wanted
        assert answer["definitions"]["journey"] == 1
        for value, size in wanted.items():
            cell = {"kind": "value", "value": value}
            assert (await explain(house, "trend", question, cell=cell))["count"] == size
            alone = await house.ask("trend", events="Viewed", where=[{"property": name, "value": value}])
            assert alone["result"]["events"] == size


async def test_an_event_has_the_stage_of_the_journey_of_its_own_session(house: House, later: None) -> None:
    """Two devices at once: the journey that the phone's sale ends holds all of the phone's session, though the laptop's
    session has begun the next journey in the middle of it."""
    house.tell(
        """
        phone   09:00  login ann
        phone   09:01  track Viewed
        laptop  09:05  login ann
        phone   09:10  track Paid
        phone   09:12  track Viewed
        laptop  09:13  track Viewed
        """,
        goals=GOALS,
    )
    question = {"events": "Viewed", "breakdown": "$stage"}
    groups = (await house.ask("trend", question))["result"]["groups"]
    assert {group["value"]: group["a"] for group in groups} == {"visitor": 2, "customer": 1}


async def test_of_sessions_by_their_senders_ids_each_event_has_the_stage_of_its_own(house: House, later: None) -> None:
    """They interleave on one device: the first goes on after its sale, while the second has begun the next journey."""
    house.tell(
        """
        laptop  09:00  track Viewed  user=ann sender_session=1
        laptop  09:01  track Paid  user=ann sender_session=1
        laptop  09:02  track Viewed  user=ann sender_session=2
        laptop  09:03  track Viewed  user=ann sender_session=1
        """,
        project=house.project(sessions=SessionOptions(sender_sessions=True)),
        goals=GOALS,
    )
    question = {"events": "Viewed", "breakdown": "$stage"}
    groups = (await house.ask("trend", question))["result"]["groups"]
    assert {group["value"]: group["a"] for group in groups} == {"visitor": 2, "customer": 1}


async def test_of_journeys_that_begin_in_one_millisecond_the_next_is_the_one_that_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two devices buy at once: the second purchase is a journey of its own, by whichever id it has."""
    monkeypatch.setattr("api.query.ask.time", SimpleNamespace(time_ns=lambda: (DAY_ZERO + DAY) * 1_000_000))
    names = [f"u{number}" for number in range(8)]
    house.tell(
        "".join(f"{name}-{device}  09:00  track Paid user={name}\n" for name in names for device in ("a", "b")),
        goals=GOALS,
    )
    for name, wanted in (("$stage", {"visitor": 8, "customer": 8}), ("$stage_now", {"returning": 16})):
        groups = (await house.ask("trend", events="Paid", breakdown=name))["result"]["groups"]
        assert {group["value"]: group["a"] for group in groups} == wanted
    for name in names:
        profile = await get(house, f"/user:{name}")
        assert profile["stage"] == "returning"
        assert [one["stage"] for one in profile["journeys"]] == ["returning", "customer"]


async def test_sessions_funnels_and_retention_are_broken_down_by_stage(house: House, later: None) -> None:
    house.tell(SHOP, goals=GOALS)
    sessions = (await house.ask("sessions", breakdown="$stage_now"))["result"]["rows"]
    assert {row["value"]: row["sessions"] for row in sessions} == {"returning": 3, "lead": 2, "visitor": 1}
    funnel = {"steps": [{"events": "Viewed"}, {"events": "Paid"}], "breakdown": "$stage", "count": "entries"}
    groups = (await house.ask("funnel", funnel))["result"]["groups"]
    assert {group["value"]: [step["count"] for step in group["steps"]] for group in groups} == {
        "visitor": [3, 1], "customer": [1, 1], "lapsed": [1, 0], "lead": [1, 0],
    }  # fmt: skip
    retention = {"starts": {"events": "Viewed"}, "breakdown": "$stage"}
    groups = (await house.ask("retention", retention))["result"]["groups"]
    assert {group["value"]: group["customers"] for group in groups} == {"visitor": 2, "lead": 1}


async def test_a_saved_funnel_by_stage_is_answered_from_its_steps(house: House, later: None) -> None:
    steps = [{"events": "Viewed"}, {"events": "Paid"}]
    await put(house, "funnels/way", {"steps": steps, "breakdown": "$stage"})
    house.tell(SHOP, goals=GOALS)
    saved = (await house.ask("funnel", saved="way"))["result"]
    assert saved == (await house.ask("funnel", steps=steps, breakdown="$stage"))["result"]
    assert saved["groups"]


async def test_a_session_is_no_moment(house: House) -> None:
    for question, field in (
        ({"breakdown": "$stage"}, "breakdown"),
        ({"where": [{"property": "$stage", "value": "lead"}]}, "where[0].property"),
    ):
        error = await house.refused("sessions", question)
        assert (error["field"], "$stage_now" in error["message"]) == (field, True)


steps = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 3), st.sampled_from(["visitor", "lead", "customer", "returning"])),
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(steps, st.integers(0, 60))
def test_a_stage_is_that_of_the_journey_before_the_one_that_holds_the_event(
    told: list[tuple[int, int, str]], moment: int
) -> None:
    """In units of ten days: the gap before a journey, how long it is, its stage."""
    unit, begin, journeys = 10 * DAY, 0, []
    for gap, size, stage in told:
        begin += gap * unit + 1
        journeys.append((begin, begin + size * unit, stage))
        begin += size * unit
    at = moment * unit // 2
    begun = [one for one in journeys if one[0] <= at]
    holding = [one for one in begun[-1:] if at - one[1] <= SILENCE_MS]
    before = begun[: len(begun) - len(holding)]
    when = holding[0][0] if holding else at
    wanted = before[-1][2] if before else "visitor"
    if wanted in ("customer", "returning") and when - before[-1][1] > SILENCE_MS:
        wanted = "lapsed"
    assert Stages((number, *one) for number, one in enumerate(journeys, 1)).at(at) == wanted
