"""Short ways to write events and filters down in tests of the core."""

import json
from itertools import count
from typing import Any

from pipeline.domain.identifiers import Kind, identifier
from schemas.definitions import Filter
from schemas.facts import EventRow

PROJECT = "shop"
DEVICE = identifier(PROJECT, Kind.device, "phone")
_numbers = count(1)


def user(name: str) -> int:
    return identifier(PROJECT, Kind.user, name)


def email(name: str) -> int:
    return identifier(PROJECT, Kind.email, name)


def phone(name: str) -> int:
    return identifier(PROJECT, Kind.phone, name)


def vendor(name: str) -> int:
    return identifier(PROJECT, Kind.vendor, name)


def event(name: str = "page", at: int = 0, *, properties: dict[str, Any] | None = None, **columns: Any) -> EventRow:
    """An event of device `phone` at millisecond `at`; message ids count up unless given."""
    columns.setdefault("message_id", next(_numbers))
    defaults = {
        "project": PROJECT,
        "device": DEVICE,
        "sequence": 0,
        "log_position": 0,
        "type": "track",
        "channel": "web",
        "properties": json.dumps(properties or {}),
    }
    return EventRow(event=name, occurred_at=at, **(defaults | columns))


def where(name: str, operator: Any = "is", value: Any = None) -> Filter:
    return Filter(name, operator, value)
