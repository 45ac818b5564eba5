"""Odds, exact and approximate tests, and corrected significance, against published values and exact fractions."""

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.query.questions.odds import Table, adjusted, chi_square, fisher, odds_interval, odds_ratio, p_value

tables = st.builds(Table, *(st.integers(0, 25) for _ in range(4))).filter(lambda table: table.whole() > 0)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (Table(3, 1, 1, 3), 34 / 70),  # the lady tasting tea: Fisher, The Design of Experiments, 1935
        (Table(2, 15, 10, 3), 0.0005367),  # convictions of twins: Fisher, 1962; R, fisher.test
        (Table(8, 2, 1, 5), 0.034965034965034975),  # the example of scipy.stats.fisher_exact
    ],
)
def test_fishers_exact_test_gives_published_values(table: Table, expected: float) -> None:
    assert fisher(table) == pytest.approx(expected, rel=1e-4)


def test_odds_ratio_and_interval_are_those_of_eczema_and_hay_fever() -> None:
    # J. M. Bland, D. G. Altman, The odds ratio, BMJ 320 (2000): 4.89, 95 % from 4.00 to 5.99 (exp of 1.386, 1.790).
    table = Table(141, 420, 928, 13525)
    assert odds_ratio(table) == pytest.approx(4.89, abs=0.005)
    assert odds_interval(table) == pytest.approx((4.00, 5.99), abs=0.01)


@pytest.mark.parametrize(("statistic", "expected"), [(3.841, 0.05), (6.635, 0.01), (10.828, 0.001)])
def test_chi_square_has_the_percentage_points_of_every_table(statistic: float, expected: float) -> None:
    # A table of 2n with margins n, n and cells n/2 +- x has the statistic 8x²/n.
    n = 10_000_000
    x = round((statistic * n / 8) ** 0.5)
    half = n // 2
    assert chi_square(Table(half + x, half - x, half - x, half + x)) == pytest.approx(expected, rel=2e-3)


def test_false_discoveries_are_bounded_as_in_the_paper_that_says_how() -> None:
    # Benjamini and Hochberg, 1995, section 4: of these fifteen the first four are discoveries at 0.05.
    values = [
        *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
        *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.000),
    ]
    assert [value <= 0.05 for value in adjusted(values)] == [True] * 4 + [False] * 11


@given(tables)
def test_fishers_test_is_the_sum_of_exact_fractions(table: Table) -> None:
    a, b, c, d = table
    whole = comb(a + b + c + d, a + c)

    def likely(cell: int) -> Fraction:
        return Fraction(comb(a + b, cell) * comb(c + d, a + c - cell), whole)

    cells = range(max(0, a - d), min(a + b, a + c) + 1)
    exact = sum((likely(cell) for cell in cells if likely(cell) <= likely(a)), Fraction(0))
    assert fisher(table) == pytest.approx(float(exact), rel=1e-9)


@given(tables)
def test_neither_test_minds_which_way_a_table_is_turned(table: Table) -> None:
    a, b, c, d = table
    for test in (fisher, chi_square):
        for turned in (Table(c, d, a, b), Table(b, a, d, c), Table(a, c, b, d)):
            assert test(turned) == pytest.approx(test(table), rel=1e-9)
    assert odds_ratio(Table(c, d, a, b)) == pytest.approx(1 / odds_ratio(table))
    low, high = odds_interval(table)
    assert low < odds_ratio(table) < high


@given(tables)
def test_the_exact_test_is_taken_where_a_cell_is_expected_to_hold_few(table: Table) -> None:
    a, b, c, d = table
    expected = [Fraction(row * column, table.whole()) for row in (a + b, c + d) for column in (a + c, b + d)]
    value, test = p_value(table)
    assert test == ("fisher" if min(expected) < 5 else "chi_square")
    assert 0 <= value <= 1


@given(st.lists(st.floats(0, 1), max_size=20))
def test_corrected_values_are_those_of_the_definition(values: list[float]) -> None:
    """A value is a discovery at a level where it is among the first k, k the greatest with p(k) <= k/m level."""
    ranked = sorted(values)
    for value, corrected in zip(values, adjusted(values), strict=True):
        at_best = min((each * len(values) / rank for rank, each in enumerate(ranked, 1) if each >= value), default=1.0)
        assert corrected == pytest.approx(min(1.0, at_best))
