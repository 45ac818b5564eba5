"""Once the logs are drained, the facts equal what the pure core computes from the same events at once."""

import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.domain.facts import BatchFacts
from pipeline.domain.identifiers import fact_id
from schemas.definitions import Decision, Exclusion, Filter, Funnel, Goal, Project, SessionOptions
from schemas.definitions import Step as FunnelStep
from schemas.facts import EventRow, RefusedPair, Rejected
from tests.simulation.world import CALM, Change, Odds, Step, World, drained
from tests.story import device, email, phone, story, user

EXAMPLES = int(os.environ.get("SIMULATION_EXAMPLES", "70"))
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
        Funnel(
            "strict",
            (FunnelStep(("page",)), FunnelStep(("Saw",), optional=True), FunnelStep(("Bought",))),
            order="strict",
        ),
        Funnel(
            "any",
            (FunnelStep(("Saw",)), FunnelStep(("Bought",))),
            order="any",
            exclusions=(Exclusion(("Asked",)),),
            constant=("$channel",),
        ),
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
        "server Shipped",
        "server Bought price=5",
    ]
)
renames = st.sampled_from(
    [
        "rename ann user=bob",
        "rename ann user=bob trusted=no",
        "rename bob user=cid",
        "rename cid user=ann email=a@example.com",
    ]
)
people = st.sampled_from(
    [""] * 6
    + ["user=ann", "user=bob", "user=cid", "email=a@example.com", "email=b@example.com", "phone=+4912345678"]
    + ["user=ann email=a@example.com", "user=bob email=a@example.com", "user=bob phone=+4912345678"]
    + ["vendor=v1", "user=ann vendor=v1", "user=cid vendor=v1"]
)
somebody = people.filter(bool)
# In which midnight lies between 00:00 and 02:40 UTC, at another hour after the nights 137 and 347.
ZONES = ("Atlantic/Azores", "America/Nuuk")
DAYS = (0, 0, 0, 0, 1, 40)
NIGHTS = (136, 137, 346, 347)


@st.composite
def received(draw: Any, number: int, project: str, days: Sequence[int] = DAYS) -> EventRow | Rejected:
    """An event, or a copy of an earlier one: with another body, at another time, usable or not."""
    name = f"m{number}" if number == 0 or draw(st.integers(0, 4)) else f"m{draw(st.integers(0, number - 1))}"
    day = draw(st.sampled_from(days))
    minute = draw(st.integers(0, 16)) * 10
    who = draw(st.sampled_from(["d", "d", "d", "e", "e", "-"]))
    extra = draw(st.sampled_from([""] * 8 + ["new_session=yes", "sequence=1", "is_bot=yes"]))
    person = draw(somebody if who == "-" else people)
    verb = draw(st.sampled_from(["opened mail", "clicked sms", "server Paid"]) if who == "-" else verbs)
    if not draw(st.integers(0, 11)):
        verb, person = draw(renames), ""
    (row,) = story(f"{who} +{day} {minute // 60:02}:{minute % 60:02} {verb} {person} {extra} id={name}", project)
    if draw(st.integers(0, 7)):
        return row
    return Rejected(row.project, row.device, row.message_id, 0, 0, "web", "too_large", "", "", "{}")


@st.composite
def decisions(draw: Any, project: str) -> Decision:
    """About some of the people; few, so that some are made again and some taken back."""
    everybody = [user(name, project) for name in ("ann", "bob", "cid")]
    everybody += [email(name, project) for name in ("a@example.com", "b@example.com")]
    everybody += [phone("+4912345678", project), device("d", project)]
    one, other = sorted(draw(st.lists(st.sampled_from(everybody), min_size=2, max_size=2, unique=True)))
    action = draw(st.sampled_from(["join", "split", "split", "ignore", "ignore all"]))
    if action == "ignore all":
        action, other = "ignore", 0
    name = f"{fact_id(project, action, one, other):016x}"
    return Decision(name, action, one, other, "as told on the phone", "", 0)


@st.composite
def changes(draw: Any, project: str) -> Change:
    one = draw(st.one_of(goals, goals, funnels, funnels, options, decisions(project)))
    if isinstance(one, Decision):
        return Change(project, one, is_taken_back=not draw(st.integers(0, 2)))
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


