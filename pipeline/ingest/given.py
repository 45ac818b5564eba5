"""The step that reads what an event brings along: its properties or traits as they are stored, the properties that
rules read, and the e-mails and phones of the person.
"""

from functools import lru_cache
from typing import NamedTuple

from msgspec import Raw

from pipeline.ingest.incoming import NOTHING, Context, Incoming, Known
from pipeline.ingest.properties import (
    NO_KNOWN,
    Reject,
    Stored,
    contacts,
    known,
    plain,
    stored,
    with_names,
    with_prefix,
)
from pipeline.ingest.redacted_event import kept_properties

_ALL_NAMES = Known.__struct_fields__


class Given(NamedTuple):
    properties: str  # JSON object, as it is stored
    known: Known = NO_KNOWN
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()


def given(
    event: Incoming, context: Context, kind: str, parameters: frozenset[str] | None, prefix: str
) -> Given | Reject:
    """Traits of identify and group calls, properties of all others, without e-mail and phone, inside the limits.

    `prefix`: the first part of the sender's address, where the project keeps it.
    """
    if kind == "page" or kind == "screen":
        found = _of_view(bytes(event.properties), event.name, event.category, parameters)
    elif kind == "identify" or kind == "group":
        found = _of_traits(event, context, kind, parameters)
    else:
        text = plain(event.properties)
        if text is not None and not ("?" in text or "#" in text):
            found = Given(text)
        else:
            found = _of_properties(event.properties, False, parameters)
    if isinstance(found, Reject):
        return found
    if prefix:
        found = found._replace(properties=with_prefix(found.properties, prefix))
    if kind != "group" and kind != "identify" and event.traits is not NOTHING:
        found = _with_contacts(found, event.traits)
    return found if context.traits is NOTHING else _with_contacts(found, context.traits)


@lru_cache(1 << 12)
def _of_view(data: bytes, name: str | None, category: str | None, parameters: frozenset[str] | None) -> Given | Reject:
    """A page's or screen's: views of one page are alike to the letter."""
    found = _of_properties(Raw(data) if data else NOTHING, True, parameters)
    if (name or category) and isinstance(found, Given):
        return found._replace(properties=with_names(found.properties, name, category, found.known))
    return found


def _of_properties(raw: Raw, is_view: bool, parameters: frozenset[str] | None) -> Given | Reject:
    found = stored(raw, "properties")
    if not isinstance(found, Stored):
        return found
    return Given(_kept(found.text, parameters), known(raw, found.names, is_view), found.emails, found.phones)


def _of_traits(event: Incoming, context: Context, kind: str, parameters: frozenset[str] | None) -> Given | Reject:
    found = stored(context.traits if event.traits is NOTHING and kind == "identify" else event.traits, "traits")
    if not isinstance(found, Stored):
        return found
    read = NO_KNOWN if event.properties is NOTHING else known(event.properties, _ALL_NAMES, False)
    text = _kept(found.text, parameters)
    if kind == "group":  # a group's traits tell of the group, not of the person
        return Given(text, read)
    return Given(text, read, found.emails, found.phones)


def _kept(text: str, parameters: frozenset[str] | None) -> str:
    return kept_properties(text, parameters) if parameters is not None and ("?" in text or "#" in text) else text


def _with_contacts(found: Given, traits: Raw) -> Given:
    emails, phones = contacts(bytes(traits))
    return found._replace(emails=found.emails + emails, phones=found.phones + phones)
