"""Segments: the customers of whom conditions hold at a time.

    profile   filters on his newest traits
    did       so many events of some names that filters let through, ever or in some time up to now
    funnel    the entry into a saved funnel that counts for him fills a step, and perhaps does not fill another
    segment   he is in another one

A condition may be negated, and then holds of everybody else: whoever has an event of his own, ever.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from pipeline.domain import asked, filters
from pipeline.domain.funnels import ANY_EVENT, compile_funnel
from pipeline.errors import InvalidQuestion
from schemas.definitions import Condition, Funnel, Segment
from schemas.facts import Event, FunnelEntry

Members = frozenset[int]
_NOBODYS = Event("", 0, 0, 0, 0, 0, "", "", "")


def members(
    name: str,
    known: Mapping[str, Segment],
    holding: Callable[[Condition], Members],
    everybody: Callable[[], Members],
    inside: tuple[str, ...] = (),
) -> Members:
    """The customers in a segment. `holding`: those of whom a condition of a kind other than `segment` holds, as it
    stands, not negated. InvalidQuestion for an unknown segment, and for one that contains itself.
    """
    if name in inside:
        raise InvalidQuestion(f"segment {name!r} contains itself, by way of {', '.join(inside)}", field="segment")
    if name not in known:
        raise InvalidQuestion(f"there is no segment {name!r}", field="segment")
    segment = known[name]
    found: list[Members] = []
    for condition in segment.conditions:
        if condition.kind == "segment":
            held = members(condition.segment, known, holding, everybody, (*inside, name))
        else:
            held = holding(condition)
        found.append(everybody() - held if condition.negated else held)
    return frozenset.intersection(*found) if segment.match == "all" else frozenset.union(*found)


class MadeOf(NamedTuple):
    """Names of segments and saved funnels."""

    segments: frozenset[str]
    funnels: frozenset[str]


def asked_of(funnel: Funnel) -> frozenset[str]:
    """The segments that a funnel's filters, breakdown and constants ask about."""
    names = compile_funnel(funnel).properties
    return frozenset(asked.rest(name) for name in names if name.startswith(asked.SEGMENT))


def made_of(names: Iterable[str], segments: Mapping[str, Segment], funnels: Mapping[str, Funnel]) -> MadeOf:
    """All that decides who is in these segments, themselves included: segments by name, funnels by condition, and the
    segments that those funnels ask about. What there is not is left out."""
    found_segments: set[str] = set()
    found_funnels: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found_segments or name not in segments:
            continue
        found_segments.add(name)
        for condition in segments[name].conditions:
            if condition.kind == "segment":
                waiting.append(condition.segment)
            elif condition.kind == "funnel" and condition.funnel in funnels:
                found_funnels.add(condition.funnel)
                waiting += asked_of(funnels[condition.funnel])
    return MadeOf(frozenset(found_segments), frozenset(found_funnels))


def who_did(condition: Condition, events: Iterable[tuple[int, Event]]) -> Members:
    """Of (customer, event) pairs, all within the condition's time: who did it often enough."""
    holds = filters.compile(condition.where)
    times = Counter(
        customer
        for customer, event in events
        if (event.event in condition.events or ANY_EVENT in condition.events)
        and holds(event, filters.properties_of(event))
    )
    return frozenset(customer for customer, count in times.items() if count >= condition.at_least)


def who_has(condition: Condition, traits: Mapping[int, Mapping[str, Any]], everybody: Members) -> Members:
    """Of whom the filters on his newest traits hold; who never told any lacks them all."""
    holds = filters.compile(condition.where)
    nothing: Mapping[str, Any] = {}
    return frozenset(who for who in everybody if holds(_NOBODYS, traits.get(who, nothing)))


def who_got_to(condition: Condition, counting: Iterable[FunnelEntry]) -> Members:
    """Of the entries that count, one a customer: whose fills the step, and not the other."""
    step, without = condition.step - 1, condition.without_step - 1
    return frozenset(
        entry.customer
        for entry in counting
        if entry.step_messages[step] and not (condition.without_step and entry.step_messages[without])
    )


def check_conditions(segment: Segment) -> None:
    """InvalidQuestion, with the field, for what can hold of nobody's profile or events."""
    for number, condition in enumerate(segment.conditions):
        field = f"conditions[{number}].where"
        filters.compile(condition.where, field)
        for at, one in enumerate(condition.where):
            if condition.kind == "profile" and filters.is_column(one.property):
                raise InvalidQuestion("a profile has traits, no columns of events", field=f"{field}[{at}].property")
            if one.property.startswith(asked.SEGMENT):
                raise InvalidQuestion(
                    "another segment is a condition of its own, of kind segment", field=f"{field}[{at}].property"
                )
