"""Steps of funnels and filters, as questions and saved definitions write them."""

import re
from collections.abc import Iterable
from math import isfinite
from typing import Annotated, Any, Final, Literal, Self

from msgspec.structs import replace
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)

from api.query.errors import near
from api.query.questions.model import Strict, refused
from pipeline.domain import filters
from pipeline.errors import InvalidQuestion
from schemas import definitions
from schemas.definitions import Operator

LEAST_STEPS, MOST_STEPS, MOST_EXCLUSIONS = 2, 32, 10
MOST_WINDOW_MS: Final = 366 * 86_400_000
DEFAULT_WINDOW_MS: Final = 7 * 86_400_000
_DURATION = re.compile(r"([0-9]{1,12}) ?(ms|s|m|h|d|w)")
_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}


def _window(given: Any) -> Any:
    """ms from 604800000, "7d", "30m" or "1500ms"."""
    if isinstance(given, str):
        match = _DURATION.fullmatch(given.strip())
        if not match:
            raise ValueError("must be milliseconds, or a number and ms, s, m, h, d or w, as 7d")
        given = int(match[1]) * _UNITS[match[2]]
    if isinstance(given, int) and not isinstance(given, bool) and not 0 < given <= MOST_WINDOW_MS:
        raise ValueError("must be more than 0 and at most 366d")
    return given


Window = Annotated[
    int,
    BeforeValidator(_window),
    WithJsonSchema({
        "anyOf": [{"type": "integer", "minimum": 1, "maximum": MOST_WINDOW_MS}, {"type": "string"}],
        "description": "ms, or a number and ms, s, m, h, d or w, as 7d; later steps may follow within it, inclusive",
    }),
]  # fmt: skip


SESSION: Final = "session"


def _window_or_session(given: Any) -> Any:
    """As a window, or that of the session."""
    if given == SESSION:
        return given
    try:
        found = _window(given)
    except ValueError as error:
        raise ValueError(f"{error}; or session") from error
    if not isinstance(found, int) or isinstance(found, bool):
        raise ValueError("must be an integer of milliseconds, or text as 7d; or session")
    return found


FunnelWindow = Annotated[
    int | Literal["session"],
    PlainValidator(_window_or_session),
    WithJsonSchema({
        "anyOf": [{"type": "integer", "minimum": 1, "maximum": MOST_WINDOW_MS}, {"type": "string"}],
        "description": "as a window; or session: every step lies in the session of the first",
    }),
]  # fmt: skip


def _one_or_many(given: Any) -> Any:
    return [given] if isinstance(given, str) else given


def _name(name: str) -> str:
    if not name.strip():
        raise ValueError("an event's name must not be empty")
    return name


EventName = Annotated[str, Field(max_length=1000), AfterValidator(_name)]
EventNames = Annotated[
    list[EventName],
    Field(min_length=1, max_length=100, description="names of events, any of which will do; in a step * is every one"),
    BeforeValidator(_one_or_many),
]


def _value(given: Any) -> Any:
    """A number, a text, true, false or null, or a list of such; what an operator takes of them is the core's to say."""
    for one in given if isinstance(given, list) else [given]:
        if not isinstance(one, str | int | float | None):
            raise ValueError("must be a number, a text, true, false or null, or a list of such")
        if isinstance(one, float) and not isfinite(one):
            raise ValueError("a number must be finite")
    return given


_SCALARS = [{"type": kind} for kind in ("string", "number", "boolean", "null")]
Value = Annotated[
    Any,
    AfterValidator(_value),
    WithJsonSchema({
        "anyOf": [*_SCALARS, {"type": "array", "items": {"anyOf": _SCALARS}}],
        "description": "a list for in, not_in and between; none for set and not_set",
    }),
]  # fmt: skip


class Filter(Strict):
    """A predicate on one property. Where the event lacks it only is_not, not_in, not_contains and not_set hold."""

    property: str = Field(
        min_length=1, max_length=1000, description="a property's name, or $channel, $country, $path ..."
    )
    operator: Operator = "is"
    value: Value = None

    def definition(self) -> definitions.Filter:
        return definitions.Filter(self.property, self.operator, self.value)


Where = Annotated[list[Filter], Field(max_length=50, description="all of them must hold")]


