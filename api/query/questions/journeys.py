"""Journeys: how many are converted, open or ended without, by stage and length, and the newest with their paths.

A journey is open until 30 days of silence after its last touchpoint; that is computed here, when asked.
"""

from typing import Literal

from pydantic import BaseModel, Field

from api.query.questions.model import Answer, Asking, Solved, hexadecimal
from api.query.questions.ranges import Ranged
from pipeline.domain.journeys import SILENCE_MS

State = Literal["converted", "open", "ended"]


class JourneysQuestion(Ranged):
    newest: int = Field(20, ge=0, le=1000, description="how many journeys to show")
    newest_converted: bool = Field(False, description="show converted ones alone; all are counted")


class JourneyCount(BaseModel):
    state: str = Field(description="converted, open (another touchpoint may still belong to it) or ended")
    stage: str = Field(description="visitor, lead, customer or returning")
    journeys: int
    touchpoints: int
    sessions: int
    conversions: int
    value_micros: int
    cost_micros: int


class JourneyLength(BaseModel):
    touchpoints: int = Field(description="10 stands for ten and more")
    journeys: int
    converted: int
    median_duration_ms: int = Field(description="from the first to the last touchpoint")


class JourneyShown(BaseModel):
    id: str
    customer: str
    started_at: int
    last_at: int
    state: str
    stage: str
    touchpoints: int
    sessions: int
    conversions: int
    value_micros: int
    cost_micros: int
    path: list[str] = Field(description="acquisition of its sessions and channel of its other touchpoints, in order")


class JourneysResult(BaseModel):
    journeys: int
    converted: int
    currency: str
    counts: list[JourneyCount] = Field(description="by state and stage, most first")
    lengths: list[JourneyLength]
    newest: list[JourneyShown] = Field(description="those that moved last first")


class JourneysAnswer(Answer[JourneysQuestion, JourneysResult]):
    """Journeys that start in the range."""


def solve(asking: Asking, question: JourneysQuestion) -> Solved[JourneysQuestion, JourneysResult]:
    bound = question.range(asking.now).bound()
    counts = [
        JourneyCount(
            state=state,
            stage=stage,
            journeys=journeys,
            touchpoints=touchpoints,
            sessions=sessions,
            conversions=conversions,
            value_micros=value,
            cost_micros=cost,
        )
        for state, stage, journeys, touchpoints, sessions, conversions, value, cost in asking.rows(
            "journeys", **bound, now=asking.now, silence=SILENCE_MS
        )
    ]
    lengths = [
        JourneyLength(touchpoints=length, journeys=journeys, converted=converted, median_duration_ms=median)
        for length, journeys, converted, median in asking.rows("journeys_length", **bound)
    ]
    result = JourneysResult(
        journeys=sum(each.journeys for each in counts),
        converted=sum(each.journeys for each in counts if each.state == "converted"),
        currency=asking.project.currency,
        counts=counts,
        lengths=lengths,
        newest=_newest(asking, question, bound),
    )
    return Solved(question, {"journey": 1, "session": 1} | asking.goal_versions(), result)


def _newest(asking: Asking, question: JourneysQuestion, bound: dict[str, int]) -> list[JourneyShown]:
    if not question.newest:
        return []
    rows = asking.rows("journeys_newest", **bound, rows=question.newest, converted=int(question.newest_converted))
    return [
        JourneyShown(
            id=hexadecimal(number),
            customer=hexadecimal(customer),
            started_at=started,
            last_at=last,
            state=state_of(converted, last, asking.now),
            stage=stage,
            touchpoints=touchpoints,
            sessions=sessions,
            conversions=conversions,
            value_micros=value,
            cost_micros=cost,
            path=path,
        )
        for (
            number, customer, started, last, touchpoints, sessions, conversions, converted, value, cost, path, stage,
        ) in rows
    ]  # fmt: skip


def state_of(is_converted: bool, last_at: int, now: int) -> State:
    """The state of a journey at `now`; questions/journeys.sql says the same."""
    if is_converted:
        return "converted"
    return "open" if last_at + SILENCE_MS >= now else "ended"
