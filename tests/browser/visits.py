"""What visitors send, shaped as SDKs shape it."""

import time
from datetime import UTC, datetime
from typing import Any

Event = dict[str, Any]
SITE = "https://shop.example"


def visit(who: str, *steps: str, minutes_ago: float = 5, referrer: str = "", user: str = "") -> list[Event]:
    """A visit, a step each ten seconds: `/path` is a page, anything else an event of that name."""
    begun = time.time() - minutes_ago * 60
    events = []
    for number, step in enumerate(steps):
        at = datetime.fromtimestamp(begun + 10 * number, UTC).isoformat(timespec="milliseconds")
        event: Event = {"anonymousId": who, "timestamp": at, "messageId": f"{who} {begun} {number}"}
        if user:
            event["userId"] = user
        if step.startswith("/"):
            page = {"url": SITE + step, "path": step, "referrer": referrer if number == 0 else SITE}
            event |= {"type": "page", "properties": page, "context": {"page": page}}
        else:
            event |= {"type": "track", "event": step}
        events.append(event)
    return events


def visits() -> list[Event]:
    """Three of them: one leaves at once, two look at a product, one of these orders."""
    return [
        *visit("ann", "/"),
        *visit("bob", "/", "/p/shears", "Product Viewed", referrer="https://www.google.com/"),
        *visit("cleo", "/", "/p/shears", "Product Viewed", "Ordered", user="cleo-7"),
    ]
