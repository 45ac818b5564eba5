"""What the module of an export gives: the form of its files, and the events of a record."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

Event = dict[str, Any]  # in Segment's format
Forms = tuple[Literal["ndjson", "csv", "parquet", "text", "array"], ...]


@dataclass(frozen=True, slots=True)
class Export:
    """All that the command and the page need."""

    name: str  # of `--from`
    title: str
    forms: Forms  # the first is taken where the file's name does not say another of them
    events: Callable[[Any], list[Event] | None]  # a record -> events; None: it is no record of this export
    file: str  # which file it is, in words
    becomes: tuple[tuple[str, str], ...]  # what of it becomes what, for the page


def there(fields: Mapping[str, Any]) -> Event:
    """Without what is empty, inside of objects too."""
    made = {name: there(one) if isinstance(one, dict) else one for name, one in fields.items()}
    return {name: one for name, one in made.items() if one not in (None, "", [], {})}


def text(value: Any) -> str:
    """A text or whole number as text; "" for anything else."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def number(value: Any) -> float | int | None:
    """A number, also one written as text; None for anything else, and for infinities."""
    try:
        found = float(value) if isinstance(value, str) else value
    except ValueError:
        return None
    is_number = isinstance(found, int | float) and not isinstance(found, bool) and abs(found) < 1e18
    return found if is_number else None


def inside(value: Any) -> Any:
    """An object or array, also one that is written as a text of JSON; {} for anything else."""
    if isinstance(value, dict | list):
        return value
    if not isinstance(value, str) or value[:1] not in ("{", "["):
        return {}
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return {}


def fields(value: Any) -> dict[str, Any]:
    """An object, also one that is written as a text of JSON; {} for anything else."""
    found = inside(value)
    return found if isinstance(found, dict) else {}
