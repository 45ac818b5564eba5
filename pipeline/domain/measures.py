"""Measures: the one number that some events amount to.

    count      how many they are
    unique     how many different customers did them
    sum        of a property's numbers; 0 of none
    average, min, max, p50, p75, p90, p95, p99
               of a property's numbers; None of none

A percentile is a number that occurred: of n numbers in order that at place n * share // 100, as ClickHouse's
quantileExact has it. Sums are rounded once, at their end (math.fsum), so they do not depend on the order.
"""

from collections.abc import Callable, Mapping, Sequence
from math import fsum, isfinite
from typing import Final, Literal, get_args

Measure = Literal["count", "unique", "sum", "average", "min", "max", "p50", "p75", "p90", "p95", "p99"]
MEASURES: Final[tuple[str, ...]] = get_args(Measure)
OF_EVENTS: Final = ("count", "unique")  # all others are of a property's numbers
Measured = int | float | None


class Tally:
    """Some events, added up."""

    def __init__(self) -> None:
        self.events = 0
        self.devices: set[int] = set()
        self.customers: set[int] = set()
        self.numbers: list[float] = []

    def add(self, customer: int, device: int, number: float | None) -> None:
        self.events += 1
        self.devices.add(device)
        self.customers.add(customer)
        if number is not None and isfinite(number):
            self.numbers.append(number)

    def measured(self, measure: Measure) -> Measured:
        if measure == "count":
            return self.events
        if measure == "unique":
            return len(self.customers)
        return _OF_NUMBERS[measure](self.numbers)


def _sum(numbers: Sequence[float]) -> Measured:
    try:
        return fsum(numbers)
    except OverflowError:  # beyond what a float can hold
        return None


def _average(numbers: Sequence[float]) -> Measured:
    total = _sum(numbers)
    return total / len(numbers) if numbers and total is not None else None


def _percentile(share: int) -> Callable[[Sequence[float]], Measured]:
    return lambda numbers: sorted(numbers)[len(numbers) * share // 100] if numbers else None


_OF_NUMBERS: Final[Mapping[str, Callable[[Sequence[float]], Measured]]] = {
    "sum": _sum,
    "average": _average,
    "min": lambda numbers: min(numbers, default=None),
    "max": lambda numbers: max(numbers, default=None),
} | {name: _percentile(int(name[1:])) for name in MEASURES if name[1:].isdigit()}
