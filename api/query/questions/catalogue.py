"""The catalogue: names of events with their counts, their properties with types and frequent values.

Counts of events are exact. Properties are those of a sample of each event's rows, and say of how many.
"""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.query.questions.model import Answer, Asking, Solved
from api.query.questions.ranges import Counted

MOST_EVENTS, MOST_PROPERTIES = 5_000, 20_000
_TYPES = {"Int64": "number", "UInt64": "number", "Double": "number", "Bool": "boolean"}


class CatalogueQuestion(Counted):
    """It comes as an address's query, whose numbers are text: hence not strict."""

    model_config = ConfigDict(strict=False)

    sample: int = Field(1_000, ge=0, le=100_000, description="rows of each event that are looked into for properties")


class CatalogueQuery(CatalogueQuestion):
    """The question as parameters of an address, which are all texts; an empty one is null."""

    model_config = ConfigDict(strict=False)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_null(cls, given: Any) -> Any:
        return {name: value or None for name, value in given.items()} if isinstance(given, dict) else given


class Property(BaseModel):
    name: str
    types: list[str] = Field(description="text, number, boolean, array, object or null")
    share: float = Field(description="of the sampled rows, those that have it")
    distinct: int = Field(description="different values in the sample, about")
    frequent: list[Any] = Field(description="frequent values, most frequent first; long ones are cut")


class CatalogueEvent(BaseModel):
    name: str
    type: str
    count: int
    devices: int = Field(description="different devices, about")
    first_at: int
    last_at: int
    sampled: int
    properties: list[Property]


class CatalogueResult(BaseModel):
    events: list[CatalogueEvent] = Field(description="most frequent first")


class CatalogueAnswer(Answer[CatalogueQuestion, CatalogueResult]):
    """What there is to ask about."""


def solve(asking: Asking, question: CatalogueQuestion) -> Solved[CatalogueQuestion, CatalogueResult]:
    bound = question.range(asking.now).bound() | {"bots": int(question.include_bots)}
    rows = asking.rows("catalogue_events", **bound, rows=MOST_EVENTS)
    properties: dict[str, list[Property]] = {}
    sizes = {name: min(count, question.sample) for name, _, count, *_ in rows}
    found = (
        asking.rows("catalogue_properties", **bound, sample=question.sample, rows=MOST_PROPERTIES)
        if question.sample
        else []
    )
    for event, name, count, types, distinct, frequent in found:
        if sizes.get(event):
            one = Property(
                name=name,
                types=sorted({_TYPES.get(kind, kind.lower().replace("string", "text")) for kind in types}),
                share=min(1.0, count / sizes[event]),
                distinct=distinct,
                frequent=[_value(raw) for raw in frequent],
            )
            properties.setdefault(event, []).append(one)
    events = [
        CatalogueEvent(
            name=name,
            type=kind,
            count=count,
            devices=devices,
            first_at=first,
            last_at=last,
            sampled=sizes[name],
            properties=properties.get(name, []),
        )
        for name, kind, count, devices, first, last in rows
    ]
    return Solved(question, {}, CatalogueResult(events=events))


def _value(raw: str) -> Any:
    """A JSON text as its value; one that was cut for its length stays text."""
    try:
        return json.loads(raw)
    except ValueError:
        return raw
