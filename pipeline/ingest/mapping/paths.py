"""Paths into a record, in the manner of JSONPath.

    $                            the record
    $.customer.email             members; a name may have spaces
    $['Call started']            a member whose name has dots or brackets
    $.lines[0].sku               an element, from the end with [-1]
    $.lines[*].sku               of all elements: a list
    $.params[?key='page'].value  the first element whose member has this text
    $$.account.id                from the whole payload, where a record is a part of it
    $header.x-event              a header of the request, in lower case

A step into a text that is JSON goes into what it says. Where the way ends there is nothing: None.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from pipeline.errors import UserMistake

_ROOT = re.compile(r"\$header(?=[.\[])|\$\$|\$")
_STEP = re.compile(
    r"""\.(?P<name>[^.\[\]]+)
      | \[(?P<index>-?\d+)\]
      | \[(?P<all>\*)\]
      | \[(?P<quote>['"])(?P<quoted>.*?)(?P=quote)\]
      | \[\?(?P<member>[^=\[\]]+?)\s*==?\s*(?P<mark>['"])(?P<text>.*?)(?P=mark)\]""",
    re.VERBOSE,
)
MOST_DEPTH = 32


class Where(NamedTuple):
    """The step to the first element whose member has a text."""

    member: str
    text: str


class All(NamedTuple):
    """The step to all elements."""


Step = str | int | Where | All


class Place(NamedTuple):
    """What paths start from."""

    record: Any
    payload: Any = None
    headers: Mapping[str, str] = {}


class Path(NamedTuple):
    text: str
    root: str  # $, $$ or $header
    steps: tuple[Step, ...]

    def of(self, place: Place) -> Any:
        """What stands there; None for nothing."""
        starts = {"$": place.record, "$$": place.payload, "$header": place.headers}
        return _followed(starts[self.root], self.steps)


def path(text: str, field: str = "") -> Path:
    """Raises UserMistake with what cannot be read."""
    root = _ROOT.match(text)
    if root is None:
        raise UserMistake(f"a path begins with $, as $.order.id; this is {text!r}", field=field)
    steps: list[Step] = []
    at = root.end()
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None:
            told = (
                f"{text!r} cannot be read from {text[at:]!r} on; steps are .name, ['name'], [0], [*] and [?name='text']"
            )
            raise UserMistake(told, field=field)
        steps.append(_step(found))
        at = found.end()
    if len(steps) > MOST_DEPTH:
        raise UserMistake(f"a path has at most {MOST_DEPTH} steps", field=field)
    return Path(text, root[0], tuple(steps))


def _step(found: re.Match[str]) -> Step:
    if found["index"] is not None:
        return int(found["index"])
    if found["all"] is not None:
        return All()
    if found["member"] is not None:
        return Where(found["member"].strip(), found["text"])
    return found["name"].strip() if found["name"] is not None else found["quoted"]


def _followed(value: Any, steps: tuple[Step, ...]) -> Any:
    for number, step in enumerate(steps):
        if isinstance(value, str):
            value = _inside(value)
        if isinstance(step, All):
            if not isinstance(value, list):
                return None
            rest = steps[number + 1 :]
            return [found for each in value if (found := _followed(each, rest)) is not None]
        value = _stepped(value, step)
        if value is None:
            return None
    return value


def _stepped(value: Any, step: Step) -> Any:
    if isinstance(step, str):
        return value.get(step) if isinstance(value, Mapping) else None
    if not isinstance(value, list):
        return None
    if isinstance(step, int):
        return value[step] if -len(value) <= step < len(value) else None
    assert isinstance(step, Where)
    return next(
        (each for each in value if isinstance(each, dict) and text_of(each.get(step.member)) == step.text), None
    )


def _inside(value: str) -> Any:
    """The JSON object or array that a text is; None where it is none."""
    if value[:1] not in ("{", "["):
        return None
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def text_of(value: Any) -> str:
    """A value as text: "" for nothing, objects and arrays; numbers as JSON writes them, true and false."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value) if isinstance(value, int | float) else ""
