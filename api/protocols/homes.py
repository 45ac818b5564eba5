"""Where a client's fields go: a table of `their name: our path`, for the code and for the page.

"$current_url": "context.page.url"     into the event
"$revenue": "properties.revenue"       into properties, under another name
"token": ""                            nowhere
what the table does not name           stays in properties

Clients send the same names again and again, so what a table says of them together is kept, as a plan.
"""

from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from api.webhooks.vendor import Event

PROPERTIES = "properties"
MOST_PLANS, MOST_NAMES, MOST_LENGTH = 4096, 128, 4_096  # that are kept; names of one, their characters together

Names = tuple[str, ...]
Moves = tuple[tuple[str, str], ...]  # from a name of the note, to a name in one place
Made = TypeVar("Made")


class Plans(Generic[Made]):
    """What is made of the names of notes. State: what was made of those that were seen."""

    __slots__ = ("_known", "_make")

    def __init__(self, make: Callable[[Names], Made]) -> None:
        self._make = make
        self._known: dict[Names, Made] = {}

    def of(self, names: Names) -> Made:
        found = self._known.get(names)
        if found is None:
            found = self._make(names)
            if len(names) <= MOST_NAMES and sum(map(len, names)) <= MOST_LENGTH:
                if len(self._known) >= MOST_PLANS:
                    self._known.clear()
                self._known[names] = found
        return found


class Plan(NamedTuple):
    """What becomes of a note that has these names."""

    own: Names  # stay in properties
    moved: Moves  # into properties, under another name
    placed: tuple[tuple[str, str, Moves], ...]  # into the event: the one or two steps to a place, and what goes there

    def put(self, given: Mapping[str, Any], into: Event) -> dict[str, Any]:
        """See `housed`. The hot path of every protocol: loops, as they are quicker than what is shorter."""
        rest = {}
        for name in self.own:
            rest[name] = given[name]
        for name, last in self.moved:
            value = given[name]
            if (value or (value is not None and value != "")) and last not in rest:
                rest[last] = value
        for outer, inner, moves in self.placed:
            found: Event = {}
            for name, last in moves:
                value = given[name]
                if (value or (value is not None and value != "")) and last not in found:
                    found[last] = value
            if not found:
                continue
            place: Event | None = into.get(outer) if outer else into
            if place is None:
                into[outer] = {inner: found} if inner else found
                continue
            if inner:
                outside, place = place, place.get(inner)
                if place is None:
                    outside[inner] = found
                    continue
            for last, value in found.items():
                if last not in place:
                    place[last] = value
        return rest


class Homes:
    """A table, and its plans."""

    __slots__ = ("_table", "plan")

    def __init__(self, table: Mapping[str, str]) -> None:
        self._table = dict(table)
        self.plan = Plans(self._planned).of

    def __or__(self, other: "Homes") -> "Homes":
        return Homes(self._table | other._table)

    def _planned(self, names: Names) -> Plan:
        own = tuple(name for name in names if name not in self._table)
        places: dict[Names, list[tuple[str, str]]] = {}
        for name in names:
            if home := self._table.get(name):
                *way, last = home.split(".", 2)
                places.setdefault(tuple(way), []).append((name, last))
        moved = tuple(places.pop((PROPERTIES,), ()))
        steps = (((*way, "", "")[:2], tuple(moves)) for way, moves in places.items())
        return Plan(own, moved, tuple((outer, inner, moves) for (outer, inner), moves in steps))


def compiled(homes: Mapping[str, str]) -> Homes:
    return Homes(homes)


def housed(given: Mapping[str, Any], homes: Homes, into: Event) -> dict[str, Any]:
    """Puts every value that has a home into the event; returns all others, which are its properties.

    Nothing (null, "") has no home. Of two values with one home the first stays.
    """
    return homes.plan(tuple(given)).put(given, into)
