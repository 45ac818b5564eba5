"""What all questions have in common: strict models, the frame of an answer, and what a question is answered from."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from api.query.errors import MOST_MISTAKES, near
from pipeline.store.port import Column, Cost, Row, Stop, Store
from pipeline.store.sql import load
from schemas.definitions import Funnel, Goal, Project, Segment

Q = TypeVar("Q", bound=BaseModel)
R = TypeVar("R", bound=BaseModel)

MOST_ROWS = 20_000  # rows of a broken down answer
MOST_MEMBERS = 1_000_000  # customers whose ids a statement is told
MOST_NAMED = 8  # fields that an error names
ROWS_OF_COLUMNS = 4  # times as many rows may come back as columns of numbers


class Strict(BaseModel):
    """No unknown field, no silent conversion; a misspelt field is answered with the nearest known one, and what else is
    wrong beside it."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)

    @model_validator(mode="wrap")
    @classmethod
    def _only_known(cls, given: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        names = [field.alias or name for name, field in cls.model_fields.items()]
        known = {*names, *cls.model_fields}
        if not isinstance(given, dict | cls) and len(names) <= MOST_NAMED:
            raise ValueError(f"must be a JSON object; its fields are {', '.join(names)}")
        if not isinstance(given, dict) or given.keys() <= known:
            return handler(given)
        mistakes = [_unknown(name, cls) for name in given if name not in known][:MOST_MISTAKES]
        try:
            handler({name: value for name, value in given.items() if name in known})
        except ValidationError as error:
            mistakes += [
                InitErrorDetails(
                    type=PydanticCustomError(one["type"], one["msg"], one.get("ctx")),
                    loc=one["loc"],
                    input=one["input"],
                )
                for one in error.errors(include_url=False)
            ]
        raise ValidationError.from_exception_data(cls.__name__, mistakes)


def _unknown(name: Any, model: type[BaseModel]) -> InitErrorDetails:
    fields = [field.alias or name for name, field in model.model_fields.items()]
    told = str(name)[:100].encode("utf-8", "replace").decode()
    context = {"field": told, "hint": near(told, fields)}
    return InitErrorDetails(
        type=PydanticCustomError("unknown_field", "'{field}' is no field here{hint}", context), input=None
    )


class Answer(BaseModel, Generic[Q, R]):
    """The frame of every answer. `definitions` names every notion used and its version."""

    question: Q = Field(description="the question with every default filled in; asking it again gives the same")
    definitions: dict[str, int] = Field(description="notions that decide the numbers, and their versions")
    data_until: int | None = Field(
        description="ms; everything received up to this time is in the numbers; null: nothing yet"
    )
    warnings: list[str] = Field(description="what is odd about the question, as an event name that nobody ever sent")
    result: R


class Statement(NamedTuple):
    """A statement that a question was answered with, and what it cost."""

    name: str  # of the .sql file
    sql: str
    parameters: Mapping[str, Any]
    rows: int  # that came back
    read: Cost
    ms: float


class Asking(NamedTuple):
    """What a question is answered from."""

    store: Store
    project: Project
    goals: tuple[Goal, ...]
    funnels: Mapping[str, Funnel]
    now: int  # ms
    statements: list[Statement]  # what has been read so far
    segments: Mapping[str, Segment]
    memberships: dict[str, frozenset[int]]  # of segments that were looked at: the customers in them
    members_of: Callable[["Asking", str], frozenset[int]]  # `segments.members`
    kept: set[str]  # funnels whose entries were read as the agents keep them, as `funnel.NAME`
    notions: dict[str, int]  # looked at on the way (a filter on a session is about sessions), and their versions
    limits: Mapping[str, int | str]  # of a statement: a question that would pass one is refused by the store
    stop: Stop = Stop()  # set when nobody waits for the answer any more
    only: frozenset[int] | None = None  # the customers that the question is about; None: everybody
    inside: tuple[str, ...] = ()  # segments whose members are being found out

    def rows(self, name: str, steps: int = 0, filters: int = 0, fields: int = 0, /, **parameters: Any) -> list[Row]:
        """Rows of questions/NAME.sql about the asked project; for so many steps, filters and fields where the statement
        has a part for each."""
        sql, bound = load(__package__, name, steps, filters, fields), {"project": self.project.name, **parameters}
        begun = time.perf_counter()
        rows, read = self.store.measured(sql, bound, self.limits, self.stop)
        self._note(name, sql, bound, len(rows), read, begun)
        return rows

    def columns(self, name: str, steps: int = 0, filters: int = 0, /, **parameters: Any) -> list[Column]:
        """The same, of a statement whose columns are numbers: an array of each, none at all where no row came. They may
        be of more rows, because a row takes a small part of the memory that one of `rows` does."""
        sql, bound = load(__package__, name, steps, filters), {"project": self.project.name, **parameters}
        limits = {**self.limits, "max_result_rows": int(self.limits["max_result_rows"]) * ROWS_OF_COLUMNS}
        begun = time.perf_counter()
        columns, read = self.store.columns(sql, bound, limits, self.stop)
        self._note(name, sql, bound, len(columns[0]) if columns else 0, read, begun)
        return columns

    def _note(self, name: str, sql: str, bound: dict[str, Any], rows: int, read: Cost, begun: float) -> None:
        ms = (time.perf_counter() - begun) * 1000
        self.statements.append(Statement(name, sql, bound, rows, read, ms))

    def only_bound(self) -> dict[str, Any]:
        """As the parameters of a statement."""
        return {"narrow": int(self.only is not None), "only": sorted(self.only or ())}

    def goal_versions(self) -> dict[str, int]:
        """The goals that decide what a conversion is."""
        return {f"goal.{goal.name}": goal.version for goal in self.goals}


class Solved(NamedTuple, Generic[Q, R]):
    """A question's result before it is put in the frame."""

    question: Q
    definitions: dict[str, int]
    result: R
    warnings: list[str] = []


def refused(field: str, message: str) -> PydanticCustomError:
    """What a validator of a whole question raises, so that the error names the field at fault."""
    return PydanticCustomError("question", "{message}", {"field": field, "message": message})


def hexadecimal(identifier: int) -> str:
    """An id as 16 hex digits: JSON's numbers lose bits in browsers."""
    return f"{identifier:016x}"


def ratio(part: int, whole: int) -> float | None:
    """part / whole; null where there is no whole."""
    return part / whole if whole else None
