"""Events in Segment's format, as vendors' modules make them: identifiers in traits, so that ingest hashes them."""

import hashlib
from collections.abc import Mapping
from typing import Any

from api.webhooks.vendor import Event

IDENTIFY = "identify"


def message_id(vendor: str, *parts: object) -> str:
    """The vendor's own key of a note, the same at each attempt. Hashed: a part may be an address."""
    told = "\0".join(str(part) for part in parts)
    return f"{vendor}-{hashlib.sha256(told.encode()).hexdigest()[:40]}"


def event(
    name: str,
    *,
    message: str,
    channel: str = "",
    at: str | float | None = None,
    email: str = "",
    phone: str = "",
    user_id: str = "",
    anonymous_id: str = "",
    ids: Mapping[str, str] | None = None,
    properties: Mapping[str, Any] | None = None,
    user_agent: str = "",
    address: str = "",
    country: str = "",
    region: str = "",
    city: str = "",
    is_machine: bool = False,
) -> Event:
    """A track call, or an identify call where `name` is IDENTIFY.

    `at` is the vendor's time: ISO 8601, or a number since 1970 in any unit; None = when it was received. `ids` are ids
    that vendors gave, by kind. What is empty is left out. `is_machine`: a program did it, not the person.
    """
    context: Event = {
        "channel": channel,
        "traits": _there({"email": email, "phone": phone}),
        "externalIds": [{"type": kind, "id": one} for kind, one in (ids or {}).items() if one],
        "userAgent": user_agent,
        "ip": address,
        "location": _there({"country": country, "region": region, "city": city}) if country else None,
        "device": {"type": "bot"} if is_machine else None,
    }
    kept = _there(properties or {})
    made: Event = {
        "type": IDENTIFY if name == IDENTIFY else "track",
        "event": "" if name == IDENTIFY else name,
        "messageId": message,
        "timestamp": at,
        "userId": user_id,
        "anonymousId": anonymous_id,
        "context": _there(context),
        "traits" if name == IDENTIFY else "properties": kept,
    }
    return _there(made)


def _there(fields: Mapping[str, Any]) -> Event:
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}
