"""Who is in a segment now: the core judges, over what is read for each condition."""

from collections import defaultdict
from typing import Any

from api.query.errors import near
from api.query.questions import funnel, narrowed
from api.query.questions.funnel import FunnelQuestion
from api.query.questions.funnel_choice import counting, in_order
from api.query.questions.model import Asking
from api.query.questions.ranges import BEGINNING, END, Range
from pipeline.domain import filters, segments
from pipeline.domain.segments import Members
from pipeline.errors import InvalidQuestion
from schemas.definitions import Condition

EVER = Range(BEGINNING, END)
MOST_MEMBERS = 1_000_000


def members(asking: Asking, name: str) -> Members:
    """The customers in a segment at `asking.now`. InvalidQuestion for one that there is not, with the nearest."""
    if name not in asking.segments:
        raise InvalidQuestion(f"there is no segment {name!r}{near(name, tuple(asking.segments))}", field="segments")
    whole = asking._replace(only=None)
    if name not in asking.memberships:
        found = segments.members(
            name, asking.segments, lambda condition: _holding(whole, condition), lambda: _everybody(whole)
        )
        if len(found) > MOST_MEMBERS:
            told = f"segment {name!r} has more than {MOST_MEMBERS:,} customers: ask about a narrower one"
            raise InvalidQuestion(told, field="segments", code="question_too_large")
        asking.memberships[name] = found
    return asking.memberships[name]


def narrowed_to(asking: Asking, names: list[str]) -> Asking:
    """The same asking about customers of all these segments alone."""
    if not names:
        return asking
    return asking._replace(only=frozenset.intersection(*(members(asking, name) for name in names)))


def versions(asking: Asking, names: list[str]) -> dict[str, int]:
    """The segments that decide an answer, those in them included."""
    found: dict[str, int] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        segment = asking.segments[name]
        if f"segment.{name}" not in found:
            found[f"segment.{name}"] = segment.version
            waiting += [one.segment for one in segment.conditions if one.kind == "segment"]
    return found


def _holding(asking: Asking, condition: Condition) -> Members:
    if condition.kind == "did":
        begins = max(BEGINNING, asking.now - condition.within_ms) if condition.within_ms else BEGINNING
        read = [one.property for one in condition.where]
        return segments.who_did(
            condition, narrowed.of_customers(asking, condition.events, Range(begins, END), False, read)
        )
    if condition.kind == "profile":
        return segments.who_has(condition, _traits(asking), _everybody(asking))
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


def _traits(asking: Asking) -> dict[int, dict[str, Any]]:
    """Of each customer the newest value of every trait."""
    found: defaultdict[int, dict[str, Any]] = defaultdict(dict)
    for who, event in narrowed.of_customers(asking, ["identify"], EVER, False, ["$type", "traits"]):
        if event.type == "identify":
            found[who] |= filters.properties_of(event)
    return found
