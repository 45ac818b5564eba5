"""Formulas of two series: precedence, what has no result, and what is none."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.formula import compiled
from pipeline.errors import InvalidQuestion


@pytest.mark.parametrize(
    ("text", "a", "b", "result"),
    [
        ("A / B", 3, 4, 0.75),
        ("A+B", 3, 4, 7),
        ("A-B", 3, 4, -1),
        ("a * b", 3, 4, 12),
        ("A - B - A", 3, 4, -4),
        ("A + B * 2", 3, 4, 11),
        ("(A + B) * 2.5", 3, 4, 17.5),
        ("-A - -B", 3, 4, 1),
        ("A * 100", 3, None, 300),
        ("A / B / 2", 8, 2, 2),
    ],
)
def test_a_formula_has_the_usual_precedence(text: str, a: int, b: int | None, result: float) -> None:
    assert compiled(text).value({"A": a, "B": b}) == result


@pytest.mark.parametrize(("text", "a", "b"), [
    ("A / B", 3, 0), ("A / (B - B)", 1, 5), ("A + B", None, 1), ("A + B", 1, None), ("A * B", 1e308, 10.0),
])  # fmt: skip
def test_what_cannot_be_computed_is_null(text: str, a: float | None, b: float | None) -> None:
    assert compiled(text).value({"A": a, "B": b}) is None


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("A /", "the end: A, B, a number"),
        ("A B", "character 3: an operator"),
        ("(A + B", "the end: a closing parenthesis"),
        ("A + C", "character 5: there are A, B"),
        ("A ** B", "character 4: A, B, a number"),
        ("__import__('os')", "character 1"),
        ("1 + 2", "needs A, B or both"),
        ("", "the end"),
        ("(" * 21 + "A" + ")" * 21, "20 deep"),
        ("A" + " + A" * 60, "200 characters"),
    ],
)
def test_what_is_no_formula_is_refused_with_its_place(text: str, hint: str) -> None:
    with pytest.raises(InvalidQuestion) as refused:
        compiled(text)
    assert refused.value.field == "formula"
    assert hint in refused.value.message


terms = st.recursive(
    st.sampled_from(["A", "B", "1", "7"]),
    lambda inner: st.builds(lambda one, sign, other: f"({one} {sign} {other})", inner, st.sampled_from("+-*/"), inner),
    max_leaves=6,
)


@given(terms, st.integers(-5, 5), st.integers(-5, 5))
def test_a_formula_is_what_exact_fractions_say(text: str, a: int, b: int) -> None:
    text = f"A + {text}"
    try:
        expected = eval(text.replace("1", "one").replace("7", "seven"), {}, {  # the slow account
            "A": Fraction(a), "B": Fraction(b), "one": Fraction(1), "seven": Fraction(7),
        })  # fmt: skip
    except ZeroDivisionError:
        expected = None
    found = compiled(text).value({"A": a, "B": b})
    assert found is None if expected is None else found == pytest.approx(float(expected))