def assert_equal(world: World, wanted: BatchFacts | None = None) -> None:
    """`wanted`: where it is not what the world's own events and definitions amount to."""
    facts, expected = world.facts, wanted or world.expected()
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
    refused = [RefusedPair(*row) for row in facts.memory.live_refusals()]
    turned = [msgspec.structs.replace(one, identifier=one.other, other=one.identifier) for one in expected.refusals]
    assert Counter(map(repr, refused)) == Counter(map(repr, [*expected.refusals, *turned])), world.trace


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
seldom = settings(often, max_examples=EXAMPLES // 2)
seeds = st.integers(0, 1 << 30)


@often
@given(worlds(), seeds, st.integers(1, 3), st.sampled_from([0, 1, 2, 3, 100]))
def test_in_any_order_with_copies_changes_moves_and_crashes(
    steps: list[Step], seed: int, workers: int, cache_devices: int
) -> None:
    prove(steps, seed, Odds(cache_devices=cache_devices), workers)


@seldom
@given(worlds(), seeds, st.integers(1, 3))
def test_with_large_customers_who_rest_while_others_go_on(steps: list[Step], seed: int, workers: int) -> None:
    """Two rows make one large. While he rests `data_until` tells nothing that is not there."""
    prove(steps, seed, Odds(cache_devices=100, large_customer=2), workers)


@st.composite
def disputed(draw: Any) -> list[Step]:
    """Few events that name several people, and many decisions about them, made and taken back between them."""
    ruling = draw(st.lists(decisions(SHOP), min_size=1, max_size=3))
    steps: list[Step] = []
    for number in range(draw(st.integers(2, 9))):
        steps.append(Change(SHOP, draw(st.sampled_from(ruling)), is_taken_back=draw(st.booleans())))
        steps.append(draw(received(number, SHOP)))
    return steps


@often
@given(disputed(), seeds, st.integers(1, 3))
def test_with_operators_who_join_split_and_ignore(steps: list[Step], seed: int, workers: int) -> None:
    prove(steps, seed, Odds(cache_devices=2), workers)


@st.composite
def taken_back(draw: Any) -> list[Step]:
    """Few events, and decisions that are each made somewhere between them and revoked somewhere later."""
    steps: list[Step] = [draw(received(number, SHOP)) for number in range(draw(st.integers(2, 9)))]
    for one in draw(st.lists(decisions(SHOP), min_size=1, max_size=3, unique_by=lambda one: one.name)):
        made = draw(st.integers(0, len(steps)))
        steps.insert(made, Change(SHOP, one))
        steps.insert(draw(st.integers(made + 1, len(steps))), Change(SHOP, one, is_taken_back=True))
    return steps


@often
@given(taken_back(), seeds)
def test_decisions_that_are_all_taken_back_leave_no_trace(steps: list[Step], seed: int) -> None:
    world = drained(steps, seed, Odds(cache_devices=2), workers=2)
    assert world.api.definitions.refresh().decisions[SHOP] == ()
    events = [step for step in steps if not isinstance(step, Change)]
    never = World(events, seed, CALM, workers=1)
    never.positions = {number: world.positions[steps.index(row)] for number, row in enumerate(events)}
    assert_equal(world, never.expected())


@often
@given(worlds(most=20, most_changes=0), seeds)
def test_in_the_order_of_time_with_an_ample_cache_and_no_fault(steps: list[Step], seed: int) -> None:
    events = [step for step in steps if isinstance(step, EventRow)]
    others = [step for step in steps if not isinstance(step, EventRow)]
    prove([*others, *sorted(events, key=lambda row: row.occurred_at)], seed, CALM, workers=1)


@st.composite
def nights(draw: Any) -> list[Step]:
    """Visits over midnight in a zone whose clocks go forward or back in one of these nights."""
    project = Project(SHOP, zone=draw(st.sampled_from(ZONES)), sessions=SessionOptions(gap_ms=HOUR, midnight=True))
    events = [draw(received(number, SHOP, NIGHTS)) for number in range(draw(st.integers(1, 9)))]
    return [Change(SHOP, project), *events]


@seldom
@given(nights(), seeds)
def test_in_the_nights_in_which_clocks_are_changed(steps: list[Step], seed: int) -> None:
    prove(steps, seed, Odds(cache_devices=100), workers=1)


@seldom
@given(worlds(most_changes=2), seeds)
def test_with_frozen_workers_whose_last_insert_lands_late(steps: list[Step], seed: int) -> None:
    """Whoever has a shard next does again what came late, once nobody can be writing: then nothing is missing."""
    proven(drained(steps, seed, Odds(crash=0, away=0, freeze=0.02, cache_devices=100), workers=3))


@often
@given(worlds(most_changes=8), seeds)
def test_with_definitions_that_each_worker_sees_at_another_time(steps: list[Step], seed: int) -> None:
    prove(steps, seed, Odds(crash=0, away=0, move=0.01, cache_devices=100), workers=3)
