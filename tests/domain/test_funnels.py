"""Ordered funnels: entries, ties, repeated steps, breakdowns and what counts for a customer."""

import random
from collections.abc import Iterable, Sequence
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.domain.funnels import compile_funnel, counted, entries, order
from pipeline.errors import InvalidQuestion
from schemas.definitions import Filter, Funnel, Step
from schemas.facts import Event, FunnelEntry
from tests.domain.making import PROJECT, event, where


def funnel(*steps: str | Step, window: int = 10, breakdown: str = "") -> Funnel:
    """Steps by the names of their events: "A", "A|B", or a Step."""
    told = tuple(Step(tuple(step.split("|"))) if isinstance(step, str) else step for step in steps)
    return Funnel("checkout", told, window_ms=window, breakdown=breakdown)


def told(text: str) -> list[Event]:
    """ "A1 B3 B3": event and time; events of one time are in the order told."""
    return [event(word[0], at=int(word[1:]), sequence=number) for number, word in enumerate(text.split())]


def entered(events: Iterable[Event], asked: Funnel, **more: Any) -> list[FunnelEntry]:
    return entries(sorted(events, key=order), asked, project=PROJECT, customer=7, **more)


def times(events: Iterable[Event], asked: Funnel, **more: Any) -> list[list[int]]:
    """The times of the filled steps of each entry."""
    return [list(entry.step_times[: entry.steps]) for entry in entered(events, asked, **more)]


def test_an_entry_fills_its_steps_in_order_and_others_may_lie_between() -> None:
    assert times(told("A1 X2 B3 A4 C5"), funnel("A", "B", "C")) == [[1, 3, 5], [4]]


def test_every_first_step_opens_an_entry_that_is_evaluated_alone() -> None:
    assert times(told("A1 A2 B3"), funnel("A", "B")) == [[1, 3], [2, 3]]


def test_the_window_starts_at_the_entry_and_is_inclusive_to_the_millisecond() -> None:
    assert times(told("A0 B10"), funnel("A", "B", window=10)) == [[0, 10]]
    assert times(told("A0 B11"), funnel("A", "B", window=10)) == [[0]]
    assert times(told("A0 B6 C12"), funnel("A", "B", "C", window=10)) == [[0, 6]]


def test_a_step_before_its_turn_counts_for_nothing() -> None:
    assert times(told("B1 A2 C3"), funnel("A", "B", "C")) == [[2]]


def test_without_a_first_step_there_is_no_entry() -> None:
    assert entered(told("B1 C2"), funnel("A", "B")) == []
    assert entered([], funnel("A")) == []


def test_an_event_fills_one_step_of_an_entry_so_a_repeated_step_needs_two_events() -> None:
    assert times(told("A1"), funnel("A", "A")) == [[1]]
    assert times(told("A1 A2 A3"), funnel("A", "A")) == [[1, 2], [2, 3], [3]]
    assert times(told("A1 B2 A3"), funnel("A", "B", "A")) == [[1, 2, 3], [3]]


def test_an_event_that_can_fill_two_steps_fills_the_one_whose_turn_it_is() -> None:
    assert times(told("A1 B2 B3"), funnel("A", "B|C", "B")) == [[1, 2, 3]]


def test_events_of_one_millisecond_stand_in_the_order_of_the_steps() -> None:
    assert times(told("C5 B5 A5"), funnel("A", "B", "C")) == [[5, 5, 5]]


def test_within_a_millisecond_equal_steps_keep_the_order_of_events() -> None:
    first, second = told("A5 A5")
    rows = entered([second, first], funnel("A", "A"))
    assert rows[0].step_messages == (first.message_id, second.message_id)
    assert [row.steps for row in rows] == [2, 1]


def test_the_one_order_of_a_millisecond_holds_for_all_entries() -> None:
    """A B of one moment: B stands after A, for the entry of an earlier A, too."""
    assert times(told("A1 C5 B5 A5"), funnel("A", "B", "C")) == [[1, 5, 5], [5, 5, 5]]
    assert times(told("A1 B5 A5"), funnel("A", "A", "B")) == [[1, 5, 5], [5]]


def test_any_event_fills_a_step_with_a_star() -> None:
    assert times(told("A1 X2 B3"), funnel("A", "*", "B")) == [[1, 2, 3]]
    assert times(told("A1 B2"), funnel("*", "*")) == [[1, 2], [2]]


def test_a_step_takes_only_events_that_its_filters_let_through() -> None:
    big = Step(("B",), where=(where("price", "gte", 10),))
    cheap, dear = event("B", at=2, properties={"price": 9}), event("B", at=3, properties={"price": 10})
    assert times([event("A", at=1), cheap, dear], funnel("A", big)) == [[1, 3]]


def test_one_event_name_with_different_filters_is_different_steps() -> None:
    steps = [Step(("view",), where=(where("$path", "is", path),)) for path in ("/cart", "/thanks")]
    rows = [event("view", at=at, path=path) for at, path in ((1, "/cart"), (2, "/home"), (3, "/thanks"))]
    assert times(rows, funnel(*steps)) == [[1, 3]]


