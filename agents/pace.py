"""Customers so large that stitching one takes long: he rests between two times, so that others need not wait for him.

Nothing is lost by it: what waits of him is not acknowledged, and `data_until` does not pass it.

    marks of the large one     m  m  m  m  m  m  m  m  m
    he is stitched             |==|        |==|        |==|
    others, in each turn          |=| |=|     |=| |=|
"""

from collections.abc import Callable, Collection

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
        self._since: dict[int, int] = {}  # partitions that are held up

    def is_large(self, customer: Customer) -> bool:
        return customer in self._until

    def rests(self, customer: Customer) -> bool:
        return customer in self._until and self._until[customer] > self._monotonic()

    def held(self, partitions: Collection[int]) -> set[int]:
        """Of partitions with marks of those who rest, the ones that may wait still: none does so for long.

        To be called in every turn: several large customers of one partition would else hold it up in turns, for ever.
        """
        now = self._monotonic() if partitions else 0
        since = {partition: self._since.get(partition, now) for partition in partitions}
        self._since = {partition: at for partition, at in since.items() if now - at < MOST_MS}
        return set(self._since)

    def stitched(self, customer: Customer, rows: int, took_ms: int) -> None:
        """He has just been stitched from so many rows; `took_ms`: 0 where others were with him."""
        if rows >= self._large:
            self._until[customer] = self._monotonic() + min(MOST_MS, RESTS * took_ms)
        else:
            self._until.pop(customer, None)

    def forget(self) -> None:
        self._until.clear()
        self._since.clear()
