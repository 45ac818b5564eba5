"""Journeys broken down: by their first or last channel, their stage, by segments and traits of their customer.

first_channel, last_channel, stage
$segment.NAME             true or false: whether the customer is in that segment now
$customer_now.NAME        a trait of the customer as it is now
$stage_now                what he is now
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal, NamedTuple, get_args

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from api.query.errors import near
from api.query.questions.customer_kinds import PATTERN, Kinds, of_customer, written
from api.query.questions.journey_channels import JourneyShare
from api.query.questions.model import Asking, ratio
from api.query.questions.shares import interval
from api.query.questions.steps import alone, each_once, one_or_many

OfJourney = Literal["first_channel", "last_channel", "stage"]
FIELDS: Final[tuple[str, ...]] = get_args(OfJourney)


def _known(name: str) -> str:
    if name.startswith("$"):
        return of_customer(name)
    if name not in FIELDS:
        raise ValueError(f"is nothing that journeys are broken down by{near(name, FIELDS)}")
    return name


_NAME: Final = {"anyOf": [{"enum": list(FIELDS)}, {"type": "string", "pattern": PATTERN}]}
Breakdown = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_known)]],
    Field(min_length=1, max_length=3),
    BeforeValidator(one_or_many),
    AfterValidator(each_once),
    PlainSerializer(alone),
    WithJsonSchema({"anyOf": [*_NAME["anyOf"], {"type": "array", "items": _NAME, "minItems": 1, "maxItems": 3}]}),
]


class JourneyGroup(JourneyShare):
    value: str | None = Field(description="of the breakdown, of several a JSON array; null: none")
    values: list[str | None] = Field(description="of each of its names; null: none")
    interval: list[float] | None = Field(description="of the rate, with a confidence of 95 % (Wilson)")
    touchpoints: int
    sessions: int
    conversions: int
    value_micros: int
    cost_micros: int
    median_duration_ms: int


class Values(NamedTuple):
    """The values of a breakdown."""

    names: list[str]
    kinds: Kinds

    @classmethod
    def of(cls, asking: Asking, breakdown: list[str] | None) -> "Values":
        names = breakdown or []
        return cls(names, Kinds(asking, [name for name in names if name not in FIELDS], False))

    def together(self, fields: Mapping[str, str], kind: int) -> tuple[str | None, ...]:
        """Those of a journey with these fields, of a customer of this kind."""
        texts = {**fields, **dict(zip(self.kinds.names, self.kinds.texts[kind], strict=True))}
        return tuple(texts[name] or None for name in self.names)


def groups(
    asking: Asking, bound: dict[str, object], breakdown: list[str] | None, limit: int
) -> tuple[list[JourneyGroup], int]:
    """The groups with most journeys, and how many others there are."""
    if not breakdown:
        return [], 0
    values = Values.of(asking, breakdown)
    names = [name for name in breakdown if name in FIELDS]
    found = []
    rows = asking.rows("journeys_groups", **bound, **values.kinds.bound(), breakdown=names, rows=limit)
    for fields, kind, journeys, converted, touchpoints, sessions, conversions, value, cost, median, _ in rows:
        told = values.together(dict(zip(names, fields, strict=True)), kind)
        found.append(
            JourneyGroup(
                value=written(told),
                values=list(told),
                journeys=journeys,
                converted=converted,
                rate=ratio(converted, journeys),
                interval=interval(converted, journeys),
                touchpoints=touchpoints,
                sessions=sessions,
                conversions=conversions,
                value_micros=value,
                cost_micros=cost,
                median_duration_ms=median,
            )
        )
    return found, rows[0][-1] - len(rows) if rows else 0
