from typing import Any

import pytest

from pipeline.domain.goals import GoalSet, Hit, compile_goals, to_micros
from pipeline.errors import InvalidQuestion
from schemas.definitions import Goal
from tests.domain.making import event, where

PURCHASE = Goal("purchase", ("purchase",))


def hits(goals: GoalSet, name: str, properties: dict[str, Any] | None = None, **columns: Any) -> tuple[Hit, ...]:
    one = event(name, properties=properties, **columns)
    return goals.hits(one, one.properties)


def test_an_event_of_a_goal_is_a_hit_with_its_own_value_in_its_own_currency() -> None:
    goals = compile_goals([PURCHASE], "EUR")
    assert hits(goals, "purchase", value_micros=5_000_000, currency="USD") == (
        Hit("purchase", 1, "macro", True, 5_000_000, "USD"),
    )
    assert hits(goals, "page") == ()


def test_a_value_without_a_currency_is_in_the_goals_else_the_projects() -> None:
    assert hits(compile_goals([PURCHASE], "EUR"), "purchase")[0].currency == "EUR"
    assert hits(compile_goals([Goal("p", ("purchase",), currency="GBP")], "EUR"), "purchase")[0].currency == "GBP"


def test_a_fixed_value_is_in_the_projects_currency_whatever_the_events() -> None:
    lead = Goal("lead", ("signup",), kind="lead", value=2.5)
    assert hits(compile_goals([lead], "EUR"), "signup", value_micros=9, currency="USD") == (
        Hit("lead", 1, "lead", False, 2_500_000, "EUR"),
    )


@pytest.mark.parametrize(
    ("found", "micros"),
    [(19.99, 19_990_000), ("19.99", 19_990_000), (-3, -3_000_000), ("free", 0), (True, 0), (None, 0), (1e300, 0)],
)
def test_a_propertys_value_counts_where_it_is_a_number(found: Any, micros: int) -> None:
    goals = compile_goals([Goal("p", ("purchase",), value_property="order.total")], "EUR")
    assert hits(goals, "purchase", {"order": {"total": found}})[0].value_micros == micros


def test_a_goal_holds_only_for_events_that_its_filters_let_through() -> None:
    goals = compile_goals([Goal("big", ("purchase",), where=(where("items", "gte", 3),))], "EUR")
    assert hits(goals, "purchase", {"items": 3})
    assert not hits(goals, "purchase", {"items": 2})
    assert not hits(goals, "purchase")


def test_one_event_can_meet_several_goals_and_they_come_by_name_however_listed() -> None:
    other = Goal("any", ("purchase", "signup"), kind="micro", version=7)
    for order in ([PURCHASE, other], [other, PURCHASE]):
        goals = compile_goals(order, "EUR")
        assert [(hit.goal, hit.version) for hit in hits(goals, "purchase")] == [("any", 7), ("purchase", 1)]
        assert goals.events == {"purchase", "signup"}


def test_only_macro_goals_end_a_journey_unless_a_goal_says_otherwise() -> None:
    kinds = [Goal("a", ("e",)), Goal("b", ("e",), kind="micro"), Goal("c", ("e",), kind="lead")]
    said = [Goal("d", ("e",), ends_journey=False), Goal("f", ("e",), kind="lead", ends_journey=True)]
    found = hits(compile_goals(kinds + said, "EUR"), "e")
    assert {hit.goal: hit.ends_journey for hit in found} == {"a": True, "b": False, "c": False, "d": False, "f": True}


def test_a_name_listed_twice_in_a_goal_counts_once() -> None:
    assert len(hits(compile_goals([Goal("p", ("purchase", "purchase"))], "EUR"), "purchase")) == 1


def test_goals_on_columns_of_the_timeline_need_no_properties() -> None:
    narrow = Goal("thanks", ("page",), where=(where("$path", "is", "/thanks"),))
    wide = Goal("big", ("purchase",), where=(where("items", "gte", 3),))
    valued = Goal("valued", ("signup",), value_property="worth")
    fixed = Goal("fixed", ("call",), value_property="worth", value=1.0)
    goals = compile_goals([narrow, wide, valued, fixed], "EUR")
    assert goals.reading == {"purchase", "signup"}
    assert hits(goals, "page", path="/thanks")


@pytest.mark.parametrize(
    ("goal", "field"),
    [
        (Goal("", ("e",)), "goals[1].name"),
        (Goal("purchase", ("e",)), "goals[1].name"),
        (Goal("g", ()), "goals[1].events"),
        (Goal("g", ("*",)), "goals[1].events"),
        (Goal("g", ("",)), "goals[1].events"),
        (Goal("g", ("e",), value=float("inf")), "goals[1].value"),
        (Goal("g", ("e",), value=1e16), "goals[1].value"),
        (Goal("g", ("e",), value_property="$nonsense"), "goals[1].value_property"),
        (Goal("g", ("e",), where=(where("p", "gt", "x"), where("p", "in", 1))), "goals[1].where[1].value"),
    ],
)
def test_a_goal_that_cannot_be_is_refused_with_the_field_at_fault(goal: Goal, field: str) -> None:
    with pytest.raises(InvalidQuestion) as refusal:
        compile_goals([PURCHASE, goal], "EUR")
    assert refusal.value.field == field


def test_money_is_rounded_to_millionths_half_to_even() -> None:
    assert [to_micros(value) for value in (0.1 + 0.2, 0.0000005, 0.0000015, None)] == [300_000, 0, 2, 0]
