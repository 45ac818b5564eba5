"""Plain ordered funnels, counted by ClickHouse: the answer of the core to the digit, without an event in Python.

Plain is what a customer's events decide by their times alone: ordered, no step optional, no exclusion, nothing held
constant, no breakdown, and no event that could fill two steps. All else stays with the core.

ClickHouse's windowFunnel finds how far a customer comes, but not with which entry, so neither the times nor the periods
nor which of equals is the earliest: `funnel_plain.sql` hands times back along the customer's sorted events instead.
"""

from datetime import date, timedelta
from typing import Any

from api.query.questions.durations import EDGES, SHARES, bins
from api.query.questions.funnel_choice import Count
from api.query.questions.funnel_entries import OfFunnel
from api.query.questions.funnel_numbers import FunnelResult, numbered, result_of
from api.query.questions.model import Asking
from api.query.questions.periods import label
from api.query.questions.ranges import Range
from pipeline.domain.funnels import ANY_EVENT
from schemas.definitions import Funnel, Step

_LEVEL_BITS = 6  # of a period's number and the furthest step in it
_EPOCH = date(1970, 1, 1)


def is_plain(asking: Asking, question: OfFunnel, count: Count) -> bool:
    """Whether `tallied` may answer: by what is asked, so that any option it does not know goes to the core."""
    funnel = count.funnel
    names = [name for step in funnel.steps for name in step.events]
    return (
        question.saved is None
        and question.count == "customers"
        and asking.only is None
        and funnel == Funnel(funnel.name, funnel.steps, funnel.window_ms, version=funnel.version)
        and all(step == Step(step.events, label=step.label) for step in funnel.steps)
        and len(set(names)) == len(names)
        and ANY_EVENT not in names
    )


def tallied(asking: Asking, question: OfFunnel, count: Count) -> FunnelResult:
    """The numbers of a funnel that is plain."""
    funnel, asked = count.funnel, _entering(question, count)
    size = len(funnel.steps)
    numbers = {name: at for at, step in enumerate(funnel.steps) for name in step.events}
    (row,) = asking.rows(
        "funnel_plain",
        size,
        names=list(numbers),
        numbers=list(numbers.values()),
        **asked.bound(),
        until=count.asked.end + (0 if count.within_range else funnel.window_ms),
        window=funnel.window_ms,
        bots=int(question.include_bots),
        convert_from=count.between[0] + 1,
        convert_to=count.between[1] + 1,
        edges=list(EDGES),
        by=count.by or "",
        zone=str(count.zone),
    )
    counts, medians, step_medians, timed, total, least, most, shares, histogram, periods = row
    reached = [*counts, *[0] * (size - len(counts))]
    steps = numbered(funnel, reached, _all_of(medians, size), _all_of(step_medians, size))
    summary = {f"p{share}": at for share, at in zip(SHARES, shares, strict=True)}
    summary |= {"mean": round(total / timed) if timed else 0, "min": least, "max": most}
    return result_of(
        count,
        steps,
        convert_ms=summary if timed else None,
        histogram=bins(dict(zip(*histogram, strict=True))),
        periods=_by_label(periods, count),
    )


def _entering(question: OfFunnel, count: Count) -> Range:
    """When the entries begin that count: of closed ones before the last window that has ended, of open ones after."""
    start, end = count.asked
    last_closed = count.now - count.funnel.window_ms
    if question.entries == "closed":
        return Range(start, max(start, min(end, last_closed)))
    if question.entries == "open":
        return Range(min(end, max(start, last_closed)), end)
    return count.asked


def _all_of(medians: list[int], size: int) -> list[int | None]:
    """Medians by step; None where nobody came."""
    return [*medians, *[None] * (size - len(medians))]


def _by_label(periods: Any, count: Count) -> dict[str, list[int]]:
    """Customers by step of each period, from [period << 6 | furthest step] and how many have that as theirs."""
    found: dict[str, list[int]] = {}
    if count.by is None:
        return found
    for key, customers in zip(*periods, strict=True):
        number, level = key >> _LEVEL_BITS, key & ((1 << _LEVEL_BITS) - 1)
        if count.by == "hour":
            name = label(number * 1000, count.by, count.zone)
        else:
            name = (_EPOCH + timedelta(days=number)).isoformat()
        counts = found.setdefault(name, [0] * len(count.funnel.steps))
        for step in range(level):
            counts[step] += customers
    return found
