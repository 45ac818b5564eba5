"""Periods of a zone, named by their start: 2026-03-29 for days, weeks (Mondays) and months, else the hour's time.

The .sql files name them the same way; hours carry their offset, so the hour that a change of clocks repeats is two. One
that begins with a change by half an hour is named by that: in Lord Howe 01:30 is 30 minutes long where summer ends.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from api.query.questions.ranges import BEGINNING, END, Period, Range

MOST_PERIODS = 10_000
HOUR_MS = 3_600_000
_QUARTER_MS: Final = 900_000  # offsets of zones, and changes of their clocks, come in quarters


def label(ms: int, by: Period, zone: ZoneInfo) -> str:
    """The name of the period that holds a time."""
    local = datetime.fromtimestamp(ms / 1000, zone)
    if by == "hour":
        return _hour(ms, local, zone).strftime("%Y-%m-%dT%H:%M:%S%z")
    return _first_day(local.date(), by).isoformat()


def _hour(ms: int, local: datetime, zone: ZoneInfo) -> datetime:
    """Where the hour that holds a time begins, or, where clocks have changed since then, the change."""
    offset, since = local.utcoffset(), local.minute * 60 + local.second
    begins = (datetime.fromtimestamp(ms // 1000 - since + quarter, zone) for quarter in range(0, 3600, 900))
    return next(begin for begin in begins if begin.utcoffset() == offset)


def all_between(asked: Range, by: Period, zone: ZoneInfo, found: Iterable[str]) -> list[str]:
    """Names of all periods in time, so that one in which nothing happened has its place.

    An open end is where the first or last of `found` is; beyond MOST_PERIODS only the found ones come back.
    """
    known = sorted(found, key=start_of)
    if not known and (asked.start == BEGINNING or asked.end == END):
        return []
    first = _at(known[0], zone) if asked.start == BEGINNING else asked.start
    last = _at(known[-1], zone) if asked.end == END else asked.end - 1
    names: list[str] = []
    if by == "hour":
        if (last - first) // HOUR_MS >= MOST_PERIODS:
            return known
        # Half hours, because offsets of zones and changes of their clocks come in halves.
        names = [label(ms, by, zone) for ms in (*range(first, last, HOUR_MS // 2), last)]
        return list(dict.fromkeys(names))
    day = _first_day(datetime.fromtimestamp(first / 1000, zone).date(), by)
    end = datetime.fromtimestamp(last / 1000, zone).date()
    if (end - day).days >= MOST_PERIODS * {"day": 1, "week": 7, "month": 30}[by]:
        return known
    while day <= end:
        names.append(day.isoformat())
        day = _first_day(day + timedelta(days={"day": 1, "week": 7, "month": 31}[by]), by)
    return names


def end_of(name: str, by: Period, zone: ZoneInfo) -> int:
    """Where a period ends, exclusive, ms."""
    start = datetime.fromisoformat(name)
    if by == "hour":
        begin = round(start.timestamp() * 1000)
        quarters = range(begin + _QUARTER_MS, begin + HOUR_MS, _QUARTER_MS)
        return next((ms for ms in quarters if label(ms, by, zone) != name), begin + HOUR_MS)
    following = _first_day(start.date() + timedelta(days={"day": 1, "week": 7, "month": 31}[by]), by)
    return _at(following.isoformat(), zone)


def after(name: str, by: Period, steps: int) -> str:
    """The name of the day, week or month so many later."""
    day = date.fromisoformat(name)
    if by == "month":
        month = day.month - 1 + steps
        return day.replace(year=day.year + month // 12, month=month % 12 + 1).isoformat()
    return (day + timedelta(days=steps * {"day": 1, "week": 7, "hour": 0}[by])).isoformat()


def distance(name: str, later: str, by: Period) -> int:
    """How many days, weeks or months lie between two of them."""
    one, other = date.fromisoformat(name), date.fromisoformat(later)
    if by == "month":
        return (other.year - one.year) * 12 + other.month - one.month
    return (other - one).days // (7 if by == "week" else 1)


def start_ms(name: str, zone: ZoneInfo) -> int:
    """Where a period begins, ms."""
    return _at(name, zone)


def start_of(name: str) -> datetime:
    """Where a period stands among others of its kind."""
    start = datetime.fromisoformat(name)
    return start if start.tzinfo else start.replace(tzinfo=UTC)


def _at(name: str, zone: ZoneInfo) -> int:
    start = datetime.fromisoformat(name)
    return round((start if start.tzinfo else start.replace(tzinfo=zone)).timestamp() * 1000)


def _first_day(day: date, by: Period) -> date:
    if by == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if by == "month" else day
