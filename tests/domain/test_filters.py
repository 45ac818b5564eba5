import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain import filters
from pipeline.errors import InvalidQuestion
from schemas.facts import Event
from tests.domain.making import event, where


def holds(operator: str, value: Any, properties: dict[str, Any], name: str = "p", **columns: Any) -> bool:
    one = event(properties=properties, **columns)
    return filters.compile([where(name, operator, value)])(one, filters.properties_of(one))


@pytest.mark.parametrize(
    ("operator", "value", "answer"),
    [
        ("is", "a", False),
        ("in", ["a"], False),
        ("contains", "a", False),
        ("gt", 1, False),
        ("gte", 1, False),
        ("lt", 1, False),
        ("lte", 1, False),
        ("between", [0, 2], False),
        ("regex", ".*", False),
        ("set", None, False),
        ("is_not", "a", True),
        ("not_in", ["a"], True),
        ("not_contains", "a", True),
        ("not_set", None, True),
    ],
)
@pytest.mark.parametrize("properties", [{}, {"p": None}, {"p": ""}], ids=["missing", "null", "empty text"])
def test_of_an_absent_property_only_the_negations_hold(
    operator: str, value: Any, answer: bool, properties: dict[str, Any]
) -> None:
    assert holds(operator, value, properties) is answer


@pytest.mark.parametrize("found", [0, 0.0, "0"])
@pytest.mark.parametrize("asked", [0, 0.0, "0"])
def test_zero_as_a_number_and_as_text_are_equal(found: Any, asked: Any) -> None:
    assert holds("is", asked, {"p": found})
    assert not holds("is_not", asked, {"p": found})


def test_false_and_zero_are_values_and_differ() -> None:
    assert not holds("is", 0, {"p": False})
    assert not holds("is", False, {"p": 0})
    assert holds("is", False, {"p": False})
    assert holds("is", "false", {"p": False})
    assert holds("set", None, {"p": False})
    assert holds("set", None, {"p": 0})


def test_equality_is_of_texts_so_the_text_10_dot_0_is_not_10_but_the_number_is() -> None:
    assert holds("is", 10, {"p": 10.0})
    assert not holds("is", 10, {"p": "10.0"})


def test_case_counts_in_equality_and_in_contains() -> None:
    assert not holds("is", "Red", {"p": "red"})
    assert not holds("contains", "ED", {"p": "red"})
    assert holds("contains", "ed", {"p": "red"})


def test_in_takes_any_of_a_list_whatever_the_types() -> None:
    assert holds("in", ["1", "x"], {"p": 1})
    assert holds("in", [True], {"p": True})
    assert not holds("in", [2], {"p": 1})
    assert not holds("not_in", [1, 2], {"p": "1"})


@pytest.mark.parametrize(("operator", "answer"), [("gt", False), ("gte", True), ("lt", False), ("lte", True)])
def test_comparison_with_the_same_number_depends_on_whether_it_is_inclusive(operator: str, answer: bool) -> None:
    assert holds(operator, 10, {"p": 10.0}) is answer


def test_numeric_texts_are_numbers_in_comparisons_on_both_sides() -> None:
    assert holds("gt", 9, {"p": "10"})
    assert holds("gt", "9", {"p": 10})
    assert holds("gt", "9", {"p": "1e1"})


def test_what_is_no_number_fails_every_comparison_with_a_number() -> None:
    for found in ("ten", True, " 1", [1], {"n": 1}, "0x10", "inf", "1_0", "١"):
        assert not holds("gt", -1, {"p": found})
        assert not holds("lte", 10**9, {"p": found})


def test_a_filter_that_is_no_number_compares_texts_such_as_dates() -> None:
    assert holds("gte", "2024-03-01", {"p": "2024-03-01T08:00:00Z"})
    assert not holds("lt", "2024-03-01", {"p": "2024-03-02"})


def test_between_holds_at_both_ends() -> None:
    assert holds("between", [1, 3], {"p": 1})
    assert holds("between", [1, 3], {"p": 3})
    assert not holds("between", [1, 3], {"p": 3.001})
    assert holds("between", ["2024-01", "2024-02"], {"p": "2024-01-15"})


def test_a_regex_is_found_anywhere_and_its_dot_matches_a_line_end() -> None:
    assert holds("regex", "b.d", {"p": "ab\nde"})
    assert not holds("regex", "^b", {"p": "ab"})
    assert not holds("regex", "a$", {"p": "a\n"})
    assert holds("regex", "(?i)münchen", {"p": "In MÜNCHEN"})


@pytest.mark.parametrize("pattern", ["(?=a)", "(?<!a)b", r"(a)\1", "[", "a**", "a{1001}", "(?P=x)"])
def test_a_pattern_that_re2_does_not_know_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidQuestion, match="RE2") as refusal:
        filters.compile([where("p", "regex", pattern)])
    assert refusal.value.field == "where[0].value"


def test_a_pattern_that_would_take_for_ever_by_backtracking_takes_no_time() -> None:
    assert not holds("regex", "^(a+)+$", {"p": "a" * 5000 + "b"})


