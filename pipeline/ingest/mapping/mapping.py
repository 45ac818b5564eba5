"""A mapping file: which records a payload holds, and which event each of them becomes.

    each = "$.calls"                    # the records; left out: the payload is one

    [[event]]                           # the first whose `when` holds
    when = { path = "$.state", in = ["ended", "closed"] }
    event = "Call Ended"
    channel = "phone"
    message_id = "$.id"
    timestamp = "$.ended_at"
    phone = "$.caller"
    rest = true                         # what no path of this event names becomes properties too
    [event.properties]
    duration_s = { path = "$.duration", as = "number" }

The keys of an event are FIELDS; `properties`, `traits`, `ids`, `campaign` and `location` are tables.
"""

import hashlib
import tomllib
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple

import msgspec

from pipeline.errors import UserMistake
from pipeline.ingest.mapping.paths import Path, Place, path, text_of
from pipeline.ingest.mapping.values import Value, is_there, value

Event = dict[str, Any]  # in Segment's format

# Key of a mapping -> where it stands in the event.
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "event": ("event",),
    "type": ("type",),
    "message_id": ("messageId",),
    "timestamp": ("timestamp",),
    "anonymous_id": ("anonymousId",),
    "user_id": ("userId",),
    "previous_id": ("previousId",),
    "group_id": ("groupId",),
    "email": ("context", "traits", "email"),
    "phone": ("context", "traits", "phone"),
    "channel": ("context", "channel"),
    "url": ("context", "page", "url"),
    "path": ("context", "page", "path"),
    "title": ("context", "page", "title"),
    "referrer": ("context", "page", "referrer"),
    "user_agent": ("context", "userAgent"),
    "ip": ("context", "ip"),
    "device_type": ("context", "device", "type"),
    "os": ("context", "os", "name"),
    "session_id": ("context", "session", "id"),
    "value": ("properties", "value"),
    "currency": ("properties", "currency"),
    "cost": ("properties", "cost"),
}
TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "properties": ("properties",),
    "traits": ("traits",),
    "ids": ("context", "externalIds"),
    "campaign": ("context", "campaign"),
    "location": ("context", "location"),
}
_TEXTS: Final = frozenset(FIELDS) - {"timestamp", "value", "cost"}
_TOP: Final = ("each", "event", "csv", "signature")
_RULE: Final = ("when", "rest", "ignore")
_CONDITIONS: Final = ("path", "is", "is_not", "in", "not_in", "set")

Scheme = Literal["none", "hmac", "basic", "bearer"]


