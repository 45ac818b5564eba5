"""The time that a question is about.

`from` and `to` are ISO dates or times in the project's zone (or with an offset of their own), half-open: from
"2026-03-01" to "2026-04-01" is March. null leaves an end open. `last` takes their place: "24h" is the running hour and
the 23 before it, "7d" today and the 6 days before it, so too "4w" and "90m" (minutes); "today" and "yesterday". Days
and weeks of `last` begin at midnight in the zone. Default: last 30d.
"""

import re
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, model_validator

from api.query.errors import near
from api.query.questions.model import Strict
from pipeline.errors import InvalidQuestion
from pipeline.ingest.event_time import BEGINNING as BEGINNING  # the other questions take it from here

END = 4_102_444_800_000  # 2100, ms: no accepted event lies outside of BEGINNING (1970) and this
_LAST = re.compile(r"([1-9][0-9]{0,4})([mhdw])")
_SPANS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}

Period = Literal["hour", "day", "week", "month"]


@lru_cache(1)
def _zones() -> tuple[str, ...]:
    return tuple(sorted(available_timezones()))


def _zone(name: str | None) -> str | None:
    if name is not None and name not in _zones():
        hint = near(name, _zones()) or ", as Europe/Berlin"
        raise ValueError(f"is no zone of the IANA data base{hint}")
    return name


def _time(text: str | None) -> str | None:
    if text is not None:
        _parsed(text)
    return text


def _parsed(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("must be an ISO date or time, as 2026-03-31 or 2026-03-31T08:30") from None
    if not 1970 <= found.year < 2100:
        raise ValueError("must lie between 1970 and 2099")
    return found


def _last(text: str | None) -> str | None:
    if text is None or text in ("today", "yesterday"):
        return text
    match = _LAST.fullmatch(text)
    if not match or int(match[1]) * _SPANS[match[2]] > timedelta(days=36_500):
        raise ValueError("must be a number and m, h, d or w, as 24h or 7d, or today, or yesterday")
    return text


Moment = Annotated[str | None, AfterValidator(_time)]
Zone = Annotated[str | None, AfterValidator(_zone)]
Last = Annotated[str | None, AfterValidator(_last)]


class Range(NamedTuple):
    """Half-open, ms."""

    start: int
    end: int

    def bound(self) -> dict[str, int]:
        """As the parameters of a statement."""
        return {"from": self.start, "to": self.end}


class Ranged(Strict):
    """A question about a time, in a zone."""

    from_: Moment = Field(None, alias="from", description="ISO date or time; null: from the beginning")
    to: Moment = Field(None, description="ISO date or time, exclusive; null: no end")
    last: Last = Field("30d", description="instead of from and to: 7d, 24h, today, yesterday")
    zone: Zone = Field(None, description="zone of dates and periods; default: the project's")

    @model_validator(mode="before")
    @classmethod
    def _from_and_to_replace_last(cls, given: Any) -> Any:
        if isinstance(given, dict) and "last" not in given and ("from" in given or "from_" in given or "to" in given):
            return {**given, "last": None}
        return given

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.last is not None and (self.from_ is not None or self.to is not None):
            raise ValueError("give either last or from and to")
        return self

    def range(self, now: int) -> Range:
        """The range in ms; `zone` is filled in. InvalidQuestion where nothing lies between from and to."""
        zone = ZoneInfo(self.zone or "UTC")
        if self.last is not None:
            return _running(self.last, datetime.fromtimestamp(now / 1000, zone))
        start = max(BEGINNING, _ms(_parsed(self.from_), zone)) if self.from_ else BEGINNING
        end = min(END, _ms(_parsed(self.to), zone)) if self.to else END
        if start >= end:
            raise InvalidQuestion("from must be before to; to is exclusive", field="from")
        return Range(start, end)


class Counted(Ranged):
    """A question about what visitors did, with or without bots."""

    include_bots: bool = Field(False, description="count what known bots did, too")


Segments = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=10)]


class OfCustomers(Counted):
    """A question about what all customers did, or those of some segments."""

    segments: Segments = Field([], description="only customers who are in all these saved segments now")


def preceding(asked: Range, zone: ZoneInfo, field: str) -> Range:
    """The time of the same length right before: as many days in the zone where a day begins at both ends, else ms.

    InvalidQuestion at `field` for a range with an open end, and for one that nothing can lie before.
    """
    if asked.start <= BEGINNING or asked.end >= END:
        raise InvalidQuestion("a range with an open end has nothing before it: name last, or from and to", field=field)
    start, end = (datetime.fromtimestamp(ms / 1000, zone) for ms in asked)
    if _begins_day(start) and _begins_day(end):
        day = start.date() - (end.date() - start.date())
        begin = round(datetime.combine(day, time(), zone).timestamp() * 1000)
    else:
        begin = asked.start - (asked.end - asked.start)
    return Range(max(BEGINNING, begin), asked.start)


def _begins_day(moment: datetime) -> bool:
    """Whether a day begins then: at midnight, or at one where the clocks go from midnight to one."""
    return datetime.combine(moment.date(), time(), moment.tzinfo).timestamp() == moment.timestamp()


def _running(last: str, now: datetime) -> Range:
    """Whole minutes, hours or days with the running one as the last, so that an answer moves only with its data."""
    midnight = datetime.combine(now.date(), time(), now.tzinfo)
    tomorrow = datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo)
    if last == "today":
        return _between(midnight, tomorrow)
    if last == "yesterday":
        return _between(datetime.combine(now.date() - timedelta(days=1), time(), now.tzinfo), midnight)
    match = _LAST.fullmatch(last)
    assert match
    count, unit = int(match[1]), match[2]
    if unit in "dw":
        days = count * (7 if unit == "w" else 1)
        return _between(datetime.combine(now.date() - timedelta(days=days - 1), time(), now.tzinfo), tomorrow)
    end = now.astimezone(UTC).replace(second=0, microsecond=0)
    end = end.replace(minute=0) + timedelta(hours=1) if unit == "h" else end + timedelta(minutes=1)
    return _between(end - count * _SPANS[unit], end)


def _between(start: datetime, end: datetime) -> Range:
    return Range(max(BEGINNING, round(start.timestamp() * 1000)), round(end.timestamp() * 1000))


def _ms(moment: datetime, zone: ZoneInfo) -> int:
    return round((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp() * 1000)
