"""The touchpoints of journeys that overlap a time, which tell what journey holds an event."""

from itertools import groupby

from api.query.questions.model import Asking
from api.query.questions.ranges import Range
from pipeline.domain.journeys import SILENCE_MS
from schemas.facts import Touchpoint


def touchpoints_of(asking: Asking, within: Range, at_least: int = 1) -> dict[int, list[Touchpoint]]:
    """Of each customer who has so many journeys that may hold an event of that time, in their order."""
    rows = asking.rows("journey_touchpoints", **within.bound(), silence=SILENCE_MS, at_least=at_least)
    return {
        customer: [Touchpoint(*columns) for _, *columns in mine]
        for customer, mine in groupby(rows, key=lambda row: int(row[0]))
    }


def senders_of(asking: Asking, touchpoints: dict[int, list[Touchpoint]]) -> dict[int, int] | None:
    """The sender's own id of each of these sessions, where sessions go by it: they interleave, so their starts do not
    tell which one holds an event. None where they do not."""
    if not asking.project.sessions.sender_sessions or not touchpoints:
        return None
    begin = min(mine[0].started_at for mine in touchpoints.values())
    end = max(mine[-1].started_at for mine in touchpoints.values())
    return dict(asking.rows("session_senders", **{"from": begin, "to": end}))