class Csv(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a CSV file is written."""

    delimiter: str = ","
    encoding: str = "utf-8-sig"
    skip: int = 0  # lines before the one with the columns' names
    columns: tuple[str, ...] = ()  # their names, where the file has no such line


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a webhook's sender shows that it is the sender. The secret is the source's signing secret."""

    scheme: Scheme = "none"
    header: str = ""  # hmac: where the signature stands
    digest: Literal["sha1", "sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""  # before the signature, as sha256=
    signed: str = "{body}"  # what is signed; {timestamp} is the header's below
    timestamp_header: str = ""
    within_s: int = 300  # how far the signed time may be from now


class Rule(NamedTuple):
    """What one kind of record becomes."""

    holds: Callable[[Place], bool]
    ignore: bool
    fields: tuple[tuple[tuple[str, ...], Value, bool], ...]  # (place in the event, value, is a text)
    named: frozenset[str] | None  # members of the record that its paths name; None: `rest` is not asked for

    def event(self, place: Place) -> Event:
        made: Event = {}
        if self.named is not None and isinstance(place.record, dict):
            rest = {name: one for name, one in place.record.items() if name not in self.named and is_there(one)}
            if rest:
                made["properties"] = rest
        for where, one, is_text in self.fields:
            found = one.of(place)
            if is_text and not isinstance(found, str):
                found = text_of(found)
            if is_there(found):
                _put(made, where, found)
        made.setdefault("type", "track")
        if made["type"] != "track":
            made.pop("event", None)
        return made


class EventMapping(NamedTuple):
    """A mapping that can be used."""

    each: Path | None
    rules: tuple[Rule, ...]
    csv: Csv
    signature: Signature

    def events(self, payload: Any, headers: Mapping[str, str] | None = None) -> tuple[list[Event], list[Any]]:
        """(events, records that no rule maps) of a payload."""
        events: list[Event] = []
        unmapped: list[Any] = []
        records = [payload] if self.each is None else self.each.of(Place(payload, payload, headers or {}))
        if not isinstance(records, list):
            records = [] if records is None else [records]
            if not records:
                return [], [payload]
        for record in records:
            place = Place(record, payload, headers or {})
            rule = next((rule for rule in self.rules if rule.holds(place)), None)
            if rule is None:
                unmapped.append(record)
            elif not rule.ignore:
                made = rule.event(place)
                made.setdefault("messageId", _id_of(record, made))
                events.append(made)
        return events, unmapped


def mapping(text: str) -> EventMapping:
    """The mapping that a TOML text says. Raises UserMistake with the field that is wrong."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserMistake(f"the mapping is not TOML: {error}", field="mapping") from error
    if unknown := [name for name in told if name not in _TOP]:
        raise UserMistake(f"a mapping has no {unknown[0]!r}; it has {', '.join(_TOP)}", field=unknown[0])
    rules = told.get("event")
    if not isinstance(rules, list) or not rules or not all(isinstance(each, dict) for each in rules):
        raise UserMistake("a mapping has at least one [[event]]", field="event")
    return EventMapping(
        each=path(str(told["each"]), "each") if told.get("each") else None,
        rules=tuple(_rule(each, f"event[{number}]") for number, each in enumerate(rules)),
        csv=_struct(told.get("csv", {}), Csv, "csv"),
        signature=_checked(_struct(told.get("signature", {}), Signature, "signature")),
    )


def _struct(told: Any, kind: Any, field: str) -> Any:
    try:
        return msgspec.convert(told, kind)
    except msgspec.ValidationError as error:
        raise UserMistake(str(error), field=field) from error


def _checked(signature: Signature) -> Signature:
    if signature.scheme == "hmac" and not signature.header:
        raise UserMistake("an hmac needs the `header` that holds it", field="signature.header")
    if ("{timestamp}" in signature.signed) != bool(signature.timestamp_header):
        told = "a signed {timestamp} needs its `timestamp_header`, and the header its place in `signed`"
        raise UserMistake(told, field="signature.timestamp_header")
    if "{body}" not in signature.signed:
        raise UserMistake("what is signed holds the {body}", field="signature.signed")
    return signature


def _rule(told: Mapping[str, Any], field: str) -> Rule:
    if unknown := [name for name in told if name not in (*FIELDS, *TABLES, *_RULE)]:
        known = ", ".join((*FIELDS, *TABLES, *_RULE))
        raise UserMistake(f"an event has no {unknown[0]!r}; it has {known}", field=f"{field}.{unknown[0]}")
    ignore = bool(told.get("ignore", False))
    if not ignore and "event" not in told and told.get("type", "track") == "track":
        raise UserMistake("an event needs its name in `event`, or a `type` that has none", field=f"{field}.event")
    fields: list[tuple[tuple[str, ...], Value, bool]] = []
    for name, inside in TABLES.items():
        fields += _table(told.get(name, {}), inside, f"{field}.{name}")
    fields += [
        (where, value(told[name], f"{field}.{name}"), name in _TEXTS) for name, where in FIELDS.items() if name in told
    ]
    holds, tested = _conditions(told.get("when", []), f"{field}.when")
    named = None
    if told.get("rest"):
        paths = [*tested, *(one for _, each, _ in fields for one in each.paths)]
        named = frozenset(str(each.steps[0]) for each in paths if each.root == "$" and each.steps)
    return Rule(holds, ignore, tuple(fields), named)


def _table(told: Any, inside: tuple[str, ...], field: str) -> list[tuple[tuple[str, ...], Value, bool]]:
    """A table's values; a path in place of a table takes the object that stands there."""
    if isinstance(told, str):
        return [(inside, value(told, field), False)]
    if not isinstance(told, dict):
        raise UserMistake("this is a table, or a path to an object", field=field)
    return [((*inside, name), value(each, f"{field}.{name}"), False) for name, each in told.items()]


def _conditions(told: Any, field: str) -> tuple[Callable[[Place], bool], list[Path]]:
    many = told if isinstance(told, list) else [told]
    tests = [_condition(each, field if many is not told else f"{field}[{number}]") for number, each in enumerate(many)]
    return (lambda place: all(test(place) for test, _ in tests)), [each for _, paths in tests for each in paths]


def _condition(told: Any, field: str) -> tuple[Callable[[Place], bool], tuple[Path, ...]]:
    if not isinstance(told, dict) or "path" not in told or len(told) != 2:
        raise UserMistake(f"a condition has a `path` and one of {', '.join(_CONDITIONS[1:])}", field=field)
    (operator,) = [name for name in told if name != "path"]
    if operator not in _CONDITIONS:
        raise UserMistake(f"{operator!r} is none of {', '.join(_CONDITIONS[1:])}", field=field)
    one, wanted = value(told["path"], f"{field}.path"), told[operator]
    if operator == "set":
        return (lambda place: is_there(one.of(place)) == bool(wanted)), one.paths
    texts = frozenset(text_of(each) for each in (wanted if isinstance(wanted, list) else [wanted]))
    is_in = operator in ("is", "in")
    return (lambda place: (text_of(one.of(place)) in texts) == is_in), one.paths


def _put(event: Event, where: tuple[str, ...], found: Any) -> None:
    inner = event
    for name in where[:-1]:
        inner = inner.setdefault(name, {})
        if not isinstance(inner, dict):
            return
    standing = inner.get(where[-1])
    if isinstance(standing, dict) and isinstance(found, dict):
        found = {**standing, **found}
    inner[where[-1]] = found


def _id_of(record: Any, made: Event) -> str:
    """The id of an event whose mapping names none: the same record has the same one, in every file and attempt."""
    try:
        told = msgspec.json.encode([record, made.get("event"), made["type"]], order="deterministic")
    except (OverflowError, TypeError, ValueError, RecursionError):
        told = repr(record).encode()
    return f"record-{hashlib.sha256(told).hexdigest()[:40]}"