def test_only_events_inside_the_range_open_an_entry_but_later_steps_may_come_after_it() -> None:
    assert times(told("A1 A5 A9 B12"), funnel("A", "B"), entered_from=5, entered_until=9) == [[5, 12]]


def test_properties_are_read_from_where_the_caller_has_them() -> None:
    has_price = Step(("A",), where=(where("price", "set"),))
    assert times(told("A1"), funnel(has_price)) == []
    assert times(told("A1"), funnel(has_price), properties=lambda _: {"price": 1}) == [[1]]


def test_properties_are_not_read_for_events_whose_steps_have_no_filter_on_them() -> None:
    def fail(_: Event) -> dict[str, Any]:
        raise AssertionError("read")

    on_column = Step(("A",), where=(where("$channel", "is", "web"),))
    assert times(told("A1 B2 X3"), funnel(on_column, "B"), properties=fail) == [[1, 2]]


def test_an_entry_has_its_steps_groups_and_an_id_of_its_own() -> None:
    rows = [
        event("A", at=1, properties={"plan": "pro"}),
        event("B", at=2),
        event("A", at=3, properties={"plan": False}),
    ]
    one, two = entered(rows, funnel("A", "B", breakdown="plan"))
    assert one.id != two.id
    assert one == FunnelEntry(
        project=PROJECT,
        funnel="checkout",
        customer=7,
        entered_at=1,
        id=one.id,
        funnel_version=1,
        steps=2,
        step_times=(1, 2),
        step_messages=(rows[0].message_id, rows[1].message_id),
        step_groups=("pro", ""),
    )
    assert (two.steps, two.step_times, two.step_groups) == (1, (3, 0), ("false", ""))
    assert entered(rows, funnel("A", "B", breakdown="$channel"))[0].step_groups == ("web", "web")
    assert entered(rows, funnel("A", "B"))[0].step_groups == ()


def test_an_entrys_id_does_not_depend_on_the_customer() -> None:
    rows = told("A1")
    asked = funnel("A")
    assert (
        entries(rows, asked, project=PROJECT, customer=1)[0].id
        == entries(rows, asked, project=PROJECT, customer=2)[0].id
    )


def test_the_furthest_entry_counts_and_of_equals_the_earliest() -> None:
    rows = entered(told("A1 A20 B21 A22 B23"), funnel("A", "B"))
    best = counted(rows, 2)
    assert best is not None
    assert best.step_times == (20, 21)
    assert counted(rows, 1) == rows[0]
    unfinished = entered(told("A1 A2"), funnel("A", "B"))
    assert counted(unfinished, 2) == unfinished[0]
    assert counted([], 2) is None


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (Funnel("f", ()), "steps"),
        (funnel(*("A" * 33)), "steps"),
        (funnel("A", window=0), "window_ms"),
        (funnel("A", window=-1), "window_ms"),
        (Funnel("f", (Step(("A",)), Step(()))), "steps[1].events"),
        (Funnel("f", (Step(("",)),)), "steps[0].events"),
        (Funnel("f", (Step(("*", "A")),)), "steps[0].events"),
        (funnel("A", breakdown="$nonsense"), "breakdown"),
        (funnel("A", Step(("B",), where=(where("p"), where("p", "gt")))), "steps[1].where[0].value"),
    ],
)
def test_a_funnel_that_cannot_be_is_refused_with_the_field_at_fault(asked: Funnel, field: str) -> None:
    with pytest.raises(InvalidQuestion) as refusal:
        compile_funnel(asked)
    assert refusal.value.field == field


def test_a_funnel_of_32_steps_is_answered() -> None:
    (longest,) = entered(told(" ".join(f"A{at}" for at in range(32))), funnel(*("A" * 32), window=31))[:1]
    assert longest.steps == 32


# ---- laws

names = "ABC"
any_step = st.sampled_from(["A", "B", "C", "A|B", "B|C", "*"])
any_funnel = st.builds(
    lambda steps, window: funnel(*steps, window=window), st.lists(any_step, min_size=1, max_size=4), st.integers(1, 8)
)
disjoint_funnel = st.builds(
    lambda steps, window: funnel(*steps, window=window),
    st.sampled_from(["A", "AB", "BA", "ABC", "CAB"]),
    st.integers(1, 8),
)


@st.composite
def any_events(draw: st.DrawFn, most: int = 12) -> list[Event]:
    rows = draw(
        st.lists(
            st.tuples(st.sampled_from("ABCX"), st.integers(0, 9), st.integers(0, 2), st.integers(1, 2)), max_size=most
        )
    )
    return [
        event(name, at=at, sequence=sequence, message_id=number, device=device)
        for number, (name, at, sequence, device) in enumerate(rows, 1)
    ]


def fits(one: Event, step: Step) -> bool:
    return step.events == ("*",) or one.event in step.events