class Step(Strict):
    events: EventNames | None = None
    goal: str | None = Field(
        None, min_length=1, max_length=200, description="name of a goal, instead of events: whatever meets it"
    )
    where: Where = []
    label: str = Field("", max_length=200)
    optional: bool = Field(False, description="who leaves it out may go on; neither the first step nor the last")

    @model_validator(mode="after")
    def _events_or_goal(self) -> Self:
        if (self.events is None) == (self.goal is None):
            raise refused("goal" if self.goal else "events", "one is required: either events or a goal")
        return self

    def definition(self, goals: Iterable[definitions.Goal], field: str) -> definitions.Step:
        """The step with the events of its goal. InvalidQuestion, with the field, for a goal that there is not."""
        where = tuple(one.definition() for one in self.where)
        if self.goal is None:
            return definitions.Step(tuple(self.events or ()), where, self.label, self.optional)
        known = {goal.name: goal for goal in goals}
        if self.goal not in known:
            told = f"there is no goal of this name{near(self.goal, tuple(known))}"
            raise InvalidQuestion(told, field=f"{field}.goal")
        step = definitions.Step((), where, self.label, self.optional, self.goal)
        return of_goal(step, known[self.goal])

    @classmethod
    def of(cls, step: definitions.Step) -> "Step":
        own = step.where[: len(step.where) - step.goal_filters]
        return cls(
            events=None if step.goal else list(step.events),
            goal=step.goal or None,
            where=[filter_of(one) for one in own],
            label=step.label,
            optional=step.optional,
        )


def of_goal(step: definitions.Step, goal: definitions.Goal) -> definitions.Step:
    """The step of a goal as the goal is now."""
    own = step.where[: len(step.where) - step.goal_filters]
    return replace(step, events=goal.events, where=(*own, *goal.where), goal_filters=len(goal.where))


def steps_of(steps: Iterable[Step], goals: Iterable[definitions.Goal]) -> tuple[definitions.Step, ...]:
    """The steps of a question or a saved funnel."""
    known = tuple(goals)
    return tuple(step.definition(known, f"steps[{number}]") for number, step in enumerate(steps))


class Exclusion(Strict):
    """What must not happen after one step of an entry and before another."""

    events: EventNames
    where: Where = []
    after: int = Field(1, description="number of a step, from 1")
    before: int | None = Field(None, description="number of a later step; null: the last")
    effect: Literal["remove", "drop"] = Field(
        "remove", description="the entry does not count at all; or it ends where it stands"
    )

    def definition(self) -> definitions.Exclusion:
        where = tuple(one.definition() for one in self.where)
        # 0 is the last step in a definition alone: who asks for step 0 is told that there is none.
        before = 0 if self.before is None else self.before or -1
        return definitions.Exclusion(tuple(self.events), where, self.after, before, self.effect)

    @classmethod
    def of(cls, one: definitions.Exclusion) -> "Exclusion":
        where = [filter_of(each) for each in one.where]
        return cls(events=list(one.events), where=where, after=one.after, before=one.before or None, effect=one.effect)


def window_of(window: int | str | None) -> dict[str, Any]:
    """As the fields of a definition."""
    if window == SESSION:
        return {"within_session": True}
    return {"window_ms": window or DEFAULT_WINDOW_MS}


def one_or_many(given: Any) -> Any:
    """A breakdown's names: one alone, or a list; "" is none."""
    return [given] if isinstance(given, str) and given else [] if given == "" else given


def each_once(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise ValueError("each property once")
    return names


def alone(names: list[str]) -> str | list[str]:
    """As it is written: one name alone, none as ""."""
    return "" if not names else names[0] if len(names) == 1 else names


def breakdown_schema(name: dict[str, Any], least: int) -> WithJsonSchema:
    """One name or a list of names."""
    return WithJsonSchema({"anyOf": [name, {"type": "array", "items": name, "minItems": least, "maxItems": 3}]})


_names = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=1000)]],
    Field(max_length=3),
    BeforeValidator(one_or_many),
    AfterValidator(each_once),
    PlainSerializer(alone),
]
Breakdown = Annotated[_names, Field(min_length=1), breakdown_schema({"type": "string", "minLength": 1}, 1)]
SavedBreakdown = Annotated[_names, breakdown_schema({"type": "string"}, 0)]


def breakdown_of(names: list[str] | None) -> str | tuple[str, ...]:
    """As a definition has it."""
    return tuple(names) if names and len(names) > 1 else names[0] if names else ""


Order = Literal["ordered", "strict", "any"]
Constant = Annotated[list[Annotated[str, Field(min_length=1, max_length=1000)]], Field(max_length=3)]
Exclusions = Annotated[list[Exclusion], Field(max_length=MOST_EXCLUSIONS)]


def filter_of(one: definitions.Filter) -> Filter:
    """The filter of a saved definition as questions write it."""
    value = list(one.value) if isinstance(one.value, tuple) else one.value
    return Filter(property=one.property, operator=one.operator, value=value)


def check(where: list[Filter], field: str) -> None:
    """InvalidQuestion, with the field, for a column that there is none of or a value that the operator cannot take."""
    filters.compile([one.definition() for one in where], field)
