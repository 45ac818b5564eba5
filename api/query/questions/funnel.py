"""Funnel: how many customers (or sessions) come how far through steps, how fast, by a breakdown and by period.

Ad hoc and saved are counted the same way, so both give the same.
"""

from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, WithJsonSchema

from api.query.errors import near
from api.query.questions import funnel_columns, funnel_entries, funnel_plain, known
from api.query.questions.funnel_choice import Count
from api.query.questions.funnel_compared import FunnelCompared, compared
from api.query.questions.funnel_entries import Found, OfFunnel
from api.query.questions.funnel_numbers import FunnelResult, tallied
from api.query.questions.model import Answer, Asking, Solved, Strict
from api.query.questions.ranges import Period, Range, preceding
from api.query.questions.steps import LEAST_STEPS, MOST_STEPS, Breakdown, breakdown_of
from pipeline.domain.funnels import compile_funnel
from pipeline.errors import InvalidQuestion
from schemas.definitions import Funnel

_NAMED = ("first", "last", "all")


def _attribution(given: Any) -> Any:
    if given not in _NAMED and (not isinstance(given, int) or isinstance(given, bool) or given < 1):
        raise ValueError(f"must be 'first', 'last', 'all' or the number of a step{near(given, _NAMED)}")
    return given


Attribution = Annotated[
    Any,
    AfterValidator(_attribution),
    WithJsonSchema({"anyOf": [{"enum": list(_NAMED)}, {"type": "integer", "minimum": 1, "maximum": MOST_STEPS}]}),
]


class Convert(Strict):
    """Two steps, by their numbers from 1."""

    from_: int = Field(1, alias="from", ge=1, le=MOST_STEPS, description="number of a step, from 1")
    to: int | None = Field(None, ge=1, le=MOST_STEPS, description="number of a later step; null: the last")


class FunnelQuestion(OfFunnel):
    breakdown: Breakdown | None = Field(
        None, description="a property, or $channel, $session.entry_page ...; or a list of up to three, taken together"
    )
    attribution: Attribution = Field(
        "first",
        description="where the breakdown is read: first or last step filled, a step's number, "
        "or all: counted under each value",
    )
    limit: int = Field(
        100, ge=1, le=1000, description="values of the breakdown, those with most entries first; the rest is `other`"
    )
    convert: Convert = Field(Convert.model_validate({}), description="the steps between which times are taken")
    by: Period | None = Field(None, description="the period in which an entry begins, in the zone")
    compare: Literal["previous"] | None = Field(
        None, description="previous: tell the time of the same length right before the range, too, and the differences"
    )


class FunnelAnswer(Answer[FunnelQuestion, FunnelCompared]):
    """The entries that begin in the range."""


def solve(asking: Asking, question: FunnelQuestion) -> Solved[FunnelQuestion, FunnelCompared]:
    earlier = before(asking, question) if question.compare else None
    found, how = entered(asking, question)
    result = _told(asking, question, found, how)
    doubtful = known.warnings(asking, funnel_entries.doubtful(found.funnel, [step.count for step in result.steps]))
    told = None
    if earlier:
        told = _told(asking, question, *entered(asking, question, earlier))
    return Solved(question, found.definitions, compared(result, told, earlier), found.warnings + doubtful)


def _told(asking: Asking, question: FunnelQuestion, found: Found, how: Count) -> FunnelResult:
    """The numbers: by ClickHouse where it can count, over columns, or else from the entries; all give the same."""
    return (
        funnel_plain.tallied(asking, question, how)
        or funnel_columns.tallied(asking, question, how)
        or tallied(found.actors, how)
    )


def before(asking: Asking, question: FunnelQuestion) -> Range:
    """The time that `compare` sets beside the range; InvalidQuestion where the range has an open end."""
    return preceding(question.range(asking.now), ZoneInfo(question.zone or "UTC"), "compare")


def entered(asking: Asking, question: FunnelQuestion, asked: Range | None = None) -> tuple[Found, Count]:
    """The entries that begin in the range (or another time), and how they count.

    InvalidQuestion for steps that the funnel does not have.
    """
    asked = asked or question.range(asking.now)
    found = funnel_entries.entered(asking, question, asked, breakdown_of(question.breakdown))
    return found, _count(asking, question, found.funnel, asked)


def _count(asking: Asking, question: FunnelQuestion, funnel: Funnel, asked: Range) -> Count:
    """How to count; InvalidQuestion for steps that the funnel does not have."""
    size, told = len(funnel.steps), question.attribution
    if told != "first" and not funnel.breakdown:
        raise InvalidQuestion("this says where a breakdown is read: name a breakdown too", field="attribution")
    if isinstance(told, int) and told > size:
        raise InvalidQuestion(f"the funnel has {size} steps", field="attribution")
    first, last = question.convert.from_, question.convert.to or size
    if first >= size:
        raise InvalidQuestion(f"must be the number of a step from 1 to {size - 1}", field="convert.from")
    if not first < last <= size:
        raise InvalidQuestion(
            f"must be the number of a step later than {first}, and {size} at most", field="convert.to"
        )
    return Count(
        funnel=funnel,
        asked=asked,
        zone=ZoneInfo(question.zone or "UTC"),
        now=asking.now,
        entries=question.count == "entries",
        by=question.by,
        limit=question.limit,
        attribution=told,
        between=(first - 1, last - 1),
        within_range=question.within_range,
    )


def check_funnel(funnel: Funnel) -> None:
    """InvalidQuestion, with the field, where a funnel cannot be followed."""
    if not LEAST_STEPS <= len(funnel.steps) <= MOST_STEPS:
        raise InvalidQuestion(f"a funnel has from {LEAST_STEPS} to {MOST_STEPS} steps", field="steps")
    compile_funnel(funnel)
