"""Goals: versioned predicates on one event; an event that meets one is a conversion."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, Final, NamedTuple

from pipeline.domain import filters
from pipeline.errors import InvalidQuestion
from schemas.definitions import Goal
from schemas.facts import Event

MICROS: Final = 1_000_000
_MOST_MICROS: Final = (1 << 63) - 1


class Hit(NamedTuple):
    """A goal that an event meets."""

    goal: str
    version: int
    kind: str  # lead, micro, macro
    ends_journey: bool
    value_micros: int
    currency: str


class _Compiled(NamedTuple):
    goal: Goal
    holds: filters.Predicate
    value: filters.Reader | None  # None: the event's own value, or the goal's
    fixed_micros: int | None
    ends_journey: bool


class GoalSet:
    """Compiled goals of one project.

    `events`: the names that some goal has. `reading`: those of them whose goals read properties; for the others an
    event of `timeline` is enough.
    """

    def __init__(self, goals: Sequence[_Compiled], currency: str) -> None:
        self._currency = currency
        self._by_event: dict[str, tuple[_Compiled, ...]] = {}
        for one in sorted(goals, key=lambda one: one.goal.name):
            for name in dict.fromkeys(one.goal.events):
                self._by_event[name] = (*self._by_event.get(name, ()), one)
        self.events: frozenset[str] = frozenset(self._by_event)
        self.reading: frozenset[str] = frozenset(
            name for name, found in self._by_event.items() if any(_reads_properties(one.goal) for one in found)
        )

    def hits(self, event: Event, properties_json: str = "{}") -> tuple[Hit, ...]:
        """The goals that the event meets, by name; `properties_json` is its column `properties`."""
        candidates = self._by_event.get(event.event)
        if candidates is None:
            return ()
        properties = filters.parsed(properties_json) if event.event in self.reading else {}
        return tuple(self._hit(one, event, properties) for one in candidates if one.holds(event, properties))

    def _hit(self, one: _Compiled, event: Event, properties: Mapping[str, Any]) -> Hit:
        goal = one.goal
        if one.fixed_micros is not None:
            micros, currency = one.fixed_micros, goal.currency or self._currency
        else:
            micros = (
                event.value_micros if one.value is None else to_micros(filters.number(one.value(event, properties)))
            )
            currency = goal.currency or event.currency or self._currency
        return Hit(goal.name, goal.version, goal.kind, one.ends_journey, micros, currency)


def compile_goals(goals: Sequence[Goal], currency: str) -> GoalSet:
    """The goals of a project with its currency; InvalidQuestion names the field of the goal that is wrong.

    A goal ends the journey if it says so, else if it is macro. The value is the goal's fixed one, in the goal's
    currency or the project's; else a property's number (a number in a text counts, what is none is 0), in the goal's
    currency, the event's or the project's.
    """
    names: set[str] = set()
    compiled = []
    for at, goal in enumerate(goals):
        if goal.name in names:
            raise InvalidQuestion(f"two goals are named {goal.name}", field=f"goals[{at}].name")
        names.add(goal.name)
        compiled.append(_compile(goal, f"goals[{at}]"))
    return GoalSet(compiled, currency)


def _compile(goal: Goal, field: str) -> _Compiled:
    if not goal.name:
        raise InvalidQuestion("a goal needs a name", field=f"{field}.name")
    if not goal.events or not all(goal.events) or "*" in goal.events:
        raise InvalidQuestion("a goal names its events, each by its own name", field=f"{field}.events")
    fixed = None
    if goal.value is not None:
        if not isfinite(goal.value) or abs(goal.value * MICROS) > _MOST_MICROS:
            raise InvalidQuestion("the value is too large", field=f"{field}.value")
        fixed = to_micros(goal.value)
    own = goal.value_property == "$value"
    return _Compiled(
        goal,
        filters.compile(goal.where, f"{field}.where"),
        None if own else filters.reader(goal.value_property, f"{field}.value_property"),
        fixed,
        goal.kind == "macro" if goal.ends_journey is None else goal.ends_journey,
    )


def _reads_properties(goal: Goal) -> bool:
    names = [one.property for one in goal.where]
    if goal.value is None:
        names.append(goal.value_property)
    return not all(map(filters.is_column, names))


def to_micros(value: float | None) -> int:
    """Millionths, rounded half to even; 0 for None and for what a 64-bit integer cannot hold."""
    if value is None or not isfinite(value):
        return 0
    micros = round(value * MICROS)
    return micros if abs(micros) <= _MOST_MICROS else 0


def total_micros(amounts: Iterable[int]) -> int:
    """The sum of amounts of money, but no more and no less than a 64-bit integer holds."""
    return max(-_MOST_MICROS, min(sum(amounts), _MOST_MICROS))


NO_GOALS: Final = GoalSet((), "")
