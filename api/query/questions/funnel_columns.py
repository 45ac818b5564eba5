"""Funnels that are found over columns of numbers: the answer of the core to the digit, an event a fraction of its cost.

What an event can do is told by its name here, and by filters on texts where each name stands in one step; then the
store sorts the events, and `pipeline.domain.walks` finds all entries of all customers or sessions at once. All that
needs more of an event than its name and its breakdown's column stays with the core: other filters, what is held
constant, a breakdown by properties, entries that share no event, matchings in any order, segments.
"""

from typing import Final

import numpy as np

from api.query.questions.durations import EDGES, bins, summary
from api.query.questions.funnel_choice import Count
from api.query.questions.funnel_columns_chosen import Table, furthest, with_values
from api.query.questions.funnel_entries import OfFunnel, is_kept
from api.query.questions.funnel_numbers import FunnelGroup, FunnelResult, StepNumbers, group_of, numbered, result_of
from api.query.questions.funnel_plain import MOST_FILTERS, TEXTS, filters_of, is_known
from api.query.questions.model import Asking
from api.query.questions.periods import label
from api.query.questions.ranges import BEGINNING, Range
from pipeline.domain.filters import is_column
from pipeline.domain.funnels import ANY_EVENT, FunnelPlan, compile_funnel
from pipeline.domain.walks import NONE, Events, Ints, filled
from schemas.definitions import Funnel

_COLUMNS: Final = 6
_QUARTER_MS: Final = 900_000  # no period of a zone begins within one


def tallied(asking: Asking, question: OfFunnel, count: Count) -> FunnelResult | None:
    """The numbers; None where the core must count."""
    plan = compile_funnel(count.funnel)
    if not is_columnar(asking, question, count.funnel, plan):
        return None
    table = _table(asking, question, count, plan)
    table = _of_state(table, question, count)
    return _numbers(asking, question, table, count, plan)


def is_columnar(asking: Asking, question: OfFunnel, funnel: Funnel, plan: FunnelPlan) -> bool:
    """By what is asked, so that any option that is not known here goes to the core."""
    names = [name for step in funnel.steps for name in step.events]
    is_apart = len(set(names)) == len(names) and ANY_EVENT not in names
    filters = [one for step in funnel.steps for one in step.where]
    return (
        question.count in ("customers", "sessions")
        and (question.saved is None or not is_kept(question, plan))
        and asking.only is None
        and not (funnel.within_session and question.count == "customers")
        and not funnel.constant
        and not any(one.where for one in funnel.exclusions)
        and (not filters or (is_apart and funnel.order != "strict" and not funnel.exclusions))
        and len(filters) <= MOST_FILTERS
        and all(is_known(one) for one in filters)
        and (funnel.order != "any" or is_apart)
        and isinstance(funnel.breakdown, str)
        and (not funnel.breakdown or (is_column(funnel.breakdown) and funnel.breakdown[1:] in TEXTS))
    )


def _table(asking: Asking, question: OfFunnel, count: Count, plan: FunnelPlan) -> Table:
    """All entries that begin in the range."""
    funnel, options = count.funnel, asking.project.sessions
    begin, end = count.asked
    within = count.asked if count.within_range else Range(begin, end + funnel.window_ms)
    filters = filters_of(funnel)
    names = sorted(plan.named() - {ANY_EVENT})
    able, other = [plan.able_by_name(name) for name in names], plan.able_by_name(ANY_EVENT)
    by_session = question.count == "sessions"
    more = {"by_sender": int(options.sender_sessions), "sessions_from": max(BEGINNING, begin - options.cap_ms)}
    columns = asking.columns(
        "funnel_columns_of_sessions" if by_session else "funnel_columns",
        len(funnel.steps),
        len(filters),
        names=names,
        able=able,
        other_able=other,
        ranks=[_rank(bits, funnel) for bits in able],
        other_rank=_rank(other, funnel),
        events=sorted(plan.events),
        **within.bound(),
        **(more if by_session else {}),
        bots=int(question.include_bots),
        has_values=int(bool(funnel.breakdown)),
        broken_down=_column(funnel) if funnel.breakdown else "event",
        **{f"{name}_{number}": told for number, one in enumerate(filters, 1) for name, told in one.items()},
    )
    actor, at, can, passive, message, value = columns or [np.empty(0, np.uint64)] * _COLUMNS
    fills = filled(Events(actor, at.astype(np.int64), can, passive > 0), plan.rules, begin, end)
    return Table(actor, at.astype(np.int64), message, value, fills)


