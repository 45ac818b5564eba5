"""A small language for tests: an event is sent, and comes out as a row or a reject."""

from typing import Any

import msgspec

from pipeline.ingest import Ingest, device_key
from schemas.definitions import Project
from schemas.facts import EventRow, Rejected
from schemas.log import Line

NOON = 1_717_243_200_000  # 2024-06-01T12:00:00Z
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
SHOP = Project(name="shop", own_domains=("shop.example", "shop-help.example"), payment_providers=("pay.example",))


def event(**fields: Any) -> dict[str, Any]:
    """A track call of an anonymous device, with the given fields instead of its own."""
    return {"type": "track", "event": "Clicked", "anonymousId": "device-1", "messageId": "m-1", **fields}


def line(payload: Any, received_at: int = NOON, kind: str = "browser", **stamps: Any) -> Line:
    """The line that a collector makes of a payload; `payload` may be bytes, to send what no encoder writes."""
    raw = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    device = device_key("shop", payload) if isinstance(payload, dict) else 0
    return Line(p="shop", d=device, r=received_at, s="site", k=kind, e=msgspec.Raw(raw), **stamps)


def sent(payload: Any, project: Project = SHOP, **stamps: Any) -> EventRow | Rejected:
    """What both readers make of it: they must agree."""
    ingest, one = Ingest({"shop": project}), line(payload, **stamps)
    (fast,) = ingest.accept_lines(msgspec.json.encode(one), 0, 0, 0)
    careful = ingest.accept(one, 0)
    assert fast == careful
    return careful


def accepted(payload: Any, **stamps: Any) -> EventRow:
    row = sent(payload, **stamps)
    assert isinstance(row, EventRow), row
    return row


def rejected(payload: Any, **stamps: Any) -> Rejected:
    row = sent(payload, **stamps)
    assert isinstance(row, Rejected), row
    return row
