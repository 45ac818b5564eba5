"""What a number counts, one by one: a case for each customer, session, entry or path that is in it."""

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from api.query.profiles import Held

Counted = Literal["customers", "sessions", "groups", "entries", "paths", "events", "journeys"]


class Mark(NamedTuple):
    """An event that is a reason, and for what."""

    at: int  # ms
    message: int
    why: str


class Case(NamedTuple):
    """One of what a number counts. Where no event is marked, those of `session` are the reason, for `why`."""

    customer: int
    begins: int  # ms
    ends: int  # ms, inclusive
    marks: tuple[Mark, ...] = ()
    session: int = 0
    why: str = ""
    touchpoints: tuple[tuple[int, str], ...] = ()  # id of one that is a reason, and for what


class Cases(NamedTuple):
    """All cases of a cell; there are as many of them as the cell's number says.

    But of a group each of its customers is a case, with what he did; so `number` says how many groups there are.
    """

    counted: Counted
    found: list[Case]
    definitions: dict[str, int]
    of_one: Callable[[Held], list[Case]] | None = None  # one customer's with what is read only when he is asked about
    number: int | None = None

    def total(self) -> int:
        return len(self.found) if self.number is None else self.number


def marked(customer: int, marks: Iterable[Mark]) -> Case:
    """The case of a customer that some events, one at least, are the reason for."""
    told = tuple(marks)
    return Case(customer, min(mark.at for mark in told), max(mark.at for mark in told), told)
