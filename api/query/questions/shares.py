"""How sure a share is: Wilson's score interval (E. B. Wilson, 1927), which holds for few cases and for 0 and 1 too."""

from math import sqrt
from statistics import NormalDist
from typing import Final

CONFIDENCE: Final = 0.95
Z: Final = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


def interval(part: int, whole: int) -> list[float] | None:
    """The lower and upper end between which the true share of part in whole lies, 95 times in 100; None of nothing."""
    if not whole:
        return None
    share, weight = part / whole, Z * Z / whole
    middle = share + weight / 2
    reach = Z * sqrt(share * (1 - share) / whole + weight / whole / 4)
    low = 0.0 if part == 0 else (middle - reach) / (1 + weight)
    high = 1.0 if part == whole else (middle + reach) / (1 + weight)
    return [round(low, 6), round(high, 6)]
