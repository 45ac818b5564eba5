"""The events that the core is asked about: of some names, in a time, with their customer or their session."""

from collections.abc import Callable, Iterable, Iterator

from api.query.questions import owned
from api.query.questions.model import Asking
from api.query.questions.ranges import BEGINNING, Range
from pipeline.domain import filters
from pipeline.store.port import Row
from schemas.facts import AskedEvent, Event, EventRow

_WIDE = frozenset(EventRow.__struct_fields__) - frozenset(Event.__struct_fields__)
_OF_VISITS = frozenset({"type", "path", "is_passive"})
_BETWEEN_CHECKS = 4096  # rows
_VENDORS = EventRow.__struct_fields__.index("vendors")


def of_customers(
    asking: Asking, names: Iterable[str], within: Range, include_bots: bool, read: Iterable[str]
) -> Iterator[tuple[int, EventRow]]:
    """(customer, event), customer by customer, each one's events in order.

    `read` are the properties and $columns that will be looked at; of the others the events may lack the values.
    """
    return _events(asking, "customer", names, within, include_bots, read, {})


def of_sessions(
    asking: Asking, names: Iterable[str], within: Range, include_bots: bool, read: Iterable[str]
) -> Iterator[tuple[int, EventRow]]:
    """(session's id, event), session by session: a session's own events, so none of other channels' contacts."""
    options = asking.project.sessions
    bound = {
        "by_sender": int(options.sender_sessions),
        "sessions_from": max(BEGINNING, within.start - options.cap_ms),
    }
    return _events(asking, "session", names, within, include_bots, read, bound)


def _events(
    asking: Asking,
    actor: str,
    names: Iterable[str],
    within: Range,
    include_bots: bool,
    read: Iterable[str],
    bound: dict[str, int],
) -> Iterator[tuple[int, EventRow]]:
    asked = {name for name in read if name}
    segments = {name.removeprefix(filters.SEGMENT) for name in asked if filters.is_segment(name)}
    looked_at = {name for name in asked if not filters.is_segment(name)}
    columns = {name[1:] for name in looked_at if filters.is_column(name)}
    wide = len(columns) < len(looked_at) or any(filters.COLUMNS.get(name) in _WIDE for name in columns)
    kind = "moments" if not columns else "visits" if columns <= _OF_VISITS else "events"
    inside = {name: asking.members_of(asking, name) for name in segments}
    whose: dict[int, int] = {}
    if actor == "session" and (segments or asking.only is not None):
        whose = owned.customers_of_sessions(asking, within, include_bots)
    rows = asking.rows(
        f"{actor}_{kind}",
        **within.bound(),
        **bound,
        events=sorted(set(names)),
        bots=int(include_bots),
        wide=int(wide),
    )
    make = _MAKES[kind](asking.project.name, AskedEvent if segments else EventRow)
    only = asking.only
    for number, row in enumerate(rows):
        if number % _BETWEEN_CHECKS == 0:
            asking.stop.check()
        who = row[0]
        customer = whose.get(who, who)
        if only is not None and customer not in only:
            continue
        event = make(row)
        if isinstance(event, AskedEvent):
            event.segments = frozenset(name for name, members in inside.items() if customer in members)
        yield who, event


Make = Callable[[Row], EventRow]


def _of_moments(project: str, kind: type[EventRow]) -> Make:
    def make(row: Row) -> EventRow:
        _, device, at, message, sequence, event, properties = row
        return kind(project, device, at, message, sequence, 0, event, "", "", properties=properties)

    return make


def _of_visits(project: str, kind: type[EventRow]) -> Make:
    def make(row: Row) -> EventRow:
        _, device, at, message, sequence, event, type_, path, is_passive, properties = row
        return kind(
            project, device, at, message, sequence, 0, event, type_, "",
            path=path, is_passive=bool(is_passive), properties=properties,
        )  # fmt: skip

    return make


def _of_events(project: str, kind: type[EventRow]) -> Make:
    def make(row: Row) -> EventRow:
        _, *values = row
        values[_VENDORS] = tuple(values[_VENDORS])
        return kind(*values)

    return make


_MAKES: dict[str, Callable[[str, type[EventRow]], Make]] = {
    "moments": _of_moments, "visits": _of_visits, "events": _of_events,
}  # fmt: skip
