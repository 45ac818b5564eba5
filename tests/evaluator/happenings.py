"""What people did, as the evaluator sees it, and the rules on single events: texts, filters, steps."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = Any


@dataclass(frozen=True, eq=False)
class Happening:
    """One event of a customer. Times are UTC ms. `columns` holds what filters name with a $ in front."""

    at: int
    name: str
    message_id: int
    customer: str = "ann"
    device: str = "phone"
    sequence: int = 0
    properties: Mapping[str, Json] = field(default_factory=dict)
    columns: Mapping[str, Json] = field(default_factory=dict)
    session: str | None = None
    is_passive: bool = False
    is_bot: bool = False
    group: str = ""  # the account that the event names itself; an event named `group` tells that of its customer

    def __repr__(self) -> str:
        """Short: hundreds of them stand in a failing example."""
        marks = "~" * self.is_passive + "!" * self.is_bot
        return f"{self.customer}:{self.name}{marks}#{self.message_id}.{self.sequence}@{self.at}{dict(self.properties)}"


def text(value: Json) -> str | None:
    """A value as the one text that it is compared by; None: the event lacks it."""
    if value is None or value == "":
        return None
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def property_text(happening: Happening, name: str) -> str | None:
    """The text of a property, of a path into nested ones, or of a $column."""
    if name.startswith("$"):
        return happening.name if name == "$event" else text(happening.columns.get(name))
    here: Json = happening.properties
    if name in happening.properties:
        return text(happening.properties[name])
    for part in name.split("."):
        if not isinstance(here, Mapping) or part not in here:
            return None
        here = here[part]
    return text(here)


def values_text(happening: Happening, names: str | Sequence[str]) -> str | None:
    """The text of one property, or of several taken together; None: the event lacks them all."""
    if isinstance(names, str):
        return property_text(happening, names)
    texts = [property_text(happening, name) for name in names]
    if len(texts) == 1 or not any(texts):
        return texts[0]
    return json.dumps(texts, ensure_ascii=False, separators=(",", ":"))


def number(words: str | None) -> float | None:
    try:
        return None if words is None else float(words)
    except ValueError:
        return None


def compares(operator: str, words: str, wanted: Json) -> bool:
    """A text held against a bound: as numbers where the bound reads as one, else by code points."""
    bound = text(wanted) or ""
    left: Any = words
    right: Any = bound
    if number(bound) is not None:
        left, right = number(words), number(bound)
        if left is None:
            return False
    return bool({"gt": left > right, "gte": left >= right, "lt": left < right, "lte": left <= right}[operator])


def holds_of_text(operator: str, words: str, wanted: Json) -> bool:
    """An operator that is no negation, on a text that is there."""
    if operator == "set":
        return True
    if operator == "is":
        return words == text(wanted)
    if operator == "in":
        return words in [text(one) for one in wanted]
    if operator == "contains":
        return (text(wanted) or "") in words
    if operator == "regex":
        return re.search(wanted, words) is not None
    if operator == "between":
        return compares("gte", words, wanted[0]) and compares("lte", words, wanted[1])
    return compares(operator, words, wanted)


NEGATIONS = {"is_not": "is", "not_in": "in", "not_contains": "contains", "not_set": "set"}


def passes(happening: Happening, condition: Mapping[str, Json]) -> bool:
    """Whether an event passes one filter of a question."""
    operator = condition.get("operator", "is")
    words = property_text(happening, condition["property"])
    if operator in NEGATIONS:
        return words is None or not holds_of_text(NEGATIONS[operator], words, condition.get("value"))
    return words is not None and holds_of_text(operator, words, condition.get("value"))


def meets(happening: Happening, step: Mapping[str, Json]) -> bool:
    """Whether an event is one that a step, or an exclusion, is about."""
    names = [step["events"]] if isinstance(step["events"], str) else step["events"]
    return ("*" in names or happening.name in names) and all(passes(happening, one) for one in step.get("where", ()))
