"""A value of an event, as a mapping says it.

"$.id"                                       what stands at a path
"web"                                        a constant: any text that does not begin with $
["$.mobile", "$.phone"]                      the first that is there
{ path = "$.sum", as = "number" }            read as text, number, integer, boolean, time or json
{ path = "$.day", as = "time", format = "%d.%m.%Y", zone = "Europe/Berlin" }
{ path = "$.cents", as = "number", times = 0.01 }
{ path = "$.state", map = { w = "won", l = "lost" }, else = "open" }
{ join = ["$.id", "$.state"], with = "-" }   several as one text; nothing where one of them is missing
{ text = "$5 off" }                          a constant that begins with $
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from pipeline.errors import UserMistake
from pipeline.ingest.mapping.paths import Path, Place, path, text_of

Read = Callable[[Any], Any]
_OPTIONS: Final = ("path", "join", "with", "text", "as", "format", "zone", "times", "decimal", "map", "else")
_MOMENT: Final = datetime(2000, 1, 2, 3, 4, 5, tzinfo=UTC)  # any: a format reads what it writes
_TRUE: Final = frozenset(("true", "yes", "y", "1", "on"))
_FALSE: Final = frozenset(("false", "no", "n", "0", "off"))
_MONEY: Final = re.compile(r"^(?:[A-Z]{1,3}(?=[\d€$£¥₹.,+-]))?[€$£¥₹]?|(?:[€$£¥₹%]|(?<=[\d.,])[A-Z]{3})$")
# Groups of three, and of two before them as in India: 1,234,567 or 12,34,567.
_THOUSANDS: Final = {
    ",": re.compile(r"\d{1,3}(?:,\d{2,3})*,\d{3}"),
    ".": re.compile(r"\d{1,3}(?:\.\d{2,3})*\.\d{3}"),
}


class Value(NamedTuple):
    """How to get one value of an event; `of` gives None for nothing."""

    paths: tuple[Path, ...]
    of: Callable[[Place], Any]


def value(told: Any, field: str) -> Value:
    """The value that a mapping tells of. Raises UserMistake naming `field` and what of it is wrong."""
    if isinstance(told, str) and told.startswith("$"):
        return _first((path(told, field),))
    if isinstance(told, list):
        return _any(tuple(value(each, f"{field}[{number}]") for number, each in enumerate(told)))
    if isinstance(told, dict):
        return _table(told, field)
    if isinstance(told, str | int | float | bool):
        return Value((), lambda place: told)
    raise UserMistake("a value is a path, a constant, a list of them, or a table with `path`", field=field)


def is_there(found: Any) -> bool:
    """An empty text, a list or an object without anything in it is nothing."""
    return found is not None and found != "" and found != [] and found != {}


def _first(paths: tuple[Path, ...]) -> Value:
    def of(place: Place) -> Any:
        return next((found for each in paths if is_there(found := each.of(place))), None)

    return Value(paths, of)


def _any(values: tuple[Value, ...]) -> Value:
    def of(place: Place) -> Any:
        return next((found for each in values if is_there(found := each.of(place))), None)

    return Value(tuple(path for each in values for path in each.paths), of)


def _table(told: Mapping[str, Any], field: str) -> Value:
    if unknown := [name for name in told if name not in _OPTIONS]:
        raise UserMistake(f"a value has no {unknown[0]!r}; it has {', '.join(_OPTIONS)}", field=field)
    if sum(name in told for name in ("path", "join", "text")) != 1:
        raise UserMistake("a value has one of `path`, `join` and `text`", field=field)
    if "text" in told:
        text = str(told["text"])
        return Value((), lambda place: text)
    source = _joined(told, field) if "join" in told else value(told["path"], f"{field}.path")
    words, read, otherwise = told.get("map"), _reader(told, field), told.get("else")
    if words is not None and not isinstance(words, dict):
        raise UserMistake('`map` is a table, as { w = "won" }', field=f"{field}.map")

    def of(place: Place) -> Any:
        found = source.of(place)
        if words is not None:
            found = words.get(text_of(found))
        made = read(found) if is_there(found) else None
        return otherwise if made is None else made

    return Value(source.paths, of)


def _joined(told: Mapping[str, Any], field: str) -> Value:
    if not isinstance(told["join"], list):
        raise UserMistake("`join` is a list of values", field=f"{field}.join")
    parts = [value(each, f"{field}.join[{number}]") for number, each in enumerate(told["join"])]
    glue = str(told.get("with", " "))

    def of(place: Place) -> Any:
        found = [text_of(each.of(place)) for each in parts]
        return glue.join(found) if all(found) else None

    return Value(tuple(path for each in parts for path in each.paths), of)


def _reader(told: Mapping[str, Any], field: str) -> Read:
    kind = told.get("as", "time" if "format" in told else "number" if "times" in told or "decimal" in told else "")
    readers: dict[str, Callable[[Mapping[str, Any], str], Read]] = {
        "": lambda told, field: lambda found: found,
        "text": lambda told, field: lambda found: text_of(found) or None,
        "number": _numbers,
        "integer": _integers,
        "boolean": lambda told, field: _boolean,
        "time": _times,
        "json": lambda told, field: _json,
    }
    if not isinstance(kind, str) or kind not in readers:
        raise UserMistake(f"{kind!r} is none of {', '.join(filter(None, readers))}", field=f"{field}.as")
    return readers[kind](told, field)


def _numbers(told: Mapping[str, Any], field: str) -> Read:
    mark, times = told.get("decimal", "."), told.get("times", 1)
    if mark not in (".", ","):
        raise UserMistake("the decimal mark is . or ,", field=f"{field}.decimal")
    if not isinstance(times, int | float) or isinstance(times, bool):
        raise UserMistake("`times` is a number", field=f"{field}.times")
    factor = Decimal(str(times))

    def read(found: Any) -> int | float | None:
        number = decimal_of(text_of(found), mark)
        if number is None:
            return None
        made = number * factor
        return int(made) if made == made.to_integral_value() and abs(made) < 1 << 62 else float(made)

    return read


def decimal_of(text: str, mark: str = ".") -> Decimal | None:
    """The number of `1,234.50`, with marks of thousands, spaces and signs of currencies around it; None for none.

    `12,50` is none where the mark is a point: read without its comma it would be a hundred times as much.
    """
    bare = "".join(each for each in text if not each.isspace() and each not in "'’")
    sign, bare = ("-", bare[1:]) if bare[:1] in "-−" and len(bare) > 1 else ("", bare)
    bare = sign + _MONEY.sub("", bare)
    other = "," if mark == "." else "."
    if other in bare:
        whole = bare.partition(mark)[0].lstrip("+-")
        if other in bare.partition(mark)[2] or not _THOUSANDS[other].fullmatch(whole):
            return None
        bare = bare.replace(other, "")
    try:
        number = Decimal(bare.replace(mark, "."))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _integers(told: Mapping[str, Any], field: str) -> Read:
    number = _numbers(told, field)

    def read(found: Any) -> int | None:
        made = number(found)
        return None if made is None else round(made)

    return read


def _boolean(found: Any) -> bool | None:
    word = text_of(found).strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


def _json(found: Any) -> Any:
    if not isinstance(found, str):
        return found
    try:
        return msgspec.json.decode(found)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _times(told: Mapping[str, Any], field: str) -> Read:
    """ISO 8601 by `format` and `zone`; a number since 1970 is left as it is: ingest tells its unit by its size."""
    form, zone = told.get("format", ""), None
    try:
        datetime.strptime(_MOMENT.strftime(form), form)
    except (TypeError, ValueError) as error:
        raise UserMistake(f"{form!r} is no format of a time: {error}", field=f"{field}.format") from error
    if told.get("zone"):
        try:
            zone = ZoneInfo(str(told["zone"]))
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            told_zone = f"{told['zone']!r} is no time zone; one is Europe/Berlin"
            raise UserMistake(told_zone, field=f"{field}.zone") from error

    def read(found: Any) -> Any:
        text = text_of(found).strip()
        try:
            moment = datetime.strptime(text, form) if form else datetime.fromisoformat(text)
        except ValueError:
            return None if form else found
        return (moment.replace(tzinfo=zone) if zone and moment.tzinfo is None else moment).isoformat()

    return read
