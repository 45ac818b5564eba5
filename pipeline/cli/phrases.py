"""How questions and definitions are written on a command line: names, steps, filters, or the whole as JSON."""

import json
import re
import sys
from typing import Any

from pipeline.errors import InvalidQuestion

_FILTER = re.compile(r"([^\s=!<>~]+)\s*(!=|>=|<=|!~|=|>|<|~)\s*(.*)", re.DOTALL)
_OPERATORS = {
    "=": "is", "!=": "is_not", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "~": "contains", "!~": "not_contains",
}  # fmt: skip


def read_json(text: str, field: str = "question") -> dict[str, Any]:
    """One JSON object; - reads it from stdin."""
    try:
        found = json.loads(sys.stdin.read() if text == "-" else text)
    except ValueError as error:
        raise InvalidQuestion(f"the {field} is not JSON: {error}", field=field) from error
    if not isinstance(found, dict):
        raise InvalidQuestion("this takes one JSON object", field=field)
    return found


def names_in(text: str) -> list[str]:
    """Names with commas between them."""
    return [name.strip() for name in text.split(",") if name.strip()]


def step_of(text: str) -> dict[str, Any]:
    """goal:purchase is what meets the goal; anything else is an event's name."""
    kind, _, goal = text.partition(":")
    return {"goal": goal.strip()} if kind == "goal" and goal.strip() else {"events": [text]}


def filter_of(text: str) -> dict[str, Any]:
    """{"property", "operator", "value"} of price>=10, $channel=web, color!=red; JSON is taken as such."""
    found = _FILTER.fullmatch(text.strip())
    if not found:
        raise InvalidQuestion(f"{text!r} is no filter; write name=value, or != > >= < <= ~ !~ for =", field="where")
    name, operator, value = found.groups()
    try:
        parsed = json.loads(value)
    except ValueError:
        parsed = value
    return {"property": name, "operator": _OPERATORS[operator], "value": value if parsed is None else parsed}
