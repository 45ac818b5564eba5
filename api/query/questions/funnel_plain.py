"""Funnels that ClickHouse counts: the answer of the core to the digit, without an event or an entry in Python.

Plain is what a customer's events decide by their times alone: ordered, no step optional, no exclusion, nothing held
constant, no breakdown, and no event that could fill two steps. All else stays with the core.

ClickHouse's windowFunnel finds how far a customer comes, but not with which entry, so neither the times nor the periods
nor which of equals is the earliest: `funnel_plain.sql` hands times back along the customer's sorted events instead.

Of a saved funnel of any kind the entries are there, each with those of the same customer that would count in its
stead: `funnel_saved.sql`, for most funnels `funnel_saved_short.sql`, takes the one that counts of each customer, where
neither a breakdown nor periods are asked for. Of entries that were written before their rivals were looked up
`funnel_grouped.sql` does, where the funnel has at most six steps.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from api.query.questions.durations import EDGES, SHARES, bins
from api.query.questions.funnel_choice import Count
from api.query.questions.funnel_entries import OfFunnel, is_kept
from api.query.questions.funnel_numbers import FunnelResult, numbered, result_of
from api.query.questions.model import Asking
from api.query.questions.periods import label
from api.query.questions.ranges import Range
from pipeline.domain.filters import is_column, text
from pipeline.domain.funnels import ANY_EVENT, compile_funnel
from schemas.definitions import Filter, Funnel

_LEVEL_BITS = 6  # of a period's number and the furthest step in it
MOST_FILTERS = 64  # each makes the statement longer, and ClickHouse parses 256 KiB
_MOST_GROUPED = 6  # steps whose times `funnel_grouped.sql` compares
_MOST_SHORT, _SHORT_MS = 6, (1 << 32) - 1  # steps that have a column of their own, and what it can tell
_EPOCH = date(1970, 1, 1)
# Columns that are texts, and operators on texts: what each tests, and whether it is negated.
TEXTS = frozenset(
    ("event", "type", "channel", "contact", "host", "path", "referrer_host", "acquisition", "utm_source", "utm_medium")
    + ("utm_campaign", "click_id", "country", "region", "city", "browser", "os", "device_type", "currency", "source")
)
_TESTS = {
    "is": ("in", False), "in": ("in", False), "is_not": ("in", True), "not_in": ("in", True),
    "contains": ("contains", False), "not_contains": ("contains", True), "regex": ("regex", False),
    "set": ("set", False), "not_set": ("set", True),
}  # fmt: skip


def tallied(asking: Asking, question: OfFunnel, count: Count) -> FunnelResult | None:
    """The numbers; None where the core must count."""
    if is_plain(asking, question, count):
        return _plain(asking, question, count)
    if _is_kept(asking, question, count):
        return _kept(asking, question, count)
    return None


def is_plain(asking: Asking, question: OfFunnel, count: Count) -> bool:
    """By what is asked, so that any option that is not known here goes to the core."""
    funnel = count.funnel
    names = [name for step in funnel.steps for name in step.events]
    return (
        question.saved is None
        and _of_customers(asking, question)
        and funnel == Funnel(funnel.name, funnel.steps, funnel.window_ms, version=funnel.version)
        and not any(step.optional for step in funnel.steps)
        and all(is_known(one) for step in funnel.steps for one in step.where)
        and sum(len(step.where) for step in funnel.steps) <= MOST_FILTERS
        and len(set(names)) == len(names)
        and ANY_EVENT not in names
    )


def _is_kept(asking: Asking, question: OfFunnel, count: Count) -> bool:
    return (
        question.saved is not None
        and is_kept(question, compile_funnel(count.funnel))
        and _of_customers(asking, question)
        and not count.funnel.breakdown
        and count.by is None
    )


def is_known(one: Filter) -> bool:
    """Whether the filter is one on a text that ClickHouse reads as the core does."""
    if one != Filter(one.property, one.operator, one.value) or one.operator not in _TESTS:
        return False
    return one.property[1:] in TEXTS if is_column(one.property) else "." not in one.property


def filters_of(funnel: Funnel) -> list[dict[str, Any]]:
    """Parameters of each filter."""
    found = []
    for step in funnel.steps:
        for one in step.where:
            operator, is_negated = _TESTS[one.operator]
            values = one.value if isinstance(one.value, list | tuple) else [one.value]
            found.append(
                {
                    "names": list(step.events),
                    "of_column": int(is_column(one.property)),
                    "column": one.property[1:] if is_column(one.property) else "properties",
                    "property": one.property,
                    "operator": operator,
                    "negated": int(is_negated),
                    "values": [text(value) for value in values],
                    "part": text(values[0]),
                }
            )
    return found


def _of_customers(asking: Asking, question: OfFunnel) -> bool:
    return question.count == "customers" and asking.only is None


def _plain(asking: Asking, question: OfFunnel, count: Count) -> FunnelResult:
    funnel = count.funnel
    numbers = {name: at for at, step in enumerate(funnel.steps) for name in step.events}
    filters = filters_of(funnel)
    (row,) = asking.rows(
        "funnel_plain",
        len(funnel.steps),
        len(filters),
        int(count.by is not None),
        names=list(numbers),
        numbers=list(numbers.values()),
        **_entering(question, count).bound(),
        until=count.asked.end + (0 if count.within_range else funnel.window_ms),
        window=funnel.window_ms,
        bots=int(question.include_bots),
        by=count.by or "",
        zone=str(count.zone),
        **_times(count),
        **{f"{name}_{at}": value for at, one in enumerate(filters, 1) for name, value in one.items()},
    )
    *numbers_of_steps, periods = row
    return _result(count, numbers_of_steps, _by_label(periods, count))


def _kept(asking: Asking, question: OfFunnel, count: Count) -> FunnelResult | None:
    funnel = count.funnel
    asked = _entering(question, count).bound() | _times(count)
    asked |= {"funnel": funnel.name, "funnel_version": funnel.version}
    size = len(funnel.steps)
    if size <= _MOST_SHORT and funnel.window_ms < _SHORT_MS:
        edges = [edge for edge in EDGES if edge <= funnel.window_ms]
        between = {name: f"took_{step + 1}" for name, step in zip(("begins", "ends"), count.between, strict=True)}
        ((unknown, *numbers, times),) = asking.rows(
            "funnel_saved_short", size, len(edges) - 1, max(0, size - 2), **asked, **between
        )
        numbers.append(_filled(edges, times))
    else:
        ((unknown, *numbers),) = asking.rows("funnel_saved", **asked)
    if not unknown:
        return _result(count, numbers, {})
    if size > _MOST_GROUPED:
        return None
    (row,) = asking.rows("funnel_grouped", **asked, steps=size)
    return _result(count, row, {})


def _filled(edges: Sequence[int], times: Sequence[int]) -> tuple[list[int], list[int]]:
    """The edges of the bins that hold a time, and how many each holds."""
    held = [(edge, number) for edge, number in zip(edges, times, strict=True) if number]
    return [edge for edge, _ in held], [number for _, number in held]


def _times(count: Count) -> dict[str, Any]:
    first, last = count.between
    return {"convert_from": first + 1, "convert_to": last + 1, "edges": list(EDGES)}


def _result(count: Count, row: Sequence[Any], periods: dict[str, list[int]]) -> FunnelResult:
    counts, medians, step_medians, timed, total, least, most, shares, histogram = row
    size = len(count.funnel.steps)
    reached = [*counts, *[0] * (size - len(counts))][:size]
    summary = {f"p{share}": at for share, at in zip(SHARES, shares, strict=True)}
    summary |= {"mean": round(total / timed) if timed else 0, "min": least, "max": most}
    return result_of(
        count,
        numbered(count.funnel, reached, _by_step(medians, reached), _by_step(step_medians, reached)),
        convert_ms=summary if timed else None,
        histogram=bins(dict(zip(*histogram, strict=True))),
        periods=periods,
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


def _by_step(medians: list[int], reached: list[int]) -> list[int | None]:
    """None where nobody came."""
    known = [*medians, *[0] * (len(reached) - len(medians))][: len(reached)]
    return [median if customers else None for median, customers in zip(known, reached, strict=True)]


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
