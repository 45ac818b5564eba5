"""Once the logs are drained, the facts equal what the pure core computes from the same events at once."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.definitions import Filter, Funnel, Goal, Project, Step
from schemas.facts import EventRow
from tests.simulation.world import Rulebook, World, drained
from tests.story import PROJECT, story

RULES = Rulebook(
    {PROJECT: Project(PROJECT)},
    {PROJECT: (Goal("bought", ("Bought",)), Goal("asked", ("Asked",), kind="lead"))},
    {
        PROJECT: (
            Funnel("way", (Step(("Saw",)), Step(("Bought",)))),
            Funnel("picky", (Step(("*",), where=(Filter("price", "gt", 2),)), Step(("Asked", "Bought")))),
        )
    },
)

verbs = st.sampled_from(
    [
        "page /",
        "page /a",
        "track Saw",
        "track Bought price=3",
        "track Asked price=1",
        "heartbeat",
        "clicked mail",
        "track Other",
    ]
)
people = st.sampled_from(
    [""] * 6
    + ["user=ann", "user=bob", "user=cid", "email=a@example.com", "email=b@example.com", "phone=+4912345678"]
    + ["user=ann email=a@example.com", "user=bob email=a@example.com", "user=bob phone=+4912345678"]
)


@st.composite
def worlds(draw: Any) -> list[EventRow]:
    lines = []
    for number in range(draw(st.integers(1, 14))):
        name = f"m{number}" if number == 0 or draw(st.integers(0, 5)) else f"m{draw(st.integers(0, number - 1))}"
        day = draw(st.sampled_from([0, 0, 0, 0, 1, 40]))
        minute = draw(st.integers(0, 16)) * 10
        who = draw(st.sampled_from(["d", "d", "e"]))
        extra = draw(st.sampled_from([""] * 8 + ["new_session=yes"]))
        lines.append(f"{who} +{day} {minute // 60:02}:{minute % 60:02} {draw(verbs)} {draw(people)} {extra} id={name}")
    return story("\n".join(lines))


def assert_equal(world: World) -> None:
    expected = world.expected()
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
        assert sorted(world.facts.live(table), key=repr) == sorted(rows, key=repr), f"{table}: {world.trace}"
    pairs = [pair for pair in world.facts.live("pairs") if pair.identifier < pair.other]
    assert sorted(pairs, key=repr) == sorted(expected.pairs, key=repr), world.trace


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds(), st.integers(0, 1 << 30))
def test_in_any_order_with_duplicates_and_crashes(rows: list[EventRow], seed: int) -> None:
    assert_equal(drained(rows, RULES, seed))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds(), st.integers(0, 1 << 30))
def test_with_an_ample_cache_and_no_crash(rows: list[EventRow], seed: int) -> None:
    assert_equal(drained(sorted(rows, key=lambda row: row.occurred_at), RULES, seed, crashes=0, cache_devices=100))
