"""Properties and traits: what is stored of them, the e-mail and phone that they bring, and numbers read exactly.

Stored is the client's own JSON text. Only where it has an e-mail or phone key is it written anew, without them: their
hashes are in columns, the values are nowhere. So too where it names an IP address, and where a name stands twice in an
object: of its values the last is kept, else ClickHouse would read the first and the core the last.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from math import inf
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Raw

from pipeline.ingest.incoming import NOTHING, UNDECODABLE, Known, lenient
from pipeline.ingest.remembered import remembered

MAX_DEPTH, MAX_PROPERTIES = 32, 1000
INT64 = 1 << 63


def _spellings(*names: str) -> frozenset[str]:
    """Names given as words, the ways in which senders write them: email_address, emailAddress, Email-Address ..."""
    found: set[str] = set()
    for name in names:
        words = name.split()
        for glue in ("", "_", "-", " "):
            text = glue.join(words)
            title = glue.join(word.title() for word in words)
            found.update((text, text.upper(), text.capitalize(), title, title[0].lower() + title[1:]))
    return frozenset(found)


EMAIL_KEYS = _spellings("email", "e mail", "mail", "email address", "user email", "customer email")
PHONE_KEYS = _spellings("phone", "phone number", "telephone", "mobile phone", "user phone", "customer phone")
IP_KEYS = _spellings(
    *("ip", "ip address", "ip addr", "ipv4", "ipv6", "client ip", "request ip", "remote ip", "remote addr", "user ip"),
    *("source ip", "real ip", "x real ip", "visitor ip", "remote address", "forwarded for", "x forwarded for"),
) | {"IPv4", "IPv6"}
_PRIVATE_KEYS = EMAIL_KEYS | PHONE_KEYS | IP_KEYS

# What most properties are: one level, numbers that can be stored. Decoding so is the cheapest way to know.
_Int64 = Annotated[int, msgspec.Meta(ge=-INT64, le=INT64 - 1)]
_decode_flat = msgspec.json.Decoder(dict[str, str | _Int64 | float | bool | None]).decode
_decode_apart = msgspec.json.Decoder(dict[str, Raw]).decode
_AFTER_NAMES = ('":', " :", "\t:", "\n:", "\r:")


class Reject(NamedTuple):
    """Why an event cannot be used: `reason` is one of schemas.rejects.REASONS."""

    reason: str
    field: str = ""
    message: str = ""


class Stored(msgspec.Struct, frozen=True, gc=False):
    text: str  # JSON object
    emails: tuple[str, ...] = ()  # as sent, top level only
    phones: tuple[str, ...] = ()
    names: Collection[str] = ()  # top level


EMPTY = Stored("{}")


def _is_private(name: str, value: Any) -> bool:
    return isinstance(value, str | int | float | list) and not isinstance(value, bool) and name in _PRIVATE_KEYS


class _Walk:
    """One pass over decoded properties: limits, and the removal of private keys."""

    def __init__(self) -> None:
        self.count, self.removed, self.reject = 0, False, Reject("")

    def clean(self, value: Any, path: str, depth: int) -> Any:
        if isinstance(value, dict | list) and depth > MAX_DEPTH:
            self.reject = Reject("too_deep", path, f"objects may be nested {MAX_DEPTH} deep")
            return None
        if isinstance(value, dict):
            self.count += len(value)
            if self.count > MAX_PROPERTIES:
                self.reject = Reject("too_many_properties", path, f"an event may have {MAX_PROPERTIES} properties")
                return None
            kept = {}
            for name, inner in value.items():
                if _is_private(name, inner):
                    self.removed = True
                else:
                    kept[name] = self.clean(inner, f"{path}.{name}"[:200], depth + 1)
            return kept
        if isinstance(value, list):
            return [self.clean(inner, path, depth + 1) for inner in value]
        if isinstance(value, int) and not -INT64 <= value < INT64:
            self.reject = Reject("number_out_of_range", path, "an integer must fit into 64 bits")
        return value


def _repeats(text: str, names: int) -> bool:
    """Whether a name stands twice in an object of the text, in which so many different ones were found.

    What stands after each name, and before it, is counted first, as that is cheap; values have more of it.
    """
    return (
        text.count(":") > names
        and text.count(",") + text.count("{") > names
        and sum(map(text.count, _AFTER_NAMES)) > names
        and _names(text) > names
    )


def _names(text: str) -> float:
    """How many names stand in the objects of the text, those that stand twice counted twice."""
    found: list[int] = []
    try:
        json.loads(text, object_pairs_hook=lambda pairs: found.append(len(pairs)), parse_int=str, parse_float=str)
    except RecursionError:  # only a value that gave way to a later one can be nested so deep
        return inf
    return sum(found)


def texts(value: Mapping[str, Any], keys: frozenset[str]) -> Iterator[str]:
    """The strings and integers under one of the keys (EMAIL_KEYS or PHONE_KEYS), top level only."""
    for name, inner in value.items():
        if name in keys and isinstance(inner, str | int) and not isinstance(inner, bool):
            yield str(inner)


def _read(data: bytes, field: str) -> Stored | Reject:
    """`stored` for text that needs a look inside."""
    try:
        text, value = data.decode(), msgspec.json.decode(data)
    except RecursionError:
        return Reject("too_deep", field, f"objects may be nested {MAX_DEPTH} deep")
    except msgspec.ValidationError as error:
        return Reject("number_out_of_range", field, str(error))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Reject("malformed_json", field, str(error))
    walk = _Walk()
    kept = walk.clean(value, field, 1)
    if walk.reject.reason:
        return walk.reject
    if walk.removed or _repeats(text, walk.count):
        text = msgspec.json.encode(kept).decode()
    return Stored(text, tuple(texts(value, EMAIL_KEYS)), tuple(texts(value, PHONE_KEYS)), value)


def stored(raw: Raw, field: str) -> Stored | Reject:
    """What is stored of `properties` or `traits`, and the e-mails and phones in it; or why it cannot be."""
    if raw is NOTHING:
        return EMPTY
    try:
        flat = _decode_flat(raw)
    except UNDECODABLE:
        pass
    else:
        if len(flat) <= MAX_PROPERTIES and _PRIVATE_KEYS.isdisjoint(flat):
            return Stored(_flat_text(raw, flat), (), (), flat)
    data = bytes(raw)
    if data[:1] != b"{":
        if data == b"null" or (data[:1] == b"[" and not data.strip(b"[] \t\r\n")):
            return EMPTY
        return Reject("wrong_type", field, "must be an object")
    return _read(data, field)


@remembered(1 << 12)
def contacts(data: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """E-mails and phones in traits that are not stored (context.traits). Unreadable traits have none."""
    found = stored(Raw(data), "context.traits")
    return (found.emails, found.phones) if isinstance(found, Stored) else ((), ())


# What rules read of a page's or screen's properties, and of all others'.
_PAGE_NAMES = frozenset(Known.__struct_fields__)
_NAMES = _PAGE_NAMES - {"name", "category", "url", "path", "title", "referrer", "currency"}
_READ = _PRIVATE_KEYS | _NAMES
_decode_known = msgspec.json.Decoder(Known).decode
NO_KNOWN = Known()


def plain(raw: Raw) -> str | None:
    """Properties of one level with no name that a rule reads, as they are stored; None for others. Most are so."""
    if raw is NOTHING:
        return EMPTY.text
    try:
        flat = _decode_flat(raw)
    except UNDECODABLE:
        return None
    if len(flat) > MAX_PROPERTIES or not _READ.isdisjoint(flat):
        return None
    text = str(raw, "utf-8")  # as in `_flat_text`, without two calls
    return text if text.count(":") == len(flat) else _flat_text(raw, flat)


def _flat_text(raw: Raw, flat: Mapping[str, Any]) -> str:
    text = str(raw, "utf-8")
    return msgspec.json.encode(flat).decode() if _repeats(text, len(flat)) else text


def known(raw: Raw, names: Collection[str], is_view: bool) -> Known:
    """The properties that rules read; those with a wrong type count as absent. `raw` has passed `stored`.

    Nothing is known where a rule reads none of the names: a page's own are read of pages and screens only, a currency
    only beside an amount.
    """
    if (_PAGE_NAMES if is_view else _NAMES).isdisjoint(names):
        return NO_KNOWN
    try:
        return _decode_known(raw)
    except UNDECODABLE:
        pass
    try:
        return lenient(Known, raw, [])
    except UNDECODABLE:
        return NO_KNOWN


def with_names(text: str, name: str | None, category: str | None, given: Known) -> str:
    """Properties with a page's or screen's own name and category, where the properties have none."""
    own: dict[str, str | Raw] = {}
    if name and given.name is None:
        own["name"] = name
    if category and given.category is None:
        own["category"] = category
    if not own:
        return text
    if "\\" not in text and not any(f'"{each}"' in text for each in own):  # no such name, however it were written
        rest = text[1:].lstrip()
        return msgspec.json.encode(own).decode()[:-1] + ("" if rest[0] == "}" else ",") + rest
    properties = _decode_apart(text)  # their values as they were sent; one that rules cannot read gives way
    return msgspec.json.encode(own | {each: value for each, value in properties.items() if each not in own}).decode()


def with_prefix(text: str, prefix: str) -> str:
    """Properties with the first part of the sender's address as `ip_prefix`, in the place of one of the sender's."""
    return msgspec.json.encode(msgspec.json.decode(text) | {"ip_prefix": prefix}).decode()


OUT_OF_RANGE = 1 << 80


@remembered(1 << 12)
def micros(data: bytes) -> int | None:
    """Millionths of a JSON number or of a number in a string, by its digits; None where it is no number.

    OUT_OF_RANGE for NaN, infinities and what a 64-bit integer cannot hold.
    """
    text = data.decode().strip('" ')
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if not number.is_finite() or number.adjusted() > 13:
        return OUT_OF_RANGE
    if number.adjusted() < -8:
        return 0
    result = int((number * 1_000_000).to_integral_value())
    return result if -INT64 <= result < INT64 else OUT_OF_RANGE
