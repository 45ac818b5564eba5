"""Sessions with their customers."""

from collections.abc import Iterator
from typing import NamedTuple

from api.query.questions.model import Asking
from api.query.questions.ranges import BEGINNING, Range
from schemas.facts import Session


class Owned(NamedTuple):
    """A session, whose it is, and whether it is that customer's first one ever (where that was asked for)."""

    customer: int
    is_first: bool
    session: Session


def sessions(asking: Asking, within: Range, include_bots: bool, *, firsts: bool = False) -> Iterator[Owned]:
    """The sessions that start in a time, in time."""
    for customer, is_first, *columns in asking.rows(
        "owned_sessions", **within.bound(), bots=int(include_bots), firsts=int(firsts)
    ):
        if asking.only is None or customer in asking.only:
            yield Owned(customer, bool(is_first), Session(*columns))


def customers_of_sessions(asking: Asking, within: Range) -> dict[int, int]:
    """Session's id -> customer, of every session that may hold an event of that time.

    Of a bot's sessions too: a session is flagged by its first event, and later ones may be a person's.
    """
    reach = asking.project.sessions.cap_ms
    around = Range(max(BEGINNING, within.start - reach), within.end + reach)
    return {owned.session.id: owned.customer for owned in sessions(asking, around, include_bots=True)}
