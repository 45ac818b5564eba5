"""The events that the core is asked about: of some names, in a time; by customer, by session or by account."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from api.query.questions import owned
from api.query.questions.model import Asking
from api.query.questions.ranges import BEGINNING, Range
from api.query.questions.surroundings import Surroundings, columns_read
from pipeline.domain import asked, filters
from pipeline.domain.funnels import order
from pipeline.domain.identifiers import fact_id
from pipeline.store.port import Row
from schemas.facts import AskedEvent, EventRow

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


class OfAccount(NamedTuple):
    account: int
    session: int  # 0 unless they come by session
    customer: int
    event: EventRow


def of_accounts(
    asking: Asking,
    names: Iterable[str],
    within: Range,
    include_bots: bool,
    read: Iterable[str],
    *,
    by_session: bool = False,
) -> Iterator[OfAccount]:
    """Account by account (and session by session) each one's events in order, whoever of it had them.

    An event of no account is left out.
    """
    found: defaultdict[str, list[OfAccount]] = defaultdict(list)
    whose = owned.customers_of_sessions(asking, within) if by_session else {}
    source = of_sessions if by_session else of_customers
    for actor, event in source(asking, names, within, include_bots, {*read, asked.ACCOUNT}):
        if isinstance(event, AskedEvent) and event.account:
            number = fact_id(asking.project.name, "account", event.account)
            session = actor if by_session else 0
            found[event.account].append(OfAccount(number, session, whose.get(actor, actor), event))
    for account in sorted(found):
        yield from sorted(found.pop(account), key=lambda one: (one.session, order(one.event)))


def _events(
    asking: Asking,
    actor: str,
    names: Iterable[str],
    within: Range,
    include_bots: bool,
    read: Iterable[str],
    bound: dict[str, int],
) -> Iterator[tuple[int, EventRow]]:
    names_read = frozenset(name for name in read if name)
    beyond = frozenset(name for name in names_read if asked.is_asked(name))
    looked_at = names_read - beyond
    by_sender = asking.project.sessions.sender_sessions
    columns = {name[1:] for name in looked_at if filters.is_column(name)} | columns_read(beyond, actor, by_sender)
    wide = any(not filters.is_column(name) for name in looked_at) or asked.ACCOUNT in beyond
    kind = "moments" if not columns else "visits" if columns <= _OF_VISITS else "events"
    if asked.ACCOUNT in beyond:
        kind = "events"
    around = Surroundings(asking, beyond, within, include_bots) if beyond else None
    whose: dict[int, int] = {}
    if actor == "session" and (asking.only is not None or (around is not None and around.has_customers)):
        whose = owned.customers_of_sessions(asking, within)
    rows = asking.rows(
        f"{actor}_{kind}",
        **within.bound(),
        **bound,
        events=sorted(set(names)),
        bots=int(include_bots),
        wide=int(wide),
    )
    make = _MAKES[kind](asking.project.name, AskedEvent if around else EventRow)
    only = asking.only
    for number, row in enumerate(rows):
        if number % _BETWEEN_CHECKS == 0:
            asking.stop.check()
        who: int = row[0]
        customer = whose.get(who, who)
        if only is not None and customer not in only:
            continue
        event = make(row)
        if around is not None and isinstance(event, AskedEvent):
            around.put(event, customer, who if actor == "session" else None)
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
