"""The events of journeys that overlap a time, journey by journey.

asked              [from ---------- to)
journeys      [-----------]   [----------------]
events read   [--------------------------------]        all of both, or so far from the range as a window says
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import cast

from api.query.questions import narrowed
from api.query.questions.model import Asking
from api.query.questions.ranges import Range
from api.query.questions.touched import senders_of, touchpoints_of
from pipeline.domain.journeys import SILENCE_MS, by_journey
from schemas.facts import EventRow


def of_journeys(
    asking: Asking,
    names: Iterable[str],
    asked: Range,
    window: int | None,
    include_bots: bool,
    read: Iterable[str],
) -> Iterator[tuple[int, Sequence[EventRow]]]:
    """(customer, the events of one of his journeys, in order).

    `window`: how far from the range events are looked at, ms; None: to the ends of the journeys. `names` and `read`
    are those of `narrowed.of_customers`.
    """
    touchpoints = touchpoints_of(asking, asked)
    if not touchpoints:
        return
    begin = min(mine[0].started_at for mine in touchpoints.values())
    end = max(mine[-1].started_at for mine in touchpoints.values()) + SILENCE_MS
    senders = senders_of(asking, touchpoints)
    if senders is not None:
        read = {*read, "$sender_session"}
    if window is not None:
        begin, end = max(begin, asked.start - window), min(end, asked.end + window)
    found = narrowed.of_customers(asking, names, Range(begin, max(begin, end) + 1), include_bots, read)
    for customer, pairs in groupby(found, key=lambda pair: pair[0]):
        events = [event for _, event in pairs]
        visited = touchpoints.get(customer, ())
        held = by_journey(events, visited, project=asking.project.name, customer=customer, senders=senders)
        for mine in held.values():
            yield customer, cast(list[EventRow], mine)
