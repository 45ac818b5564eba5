"""A question about a funnel in its public form, with the defaults that docs/questions.md gives."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.evaluator.happenings import Happening, Json, meets, property_text

UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}


def milliseconds(window: Json) -> int:
    if window is None:
        return 7 * UNITS["d"]
    if window == "session":  # the cap: no session lasts longer
        return UNITS["d"]
    if isinstance(window, int):
        return window
    amount, unit = re.fullmatch(r"(\d+)(ms|[smhdw])", window).groups()  # type: ignore[union-attr]
    return int(amount) * UNITS[unit]


def moment(words: str | None, zone: ZoneInfo) -> int | None:
    if words is None:
        return None
    found = datetime.fromisoformat(words)
    found = found if found.tzinfo else found.replace(tzinfo=zone)
    return int(found.timestamp()) * 1000 + found.microsecond // 1000


@dataclass(frozen=True)
class Asked:
    """A question, and the moment at which it is asked (UTC ms)."""

    question: Mapping[str, Json]
    now: int

    def get(self, name: str, default: Json = None) -> Json:
        value = self.question.get(name)
        return default if value is None else value

    @property
    def steps(self) -> list[dict[str, Json]]:
        return list(self.question["steps"])

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.get("zone", "UTC"))

    @property
    def window(self) -> int:
        return milliseconds(self.question.get("window"))

    @property
    def order(self) -> str:
        return str(self.get("order", "ordered"))

    @property
    def begins(self) -> int | None:
        return moment(self.question.get("from"), self.zone)

    @property
    def ends(self) -> int | None:
        """The end of the range, exclusive."""
        return moment(self.question.get("to"), self.zone)

    def in_range(self, happening: Happening) -> bool:
        return (self.begins is None or happening.at >= self.begins) and (self.ends is None or happening.at < self.ends)

    def is_looked_at(self, happening: Happening) -> bool:
        if happening.is_bot and not self.get("include_bots", False):
            return False
        if self.is_of_sessions() and happening.session is None:
            return False
        return not self.get("within_range", False) or self.ends is None or happening.at < self.ends

    def fillable(self, happening: Happening) -> list[int]:
        """Numbers of the steps that an event can fill, from 1."""
        return [number for number, step in enumerate(self.steps, 1) if meets(happening, step)]

    def opens(self, happening: Happening) -> bool:
        fillable = self.fillable(happening)
        return self.in_range(happening) and (1 in fillable or (self.order == "any" and bool(fillable)))

    def is_of_sessions(self) -> bool:
        return self.question.get("window") == "session"

    def line_of(self, happening: Happening) -> tuple[str | None, ...]:
        """Events that may meet in an entry: of one value of what is held constant, in the window `session` of one."""
        session = (happening.session,) if self.is_of_sessions() else ()
        return *session, *(property_text(happening, name) for name in self.get("constant", ()))

    def actor_of(self, happening: Happening) -> str | None:
        return happening.session if self.get("count") == "sessions" else happening.customer

    def is_closed(self, start: int) -> bool:
        return start + self.window < self.now

    def may_still_run(self, start: int) -> bool:
        """Whether the window of an entry of then may: with `within_range` nothing is looked at after the range."""
        end = start + self.window
        if self.get("within_range", False) and self.ends is not None:
            end = min(end, self.ends - 1)
        return end >= self.now

    def excluded_by(self, happening: Happening) -> list[dict[str, Any]]:
        """The exclusions that name an event, with their defaults."""
        last = len(self.steps)
        return [
            {"after": one.get("after") or 1, "before": one.get("before") or last, "effect": one.get("effect", "remove")}
            for one in self.get("exclusions", ())
            if meets(happening, one)
        ]

    def period_of(self, at: int) -> datetime:
        """Start of the period, in the zone, that holds a moment."""
        local = datetime.fromtimestamp(at / 1000, self.zone)
        hour = local.replace(minute=0, second=0, microsecond=0)
        day = hour.replace(hour=0, fold=0)
        by = self.question["by"]
        if by == "hour":
            return hour
        if by == "day":
            return day
        return day - timedelta(days=day.weekday()) if by == "week" else day.replace(day=1)

    def period_after(self, start: datetime) -> datetime:
        """Start of the period that follows one."""
        by = self.question["by"]
        if by == "hour":
            return datetime.fromtimestamp(start.timestamp() + 3600, self.zone)
        if by == "month":
            return (start + timedelta(days=32)).replace(day=1)
        return start + timedelta(days=7 if by == "week" else 1)

    def last_of(self, start: datetime) -> int:
        """The last moment of a period at which an entry may begin."""
        end = int(self.period_after(start).timestamp() * 1000)
        return (end if self.ends is None else min(end, self.ends)) - 1

    def before(self) -> tuple[int, int]:
        """The time of the same length right before the range: of days in the zone where it is one of whole days."""
        start, end = (datetime.fromtimestamp((at or 0) / 1000, self.zone) for at in (self.begins, self.ends))
        if start.time() == end.time() == time(0):
            return int(
                (start - (end.replace(tzinfo=None) - start.replace(tzinfo=None))).timestamp() * 1000
            ), self.begins or 0
        return 2 * (self.begins or 0) - (self.ends or 0), self.begins or 0
