"""Sums of money as vendors write them."""

from decimal import Decimal, InvalidOperation
from typing import Any

# ISO 4217 currencies whose smallest unit is the unit itself, and those with a thousandth.
_WHOLE = frozenset((
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF",
    "XPF",
))  # fmt: skip
_THOUSANDTHS = frozenset((
    "BHD", "JOD", "KWD", "OMR", "TND",
))  # fmt: skip


def of_smallest(units: Any, currency: str) -> float | None:
    """The amount of so many smallest units (cents): 4999 EUR are 49.99; None where it is no whole number."""
    if not isinstance(units, int) or isinstance(units, bool):
        return None
    digits = 0 if currency.upper() in _WHOLE else 3 if currency.upper() in _THOUSANDTHS else 2
    return float(Decimal(units).scaleb(-digits))


def amount(value: Any) -> float | None:
    """An amount written as a number or as text: "49.90"; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return float(found) if found.is_finite() else None
