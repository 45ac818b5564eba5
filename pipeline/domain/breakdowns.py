"""Several properties that a number is broken down by together: their values as one text, and apart again.

color=red  size=1      ["red","1"]
color=red              ["red",null]
neither                ""            lacks all of them, as one property alone that is lacking
of one property        red           its own text
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline.domain import filters
from schemas.facts import Event


def together(names: Sequence[str], field: str = "breakdown") -> Callable[[Event, Mapping[str, Any]], str]:
    """What reads the values of properties or $columns of an event as one text."""
    if len(names) == 1:
        read = filters.reader(names[0], field)
        return lambda event, properties: filters.text(read(event, properties))
    reads = [filters.reader(name, f"{field}[{at}]") for at, name in enumerate(names)]
    return lambda event, properties: combined([filters.text(read(event, properties)) for read in reads])


def combined(texts: Sequence[str]) -> str:
    """The texts of two or more values as one."""
    return filters.text([one or None for one in texts]) if any(texts) else ""


def apart(value: str | None, size: int) -> list[str | None]:
    """The values of `size` properties that are one text; None: none."""
    if not value:
        return [None] * size
    return [value] if size == 1 else list(json.loads(value))
