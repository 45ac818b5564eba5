"""Values bound to `{name:Type}`: the text from which ClickHouse parses them, the same for both adapters."""

from collections.abc import Iterable, Mapping, Set
from typing import Any

_ESCAPES = str.maketrans(
    {"\\": "\\\\", "'": "\\'", "\b": "\\b", "\f": "\\f", "\r": "\\r", "\n": "\\n", "\t": "\\t", "\0": "\\0"}
)


def parameter_text(value: Any) -> str:
    """A value in ClickHouse's escaped text format (that of TabSeparated).

    Lists, sets and other collections are arrays; so is a tuple, but a tuple inside a collection is a Tuple.
    TypeError for what has no such text.
    """
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    if value is None:
        return "\\N"
    if _is_collection(value):
        return _array(value)
    return _number(value)


def parameter_texts(parameters: Mapping[str, Any] | None) -> dict[str, str]:
    return {name: parameter_text(value) for name, value in (parameters or {}).items()}


def _is_collection(value: Any) -> bool:
    return isinstance(value, (list, tuple, Set))


def _array(values: Iterable[Any]) -> str:
    return "[" + ",".join(map(_element, values)) + "]"


def _element(value: Any) -> str:
    if type(value) is int:
        return str(value)
    if isinstance(value, str):
        return "'" + value.translate(_ESCAPES) + "'"
    if value is None:
        return "NULL"
    if isinstance(value, tuple):
        return "(" + ",".join(map(_element, value)) + ")"
    if _is_collection(value):
        return _array(value)
    return _number(value)


def _number(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    raise TypeError(f"a {type(value).__name__} cannot be bound to a parameter")
