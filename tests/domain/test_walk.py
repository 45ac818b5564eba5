"""Strict order and any order, optional steps, exclusions: by example, and against an account of the design's words."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain.funnels import compile_funnel, entries, order
from pipeline.errors import InvalidQuestion
from schemas.definitions import Exclusion, Filter, Funnel, Step
from schemas.facts import Event, FunnelEntry
from tests import funnel_account
from tests.domain.making import PROJECT, event


def funnel(*steps: str, window: int = 10, order: Any = "ordered", exclusions: Sequence[Exclusion] = ()) -> Funnel:
    """Steps by the names of their events: "A", "A|B", "B?" where it is optional."""
    told = tuple(Step(tuple(step.strip("?").split("|")), optional=step.endswith("?")) for step in steps)
    return Funnel("checkout", told, window_ms=window, order=order, exclusions=tuple(exclusions))


def never(name: str, **more: Any) -> Exclusion:
    return Exclusion((name,), **more)


def told(text: str) -> list[Event]:
    """ "A1 B3 p4": event and time, in this order; a small letter is passive."""
    return [
        event(word[0], at=int(word[1:]), sequence=number, is_passive=word[0].islower())
        for number, word in enumerate(text.split())
    ]


def entered(events: Iterable[Event], asked: Funnel) -> list[FunnelEntry]:
    return entries(sorted(events, key=order), asked, project=PROJECT, customer=7)


def times(text: str, asked: Funnel) -> list[list[int]]:
    """The times of each entry up to its furthest step; 0 is a step left out."""
    return [list(entry.step_times[: entry.steps]) for entry in entered(told(text), asked)]


# ---- strict


def test_in_strict_order_a_stranger_ends_the_entry() -> None:
    assert times("A1 B2 C3", funnel("A", "B", "C", order="strict")) == [[1, 2, 3]]
    assert times("A1 X2 B3", funnel("A", "B", order="strict")) == [[1]]
    assert times("A1 B2 X3 C4", funnel("A", "B", "C", order="strict")) == [[1, 2]]


def test_in_strict_order_a_repeat_ends_the_entry_and_opens_its_own() -> None:
    assert times("A1 A2 B3", funnel("A", "B", order="strict")) == [[1], [2, 3]]


def test_what_comes_after_the_last_step_does_not_matter() -> None:
    assert times("A1 B2 X3", funnel("A", "B", order="strict")) == [[1, 2]]


def test_a_passive_event_is_no_stranger_but_fills_the_step_that_names_it() -> None:
    assert times("A1 p2 B3", funnel("A", "B", order="strict")) == [[1, 3]]
    assert times("A1 p2 B3", funnel("A", "p", "B", order="strict")) == [[1, 2, 3]]


def test_strangers_of_the_same_millisecond_stand_behind_the_step() -> None:
    assert times("A1 X2 B2", funnel("A", "B", order="strict")) == [[1, 2]]
    assert times("A1 X1 B2", funnel("A", "B", order="strict")) == [[1]]


def test_a_strict_funnel_reads_every_event() -> None:
    plan = compile_funnel(funnel("A", "B", order="strict"))
    assert (plan.events, plan.properties) == ({"*"}, {"$is_passive"})


# ---- any order


def test_in_any_order_every_step_may_begin() -> None:
    assert times("B1 A2", funnel("A", "B", order="any")) == [[1, 2], [2]]


def test_in_any_order_the_most_steps_are_filled_that_a_matching_can() -> None:
    """The first event could fill either step; the second fills the first alone."""
    assert times("B1 A2", funnel("A|B", "A", order="any"))[0] == [1, 2]
    assert times("A1 B2 C3", funnel("A|B", "B|C", "A", order="any"))[0] == [1, 2, 3]


def test_in_any_order_two_steps_alike_need_two_events() -> None:
    assert times("A1 B2 A3", funnel("A", "A", order="any")) == [[1, 3], [3]]


def test_in_any_order_the_times_are_the_earliest_at_which_so_many_steps_are_filled() -> None:
    assert times("A1 A2 C3 B4", funnel("A", "B", "C", order="any"))[0] == [1, 3, 4]


def test_in_any_order_all_lies_inside_one_window() -> None:
    assert times("A0 B10", funnel("A", "B", order="any"))[0] == [0, 10]
    assert times("B0 A11", funnel("A", "B", order="any"))[0] == [0]


# ---- optional steps


def test_an_optional_step_may_be_left_out() -> None:
    asked = funnel("A", "B?", "C")
    assert times("A1 B2 C3", asked) == [[1, 2, 3]]
    assert times("A1 C3", asked) == [[1, 0, 3]]
    assert times("A1 C3 B4", asked) == [[1, 0, 3]]


def test_several_optional_steps_may_follow_one_another() -> None:
    asked = funnel("A", "B?", "C?", "D")
    assert times("A1 C2 B3 D4", asked) == [[1, 0, 2, 4]]
    assert times("A1 D4", asked) == [[1, 0, 0, 4]]


def test_an_event_that_can_fill_two_steps_fills_the_last() -> None:
    assert times("A1 B2 B3", funnel("A", "B?", "B|C")) == [[1, 0, 2]]


def test_in_strict_order_an_optional_step_may_be_left_out_too() -> None:
    asked = funnel("A", "B?", "C", order="strict")
    assert times("A1 C2", asked) == [[1, 0, 2]]
    assert times("A1 X2 C3", asked) == [[1]]


# ---- exclusions


def test_an_exclusion_removes_the_entry_or_drops_it_where_it_stands() -> None:
    assert times("A1 X2 B3", funnel("A", "B", exclusions=[never("X")])) == []
    assert times("A1 X2 B3", funnel("A", "B", exclusions=[never("X", effect="drop")])) == [[1]]


def test_an_exclusion_touches_its_entry_alone() -> None:
    assert times("A1 X2 A3 B4", funnel("A", "B", exclusions=[never("X")])) == [[3, 4]]


def test_an_exclusion_holds_between_its_steps_alone() -> None:
    between = funnel("A", "B", "C", exclusions=[never("X", after=2, before=3)])
    assert times("A1 X2 B3 C4", between) == [[1, 3, 4]]
    assert times("A1 B2 X3 C4", between) == []
    assert times("A1 B2 C3 X4", between) == [[1, 2, 3]]


def test_an_exclusion_holds_to_the_windows_end_where_the_entry_goes_no_further() -> None:
    assert times("A1 X9", funnel("A", "B", exclusions=[never("X")])) == []
    assert times("A1 X12", funnel("A", "B", exclusions=[never("X")])) == [[1]]


def test_the_event_that_fills_a_step_excludes_nothing() -> None:
    assert times("A1 B2", funnel("A", "B", exclusions=[never("B")])) == [[1, 2]]
    assert times("A1 C2 B3", funnel("A", "B", "C", exclusions=[never("C", after=1, before=2)])) == []


def test_of_two_exclusions_the_first_that_is_met_decides_and_at_once_the_one_that_removes() -> None:
    both = [never("X", effect="drop"), never("Y")]
    assert times("A1 X2 Y3 B4", funnel("A", "B", exclusions=both)) == [[1]]
    assert times("A1 Y2 X3 B4", funnel("A", "B", exclusions=both)) == []
    assert times("A1 X2 B4", funnel("A", "B", exclusions=[never("X", effect="drop"), never("X")])) == []


def test_in_strict_order_a_stranger_that_is_excluded_removes() -> None:
    assert times("A1 X2 B3", funnel("A", "B", order="strict", exclusions=[never("X")])) == []
    assert times("A1 Y2 X3 B4", funnel("A", "B", order="strict", exclusions=[never("X")])) == [[1]]


def test_an_exclusion_may_have_filters() -> None:
    asked = funnel("A", "B", exclusions=[Exclusion(("X",), (Filter("$channel", "is", "app"),))])
    rows = [event("A", at=1), event("X", at=2, channel="web"), event("B", at=3)]
    assert [entry.steps for entry in entered(rows, asked)] == [2]
    rows[1] = event("X", at=2, channel="app")
    assert entered(rows, asked) == []


def test_a_funnel_names_the_events_of_its_exclusions_too() -> None:
    assert compile_funnel(funnel("A", "B", exclusions=[never("X")])).events == {"A", "B", "X"}


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (funnel("A?", "B"), "steps[0].optional"),
        (funnel("A", "B?"), "steps[1].optional"),
        (funnel("A", "B?", "C", order="any"), "steps[1].optional"),
        (funnel("A", "B", exclusions=[never("X", after=0)]), "exclusions[0].after"),
        (funnel("A", "B", exclusions=[never("X", after=2)]), "exclusions[0].after"),
        (funnel("A", "B", "C", exclusions=[never("Y"), never("X", after=2, before=2)]), "exclusions[1].before"),
        (funnel("A", "B", exclusions=[never("X", before=3)]), "exclusions[0].before"),
        (funnel("A", "B", exclusions=[never("X", before=-1)]), "exclusions[0].before"),
        (funnel("A", "B", exclusions=[never("")]), "exclusions[0].events"),
        (Funnel("f", (Step(("A",)), Step(("B",))), constant=("a", "$nope")), "constant[1]"),
        (Funnel("f", (Step(("A",)), Step(("B",))), constant=("a", "b", "c", "d")), "constant"),
        (funnel("A", "B", exclusions=[Exclusion(("*", "X"))]), "exclusions[0].events"),
        (funnel("A", "B", exclusions=[Exclusion(("X",), (Filter("$nope"),))]), "exclusions[0].where[0].property"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(asked: Funnel, field: str) -> None:
    with pytest.raises(InvalidQuestion) as refusal:
        compile_funnel(asked)
    assert refusal.value.field == field


# ---- properties held constant


def test_an_entry_has_one_value_of_what_is_held_constant() -> None:
    asked = Funnel("checkout", (Step(("A",)), Step(("B",))), 10, constant=("$host",))
    rows = [event("A", at=1, host="x"), event("B", at=2, host="y"), event("B", at=3, host="x")]
    assert [entry.step_times for entry in entered(rows, asked)] == [(1, 3)]
    strict = Funnel("checkout", asked.steps, 10, "strict", constant=("$host",))
    assert [entry.step_times for entry in entered(rows, strict)] == [(1, 3)]


def test_no_value_is_a_value_too_and_a_property_may_be_held() -> None:
    asked = Funnel("checkout", (Step(("A",)), Step(("B",))), 10, constant=("cart",))
    rows = [event("A", at=1), event("B", at=2, properties={"cart": 7}), event("B", at=3)]
    assert [entry.step_times for entry in entered(rows, asked)] == [(1, 3)]
    assert "cart" in compile_funnel(asked).properties


# ---- against the account of the design's words

names = st.sampled_from(["A", "B", "C", "A|B", "B|C", "p", "*"])


@st.composite
def any_funnel(draw: st.DrawFn) -> Funnel:
    steps = [
        Step(tuple(name.split("|")), optional=optional)
        for name, optional in draw(st.lists(st.tuples(names, st.booleans()), min_size=2, max_size=5))
    ]
    order = draw(st.sampled_from(["ordered", "strict", "any"]))
    for number in range(len(steps)) if order == "any" else (0, len(steps) - 1):
        steps[number] = Step(steps[number].events)
    exclusions = []
    for _ in range(draw(st.integers(0, 2))):
        after = draw(st.integers(1, len(steps) - 1))
        before = draw(st.integers(after + 1, len(steps)))
        event = draw(st.sampled_from(["X", "Y", "A", "*"]))
        effect = draw(st.sampled_from(["remove", "drop"]))
        exclusions.append(Exclusion((event,), after=after, before=before, effect=effect))
    constant = draw(st.sampled_from([(), (), ("$host",), ("$host", "$channel")]))
    return Funnel(
        "checkout", tuple(steps), draw(st.integers(1, 9)), order, exclusions=tuple(exclusions), constant=constant
    )


@st.composite
def any_events(draw: st.DrawFn) -> list[Event]:
    rows = draw(
        st.lists(
            st.tuples(st.sampled_from("ABCXYp"), st.integers(0, 9), st.integers(0, 2), st.integers(1, 2)), max_size=8
        )
    )
    host = draw(st.sampled_from(["", "xy"]))
    return [
        event(
            name, at=at, sequence=sequence, message_id=number, device=device, is_passive=name == "p",
            host=host[number % 2 : number % 2 + 1],
        )
        for number, (name, at, sequence, device) in enumerate(rows, 1)
    ]  # fmt: skip


@settings(max_examples=250, deadline=None)
@given(any_events(), any_funnel())
def test_entries_are_what_the_account_says(events: list[Event], asked: Funnel) -> None:
    found = [(entry.entered_at, entry.step_messages) for entry in entered(events, asked)]
    expected = [
        (one[1].occurred_at, funnel_account.messages(one, asked)) for one in funnel_account.entries(events, asked)
    ]
    if asked.constant:  # then entries of one value stand together
        found, expected = sorted(found), sorted(expected)
    assert found == expected


@settings(max_examples=150, deadline=None)
@given(any_events(), any_funnel(), st.integers(1, 9))
def test_a_wider_window_never_lowers_a_step_of_an_entry_that_nothing_removes(
    events: list[Event], asked: Funnel, wider: int
) -> None:
    told = tuple(Exclusion(one.events, after=one.after, before=one.before, effect="drop") for one in asked.exclusions)
    narrow = Funnel("checkout", asked.steps, asked.window_ms, asked.order, exclusions=told)
    wide = Funnel("checkout", asked.steps, asked.window_ms + wider, asked.order, exclusions=told)
    for before, after in zip(entered(events, narrow), entered(events, wide), strict=True):
        filled = [(number, message) for number, message in enumerate(before.step_messages) if message]
        assert filled == [(number, after.step_messages[number]) for number, _ in filled]


@given(any_events(), any_funnel())
def test_strict_order_takes_no_entry_further_than_order_does(events: list[Event], asked: Funnel) -> None:
    steps = tuple(Step(one.events) for one in asked.steps)
    reached = [
        [entry.steps for entry in entered(events, Funnel("checkout", steps, asked.window_ms, order))]
        for order in ("strict", "ordered")
    ]
    assert all(strict <= ordered for strict, ordered in zip(*reached, strict=True))


def test_thirty_two_steps_alike_in_any_order_are_filled() -> None:
    rows = told(" ".join(f"A{at}" for at in range(40)))
    assert entered(rows, funnel(*["A|B"] * 32, order="any", window=100))[0].steps == 32
