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
Compiled = dict[str, tuple[str, ...]]


def compiled(homes: Mapping[str, str]) -> Compiled:
    return {name: tuple(path.split(".")) if path else () for name, path in homes.items()}


def housed(given: Mapping[str, Any], homes: Compiled, into: Event) -> dict[str, Any]:
    """Puts every value that has a home into the event; returns all others, which are its properties.

    Nothing (null, "") has no home. Of two values with one home the first stays.
    """
    rest: dict[str, Any] = {}
    for name, value in given.items():
        path = homes.get(name)
        if path is None:
            rest[name] = value
        elif path and value is not None and value != "":
            _put(into, rest, path, value)
    return rest


def _put(into: Event, rest: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    if len(path) == 1:
        into.setdefault(path[0], value)
        return
    if path[0] == PROPERTIES:
        rest.setdefault(path[1], value)
        return
    for step in path[:-1]:
        into = into.setdefault(step, {})
    into.setdefault(path[-1], value)
