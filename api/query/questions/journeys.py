"""Journeys: how many are converted, open or ended without, by stage, length, duration and channels; and the newest.

A journey is open until 30 days of silence after its last touchpoint; that is computed here, when asked.
"""

from typing import Literal

from pydantic import BaseModel, Field

from api.query.questions import journey_channels, journey_groups
from api.query.questions.durations import EDGES, SHARES
from api.query.questions.journey_channels import (
    Fold,
    JourneyChannel,
    JourneySequence,
    JourneyShare,
    JourneyTransition,
)
from api.query.questions.journey_groups import Breakdown, JourneyGroup
from api.query.questions.model import Answer, Asking, Solved, hexadecimal, ratio
from api.query.questions.ranges import Ranged, Segments
from api.query.questions.shares import interval
from pipeline.domain.journeys import SILENCE_MS

State = Literal["converted", "open", "ended"]


class JourneysQuestion(Ranged):
    segments: Segments = Field([], description="only customers who are in all these saved segments now")
    fold: Fold = Field(
        "none", description="repeats: in transitions and sequences a channel that follows itself is one with it"
    )
    breakdown: Breakdown | None = Field(
        None,
        description="one, or a list of up to three, taken together: first_channel, last_channel, stage, $segment.NAME, "
        "$customer_now.NAME or $stage_now",
    )
    limit: int = Field(20, ge=1, le=1000, description="channels, sequences and groups, those of most journeys first")
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


class JourneyLength(JourneyShare):
    touchpoints: int = Field(description="10 stands for ten and more")
    median_duration_ms: int = Field(description="from the first to the last touchpoint")


class JourneyDuration(JourneyShare):
    """from_ms <= duration < to_ms."""

    from_ms: int
    to_ms: int | None = Field(description="exclusive; null: no end")


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
    rate: float | None = Field(description="converted / journeys")
    interval: list[float] | None = Field(
        description="between these two the rate lies with a confidence of 95 % (Wilson); null where there is none"
    )
    currency: str
    counts: list[JourneyCount] = Field(description="by state and stage, most first")
    lengths: list[JourneyLength]
    duration_ms: dict[str, int] | None = Field(
        description="from the first touchpoint to the last: p10, p25, p50, p75, p90, p95, p99, mean, min, max"
    )
    durations: list[JourneyDuration] = Field(description="by length of time; empty ones at both ends are left out")
    first_channels: list[JourneyChannel] = Field(description="by the channel of the first touchpoint")
    last_channels: list[JourneyChannel] = Field(description="by that of the last")
    transitions: list[JourneyTransition] = Field(description="from any channel to any, most often first")
    sequences: list[JourneySequence] = Field(description="of channels, those of most journeys first")
    sequences_left_out: int = Field(description="other ones, beyond `limit`")
    newest: list[JourneyShown] = Field(description="those that moved last first")
    groups: list[JourneyGroup] = Field(description="by the breakdown, most journeys first; empty without one")
    groups_left_out: int = Field(description="groups beyond `limit`")


class JourneysAnswer(Answer[JourneysQuestion, JourneysResult]):
    """Journeys that start in the range."""


def solve(asking: Asking, question: JourneysQuestion) -> Solved[JourneysQuestion, JourneysResult]:
    bound: dict[str, object] = {**question.range(asking.now).bound(), **asking.only_bound()}
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
        JourneyLength(
            touchpoints=length,
            journeys=journeys,
            converted=converted,
            rate=ratio(converted, journeys),
            median_duration_ms=median,
        )
        for length, journeys, converted, median in asking.rows("journeys_length", **bound)
    ]
    every = sum(each.journeys for each in counts)
    converted = sum(each.journeys for each in counts if each.state == "converted")
    channels = journey_channels.by_channel(asking, bound, question.limit)
    sequences, left_out = journey_channels.sequences(asking, bound, question.fold, question.limit)
    groups, groups_left_out = journey_groups.groups(asking, bound, question.breakdown, question.limit)
    result = JourneysResult(
        journeys=every,
        converted=converted,
        rate=ratio(converted, every),
        interval=interval(converted, every),
        currency=asking.project.currency,
        counts=counts,
        lengths=lengths,
        duration_ms=_spans(asking, bound),
        durations=_durations(asking, bound),
        first_channels=channels["first"],
        last_channels=channels["last"],
        transitions=journey_channels.transitions(asking, bound, question.fold),
        sequences=sequences,
        sequences_left_out=left_out,
        newest=_newest(asking, question, bound),
        groups=groups,
        groups_left_out=groups_left_out,
    )
    return Solved(question, definitions(asking), result)


def definitions(asking: Asking) -> dict[str, int]:
    return {"journey": 1, "session": 1} | asking.goal_versions()


def _spans(asking: Asking, bound: dict[str, object]) -> dict[str, int] | None:
    ((journeys, shares, mean, least, most),) = asking.rows("journeys_spans", **bound)
    if not journeys:
        return None
    found = {f"p{share}": ms for share, ms in zip(SHARES, shares, strict=True)}
    return found | {"mean": round(mean), "min": least, "max": most}


def _durations(asking: Asking, bound: dict[str, object]) -> list[JourneyDuration]:
    """Bins from the first that holds a journey to the last."""
    found = {begin: (journeys, converted) for begin, journeys, converted in asking.rows(
        "journeys_durations", **bound, edges=list(EDGES)
    )}  # fmt: skip
    if not found:
        return []
    bins = []
    for begin, end in zip(EDGES, (*EDGES[1:], None), strict=True):
        if min(found) <= begin <= max(found):
            journeys, converted = found.get(begin, (0, 0))
            share = ratio(converted, journeys)
            bins.append(JourneyDuration(from_ms=begin, to_ms=end, journeys=journeys, converted=converted, rate=share))
    return bins


def _newest(asking: Asking, question: JourneysQuestion, bound: dict[str, object]) -> list[JourneyShown]:
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
