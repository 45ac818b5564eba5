"""Realistic events, the same for every run of a seed: visitors of a shop over two hours, in Segment's format.

20 event names, a spread of 25 properties, 2 % late, 1 % sent twice, few people who log in. Ready as what clients send
and as lines of the log.
"""

import json
from collections.abc import Iterator
from random import Random

import msgspec

from pipeline.domain.identifiers import Kind, identifier
from schemas.log import Line

PROJECT = "bench"
START = 1_760_000_000_000  # ms
SPAN = 2 * 3_600_000
NAMES = (
    "Product Viewed", "Product List Viewed", "Product Clicked", "Product Added", "Product Removed", "Cart Viewed",
    "Checkout Started", "Checkout Step Viewed", "Checkout Step Completed", "Payment Info Entered", "Order Completed",
    "Coupon Entered", "Products Searched", "Wishlist Product Added", "Promotion Viewed", "Promotion Clicked",
    "Signed In", "Video Played", "Form Submitted",
)  # fmt: skip
PAGES = ("/", "/shop", "/cart", "/checkout", "/account", "/about", *(f"/shop/category-{n}" for n in range(30)))
PRODUCTS = 2_000  # pages of their own, some far more visited than others
REFERRERS = (
    "",
    "",
    "",
    "https://www.google.com/",
    "https://www.bing.com/",
    "https://t.co/x",
    "https://news.example.org/a",
)
CAMPAIGNS = (
    "",
    "",
    "",
    "",
    "?utm_source=newsletter&utm_medium=email&utm_campaign=spring",
    "?gclid=abc123",
    "?utm_source=google&utm_medium=cpc",
)
AGENTS = tuple(
    agent.format(version, build)
    for agent in (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/{}.0.{}.0 Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/{}.{} Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/{}.0.{}.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:{}.0) Gecko/20100101 Firefox/{}.0",
    )
    for version in range(110, 135)
    for build in (0, 12, 77)
)  # fmt: skip
PROPERTIES: dict[str, tuple[object, ...]] = {
    "product_id": ("1041", "1042", "2077"), "sku": ("SKU-1041", "SKU-1042"), "category": ("shoes", "shirts"),
    "name": ("Runner", "Oxford"), "brand": ("Acme", "Globex"), "variant": ("blue", "red"), "price": (12, 3.5, 89.9),
    "quantity": (1, 2, 3), "coupon": ("SPRING",), "position": (1, 2, 7), "currency": ("EUR",), "list_id": ("home",),
    "query": ("shoes", "blue shirt"), "results": (0, 12, 310), "order_id": ("o-1", "o-2"), "shipping": (4.9,),
    "tax": (1.9, 7.1), "discount": (0, 5), "payment_method": ("card", "invoice"), "step": (1, 2, 3),
    "plan": ("free", "team"), "campaign_id": ("c-77",), "creative": ("banner",), "duration": (12.4, 60),
    "form_id": ("contact",),
}  # fmt: skip


def events(count: int, *, devices: int = 40_000, seed: int = 1) -> Iterator[tuple[str, bytes]]:
    """(anonymous id, event as sent) in the order of arrival."""
    random = Random(seed)
    recent: list[tuple[str, bytes]] = []
    for number in range(count):
        if recent and random.random() < 0.01:
            yield random.choice(recent)
            continue
        at = START + number * SPAN // count
        made = _event(random, number, at - random.randrange(3_600_000) if random.random() < 0.02 else at, at, devices)
        recent.append(made)
        if len(recent) > 1000:
            recent.pop(0)
        yield made


def _event(random: Random, number: int, at: int, sent_at: int, devices: int) -> tuple[str, bytes]:
    # half of the traffic comes from a tenth of the visitors
    visitor = random.randrange(devices // 10) if random.random() < 0.5 else random.randrange(devices)
    device = f"{visitor:08x}-4d3c-4b1a-9f00-{visitor * 2654435761 & 0xFFFFFFFFFFFF:012x}"
    product = f"/shop/product-{int(PRODUCTS * random.random() ** 3)}"
    path = product if random.random() < 0.5 else random.choice(PAGES)
    page = {
        "url": f"https://shop.example{path}{random.choice(CAMPAIGNS)}",
        "path": path,
        "title": f"Shop {path}",
        "referrer": random.choice(REFERRERS),
    }
    event: dict[str, object] = {
        "messageId": f"ajs-next-{at}-{number:012d}-5c40-4b1a",
        "anonymousId": device,
        "timestamp": _stamp(at),
        "sentAt": _stamp(sent_at),
        "context": {
            "page": page,
            "userAgent": AGENTS[visitor % len(AGENTS)],
            "locale": "en-GB",
            "library": {"name": "analytics.js", "version": "next-1.70.0"},
        },
    }
    is_known = visitor % 20 == 0 and random.random() < 0.1
    if is_known:
        event["userId"] = f"user-{visitor}"
    if is_known and random.random() < 0.2:
        event |= {"type": "identify", "traits": {"email": f"visitor-{visitor}@example.org", "plan": "free"}}
    elif random.random() < 0.35:
        event |= {"type": "page", "name": page["title"], "properties": page}
    else:
        values = {name: random.choice(PROPERTIES[name]) for name in random.sample(list(PROPERTIES), 6)}
        event |= {"type": "track", "event": random.choice(NAMES), "properties": values}
    return device, json.dumps(event, separators=(",", ":")).encode()


def sent_now(count: int, *, seed: int = 2) -> Iterator[bytes]:
    """Events without times of their own: they happen when they are received."""
    for _, event in events(count, devices=max(count // 25, 20), seed=seed):
        start, _, rest = event.partition(b'"timestamp":')
        yield start + rest[rest.index(b'"context"') :]


def lines(count: int, *, devices: int = 40_000, seed: int = 1) -> Iterator[tuple[int, bytes]]:
    """(device's identifier, line of the log `events`) in the order of arrival."""
    known: dict[str, int] = {}
    encode = msgspec.json.Encoder().encode
    for number, (device, event) in enumerate(events(count, devices=devices, seed=seed)):
        key = known.get(device) or known.setdefault(device, identifier(PROJECT, Kind.device, device))
        received = START + number * SPAN // count + 40
        yield key, encode(Line(PROJECT, key, received, s="web", k="browser", e=msgspec.Raw(event)))


def _stamp(at: int) -> str:
    seconds, ms = divmod(at, 1000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    # 2025-10-09 is day 20370 since 1970: the span never leaves that month
    return f"2025-10-{9 + days - 20370:02d}T{hour:02d}:{minute:02d}:{second:02d}.{ms:03d}Z"
