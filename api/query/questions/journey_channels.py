"""Journeys by the channels of their touchpoints: the first, the last, from which to which, and whole sequences.

touchpoints   email  email  direct  paid_search
channels      first email, last paid_search
transitions   email -> email (not with `fold`), email -> direct, direct -> paid_search
sequence      email, email, direct, paid_search (folded: email, direct, paid_search)
"""

from itertools import groupby
from typing import Literal

from pydantic import BaseModel, Field

from api.query.questions.model import Asking, ratio

Fold = Literal["none", "repeats"]
MOST_TRANSITIONS = 2_000  # from every channel to every other, were there 44 of them


class JourneyShare(BaseModel):
    """Some of the journeys."""

    journeys: int
    converted: int
    rate: float | None = Field(description="converted / journeys")


class JourneyChannel(JourneyShare):
    channel: str = Field(description="acquisition of a session, channel of another touchpoint")
    value_micros: int
    median_duration_ms: int


class JourneySequence(JourneyShare):
    path: list[str]
    value_micros: int
    median_duration_ms: int


class JourneyTransition(JourneyShare):
    source: str
    target: str
    transitions: int = Field(description="how often; more than once in a journey, perhaps")
    share: float = Field(description="of all transitions from `source`")


def by_channel(asking: Asking, bound: dict[str, object], limit: int) -> dict[str, list[JourneyChannel]]:
    """By the channel of the first touchpoint (`first`) and of the last (`last`), those of most journeys."""
    found: dict[str, list[JourneyChannel]] = {"first": [], "last": []}
    rows = asking.rows("journeys_channels", **bound)
    for place, of_place in groupby(rows, key=lambda row: str(row[0])):
        found[place] = [
            JourneyChannel(
                channel=channel,
                journeys=journeys,
                converted=converted,
                rate=ratio(converted, journeys),
                value_micros=value,
                median_duration_ms=median,
            )
            for _, channel, journeys, converted, value, median in list(of_place)[:limit]
        ]
    return found


def transitions(asking: Asking, bound: dict[str, object], fold: Fold) -> list[JourneyTransition]:
    """From any channel to any, most often first."""
    rows = asking.rows("journeys_transitions", **bound, fold=int(fold == "repeats"), rows=MOST_TRANSITIONS)
    return [
        JourneyTransition(
            source=source,
            target=target,
            transitions=times,
            share=times / of_source,
            journeys=journeys,
            converted=converted,
            rate=ratio(converted, journeys),
        )
        for source, target, times, journeys, converted, of_source in rows
    ]


def sequences(asking: Asking, bound: dict[str, object], fold: Fold, limit: int) -> tuple[list[JourneySequence], int]:
    """The most common sequences, and how many others there are."""
    rows = asking.rows("journeys_sequences", **bound, fold=int(fold == "repeats"), rows=limit)
    found = [
        JourneySequence(
            path=path,
            journeys=journeys,
            converted=converted,
            rate=ratio(converted, journeys),
            value_micros=value,
            median_duration_ms=median,
        )
        for path, journeys, converted, value, median, _ in rows
    ]
    return found, rows[0][5] - len(rows) if rows else 0