def _rank(able: int, funnel: Funnel) -> int:
    """Where an event stands among those of one millisecond: by the first step that it can fill, strangers last."""
    steps = able & ((1 << len(funnel.steps)) - 1)
    return (steps & -steps).bit_length() - 1 if steps else len(funnel.steps)


def _column(funnel: Funnel) -> str:
    return str(funnel.breakdown)[1:]


def _of_state(table: Table, question: OfFunnel, count: Count) -> Table:
    """Entries whose windows have ended, or those whose windows still run."""
    if question.entries == "all":
        return table
    is_closed = table.entered_at() < count.now - count.funnel.window_ms
    return table.some(is_closed == (question.entries == "closed"))


def _numbers(asking: Asking, question: OfFunnel, table: Table, count: Count, plan: FunnelPlan) -> FunnelResult:
    texts = _texts(asking, question, count, plan)
    best = table.some(furthest(table, table.actors(), texts))
    first, last = (best.fills[:, step] for step in count.between)
    both = (first != NONE) & (last != NONE)
    took = best.at[last[both]] - best.at[first[both]]
    inside, how_many = np.unique(np.searchsorted(EDGES, took, "right") - 1, return_counts=True)
    groups, left_out = _groups(best, count, texts) if count.funnel.breakdown else ([], 0)
    return result_of(
        count,
        _of_steps(best, count.funnel),
        convert_ms=summary(np.sort(took).tolist()),
        histogram=bins({EDGES[edge]: times for edge, times in zip(inside.tolist(), how_many.tolist(), strict=True)}),
        periods=_periods(table, count, texts),
        groups=groups,
        groups_left_out=left_out,
    )


def _texts(asking: Asking, question: OfFunnel, count: Count, plan: FunnelPlan) -> dict[int, str]:
    """The breakdown's values by their hashes."""
    if not count.funnel.breakdown:
        return {}
    within = Range(count.asked.start, count.asked.end + count.funnel.window_ms)
    rows = asking.rows("funnel_values", events=sorted(plan.events), broken_down=_column(count.funnel), **within.bound())
    return {number: value for value, number in rows}


def _of_steps(table: Table, funnel: Funnel) -> list[StepNumbers]:
    counts, medians, step_medians = [], [], []
    entered = table.entered_at()
    before = entered.copy()
    for step in range(len(funnel.steps)):
        reached = table.fills[:, step] != NONE
        times = table.at[table.fills[reached, step]]
        counts.append(len(times))
        medians.append(_median(times - entered[reached]))
        step_medians.append(_median(times - before[reached]))
        before[reached] = times
    return numbered(funnel, counts, medians, step_medians)


def _median(values: Ints) -> int | None:
    """As durations.percentile has it."""
    place = len(values) * 50 // 100
    return int(np.partition(values, place)[place]) if len(values) else None


def _periods(table: Table, count: Count, texts: dict[int, str]) -> dict[str, list[int]]:
    """By period how many have each step filled, an actor once in each."""
    if count.by is None:
        return {}
    quarters, of_entry = np.unique(table.entered_at() // _QUARTER_MS, return_inverse=True)
    labels = [label(quarter * _QUARTER_MS, count.by, count.zone) for quarter in quarters.tolist()]
    names = sorted(set(labels))
    period = np.array([names.index(one) for one in labels], np.int64)[of_entry]
    # An actor's entries stand in time, so those of a period stand together.
    best = furthest(table, table.actors() * len(names) + period, texts)
    return {
        name: (table.fills[best[period[best] == number]] != NONE).sum(0).tolist() for number, name in enumerate(names)
    }


def _groups(table: Table, count: Count, texts: dict[int, str]) -> tuple[list[FunnelGroup], int]:
    """As funnel_numbers.Groups ranks them."""
    entry, value, is_reached = with_values(table, count.attribution)
    funnel = count.funnel
    found, entered = np.unique(value[is_reached], return_counts=True)
    ranked = sorted(zip(found.tolist(), entered.tolist(), strict=True), key=lambda each: (-each[1], texts[each[0]]))
    groups = []
    for number, _ in ranked[: count.limit]:
        here = entry[is_reached & (value == np.uint64(number))]
        groups.append(group_of(texts[number], "value", _of_steps(table.some(here), funnel)))
    if not is_reached.all():
        groups.append(group_of("", "not_reached", _of_steps(table.some(entry[~is_reached]), funnel)))
    left_out = [number for number, _ in ranked[count.limit :]]
    if left_out:
        rest = np.unique(entry[is_reached & np.isin(value, np.array(left_out, np.uint64))])
        groups.append(group_of("", "other", _of_steps(table.some(rest), funnel)))
    return groups, len(left_out)
