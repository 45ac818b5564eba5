"""Which sessions `sessions` and `bounce` are about: filters on fields of the session, and on what its
customer is.

    channel, views ...        as $session.NAME of an event; also with $ or $session. before them
    $segment.NAME             true or false: whether its customer is in that segment now
    $customer_now.NAME        a trait of its customer as it is now
    $stage_now                what its customer is now

What a filter means is the core's to say. So the store tells the different combinations of the fields' texts that there
are, and each is judged once; so is every customer about whom something is known.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from api.query.questions.customer_kinds import NOBODYS, PREFIXES, check_size, known
from api.query.questions.model import Asking
from api.query.questions.ranges import Range
from api.query.questions.session_texts import texts_bound
from api.query.questions.session_values import column
from api.query.questions.steps import Filter
from pipeline.domain import asked, filters
from pipeline.errors import InvalidQuestion
from schemas import definitions
from schemas.facts import NOTHING, Session


def _named(one: Filter, field: str) -> definitions.Filter:
    """The filter under the name that the core knows."""
    if one.property.startswith(asked.CUSTOMER):
        why = f"a session is no moment: ask {asked.CUSTOMER_NOW}{asked.rest(one.property)}, as it is now"
        raise InvalidQuestion(why, field=f"{field}.property")
    if one.property == asked.STAGE:
        raise InvalidQuestion(f"a session is no moment: ask {asked.STAGE_NOW}", field=f"{field}.property")
    if one.property.startswith(PREFIXES):
        return one.definition()
    return msgspec.structs.replace(one.definition(), property=f"{asked.SESSION}{column(one.property)}")


class Chosen:
    """The sessions that all filters let through."""

    def __init__(self, asking: Asking, where: Sequence[Filter], within: Range, include_bots: bool) -> None:
        """InvalidQuestion, with the field, for a name that there is none of or a value that an operator cannot take."""
        named = [_named(one, f"where[{at}]") for at, one in enumerate(where)]
        filters.compile(named)
        of_session = [one for one in named if one.property.startswith(asked.SESSION)]
        of_customer = [one for one in named if not one.property.startswith(asked.SESSION)]
        self.names: Final = sorted({asked.rest(one.property) for one in of_session})
        self._holds: Final = filters.compile(of_session)
        self._combinations: Final = self._read(asking, within, include_bots) if of_session else None
        self._narrow, self._only = 1 if asking.only is not None else 0, asking.only or frozenset[int]()
        if of_customer:
            self._judge(asking, of_customer, include_bots)

    def _read(self, asking: Asking, within: Range, include_bots: bool) -> list[int]:
        rows = asking.rows(
            "session_combinations",
            0,
            len(self.names),
            **within.bound(),
            **texts_bound(self.names),
            bots=int(include_bots),
        )
        return [number for number, texts in rows if self._lets(dict(zip(self.names, texts, strict=True)))]

    def _lets(self, texts: Mapping[str, str]) -> bool:
        return self._holds(msgspec.structs.replace(NOBODYS, session=texts), NOTHING)

    def _judge(self, asking: Asking, of_customer: Sequence[definitions.Filter], include_bots: bool) -> None:
        """Whose sessions they are: of these customers, or of all but these, where it holds of whoever is unknown."""
        holds = filters.compile(of_customer)
        names = [one.property for one in of_customer]
        is_open = holds(NOBODYS, NOTHING)
        told = frozenset(
            customer for customer, event in known(asking, names, include_bots) if holds(event, NOTHING) != is_open
        )
        if not is_open:
            self._narrow, self._only = 1, told & self._only if self._narrow else told
        elif self._narrow:
            self._only -= told
        else:
            self._narrow, self._only = 2, told
        check_size(len(self._only), "where")

    def bound(self) -> dict[str, Any]:
        """As the parameters of a statement that has a part for each of `names`."""
        return {
            "where": int(self._combinations is not None),
            **texts_bound(self.names),
            "combinations": self._combinations or [],
            "narrow": self._narrow,
            "only": sorted(self._only),
        }

    def holds(self, session: Session, customer: int) -> bool:
        """Whether it is one of them."""
        texts = {name: filters.text(asked.SESSION_PROPERTIES[name](session)) for name in self.names}
        is_named = customer in self._only
        return (not self._narrow or is_named == (self._narrow == 1)) and self._lets(texts)
