"""The step that reads what an event brings along: its properties or traits as they are stored, the properties that
rules read, and the e-mails and phones of the person.
"""

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
from pipeline.ingest.remembered import Remembered

_ALL_NAMES = Known.__struct_fields__


# Properties as they are stored (a JSON object), those that rules read, e-mails, phones. A plain tuple, as in who.py: a
# named one takes longer to make than all that it holds.
Given = tuple[str, Known, tuple[str, ...], tuple[str, ...]]


def given(
    event: Incoming, context: Context, kind: str, parameters: frozenset[str] | None, prefix: str
) -> Given | Reject:
    """Traits of identify and group calls, properties of all others, without e-mail and phone, inside the limits.

    `prefix`: the first part of the sender's address, where the project keeps it.
    """
    if kind == "page" or kind == "screen":
        found = _VIEWS[bytes(event.properties), event.name, event.category, parameters]
    elif kind == "identify" or kind == "group":
        found = _of_traits(event, context, kind, parameters)
    else:
        text = plain(event.properties)
        if text is not None and not ("?" in text or "#" in text):
            found = text, NO_KNOWN, (), ()
        else:
            found = _of_properties(event.properties, False, parameters)
    if isinstance(found, Reject):
        return found
    if prefix:
        found = with_prefix(found[0], prefix), *found[1:]
    if kind != "group" and kind != "identify" and event.traits is not NOTHING:
        found = _with_contacts(found, event.traits)
    return found if context.traits is NOTHING else _with_contacts(found, context.traits)


def _of_view(data: bytes, name: str | None, category: str | None, parameters: frozenset[str] | None) -> Given | Reject:
    """A page's or screen's: views of one page are alike to the letter."""
    found = _of_properties(Raw(data) if data else NOTHING, True, parameters)
    if isinstance(found, Reject) or not (name or category):
        return found
    return with_names(found[0], name, category, found[1]), *found[1:]


_VIEWS = Remembered(_of_view, 1 << 14)


def _of_properties(raw: Raw, is_view: bool, parameters: frozenset[str] | None) -> Given | Reject:
    found = stored(raw, "properties")
    if not isinstance(found, Stored):
        return found
    return _kept(found.text, parameters), known(raw, found.names, is_view), found.emails, found.phones


def _of_traits(event: Incoming, context: Context, kind: str, parameters: frozenset[str] | None) -> Given | Reject:
    found = stored(context.traits if event.traits is NOTHING and kind == "identify" else event.traits, "traits")
    if not isinstance(found, Stored):
        return found
    read = NO_KNOWN if event.properties is NOTHING else known(event.properties, _ALL_NAMES, False)
    text = _kept(found.text, parameters)
    if kind == "group":  # a group's traits tell of the group, not of the person
        return text, read, (), ()
    return text, read, found.emails, found.phones


def _kept(text: str, parameters: frozenset[str] | None) -> str:
    return kept_properties(text, parameters) if parameters is not None and ("?" in text or "#" in text) else text


def _with_contacts(found: Given, traits: Raw) -> Given:
    text, read, emails, phones = found
    more_emails, more_phones = contacts(bytes(traits))
    return text, read, emails + more_emails, phones + more_phones
