"""The events that the core is asked about: of some names, in a time, with their customer or their session."""

from collections.abc import Iterable, Iterator
from typing import Any

from api.query.questions.model import Asking
from api.query.questions.ranges import BEGINNING, Range
from pipeline.domain import filters
from schemas.facts import Event, EventRow

_WIDE = frozenset(EventRow.__struct_fields__) - frozenset(Event.__struct_fields__)
_OF_VISITS = frozenset({"type", "path", "is_passive"})
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
    looked_at = {name for name in read if name}
    columns = {name[1:] for name in looked_at if filters.is_column(name)}
    wide = len(columns) < len(looked_at) or any(filters.COLUMNS.get(name) in _WIDE for name in columns)
    kind = "moments" if not columns else "visits" if columns <= _OF_VISITS else "events"
    rows = asking.rows(
        f"{actor}_{kind}",
        **within.bound(),
        **bound,
        events=sorted(set(names)),
        bots=int(include_bots),
        wide=int(wide),
    )
    project = asking.project.name
    if kind == "events":
        for who, *values in rows:
            yield who, _event(values)
    elif kind == "visits":
        for who, device, at, message, sequence, event, type_, path, is_passive, properties in rows:
            yield (
                who,
                EventRow(
                    project, device, at, message, sequence, 0, event, type_, "",
                    path=path, is_passive=bool(is_passive), properties=properties,
                ),
            )  # fmt: skip
    else:
        for who, device, at, message, sequence, event, properties in rows:
            yield who, EventRow(project, device, at, message, sequence, 0, event, "", "", properties=properties)


def _event(values: list[Any]) -> EventRow:
    values[_VENDORS] = tuple(values[_VENDORS])
    return EventRow(*values)
