"""What is known of an entry at its first step: that event's properties and columns, the session that holds it, and the
traits that its customer had by then."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from api.query.questions import narrowed, owned
from api.query.questions.funnel_entries import Found, OfFunnel
from api.query.questions.model import Asking
from api.query.questions.ranges import BEGINNING, Range
from api.query.questions.surroundings import traits_of
from pipeline.domain import filters
from pipeline.domain.asked import CUSTOMER, SESSION, Traits
from pipeline.domain.funnels import order
from schemas.facts import NOTHING, AskedEvent, EventRow, FunnelEntry, Session

BEYOND: Final = (SESSION, CUSTOMER)  # the event itself
# What a session is from its first event on. How it went on (its exit page, its views) may be what conversion did to it.
OF_SESSION: Final[Mapping[str, str]] = {
    **{name: name for name in ("channel", "acquisition", "click_id", "country", "region", "city")},
    **{name: name for name in ("device_type", "browser", "os", "entry_host")},
    "source": "utm_source",
    "medium": "utm_medium",
    "campaign": "utm_campaign",
    "referrer": "referrer_host",
    "entry_page": "entry_path",
}
OF_EVENT: Final = (
    "$event",
    "$channel",
    "$host",
    "$path",
    "$source",
)  # columns that are looked at unless some are named
MOST_TEXT: Final = 200  # characters; a longer value describes nobody but its own

_NOBODYS: Final = AskedEvent("", 0, 0, 0, 0, 0, "", "", "")

Description = Mapping[str, str]  # name -> text of the value; what is absent is left out


def described(
    asking: Asking, question: OfFunnel, found: Found, entries: Sequence[FunnelEntry], names: Sequence[str] | None
) -> list[Description]:
    """Of each entry its values of the properties, $columns, $session.NAMEs and $customer.NAMEs that are named, or all
    there are."""
    asked = question.range(asking.now)
    wanted = None if names is None else frozenset(names)
    sessions = _sessions(asking, question, found, asked) if _looks_at_sessions(wanted) else {}
    read = narrowed.of_sessions if question.count == "sessions" else narrowed.of_customers
    traits = _traits(asking, wanted, question.include_bots)
    whose = owned.customers_of_sessions(asking, asked) if traits and question.count == "sessions" else {}
    columns = OF_EVENT if wanted is None else [name for name in wanted if not name.startswith(BEYOND)]
    firsts = {(entry.customer, entry.entered_at, _first(entry)): number for number, entry in enumerate(entries)}
    told: list[Description] = [{} for _ in entries]
    events = read(asking, _names(found), asked, question.include_bots, [*columns, "$is_passive", "*"])
    for actor, event in events:
        number = firsts.get((actor, event.occurred_at, event.message_id))
        if number is not None:
            known = traits[who].at(order(event)) if (who := whose.get(actor, actor)) in traits else NOTHING
            told[number] = dict(_values(event, sessions.get(_place(event)), known, wanted))
    return told


def _names(found: Found) -> list[str]:
    """Events that may open an entry."""
    steps = found.funnel.steps if found.funnel.order == "any" else found.funnel.steps[:1]
    return sorted({name for step in steps for name in step.events})


def _first(entry: FunnelEntry) -> int:
    return next(message for message in entry.step_messages if message)


def _looks_at_sessions(wanted: frozenset[str] | None) -> bool:
    return wanted is None or any(name.startswith(SESSION) for name in wanted)


def _traits(asking: Asking, wanted: frozenset[str] | None, include_bots: bool) -> dict[int, Traits]:
    names = None if wanted is None else {name.removeprefix(CUSTOMER) for name in wanted if name.startswith(CUSTOMER)}
    return traits_of(asking, names, include_bots) if names is None or names else {}


def _place(event: EventRow) -> tuple[int, int, int]:
    return event.device, event.occurred_at, event.message_id


def _sessions(asking: Asking, question: OfFunnel, found: Found, asked: Range) -> dict[tuple[int, int, int], Session]:
    """The session that holds each event which may open an entry, by the event's place."""
    holding = {
        _place(event): session
        for session, event in narrowed.of_sessions(asking, _names(found), asked, question.include_bots, [])
    }
    around = Range(max(BEGINNING, asked.start - asking.project.sessions.cap_ms), asked.end)
    by_id = {one.session.id: one.session for one in owned.sessions(asking, around, True)}
    return {place: by_id[session] for place, session in holding.items() if session in by_id}


def _values(
    event: EventRow, session: Session | None, traits: Mapping[str, Any], wanted: frozenset[str] | None
) -> Iterator[tuple[str, str]]:
    properties, customer = filters.properties_of(event), replace(_NOBODYS, traits=traits)
    if wanted is None:
        told = [*_flat(properties), *((name, filters.property_value(event, {}, name)) for name in OF_EVENT)]
        told += _flat(traits, CUSTOMER)
    else:
        of_event = [name for name in wanted if not name.startswith(BEYOND)]
        told = [(name, filters.property_value(event, properties, name)) for name in of_event]
        of_customer = [name for name in wanted if name.startswith(CUSTOMER)]
        told += [(name, filters.property_value(customer, {}, name)) for name in of_customer]
    if session is not None:
        told += [
            (f"{SESSION}{name}", filters.text(getattr(session, column)))
            for name, column in OF_SESSION.items()
            if wanted is None or f"{SESSION}{name}" in wanted
        ]
    yield from ((name, value) for name, value in told if value and len(value) <= MOST_TEXT)


def _flat(properties: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str | None]]:
    """Values by name, those inside objects by their path; lists describe nothing."""
    for name, value in properties.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif not isinstance(value, list) and name:
            yield f"{prefix}{name}", filters.text(value)
