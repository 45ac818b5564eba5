"""Customers so large that stitching one takes long: he rests between two times, so that others need not wait for him.

marks of the large one     m  m  m  m  m  m  m  m  m
he is stitched             |==|        |==|        |==|        what waits of him waits in the log, not acknowledged
marks of others               |=| |=|     |=| |=|              each in the next turn
"""

from collections.abc import Callable

LARGE = 5_000  # touchpoints and named events
RESTS = 4  # times as long as he took
MOST_MS = 5_000

Customer = tuple[str, int]  # project, customer


class Pace:
    """Who rests until when. It may be dropped at any moment: then nobody rests."""

    def __init__(self, monotonic: Callable[[], int], large: int = LARGE) -> None:
        """`monotonic`: ms since no matter when; `large`: rows from which on a customer is one."""
        self._monotonic, self._large = monotonic, large
        self._until: dict[Customer, int] = {}  # large ones

    def is_large(self, customer: Customer) -> bool:
        return customer in self._until

    def rests(self, customer: Customer) -> bool:
        return customer in self._until and self._until[customer] > self._monotonic()

    def stitched(self, customer: Customer, rows: int, took_ms: int) -> None:
        """He has just been stitched from so many rows; `took_ms`: 0 where others were with him."""
        if rows >= self._large:
            self._until[customer] = self._monotonic() + min(MOST_MS, RESTS * took_ms)
        else:
            self._until.pop(customer, None)

    def forget(self) -> None:
        self._until.clear()
