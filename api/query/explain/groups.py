"""A cell's group: which values of the breakdown it has."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeVar

from pydantic import Field

from api.query.questions.activity import Doing
from api.query.questions.customer_kinds import Kinds
from api.query.questions.groups import Kind, groups
from api.query.questions.model import Asking, Strict
from pipeline.errors import InvalidQuestion


class OfGroup(Strict):
    """A cell that may be of one group of the breakdown."""

    kind: Kind | None = Field(None, description="of a row of `groups`; null: of all")
    value: str | None = Field(None, description="of a row of `groups` of kind `value`")

    def check(self, breakdown: object) -> None:
        """InvalidQuestion where the answer has no such group."""
        if self.kind is not None and not breakdown:
            raise InvalidQuestion("the answer has no groups: name a breakdown, or leave kind out", field="cell.kind")
        if (self.kind == "value") != (self.value is not None):
            raise InvalidQuestion("kind `value` needs a value, and no other kind has one", field="cell.value")

    def texts(self, counts: Mapping[str, int], limit: int) -> frozenset[str] | None:
        """The breakdown's values that are in it, "" for none; None: all. `counts` are of all values."""
        if self.kind is None:
            return None
        if self.kind != "other":
            return frozenset([self.value or ""])
        return frozenset().union(*(group.texts for group in groups(counts, limit) if group.kind == "other"))


T = TypeVar("T")


def of_kinds(
    asking: Asking, question: Doing, cell: OfGroup, found: Sequence[tuple[int, T]], counted: Sequence[int]
) -> list[tuple[int, T]]:
    """Those of (customer, what he did) who are of the cell's group; `counted` are all customers that groups are made
    of."""
    cell.check(question.breakdown)
    if cell.kind is None:
        return list(found)
    kinds = Kinds(asking, question.breakdown or (), question.include_bots)
    texts = cell.texts(Counter(map(kinds.text, counted)), question.limit) or frozenset()
    return [(customer, did) for customer, did in found if kinds.text(customer) in texts]
