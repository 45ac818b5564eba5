"""Drop points: where on a page a visitor stopped, out of the events that his session has there.

page  scroll  Form Started  scroll  Form Abandoned        of one session, on one page
      40 %    newsletter    75 %    newsletter: email
-> seen to 75 %, last did Form Started (newsletter), left the form at `email`
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from pipeline.domain import filters
from schemas.facts import EventRow

ABANDONED: Final = "Form Abandoned"
# How far a page was seen, percent: of our tracker, of Plausible's, of GA4's.
SCROLLS: Final = ("scroll_percent", "scroll_depth", "percent_scrolled")
# What an act was about, the first that it has: a clicked element, a form, the address of a link or of a file.
ELEMENTS: Final = ("element", "form", "url")


class Did(NamedTuple):
    """The last thing done on the page, and what it was about."""

    event: str
    element: str | None


class Left(NamedTuple):
    """A form that was begun and not sent, and its field that was touched last."""

    form: str | None
    field: str | None


class Stop(NamedTuple):
    """Where a session stopped on a page. None: nothing tells."""

    scroll: float | None = None  # percent, 0 to 100: the furthest
    did: Did | None = None
    left: Left | None = None
    scroll_event: EventRow | None = None  # the events that tell it
    did_event: EventRow | None = None
    left_event: EventRow | None = None


def stop(events: Iterable[EventRow]) -> Stop:
    """Of a session's events on one page, in order."""
    found = Stop()
    for event in events:
        properties = filters.properties_of(event)
        scroll = _scroll(properties)
        if scroll is not None and (found.scroll is None or scroll > found.scroll):
            found = found._replace(scroll=scroll, scroll_event=event)
        if event.event == ABANDONED:
            left = Left(_text(properties, "form"), _text(properties, "last_field"))
            found = found._replace(left=left, left_event=event)
        elif event.type == "track" and not event.is_passive:
            element = next(filter(None, (_text(properties, name) for name in ELEMENTS)), None)
            found = found._replace(did=Did(event.event, element), did_event=event)
    return found


def _scroll(properties: Mapping[str, Any]) -> float | None:
    told = [filters.number(properties.get(name)) for name in SCROLLS]
    return max((min(100.0, max(0.0, number)) for number in told if number is not None), default=None)


def _text(properties: Mapping[str, Any], name: str) -> str | None:
    return filters.text(properties.get(name)) or None
