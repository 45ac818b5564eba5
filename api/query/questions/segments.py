"""Who is in a segment now: the core judges, over what is read for each condition."""

import re
from collections.abc import Collection, Iterator
from typing import Any

from api.query.errors import near
from api.query.questions import funnel, narrowed
from api.query.questions.funnel import FunnelQuestion
from api.query.questions.funnel_choice import counting, in_order
from api.query.questions.model import MOST_MEMBERS, Asking
from api.query.questions.ranges import BEGINNING, END, Range
from api.query.questions.surroundings import traits_of
from pipeline.domain import asked, segments
from pipeline.domain.segments import Members
from pipeline.errors import InvalidQuestion
from schemas.definitions import Condition

EVER = Range(BEGINNING, END)
_PROPERTY = re.compile(r"(^|\.)(property|breakdown|constant)(\[\d+\])?$")


def members(asking: Asking, name: str) -> Members:
    """The customers in a segment at `asking.now`. InvalidQuestion for one that there is not, with the nearest."""
    if name not in asking.segments:
        raise InvalidQuestion(f"there is no segment {name!r}{near(name, tuple(asking.segments))}", field="segments")
    if name in asking.inside:
        told = f"segment {name!r} contains itself, by way of a saved funnel that asks about it"
        raise InvalidQuestion(told, field="segments")
    whole = asking._replace(only=None, inside=(*asking.inside, name))
    if name not in asking.memberships:
        found = segments.members(
            name, asking.segments, lambda condition: _holding(whole, condition), lambda: _everybody(whole)
        )
        if len(found) > MOST_MEMBERS:
            told = f"segment {name!r} has more than {MOST_MEMBERS:,} customers: ask about a narrower one"
            raise InvalidQuestion(told, field="segments", code="question_too_large")
        asking.memberships[name] = found
    return asking.memberships[name]


def check_named(held: Any, known: Collection[str]) -> None:
    """InvalidQuestion, with the field, for a segment that a question or definition (as JSON has it) asks about and that
    there is not."""
    for name, field in _named(held, ""):
        if name not in known:
            raise InvalidQuestion(f"there is no segment {name!r}{near(name, tuple(known))}", field=field)


def _named(held: Any, field: str) -> Iterator[tuple[str, str]]:
    """(segment, field) of every $segment.NAME that stands where a property may."""
    if isinstance(held, dict):
        for key, value in held.items():
            yield from _named(value, f"{field}.{key}" if field else key)
    elif isinstance(held, list | tuple):
        for at, value in enumerate(held):
            yield from _named(value, f"{field}[{at}]")
    elif isinstance(held, str) and held.startswith(asked.SEGMENT) and _PROPERTY.search(field):
        yield asked.rest(held), field


def narrowed_to(asking: Asking, names: list[str]) -> Asking:
    """The same asking about customers of all these segments alone."""
    if not names:
        return asking
    return asking._replace(only=frozenset.intersection(*(members(asking, name) for name in names)))


def versions(asking: Asking, names: list[str]) -> dict[str, int]:
    """The segments that decide an answer, what they are made of, and other notions that were looked at."""
    found = segments.made_of(names, asking.segments, asking.funnels)
    told = {f"segment.{name}": asking.segments[name].version for name in found.segments}
    return asking.notions | told | {f"funnel.{name}": asking.funnels[name].version for name in found.funnels}


def _holding(asking: Asking, condition: Condition) -> Members:
    if condition.kind == "did":
        begins = max(BEGINNING, asking.now - condition.within_ms) if condition.within_ms else BEGINNING
        read = [one.property for one in condition.where]
        return segments.who_did(
            condition, narrowed.of_customers(asking, condition.events, Range(begins, END), False, read)
        )
    if condition.kind == "profile":
        names = {one.property for one in condition.where}
        known = {who: traits.now() for who, traits in traits_of(asking, names, False).items()}
        return segments.who_has(condition, known, _everybody(asking))
    question = FunnelQuestion.model_validate({"saved": condition.funnel, "last": None})
    found, how = funnel.entered(asking, question)
    steps = len(found.funnel.steps)
    if max(condition.step, condition.without_step) > steps:
        raise InvalidQuestion(f"funnel {condition.funnel!r} has {steps} steps", field="segments")
    entries = (entry for of_actor in found.actors for entry in counting(in_order(of_actor), how))
    return segments.who_got_to(condition, entries)


def _everybody(asking: Asking) -> Members:
    rows = asking.rows("all_customers", **EVER.bound(), events=["*"], bots=0)
    return frozenset(row[0] for row in rows)
