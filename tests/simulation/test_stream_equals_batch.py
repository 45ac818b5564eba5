"""Once the logs are drained, the facts equal what the pure core computes from the same events at once."""

import os
from collections import Counter
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.definitions import Filter, Funnel, Goal, Project, SessionOptions
from schemas.definitions import Step as FunnelStep
from schemas.facts import EventRow, Rejected
from tests.simulation.world import CALM, Change, Odds, Step, World, drained
from tests.story import story

EXAMPLES = int(os.environ.get("SIMULATION_EXAMPLES", "400"))
SHOP, MART = "shop", "mart"  # the shop is there from the beginning
MINUTE, HOUR = 60_000, 3_600_000

goals = st.sampled_from(
    [
        Goal("bought", ("Bought",)),
        Goal("bought", ("Bought",), where=(Filter("price", "gt", 2),), value_property="price"),
        Goal("bought", ("Bought", "Saw"), kind="micro"),
        Goal("asked", ("Asked",), kind="lead"),
    ]
)
funnels = st.sampled_from(
    [
        Funnel("way", (FunnelStep(("Saw",)), FunnelStep(("Bought",)))),
        Funnel("way", (FunnelStep(("page",)), FunnelStep(("Asked", "Bought")))),
        Funnel("picky", (FunnelStep(("*",), where=(Filter("price", "gt", 2),)), FunnelStep(("Asked", "Bought")))),
    ]
)
options = st.sampled_from(
    [
        SessionOptions(),
        SessionOptions(gap_ms=10 * MINUTE, cap_ms=HOUR),
        SessionOptions(midnight=True, campaign=True),
        SessionOptions(sender_sessions=True),
    ]
)
verbs = st.sampled_from(
    [
        "page /",
        "page /a",
        "page /b acquisition=email utm_source=news",
        "track Saw",
        "track Bought price=3",
        "track Asked price=1",
        "heartbeat",
        "clicked mail",
        "track Other sender_session=7",
    ]
)
people = st.sampled_from(
    [""] * 6
    + ["user=ann", "user=bob", "user=cid", "email=a@example.com", "email=b@example.com", "phone=+4912345678"]
    + ["user=ann email=a@example.com", "user=bob email=a@example.com", "user=bob phone=+4912345678"]
)
somebody = people.filter(bool)


@st.composite
def received(draw: Any, number: int, project: str) -> EventRow | Rejected:
    """An event, or a copy of an earlier one: with another body, at another time, usable or not."""
    name = f"m{number}" if number == 0 or draw(st.integers(0, 4)) else f"m{draw(st.integers(0, number - 1))}"
    day = draw(st.sampled_from([0, 0, 0, 0, 1, 40]))
    minute = draw(st.integers(0, 16)) * 10
    who = draw(st.sampled_from(["d", "d", "d", "e", "e", "-"]))
    extra = draw(st.sampled_from([""] * 8 + ["new_session=yes", "sequence=1", "is_bot=yes"]))
    person = draw(somebody if who == "-" else people)
    verb = draw(st.sampled_from(["opened mail", "clicked sms"]) if who == "-" else verbs)
    (row,) = story(f"{who} +{day} {minute // 60:02}:{minute % 60:02} {verb} {person} {extra} id={name}", project)
    if draw(st.integers(0, 7)):
        return row
    return Rejected(row.project, row.device, row.message_id, 0, 0, "web", "too_large", "", "", "{}")


@st.composite
def changes(draw: Any, project: str) -> Change:
    one = draw(st.one_of(goals, goals, funnels, funnels, options))
    if isinstance(one, SessionOptions):
        zone, currency = draw(st.sampled_from([("UTC", "EUR"), ("Asia/Tokyo", "EUR"), ("UTC", "USD")]))
        return Change(project, Project(project, zone=zone, currency=currency, sessions=one))
    return Change(project, one, is_taken_back=not draw(st.integers(0, 3)))


@st.composite
def worlds(draw: Any, most: int = 14, most_changes: int = 4) -> list[Step]:
    """Events of one project or two, and definitions that change between them."""
    steps: list[Step] = [Change(SHOP, one) for one in draw(st.lists(st.one_of(goals, funnels), max_size=3))]
    projects = [SHOP]
    for number in range(draw(st.integers(1, most))):
        if most_changes and not draw(st.integers(0, 5)):
            most_changes -= 1
            steps.append(draw(changes(draw(st.sampled_from(projects)))))
        if len(projects) == 1 and not draw(st.integers(0, 12)):
            projects.append(MART)
            steps.append(Change(MART, Project(MART, sessions=draw(options))))
        steps.append(draw(received(number, draw(st.sampled_from(projects)))))
    return steps


def assert_equal(world: World) -> None:
    facts, expected = world.facts, world.expected()
    for table, rows in (
        ("sessions", expected.sessions),
        ("touchpoints", expected.touchpoints),
        ("owners", expected.ownerships),
        ("owners_by_owner", expected.ownerships),
        ("identities", expected.identities),
        ("identities_by_customer", expected.identities),
        ("journeys", expected.journeys),
        ("conversions", expected.conversions),
        ("funnel_entries", expected.entries),
    ):
        assert sorted(facts.live(table), key=repr) == sorted(rows, key=repr), f"{table}: {world.trace}"
    pairs = [pair for pair in facts.live("pairs") if pair.identifier < pair.other]
    assert sorted(pairs, key=repr) == sorted(expected.pairs, key=repr), world.trace
    mirrored = [msgspec.structs.replace(pair, identifier=pair.other, other=pair.identifier) for pair in pairs]
    assert Counter(map(repr, facts.live("pairs"))) == Counter(map(repr, [*pairs, *mirrored]))


def assert_each_id_counts_once(world: World) -> None:
    """In `events` (and its copy by device), or in `rejected`."""
    wanted = sorted((row.device, row.message_id, row.log_position, row.event) for row in world.accepted())
    for table in ("events", "timeline"):
        rows = world.facts.live(table)
        assert sorted((r.device, r.message_id, r.log_position, r.event) for r in rows) == wanted, world.trace
    rejected = [(row.device, row.message_id, row.log_position) for row in world.facts.live("rejected")]
    assert sorted(rejected) == sorted(world.rejected()), world.trace


def proven(world: World) -> None:
    assert_each_id_counts_once(world)
    assert_equal(world)


def prove(steps: list[Step], seed: int, odds: Odds, workers: int) -> None:
    """When `data_until` has reached the last event, though records may still wait, and when all logs are drained."""
    proven(drained(steps, seed, odds, workers, proven))


often = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
seeds = st.integers(0, 1 << 30)


@often
@given(worlds(), seeds, st.integers(1, 3), st.sampled_from([0, 1, 2, 3, 100]))
def test_in_any_order_with_copies_changes_moves_and_crashes(
    steps: list[Step], seed: int, workers: int, cache_devices: int
) -> None:
    prove(steps, seed, Odds(cache_devices=cache_devices), workers)


@often
@given(worlds(most=20, most_changes=0), seeds)
def test_in_the_order_of_time_with_an_ample_cache_and_no_fault(steps: list[Step], seed: int) -> None:
    events = [step for step in steps if isinstance(step, EventRow)]
    others = [step for step in steps if not isinstance(step, EventRow)]
    prove([*others, *sorted(events, key=lambda row: row.occurred_at)], seed, CALM, workers=1)


@often
@given(worlds(most_changes=8), seeds)
def test_with_definitions_that_each_worker_sees_at_another_time(steps: list[Step], seed: int) -> None:
    prove(steps, seed, Odds(crash=0, away=0, move=0.01, cache_devices=100), workers=3)
