"""A small language for what people did, so that tests read as sentences.

    events = story('''
        tablet  09:00      page /home utm_source=google
        tablet  09:05      login ann
        tablet  09:05:30   track Added price=3
        tablet  +1 09:00   heartbeat engaged=10000
        -       09:10      opened mail user=ann
    ''')

Device, time (day offset, HH:MM[:SS[.mmm]]), then a verb: `page PATH`, `track NAME`, `login USER`, `mail ADDRESS` (an
identify call with an e-mail), `heartbeat`, or `opened|clicked CHANNEL` (a contact); then columns of the event, and
`id=NAME` where two lines are copies of one event.
"""

import json
from typing import Any

from pipeline.domain.identifiers import Kind, fact_id, hashed, identifier
from schemas.facts import EventRow

PROJECT = "shop"
DAY, DAY_ZERO = 86_400_000, 1_700_006_400_000  # 15 November 2023, 00:00 UTC


def user(name: str, project: str = "") -> int:
    return identifier(project or PROJECT, Kind.user, name)


def email(address: str, project: str = "") -> int:
    return identifier(project or PROJECT, Kind.email, hashed(address))


def phone(number: str, project: str = "") -> int:
    return identifier(project or PROJECT, Kind.phone, hashed(number))


def device(name: str, project: str = "") -> int:
    return identifier(project or PROJECT, Kind.device, name)


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
    lines = [line.split() for line in text.strip().splitlines() if line.strip() and not line.strip().startswith("#")]
    return [_event(words, number, project or PROJECT) for number, words in enumerate(lines)]


def _event(words: list[str], number: int, project: str) -> EventRow:
    where, *rest = words
    day = int(rest.pop(0)) if rest[0].startswith("+") else 0
    at = moment(rest.pop(0), day)
    verb = rest.pop(0)
    columns: dict[str, Any] = {"channel": "web"}
    properties: dict[str, Any] = {}
    target = rest.pop(0) if rest and "=" not in rest[0] else ""
    for word in rest:
        name, value = word.split("=", 1)
        if name == "user":
            columns["user"] = user(value, project)
        elif name == "email":
            columns["email"] = email(value, project)
        elif name == "phone":
            columns["phone"] = phone(value, project)
        elif name == "engaged":
            columns["engaged_ms"] = int(value)
        elif name == "id":
            columns["id"] = value
        elif name in EventRow.__struct_fields__:
            columns[name] = int(value) if value.isdigit() else value == "yes" if value in ("yes", "no") else value
        else:
            properties[name] = json.loads(value) if value[:1] in "0123456789[{tf" else value
    if verb == "page":
        columns |= {"type": "page", "event": "page", "path": target}
    elif verb == "track":
        columns |= {"type": "track", "event": target}
    elif verb == "login":
        columns |= {"type": "identify", "event": "identify", "user": user(target, project)}
    elif verb == "mail":
        columns |= {"type": "identify", "event": "identify", "email": email(target, project)}
    elif verb == "heartbeat":
        columns |= {"type": "track", "event": "heartbeat", "is_passive": True}
    elif verb in ("opened", "clicked"):
        channel = {"mail": "email"}.get(target, target)
        columns |= {"type": "track", "event": f"{channel} {verb}", "channel": channel, "contact": "engagement"}
    else:
        raise ValueError(f"no such verb in the language: {verb}")
    key = device(where, project) if where != "-" else columns.get("user") or columns.get("email") or columns["phone"]
    name = columns.pop("id", f"m{number}")
    return EventRow(
        project=project,
        device=key,
        occurred_at=at,
        message_id=fact_id(project, *map(ord, str(name))),
        sequence=columns.pop("sequence", 0),
        log_position=number,
        received_at=at,
        properties=json.dumps(properties),
        **columns,
    )
