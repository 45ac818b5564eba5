"""A small language for what people did, so that tests read as sentences.

    events = story('''
        tablet  09:00      page /home utm_source=google
        tablet  09:05      login ann
        tablet  09:05:30   track Added price=3
        tablet  +1 09:00   heartbeat engaged=10000
        -       09:10      opened mail user=ann
    ''')

Device, time (day offset, HH:MM[:SS[.mmm]]), then a verb:

- `page PATH`, `track NAME`, `login USER`, `mail ADDRESS` (an identify call with an e-mail), `heartbeat`,
- `server NAME`: what the shop's server tells of a device, so passive,
- a contact: `opened|clicked|visited|answered CHANNEL` (engagement), `called|returned CHANNEL` (service),
  `shown CHANNEL` (exposure),
- `rename OLD user=NEW`: an alias call, of a trusted source unless `trusted=no`;

then columns of the event, and `id=NAME` where two lines are copies of one event. Ids are as the sender wrote them,
between " " where blanks belong to them: a placeholder is none. What reaches the collector late is told late; where its
clocks matter, `clock=+HH:MM` is how far the device's is off and `got=[+DAY/]HH:MM` when the event was received (without
`sent=yes` the sender does not say when it sent). `unusable=yes` is an event that is rejected.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.domain.identifiers import Kind, claimed, fact_id, hashed, identifier, normal_email, normal_phone, usable
from pipeline.ingest.event_time import to_ms, when
from schemas.facts import EventRow, Rejected

PROJECT = "shop"
DAY, DAY_ZERO = 86_400_000, 1_700_006_400_000  # 15 November 2023, 00:00 UTC
CONTACTS = {
    **dict.fromkeys(("opened", "clicked", "visited", "answered"), "engagement"),
    **dict.fromkeys(("called", "returned"), "service"),
    "shown": "exposure",
}


def user(name: str, project: str = "") -> int:
    return _known(Kind.user, usable(name), project)


def email(address: str, project: str = "") -> int:
    return _known(Kind.email, normal_email(address), project)


def phone(number: str, project: str = "") -> int:
    return _known(Kind.phone, normal_phone(number), project)


def vendor(name: str, project: str = "") -> int:
    return _known(Kind.vendor, name, project)


def device(name: str, project: str = "") -> int:
    return _known(Kind.device, usable(name), project)


def _known(kind: Kind, value: str, project: str) -> int:
    """0 where nothing is left of what was sent."""
    if kind in (Kind.email, Kind.phone) and value:
        value = hashed(value)
    return identifier(project or PROJECT, kind, value) if value else 0


def moment(text: str, day: int = 0) -> int:
    """HH:MM[:SS[.mmm]] of a day -> ms."""
    hours, minutes, *rest = text.split(":")
    return (
        DAY_ZERO
        + day * DAY
        + int(hours) * 3_600_000
        + int(minutes) * 60_000
        + round(float(rest[0] if rest else 0) * 1000)
    )


def story(text: str, project: str = "") -> list[EventRow]:
    """The events in the order they are told, which is also their order in the log."""
    rows = received(text, project)
    assert all(isinstance(row, EventRow) for row in rows), "a story of events tells of something unusable"
    return [row for row in rows if isinstance(row, EventRow)]


def received(text: str, project: str = "") -> list[EventRow | Rejected]:
    """The same, where some of what is told cannot be used."""
    told = [line.strip() for line in text.splitlines()]
    lines = [WORD.findall(line) for line in told if line and not line.startswith("#")]
    return [_received(words, number, project or PROJECT) for number, words in enumerate(lines)]


WORD = re.compile(r'(?:[^\s"]|"[^"]*")+')


def _received(words: list[str], number: int, project: str) -> EventRow | Rejected:
    is_unusable = "unusable=yes" in words
    row = _event([word for word in words if word != "unusable=yes"], number, project)
    if not is_unusable:
        return row
    return Rejected(project, row.device, row.message_id, number, row.received_at, "web", "too_large", "", "", "{}")


def _event(words: list[str], number: int, project: str) -> EventRow:
    where, *rest = words
    day = int(rest.pop(0)) if rest[0].startswith("+") else 0
    at = moment(rest.pop(0), day)
    verb = rest.pop(0)
    target = rest.pop(0) if rest and "=" not in rest[0] else ""
    columns, properties, clock = _columns(rest, project)
    columns |= _verb(verb, target, where, columns, project)
    at, received_at = _clocked(at, **clock)
    name = columns.pop("id", f"m{number}")
    return EventRow(
        project=project,
        device=(device(where, project) if where != "-" else 0) or _best(columns),
        occurred_at=at,
        message_id=fact_id(project, *map(ord, str(name))),
        sequence=columns.pop("sequence", 0),
        log_position=number,
        received_at=received_at,
        properties=json.dumps(properties),
        **columns,
    )


def _columns(words: list[str], project: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, str]]:
    """(columns of the row, its properties, what is told of clocks)."""
    columns: dict[str, Any] = {"channel": "web"}
    properties: dict[str, Any] = {}
    clock: dict[str, str] = {}
    for word in words:
        name, value = word.split("=", 1)
        if name in ("clock", "got", "sent"):
            clock[name] = value
        elif name in ("user", "email", "phone"):
            columns[name] = {"user": user, "email": email, "phone": phone}[name](value, project)
        elif name == "vendor":
            columns["vendors"] = (vendor(value, project),)
        elif name == "engaged":
            columns["engaged_ms"] = int(value)
        elif name == "trusted":
            columns["is_trusted"] = value == "yes"
        elif name == "id":
            columns["id"] = value
        elif name in EventRow.__struct_fields__:
            columns[name] = int(value) if value.isdigit() else value == "yes" if value in ("yes", "no") else value
        else:
            properties[name] = json.loads(value) if value[:1] in "0123456789[{tf" else value
    return columns, properties, clock


def _verb(verb: str, target: str, where: str, columns: dict[str, Any], project: str) -> dict[str, Any]:
    """The columns that the verb sets."""
    if verb == "page":
        return {"type": "page", "event": "page", "path": target}
    if verb == "track":
        return {"type": "track", "event": target}
    if verb == "server":
        return {"type": "track", "event": target, "is_passive": where != "-", "is_trusted": True}
    if verb == "login":
        return {"type": "identify", "event": "identify", "user": user(target, project)}
    if verb == "mail":
        return {"type": "identify", "event": "identify", "email": email(target, project)}
    if verb == "heartbeat":
        return {"type": "track", "event": "heartbeat", "is_passive": True}
    if verb == "rename":
        is_trusted = columns.get("is_trusted", True)
        old = user(target, project) if is_trusted else claimed(user(target, project))
        return {"type": "alias", "event": "alias", "alias_of": old, "is_trusted": is_trusted}
    if verb in CONTACTS:
        channel = {"mail": "email"}.get(target, target)
        return {"type": "track", "event": f"{channel} {verb}", "channel": channel, "contact": CONTACTS[verb]}
    raise ValueError(f"no such verb in the language: {verb}")


def _best(columns: dict[str, Any]) -> int:
    """The device key of an event without a device: its best identifier."""
    found: int = columns.get("user") or columns.get("email") or columns.get("phone") or columns["vendors"][0]
    return found


def _clocked(at: int, clock: str = "", got: str = "", sent: str = "") -> tuple[int, int]:
    """(occurred_at, received_at) of what happened at that moment, from what the sender's clock made of it."""
    day, _, hours = got.rpartition("/")
    received_at = moment(hours, int(day or 0)) if got else at
    ahead = (moment(clock.lstrip("+-")) - DAY_ZERO) * (-1 if clock.startswith("-") else 1) if clock else 0
    stamp = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at + ahead)).isoformat()
    occurred_at, _ = when(to_ms(stamp), received_at + ahead if sent else None, received_at)
    return occurred_at, received_at