def in_one_order(events: Sequence[Event], asked: Funnel) -> list[Event]:
    """By time; in one millisecond by the first step that each can fill, strangers last; then by the order of events."""

    def key(one: Event) -> tuple[int, int, tuple[int, int, int, int]]:
        first = next((number for number, step in enumerate(asked.steps) if fits(one, step)), 99)
        return one.occurred_at, first, (one.occurred_at, one.sequence, one.message_id, one.device)

    return sorted(events, key=key)


def slowly(ordered: Sequence[Event], asked: Funnel) -> list[tuple[int, ...]]:
    """Message ids of each entry, by walking over all later events, of one event's steps the last first."""
    answers = []
    for start, opening in enumerate(ordered):
        if not fits(opening, asked.steps[0]):
            continue
        filled: dict[int, Event] = {0: opening}
        for one in ordered[start + 1 :]:
            if one.occurred_at - opening.occurred_at > asked.window_ms:
                break
            for number in reversed(range(1, len(asked.steps))):
                if number not in filled and number - 1 in filled and fits(one, asked.steps[number]):
                    filled[number] = one
                    break
        answers.append(tuple(filled[number].message_id for number in sorted(filled)))
    return answers


@given(any_events(), any_funnel)
def test_entries_are_what_the_slow_account_says(events: list[Event], asked: Funnel) -> None:
    found = [entry.step_messages[: entry.steps] for entry in entered(events, asked)]
    assert found == slowly(in_one_order(events, asked), asked)


@given(any_events(), any_funnel, st.randoms(use_true_random=False))
def test_entries_do_not_depend_on_the_order_of_arrival(
    events: list[Event], asked: Funnel, chance: random.Random
) -> None:
    shuffled = list(events)
    chance.shuffle(shuffled)
    assert entered(shuffled, asked) == entered(events, asked)


@given(any_events(), any_funnel, st.integers(0, 10))
def test_a_wider_window_never_takes_a_step_from_an_entry(events: list[Event], asked: Funnel, wider: int) -> None:
    wide = Funnel(asked.name, asked.steps, window_ms=asked.window_ms + wider)
    for narrow, broad in zip(entered(events, asked), entered(events, wide), strict=True):
        assert broad.step_messages[: narrow.steps] == narrow.step_messages[: narrow.steps]


@given(any_events(), any_funnel)
def test_events_that_no_step_names_change_nothing(events: list[Event], asked: Funnel) -> None:
    known = [one for one in events if any(fits(one, step) for step in asked.steps)]
    assert entered(known, asked) == entered(events, asked)


@given(any_events(), any_funnel)
def test_an_entry_uses_each_event_once_in_the_order_of_time_inside_its_window(
    events: list[Event], asked: Funnel
) -> None:
    for entry in entered(events, asked):
        used = entry.step_messages[: entry.steps]
        filled = entry.step_times[: entry.steps]
        assert len(set(used)) == entry.steps
        assert list(filled) == sorted(filled)
        assert filled[-1] - entry.entered_at <= asked.window_ms


def furthest(rows: Iterable[FunnelEntry]) -> int:
    best = counted(rows)
    return best.steps if best else 0


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(any_events(most=6), disjoint_funnel)
def test_where_no_event_fits_two_steps_no_order_of_equal_times_takes_a_customer_further(
    events: list[Event], asked: Funnel
) -> None:
    best = max(
        (
            max(map(len, slowly(one, asked)), default=0)
            for one in permutations(events)
            if all(a.occurred_at <= b.occurred_at for a, b in zip(one, one[1:], strict=False))
        ),
        default=0,
    )
    assert furthest(entered(events, asked)) == best


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(any_events(), min_size=1, max_size=30), disjoint_funnel)
def test_where_no_event_fits_two_steps_window_funnel_counts_the_same(
    clickhouse: Any, lives: list[list[Event]], asked: Funnel
) -> None:
    lines = [f"{customer} {one.event} {one.occurred_at}" for customer, life in enumerate(lives) for one in life]
    steps = ", ".join(f"parts[2] = '{step.events[0]}'" for step in asked.steps)
    sql = (
        "SELECT toUInt32(parts[1]) AS customer, windowFunnel(WINDOW)(toUInt64(parts[3]), STEPS) "
        "FROM (SELECT splitByChar(' ', line) AS parts FROM asked) GROUP BY customer"
    )
    answer = (
        dict(clickhouse(sql.replace("WINDOW", str(asked.window_ms)).replace("STEPS", steps), lines)) if lines else {}
    )
    assert [int(answer.get(customer, 0)) for customer in range(len(lives))] == [
        furthest(entered(life, asked)) for life in lives
    ]


@given(any_events(), st.sampled_from(["AB", "AA", "ABA"]))
def test_a_filter_splits_the_same_events_as_a_name_would(events: list[Event], steps: str) -> None:
    by_channel = [
        event("e", one.occurred_at, sequence=one.sequence, message_id=one.message_id, channel=one.event)
        for one in events
    ]
    by_filter = funnel(*(Step(("e",), where=(Filter("$channel", "is", name),)) for name in steps))
    one_device = [event(one.event, one.occurred_at, sequence=one.sequence, message_id=one.message_id) for one in events]
    assert times(by_channel, by_filter) == times(one_device, funnel(*steps))
