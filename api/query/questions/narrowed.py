"""The events that the core is asked about: of some names, in a time, with their customer or their session."""

from collections.abc import Iterable, Iterator

from api.query.questions.model import Asking
from api.query.questions.ranges import BEGINNING, Range
from pipeline.domain import filters
from schemas.facts import Event, EventRow

_WIDE = frozenset(EventRow.__struct_fields__) - frozenset(Event.__struct_fields__)
_VENDORS = EventRow.__struct_fields__.index("vendors")


def wants_rows(names: Iterable[str]) -> bool:
    """Whether one of the properties or $columns needs more than the columns that every event has."""
    return any(not filters.is_column(name) or filters.COLUMNS.get(name[1:]) in _WIDE for name in names if name)


def of_customers(
    asking: Asking, names: Iterable[str], within: Range, include_bots: bool, wide: bool
) -> Iterator[tuple[int, EventRow]]:
    """(customer, event), customer by customer, each one's events in order. `wide`: with properties and long texts."""
    rows = asking.rows(
        "customer_events",
        **within.bound(),
        events=sorted(set(names)),
        bots=int(include_bots),
        wide=int(wide),
    )
    for customer, *columns in rows:
        yield customer, _event(columns)


def of_sessions(
    asking: Asking, names: Iterable[str], within: Range, include_bots: bool, wide: bool
) -> Iterator[tuple[int, EventRow]]:
    """(session's id, event), session by session: a session's own events, so none of other channels' contacts."""
    rows = asking.rows(
        "session_events",
        **within.bound(),
        events=sorted(set(names)),
        bots=int(include_bots),
        wide=int(wide),
        by_sender=int(asking.project.sessions.sender_sessions),
        sessions_from=max(BEGINNING, within.start - asking.project.sessions.cap_ms),
    )
    for session, *columns in rows:
        yield session, _event(columns)


def _event(columns: list[object]) -> EventRow:
    columns[_VENDORS] = tuple(columns[_VENDORS])  # type: ignore[arg-type]
    return EventRow(*columns)  # type: ignore[arg-type]
