"""Filters on an event's properties and columns, and the text that a property's value has.

Every value becomes one text, and each operator is a rule on texts. ClickHouse's JSONExtractString(properties, 'name')
gives the same text, so a filter means the same in SQL (`tests/domain/test_filters_in_clickhouse.py` holds them
together):

    null, "" and a missing name   absent: the event lacks the property
    true, false                   true, false
    10, 10.0, 0.1, 1e21           10, 10, 0.1, 1e21: the shortest that reads back, no .0, no exponent below 1e21
    "text"                        as it is
    arrays, objects               compact JSON, numbers as above

A name is a key of `properties`, else, where it has dots and no such key has a value, a path into nested objects. A
name with $ before it is a column of the event (COLUMNS): a number's 0 and a flag's false are values, "" is absent.
$session.NAME, $customer.NAME, $segment.NAME ... are what pipeline.domain.asked says; only AskedEvents can tell.

    is, is_not, in, not_in    the texts are equal: 0 equals "0" and 0.0, but neither false nor "0.0"; case counts
    contains, not_contains    the text holds the filter's, case counts
    gt, gte, lt, lte, between a filter whose value reads as a number compares numbers, and a text that is none fails;
                              any other compares texts by code points (dates as ISO 8601). between holds at both ends
    regex                     RE2, anywhere in the text; a dot matches a line's end too, as in ClickHouse's match()
    set, not_set              the event has the property, or lacks it

Where the event lacks the property is_not, not_in, not_contains and not_set hold and all else fails.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from math import isfinite
from operator import attrgetter, ge, gt, le, lt
from typing import Any, Final

import msgspec
import re2

from pipeline.domain import asked
from pipeline.errors import InvalidQuestion
from schemas.definitions import Filter
from schemas.facts import Event

Predicate = Callable[[Event, Mapping[str, Any]], bool]
Reader = Callable[[Event, Mapping[str, Any]], object]  # gives the raw value, None where there is none
TextTest = Callable[[str], bool]

# Question's name of a column ($ left out) -> attribute of Event: what both `events` and `timeline` have.
COLUMNS: Final[dict[str, str]] = {
    name: name
    for name in ("event", "type", "channel", "contact", "host", "path", "referrer_host", "acquisition")
    + ("utm_source", "utm_medium", "utm_campaign", "click_id", "country", "region", "city", "browser", "os")
    + ("device_type", "currency", "source", "is_bot", "is_passive", "engaged_ms")
} | {"value": "value_micros", "cost": "cost_micros"}

NUMBER_PATTERN: Final = r"^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
_NUMBER = re.compile(NUMBER_PATTERN.removesuffix("$") + r"\Z")
_NEGATED: Final[dict[str, str]] = {"is_not": "is", "not_in": "in", "not_contains": "contains", "not_set": "set"}
_COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {"gt": gt, "gte": ge, "lt": lt, "lte": le}
_ESCAPES: Final = str.maketrans(
    {chr(code): f"\\u{code:04X}" for code in (*range(32), 0x2028, 0x2029)}
    | {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
)
_JSON = msgspec.json.Decoder(dict[str, Any])


def number_text(value: int | float) -> str:
    """A number as ClickHouse writes it: shortest digits that read back, plain from 1e-6 up to 1e21, else 1.5e21."""
    if isinstance(value, int):
        return str(value)
    mantissa, _, exponent = repr(value).partition("e")
    if not exponent:
        return mantissa.removesuffix(".0") if "." in mantissa else mantissa
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").removesuffix(".0").partition(".")
    digits, power = whole + fraction, int(exponent)
    if 0 <= power < 21:
        return sign + digits.ljust(power + 1, "0")
    if -6 <= power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    return f"{sign}{whole}{'.' + fraction if fraction else ''}e{power}"


def text(value: object) -> str:
    """The text of a JSON value; "" = absent."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return _json(value)


