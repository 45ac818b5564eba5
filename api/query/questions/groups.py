"""The groups of a breakdown: those of the values that most have, `other` for the rest; no value is a value, too."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from pydantic import BaseModel, Field

from pipeline.domain.breakdowns import apart

Kind = Literal["value", "none", "other"]


class GroupRow(BaseModel):
    """What every group of an answer begins with."""

    value: str | None = Field(description="of the breakdown; of several together a JSON array")
    values: list[str | None] = Field(description="of each property of the breakdown; null: none; empty for `other`")
    kind: Kind = Field(description="none: without a value; other: those beyond `limit`")


class Group(NamedTuple):
    """Its place in the answer, and the texts that are in it ("" is none)."""

    value: str | None
    kind: Kind
    texts: frozenset[str]

    def row(self, breakdown: Sequence[str]) -> GroupRow:
        values = [] if self.kind == "other" else apart(self.value, len(breakdown))
        return GroupRow(value=self.value, values=values, kind=self.kind)


def ranked(counts: Mapping[str, int]) -> list[str]:
    """Values, those of most first; ties go by name, "" is none."""
    return sorted(counts, key=lambda value: (-counts[value], value))


def groups(counts: Mapping[str, int], limit: int) -> list[Group]:
    """As many groups as `limit`, most first, and `other` last where there are more values."""
    rank = ranked(counts)
    own = [Group(value or None, "value" if value else "none", frozenset([value])) for value in rank[:limit]]
    return [*own, Group(None, "other", frozenset(rank[limit:]))] if len(rank) > limit else own
