"""Two by two tables: how much more often one thing goes with another, and how likely chance alone does as much.

            converted   not
with            a        b
others          c        d
"""

from collections.abc import Sequence
from math import erfc, exp, lgamma, log, sqrt
from typing import Final, Literal, NamedTuple

from api.query.questions.shares import Z

LEAST_EXPECTED: Final = 5
_SAME: Final = 1e-7  # two probabilities that differ by less, relatively, are the same: rounding must not part them

Test = Literal["chi_square", "fisher"]


class Table(NamedTuple):
    a: int
    b: int
    c: int
    d: int

    def whole(self) -> int:
        return self.a + self.b + self.c + self.d


def odds_ratio(table: Table) -> float:
    """ad / bc; where a cell is 0 each is taken for 0.5 more (J. B. S. Haldane and F. J. Anscombe, 1956)."""
    a, b, c, d = _cells(table)
    return a * d / (b * c)


def odds_interval(table: Table) -> tuple[float, float]:
    """Between which the true odds ratio lies, 95 times in 100 (B. Woolf, 1955: the logarithm is nearly normal)."""
    cells = _cells(table)
    middle, reach = log(odds_ratio(table)), Z * sqrt(sum(1 / cell for cell in cells))
    return exp(middle - reach), exp(middle + reach)


def p_value(table: Table) -> tuple[float, Test]:
    """How likely chance alone does as much, and by which test: Fisher's exact one where a cell is expected to hold less
    than 5 (W. G. Cochran, 1954), else Pearson's chi-square."""
    a, b, c, d = table
    least = min(a + b, c + d) * min(a + c, b + d)
    if least < LEAST_EXPECTED * table.whole():
        return fisher(table), "fisher"
    return chi_square(table), "chi_square"


def chi_square(table: Table) -> float:
    """p of Pearson's chi-square with one degree of freedom, without correction (K. Pearson, 1900)."""
    a, b, c, d = table
    sides = (a + b) * (c + d) * (a + c) * (b + d)
    if not sides:
        return 1.0
    return erfc(sqrt(table.whole() * (a * d - b * c) ** 2 / sides / 2))


def fisher(table: Table) -> float:
    """p of Fisher's exact test, two-sided: of all tables with these sums, those that are not more likely than this one
    (R. A. Fisher, 1935; two-sided as R's fisher.test has it)."""
    a, b, c, d = table
    with_, others, converted = a + b, c + d, a + c
    fixed = _choices(with_ + others, converted)

    def likely(cell: int) -> float:
        return exp(_choices(with_, cell) + _choices(others, converted - cell) - fixed)

    seen = likely(a) * (1 + _SAME)
    cells = range(max(0, converted - others), min(with_, converted) + 1)
    return min(1.0, sum(each for each in map(likely, cells) if each <= seen))


def adjusted(values: Sequence[float]) -> list[float]:
    """Each p as the least share of false discoveries with which it is called one (Y. Benjamini, Y. Hochberg, 1995)."""
    ranked = sorted(range(len(values)), key=lambda number: values[number], reverse=True)
    found, least = [0.0] * len(values), 1.0
    for rank, number in zip(range(len(values), 0, -1), ranked, strict=True):
        least = min(least, values[number] * len(values) / rank)
        found[number] = least
    return found


def _choices(whole: int, part: int) -> float:
    """The logarithm of the number of ways to choose."""
    return lgamma(whole + 1) - lgamma(part + 1) - lgamma(whole - part + 1)


def _cells(table: Table) -> tuple[float, float, float, float]:
    more = 0.0 if all(table) else 0.5
    a, b, c, d = table
    return a + more, b + more, c + more, d + more
