"""The answer to a question about a funnel, in the shape of docs/questions.md."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC
from fractions import Fraction
from typing import Any

from tests.evaluator.accounts import accounts
from tests.evaluator.asked import Asked
from tests.evaluator.entries import Entry, furthest, opened, sharing_nothing
from tests.evaluator.happenings import Happening, Json, values_text

Answer = dict[str, Any]
Group = tuple[str, str | None]


def rate(part: int, whole: int) -> float | None:
    return None if whole == 0 else part / whole


def wilson(part: int, whole: int) -> list[float] | None:
    """Wilson's interval at 95 %: E. B. Wilson, Probable inference, 1927."""
    if whole == 0:
        return None
    z, p = 1.959963984540054, part / whole
    middle = p + z * z / (2 * whole)
    spread = z * math.sqrt(p * (1 - p) / whole + z * z / (4 * whole * whole))
    return [(middle - spread) / (1 + z * z / whole), (middle + spread) / (1 + z * z / whole)]


def quantile(values: Iterable[int], at: Fraction) -> int | None:
    """A value that occurred; of two middle ones the greater."""
    ordered = sorted(values)
    return ordered[min(math.floor(at * len(ordered)), len(ordered) - 1)] if ordered else None


def median(values: Iterable[int]) -> int | None:
    return quantile(values, Fraction(1, 2))


def since_step_before(entry: Entry, step: int) -> int:
    before = [number for number in entry.fills if number < step]
    return entry.fills[step].at - entry.fills[max(before)].at if before else 0


def step_rows(asked: Asked, counted: Sequence[Entry]) -> list[Answer]:
    rows = []
    for number in range(1, len(asked.steps) + 1):
        here = [entry for entry in counted if number in entry.fills]
        required = [one for one in range(1, number) if asked.order == "any" or not asked.steps[one - 1].get("optional")]
        base = [entry for entry in counted if not required or max(required) in entry.fills]
        rows.append(
            {
                "count": len(here),
                "rate": rate(len(here), len(counted)),
                "step_rate": rate(len(here), len(base)),
                "dropped": sum(number not in entry.fills for entry in base),
                "median_ms": median(entry.fills[number].at - entry.first.at for entry in here),
                "median_step_ms": median(since_step_before(entry, number) for entry in here),
            }
        )
    return rows


def groups_of(asked: Asked, entry: Entry) -> set[Group]:
    """The groups of the breakdown under which an entry counts."""

    def group(happening: Happening) -> Group:
        value = values_text(happening, asked.question["breakdown"])
        return ("none", None) if value is None else ("value", value)

    where = asked.get("attribution", "first")
    if where == "all":
        return {group(happening) for happening in entry.fills.values()}
    if where in ("first", "last"):
        return {group(entry.first if where == "first" else entry.last)}
    return {group(entry.fills[where])} if where in entry.fills else {("not_reached", None)}


def convert_times(asked: Asked, counted: Iterable[Entry]) -> list[int]:
    between = asked.get("convert", {})
    start, end = between.get("from") or 1, between.get("to") or len(asked.steps)
    return sorted(
        entry.fills[end].at - entry.fills[start].at for entry in counted if start in entry.fills and end in entry.fills
    )


def spread(times: Sequence[int]) -> Answer | None:
    if not times:
        return None
    parts: Answer = {f"p{at}": quantile(times, Fraction(at, 100)) for at in (10, 25, 50, 75, 90, 95, 99)}
    return parts | {"mean": Fraction(sum(times), len(times)), "min": times[0], "max": times[-1]}


def period_rows(asked: Asked, entries_of: dict[str, list[Entry]], counted: Iterable[Entry]) -> dict[str, Answer]:
    """By the period's name: counts by step, and whether a window of it may still run."""
    begun = defaultdict(list)
    if asked.get("count") == "entries":
        for entry in counted:
            begun[asked.period_of(entry.first.at)].append(entry)
    else:
        for entries in entries_of.values():
            periods = {asked.period_of(entry.first.at).astimezone(UTC) for entry in entries}
            for period in periods:
                here = [one for one in entries if asked.period_of(one.first.at).astimezone(UTC) == period]
                begun[period.astimezone(asked.zone)].append(furthest(here))
    return {
        period.strftime("%Y-%m-%dT%H:%M:%S%z" if asked.question["by"] == "hour" else "%Y-%m-%d"): {
            "counts": [sum(step in entry.fills for entry in entries) for step in range(1, len(asked.steps) + 1)],
            "unfinished": asked.may_still_run(asked.last_of(period)),
        }
        for period, entries in begun.items()
    }


def counted_entries(asked: Asked, entries_of: dict[str, list[Entry]]) -> list[Entry]:
    if asked.get("count") == "entries":
        return [entry for entries in entries_of.values() for entry in sharing_nothing(entries)]
    return [furthest(entries) for entries in entries_of.values()]


def all_entries(asked: Asked, happenings: Iterable[Happening]) -> dict[str, list[Entry]]:
    """By actor; those without an entry are left out."""
    of_actor = defaultdict(list)
    known = list(happenings)
    of_account = (
        accounts(known, include_bots=asked.get("include_bots", False)) if asked.get("count") == "groups" else {}
    )
    for happening in known:
        actor = of_account[happening] if of_account else asked.actor_of(happening)
        if actor is not None:
            of_actor[actor].append(happening)
    entries = {actor: opened(asked, actor, events) for actor, events in of_actor.items()}
    return {actor: opened_by for actor, opened_by in entries.items() if opened_by}


def answer(question: dict[str, Json], happenings: Iterable[Happening], now: int) -> Answer:
    """What a question should be answered, over all events of a project, when asked at `now` (UTC ms).

    Groups are all that there are, by (kind, value), however small `limit` is; the histogram is left to `times`.
    """
    asked = Asked(question, now)
    entries_of = all_entries(asked, happenings)
    counted = counted_entries(asked, entries_of)
    steps = step_rows(asked, counted)
    times = convert_times(asked, counted)
    groups: dict[Group, list[Entry]] = defaultdict(list)
    for entry in counted if asked.get("breakdown") else ():
        for group in groups_of(asked, entry):
            groups[group].append(entry)
    return {
        "entered": len(counted),
        "converted": steps[-1]["count"],
        "rate": rate(steps[-1]["count"], len(counted)),
        "interval": wilson(steps[-1]["count"], len(counted)),
        "steps": steps,
        "times": times,
        "convert_ms": spread(times),
        "groups": {group: step_rows(asked, entries) for group, entries in groups.items()},
        "members": dict(groups),
        "periods": period_rows(asked, entries_of, counted) if asked.get("by") else {},
    }