def _json(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, str):
        return f'"{value.translate(_ESCAPES)}"'
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_json(str(key))}:{_json(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ",".join(map(_json, value)) + "]"
    return "null"


def number(value: object) -> float | None:
    """The number that a JSON value's text reads as, None where it is none. "12.5" is one, true and " 1" are not."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    return float(value) if isinstance(value, str) and _NUMBER.match(value) else None


def properties_of(event: Event) -> Mapping[str, Any]:
    """The parsed `properties` of a row of `events`; of an event of `timeline`, which has none, {}."""
    return parsed(getattr(event, "properties", "{}"))


def parsed(properties_json: str) -> Mapping[str, Any]:
    """The column `properties`, a JSON object, parsed."""
    return {} if properties_json == "{}" else _JSON.decode(properties_json)


def reader(name: str, field: str = "breakdown") -> Reader:
    """What reads the property or $column `name`; InvalidQuestion at `field` for a column that there is none of."""
    if not name or name == "$":
        raise InvalidQuestion("a property's name is missing", field=field)
    if asked.is_asked(name):
        asked.check_name(name, field)
        return asked.reader(name, _property(asked.rest(name)))
    if name.startswith("$"):
        return _column(name, field)
    read = _property(name)
    return lambda event, properties: read(properties)


def _property(name: str) -> asked.Read:
    """What reads a name, or the path that it is, out of a JSON object."""
    if "." not in name:
        return lambda properties: properties.get(name)
    keys = name.split(".")

    def read(properties: Mapping[str, Any]) -> object:
        whole = properties.get(name)
        if text(whole):
            return whole
        inner: object = properties
        for key in keys:
            inner = inner.get(key) if isinstance(inner, Mapping) else None
        return inner

    return read


def _column(name: str, field: str) -> Reader:
    attribute = COLUMNS.get(name[1:])
    if attribute is None:
        known = [f"${column}" for column in sorted(COLUMNS)]
        close = get_close_matches(name[:100], [*known, *asked.WHOLE], n=1, cutoff=0.7)
        told = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
        raise InvalidQuestion(f"there is no column {name[:100]}; {told}", field=field)
    read = attrgetter(attribute)
    if attribute.endswith("_micros"):
        return lambda event, properties: read(event) / 1_000_000
    return lambda event, properties: read(event)


def is_column(name: str) -> bool:
    """Whether `name` is a column, which needs no properties to be read."""
    return name.startswith("$")


@lru_cache(1024)
def _cached_reader(name: str) -> Reader:
    return reader(name)


def property_value(event: Event, properties: Mapping[str, Any], name: str) -> str | None:
    """The text of a property or $column, as breakdowns group by it; None where the event lacks it."""
    return text(_cached_reader(name)(event, properties)) or None


def compile(filters: Sequence[Filter], field: str = "where") -> Predicate:
    """One predicate for all the filters: (event, its parsed properties) -> whether every one holds.

    InvalidQuestion for an unknown column or a value that the operator cannot take, at `field`[number].value and so on.
    """
    tests = tuple(_test(one, f"{field}[{number}]") for number, one in enumerate(filters))
    if not tests:
        return lambda event, properties: True
    if len(tests) == 1:
        return tests[0]
    return lambda event, properties: all(test(event, properties) for test in tests)


def _test(one: Filter, field: str) -> Predicate:
    read = reader(one.property, f"{field}.property")
    positive = _NEGATED.get(one.operator)
    holds = _text_test(positive or one.operator, one.value, f"{field}.value")
    if positive:
        return lambda event, properties: not ((value := text(read(event, properties))) and holds(value))
    return lambda event, properties: bool(value := text(read(event, properties))) and holds(value)


def _text_test(operator: str, value: object, field: str) -> TextTest:
    """The test of a text that is not empty."""
    if operator == "set":
        if value is not None:
            raise InvalidQuestion("set and not_set take no value", field=field)
        return lambda found: True
    if operator == "is":
        return _scalar(value, field).__eq__
    if operator == "in":
        return frozenset(_scalar(item, f"{field}[{at}]") for at, item in enumerate(_list(value, field))).__contains__
    if operator == "contains":
        part = _scalar(value, field)
        return lambda found: part in found
    if operator == "regex":
        return _regex(value, field)
    if operator == "between":
        return _between(value, field)
    compares = _COMPARISONS[operator]
    wanted = _scalar(value, field)
    limit = number(wanted)
    if limit is None:
        return lambda found: compares(found, wanted)
    return lambda found: (read := number(found)) is not None and compares(read, limit)


def _scalar(value: object, field: str) -> str:
    """A filter's value as text."""
    if isinstance(value, float) and not isfinite(value):
        raise InvalidQuestion("a number must be finite", field=field)
    if value is None or not isinstance(value, str | int | float) or value == "":
        raise InvalidQuestion(
            "the value must be a number, true, false or a text that is not empty (not_set finds what is absent)",
            field=field,
        )
    return text(value)


def _list(value: object, field: str) -> Sequence[object]:
    if not isinstance(value, list | tuple) or not value:
        raise InvalidQuestion("the value must be a list with at least one element", field=field)
    return value


def _between(value: object, field: str) -> TextTest:
    bounds = _list(value, field)
    if len(bounds) != 2:
        raise InvalidQuestion("between takes [lowest, highest]", field=field)
    low, high = (_scalar(bound, f"{field}[{at}]") for at, bound in enumerate(bounds))
    least, most = number(low), number(high)
    if (least is None) != (most is None):
        raise InvalidQuestion("between takes two numbers or two texts", field=field)
    if least is None or most is None:
        if low > high:
            raise InvalidQuestion("between takes [lowest, highest]: the first is greater", field=field)
        return lambda found: low <= found <= high
    if least > most:
        raise InvalidQuestion("between takes [lowest, highest]: the first is greater", field=field)
    return lambda found: (read := number(found)) is not None and least <= read <= most


def _regex(value: object, field: str) -> TextTest:
    if not isinstance(value, str) or not value:
        raise InvalidQuestion("regex takes a pattern as text", field=field)
    options = re2.Options()
    options.dot_nl, options.log_errors = True, False  # as ClickHouse compiles the pattern of match()
    try:
        search = re2.compile(value, options).search
    except re2.error as error:
        why = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise InvalidQuestion(
            f"not a pattern of RE2, which has no look-arounds and no back-references: {why}", field=field
        ) from error
    return lambda found: search(found) is not None
