"""Life cycle: of the customers who do something, how many are new, returning, resurrecting or dormant in each period.

by week        1    2    3    4    5    6
ann            x    x         x
              new  ret  dor  res  dor  -          dormant once: in the period after the last active one
"""

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, Field

from api.query.questions import activity
from api.query.questions.activity import Doing
from api.query.questions.groups import GroupRow
from api.query.questions.model import Answer, Asking, Solved
from api.query.questions.periods import after, all_between, end_of, label
from api.query.questions.ranges import BEGINNING, END, Range
from api.query.questions.retention import By

VERSION = 1
Phase = Literal["new", "returning", "resurrecting", "dormant"]


class LifecycleQuestion(Doing):
    by: By = Field("week", description="in the zone; weeks begin on Monday")


class LifecyclePoint(BaseModel):
    period: str = Field(description="start of the period; it counts as a whole, even where the range cuts it")
    active: int = Field(description="customers who did it: new, returning and resurrecting ones")
    new: int = Field(description="who never did it before")
    returning: int = Field(description="who did it in the period before, too")
    resurrecting: int = Field(description="who did it before, but not in the period before")
    dormant: int = Field(description="who did it in the period before, and not in this one")
    unfinished: bool = Field(description="the period has not ended: dormant may fall, all else may rise")


class LifecyclePoints(BaseModel):
    points: list[LifecyclePoint] = Field(description="in time; of the periods that have begun")


class LifecycleGroup(LifecyclePoints, GroupRow):
    """Of the customers of some values of the breakdown."""


class LifecycleResult(LifecyclePoints):
    groups: list[LifecycleGroup] = Field(
        description="most customers first, `other` last; they add up to all; empty without a breakdown"
    )


class LifecycleAnswer(Answer[LifecycleQuestion, LifecycleResult]):
    """New, returning, resurrecting and dormant customers by period."""


def solve(asking: Asking, question: LifecycleQuestion) -> Solved[LifecycleQuestion, LifecycleResult]:
    within = history(question, asking.now)
    customers = list(activity.periods_of(asking, question, within, question.by))
    every = [names for _, names in customers]
    names = _shown(question, asking.now, set().union(*every))
    points = _points(every, names, question, asking.now)
    groups = [
        LifecycleGroup(
            **group.row(question.breakdown or ()).model_dump(), points=_points(mine, names, question, asking.now)
        )
        for group, mine in activity.parted(asking, question, customers)
    ]
    is_empty = not any(point.active for point in points)
    warnings = activity.warnings(asking, question, is_empty=is_empty)
    return Solved(question, {"lifecycle": VERSION}, LifecycleResult(points=points, groups=groups), warnings)


def _points(
    customers: Iterable[set[str]], shown: Iterable[str], question: LifecycleQuestion, now: int
) -> list[LifecyclePoint]:
    counts: dict[Phase, Counter[str]] = {phase: Counter() for phase in ("new", "returning", "resurrecting", "dormant")}
    for names in customers:
        for period, phase in phases(names, question.by):
            counts[phase][period] += 1
    return [
        LifecyclePoint(
            period=name,
            active=sum(counts[phase][name] for phase in counts if phase != "dormant"),
            **{phase: counts[phase][name] for phase in counts},
            unfinished=end_of(name, question.by, question.inside()) > now,
        )
        for name in shown
    ]


def history(question: LifecycleQuestion, now: int) -> Range:
    """All time up to the end of the last period that holds a moment of the range."""
    end = question.range(now).end
    zone = question.inside()
    return Range(BEGINNING, end if end == END else end_of(label(end - 1, question.by, zone), question.by, zone))


def phases(names: set[str], by: By) -> list[tuple[str, Phase]]:
    """What a customer who did it in these periods is in which period."""
    first = min(names)
    found: list[tuple[str, Phase]] = []
    for name in names:
        if name == first:
            found.append((name, "new"))
        else:
            found.append((name, "returning" if after(name, by, -1) in names else "resurrecting"))
        if (following := after(name, by, 1)) not in names:
            found.append((following, "dormant"))
    return found


def _shown(question: LifecycleQuestion, now: int, found: set[str]) -> list[str]:
    """The periods of the range that have begun; an open end is the one after the last in which somebody did it."""
    asked, by, zone = question.range(now), question.by, question.inside()
    first = "" if asked.start == BEGINNING else label(asked.start, by, zone)
    if asked.end == END and found:
        last = end_of(after(max(found), by, 1), by, zone)
        asked = Range(asked.start, max(asked.start + 1, last))
    names = all_between(asked, by, zone, [name for name in found if name >= first])
    return activity.begun(names, by, zone, now)
