"""Where a client's fields go: a table of `their name: our path`, for the code and for the page.

"$current_url": "context.page.url"     into the event
"$revenue": "properties.revenue"       into properties, under another name
"token": ""                            nowhere
what the table does not name           stays in properties
"""

from collections.abc import Mapping
from typing import Any

from api.webhooks.vendor import Event

PROPERTIES = "properties"
Compiled = dict[str, tuple[str, str, str]]  # by their name: one to three steps, "" = none


def compiled(homes: Mapping[str, str]) -> Compiled:
    found: Compiled = {}
    for name, path in homes.items():
        first, second, third = (*path.split("."), "", "")[:3]
        found[name] = first, second, third
    return found


def housed(given: Mapping[str, Any], homes: Compiled, into: Event) -> dict[str, Any]:
    """Puts every value that has a home into the event; returns all others, which are its properties.

    Nothing (null, "") has no home. Of two values with one home the first stays.
    """
    rest: dict[str, Any] = {}
    for name, value in given.items():
        home = homes.get(name)
        if home is None:
            rest[name] = value
            continue
        first, second, third = home
        if not first or value is None or value == "":
            continue
        if not second:
            place, last = into, first
        elif first == PROPERTIES:
            place, last = rest, second
        else:
            place, last = into.get(first) or into.setdefault(first, {}), second
            if third:
                place, last = place.get(second) or place.setdefault(second, {}), third
        if last not in place:
            place[last] = value
    return rest