def test_a_dotted_name_is_a_key_if_that_has_a_value_else_a_path() -> None:
    nested = {"a": {"b": 1}}
    assert holds("is", 1, nested, name="a.b")
    assert holds("is", 2, nested | {"a.b": 2}, name="a.b")
    assert holds("is", 1, nested | {"a.b": None}, name="a.b")
    assert holds("is", 1, nested | {"a.b": ""}, name="a.b")
    assert holds("not_set", None, {"a": [1]}, name="a.b")
    assert holds("not_set", None, {"a": "text"}, name="a.b.c")


def test_a_dollar_names_a_column_of_the_event_and_never_a_property() -> None:
    assert holds("is", "email", {"$channel": "web"}, name="$channel", channel="email")
    assert holds("not_set", None, {}, name="$country")
    assert holds("is", False, {}, name="$is_bot")
    assert holds("is", 19.99, {}, name="$value", value_micros=19_990_000)
    assert holds("is", 0, {}, name="$value")


def test_every_column_is_known_to_the_timeline_so_that_an_answer_does_not_depend_on_the_row_read() -> None:
    assert set(filters.COLUMNS.values()) <= set(Event.__struct_fields__)
    narrow = Event(**{name: getattr(event(channel="email"), name) for name in Event.__struct_fields__})
    assert filters.properties_of(narrow) == {}
    assert filters.compile([where("$channel", "is", "email")])(narrow, {})


@pytest.mark.parametrize("name", ["$nonsense", "$", "", "$properties", "$device", "$url"])
def test_an_unknown_column_is_refused_with_the_field_at_fault(name: str) -> None:
    with pytest.raises(InvalidQuestion) as refusal:
        filters.compile([where("ok"), where(name, "set")][1:], field="steps[2].where")
    assert refusal.value.field == "steps[2].where[0].property"


@pytest.mark.parametrize(
    ("operator", "value", "field"),
    [
        ("is", None, "where[0].value"),
        ("is", "", "where[0].value"),
        ("is", ["a"], "where[0].value"),
        ("gt", float("nan"), "where[0].value"),
        ("contains", {"a": 1}, "where[0].value"),
        ("in", [], "where[0].value"),
        ("in", "a", "where[0].value"),
        ("not_in", ["a", None], "where[0].value[1]"),
        ("between", [1], "where[0].value"),
        ("between", [2, 1], "where[0].value"),
        ("between", ["b", "a"], "where[0].value"),
        ("between", [1, "a"], "where[0].value"),
        ("set", True, "where[0].value"),
        ("regex", 5, "where[0].value"),
    ],
)
def test_a_value_that_the_operator_cannot_take_is_refused(operator: str, value: Any, field: str) -> None:
    with pytest.raises(InvalidQuestion) as refusal:
        filters.compile([where("p", operator, value)])
    assert refusal.value.field == field


def test_all_filters_must_hold_and_none_hold_always() -> None:
    both = filters.compile([where("p", "is", 1), where("q", "is", 2)])
    assert both(event(), {"p": 1, "q": 2})
    assert not both(event(), {"p": 1})
    assert filters.compile([])(event(), {})


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (True, "true"),
        (10.0, "10"),
        (-3, "-3"),
        (0.1, "0.1"),
        (1e20, "100000000000000000000"),
        (1e21, "1e21"),
        (1.5e-7, "1.5e-7"),
        (0.00001, "0.00001"),
        ("  Red ", "  Red "),
        ([1, 2.0, "x", None], '[1,2,"x",null]'),
        ({"a": {"b": False}}, '{"a":{"b":false}}'),
        (None, None),
        ("", None),
    ],
)
def test_a_breakdown_groups_by_the_text_of_the_value(value: Any, written: str | None) -> None:
    assert filters.property_value(event(), {"p": value}, "p") == written


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(
    value=json_values, operator=st.sampled_from(["is", "in", "contains", "set"]), asked=st.text(min_size=1, max_size=2)
)
def test_a_negation_is_the_opposite_for_every_value(value: Any, operator: str, asked: str) -> None:
    opposite = {"is": "is_not", "in": "not_in", "contains": "not_contains", "set": "not_set"}[operator]
    wanted = {"in": [asked], "set": None}.get(operator, asked)
    assert holds(operator, wanted, {"p": value}) is not holds(opposite, wanted, {"p": value})


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_numbers_text_reads_back_as_the_number(value: float) -> None:
    assert float(filters.number_text(value)) == value


def as_floats(value: Any) -> Any:
    if isinstance(value, list):
        return [as_floats(inner) for inner in value]
    if isinstance(value, dict):
        return {key: as_floats(inner) for key, inner in value.items()}
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@given(json_values)
def test_the_text_of_a_nested_value_is_json_of_the_same_value(value: Any) -> None:
    assert as_floats(json.loads(filters.text([value]))) == as_floats([value])


@pytest.mark.parametrize(
    ("name", "hint"),
    [("$chanel", "did you mean $channel?"), ("$stages", "did you mean $stage?"), ("$x", "there are $acquisition, ")],
)
def test_a_column_that_there_is_none_of_is_answered_with_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(InvalidQuestion) as refused:
        filters.reader(name)
    assert hint in refused.value.message
