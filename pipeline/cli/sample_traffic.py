"""Visitors of a made-up shop, for `wayfare up --demo`: they come by search, campaigns, mail and chat assistants, look
around, sign up, buy, call, chat, or leave at once. All of it comes out of one seed and leaves as Segment-shaped events.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, NamedTuple

Json = dict[str, Any]
Send = Callable[[list[Json]], Awaitable[None]]

SHOP = "https://meadow.example"
HISTORY_DAYS, VISITS_A_DAY = 7, 90
LIVE_SPEED = 6  # a live visitor does in ten seconds what takes a minute
SECONDS_BETWEEN_VISITS = 1.6
GOALS: tuple[Json, ...] = (
    {"name": "purchase", "events": ["Order Completed"], "kind": "macro"},
    {"name": "signup", "events": ["Signed Up"], "kind": "lead"},
)
FUNNEL: Json = {
    "name": "checkout",
    "steps": [
        {"events": ["Product Viewed"], "label": "Viewed a product"},
        {"events": ["Product Added"], "label": "Added to the basket"},
        {"events": ["Checkout Started"], "label": "Began to check out"},
        {"events": ["Order Completed"], "label": "Ordered"},
    ],
    "breakdown": "category",
}


class Entrance(NamedTuple):
    """How a visit comes about, and what becomes of such visits."""

    weight: int
    referrer: str
    query: str
    leaves_at_once: float
    buys: float


ENTRANCES = (
    Entrance(30, "https://www.google.com/", "", 0.45, 0.06),
    Entrance(22, "", "", 0.30, 0.12),
    Entrance(12, "https://www.google.com/", "utm_source=google&utm_medium=cpc&utm_campaign=spring", 0.5, 0.08),
    Entrance(9, "https://www.instagram.com/", "", 0.6, 0.03),
    Entrance(6, "https://www.facebook.com/", "utm_source=facebook&utm_medium=paid_social&utm_campaign=lal", 0.62, 0.04),
    Entrance(8, "", "utm_source=newsletter&utm_medium=email&utm_campaign=may", 0.2, 0.16),
    Entrance(5, "https://chatgpt.com/", "", 0.25, 0.1),
    Entrance(4, "https://duckduckgo.com/", "", 0.4, 0.07),
    Entrance(4, "https://gardenblog.example/best-soil", "", 0.5, 0.05),
)
AGENTS = (
    (45, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
         "Version/18.5 Mobile/15E148 Safari/604.1"),
    (35, "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Chrome/138.0.0.0 Safari/537.36"),
    (12, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    (6, "Mozilla/5.0 (Linux; Android 15; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/138.0.0.0 Mobile Safari/537.36"),
    (2, "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
)  # fmt: skip
PRODUCTS = (
    ("Copper watering can", 48.0, "tools"),
    ("Wildflower seeds", 6.5, "seeds"),
    ("Raised bed, larch", 129.0, "beds"),
    ("Bee hotel", 24.0, "wildlife"),
    ("Compost, 40 l", 11.9, "soil"),
    ("Pruning shears", 35.0, "tools"),
)
READING = ("/", "/guides/first-beds", "/guides/balcony", "/sale", "/about")


@dataclass
class Person:
    number: int
    anonymous_id: str
    agent: str
    user_id: str = ""
    customer: bool = False

    @property
    def email(self) -> str:
        return f"visitor{self.number}@mail.example"


@dataclass
class Visitors:
    """An endless source of visits; `people` come back, also to other channels."""

    random: Random
    people: list[Person] = field(default_factory=list)

    def visit(self) -> list[tuple[float, Json]]:
        """Events of one visit or contact, each with its seconds from the beginning; times and ids are not in yet."""
        if self.people and self.random.random() < 0.16:
            contact = self._contact(self.random.choice(self.people))
            if contact:
                return contact
        return self._browse(self._somebody())

    def stamp(self, event: Json, at: float) -> Json:
        """The event with its time (`at`, seconds since 1970) and an id."""
        moment = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {**event, "timestamp": moment, "messageId": f"demo-{self.random.getrandbits(96):024x}"}

    def _somebody(self) -> Person:
        if len(self.people) > 40 and self.random.random() < 0.35:
            return self.random.choice(self.people[-800:])
        agent = self.random.choices([a for _, a in AGENTS], [w for w, _ in AGENTS])[0]
        number = self.random.randrange(10**9)
        person = Person(number, f"{self.random.getrandbits(128):032x}", agent)
        self.people.append(person)
        return person

    def _browse(self, person: Person) -> list[tuple[float, Json]]:
        entrance = self.random.choices(ENTRANCES, [each.weight for each in ENTRANCES])[0]
        visit = _Visit(self.random, person)
        if person.customer:
            entrance = entrance._replace(leaves_at_once=entrance.leaves_at_once / 2, buys=min(0.5, entrance.buys * 2))
        landing = self.random.choice((*READING, _path(self.random.choice(PRODUCTS)[0])))
        visit.page(landing, entrance.referrer, entrance.query)
        if self.random.random() < entrance.leaves_at_once or "bot" in person.agent:
            return visit.events
        for _ in range(self.random.randrange(1, 4)):
            visit.page(self.random.choice(READING))
        name, price, category = self.random.choice(PRODUCTS)
        product = {"name": name, "price": price, "category": category, "currency": "EUR"}
        visit.page(_path(name))
        visit.track("Product Viewed", product)
        if self.random.random() < 0.12 and not person.user_id:
            person.user_id = f"u-{person.number}"
            visit.track("Signed Up", {"plan": "club"})
            visit.identify()
        if self.random.random() < 0.42:
            self._shop(visit, product, entrance.buys)
        return visit.events

    def _shop(self, visit: "_Visit", product: Json, buys: float) -> None:
        count = self.random.choice((1, 1, 1, 2, 3))
        total = round(product["price"] * count, 2)
        visit.track("Product Added", {**product, "quantity": count})
        visit.page("/basket")
        if self.random.random() > 0.25 + buys * 3:
            return
        visit.page("/checkout")
        visit.track("Checkout Started", {"value": total, "currency": "EUR"})
        if self.random.random() > 0.35 + buys * 2:
            return
        person = visit.person
        person.user_id, person.customer = person.user_id or f"u-{person.number}", True
        visit.identify()
        bought = [{**product, "quantity": count}]
        visit.track("Order Completed", {"value": total, "currency": "EUR", "products": bought})
        visit.page("/thank-you")

    def _contact(self, person: Person) -> list[tuple[float, Json]]:
        """Something outside of the site; mails, calls and chats need somebody who is known."""
        if not person.user_id:
            return []
        visit = _Visit(self.random, person)
        kind = self.random.choices(("email", "call", "chat", "survey"), (70, 10, 12, 8))[0]
        if kind == "email":
            visit.contact("Email Opened", "email", {"campaign": "may"})
            if self.random.random() < 0.35:
                visit.contact("Email Link Clicked", "email", {"campaign": "may"})
        elif kind == "call":
            visit.contact("Call Ended", "call", {"seconds": self.random.randrange(60, 900), "resolved": True})
        elif kind == "chat":
            topic = self.random.choice(("delivery", "returns", "advice"))
            visit.contact("Conversation Started", "chat", {"topic": topic})
        else:
            score = self.random.choice((6, 7, 8, 9, 9, 10))
            visit.contact("Survey Answered", "survey", {"score": score, "kind": "nps"})
        return visit.events


class _Visit:
    def __init__(self, random: Random, person: Person) -> None:
        self.random, self.person = random, person
        self.events: list[tuple[float, Json]] = []
        self._after, self._url, self._title = 0.0, SHOP + "/", ""

    def page(self, path: str, referrer: str | None = None, query: str = "") -> None:
        previous = self._url if self.events else ""
        self._url = f"{SHOP}{path}?{query}" if query else SHOP + path
        self._title = path.strip("/").replace("-", " ").replace("/", ": ").title() or "Meadow"
        came_from = previous if referrer is None else referrer
        page = {"url": self._url, "path": path, "title": self._title, "referrer": came_from}
        self._add({"type": "page", "properties": page, "context": {"page": page}}, self.random.uniform(4, 40))

    def track(self, event: str, properties: Json) -> None:
        page = {"url": self._url, "title": self._title}
        self._add({"type": "track", "event": event, "properties": properties, "context": {"page": page}},
                  self.random.uniform(2, 20))  # fmt: skip

    def identify(self) -> None:
        self._add({"type": "identify", "traits": {"email": self.person.email}, "context": {}}, 0.3)

    def contact(self, event: str, channel: str, properties: Json) -> None:
        """Told by a server: it knows the person and no device."""
        told = {"type": "track", "event": event, "channel": channel, "properties": properties}
        who = {"userId": self.person.user_id, "context": {"traits": {"email": self.person.email}}}
        self.events.append((self._after, told | who))
        self._after += self.random.uniform(10, 90)

    def _add(self, event: Json, seconds: float) -> None:
        event["anonymousId"] = self.person.anonymous_id
        if self.person.user_id:
            event["userId"] = self.person.user_id
        event["context"]["userAgent"] = self.person.agent
        event["context"]["library"] = {"name": "wayfare-demo", "version": "1"}
        self.events.append((self._after, event))
        self._after += seconds


def history(visitors: Visitors, now: float, days: int = HISTORY_DAYS) -> Iterator[Json]:
    """Events of the last days up to `now` (seconds since 1970), more of them by day than by night; in no order."""
    for _ in range(days * VISITS_A_DAY):
        start = now - visitors.random.random() * days * 86_400
        hour = start / 3600 % 24
        if visitors.random.random() < 0.35 + 0.65 * max(0.0, 1 - abs(hour - 14) / 9):
            for after, event in visitors.visit():
                if start + after < now:
                    yield visitors.stamp(event, start + after)


async def live(visitors: Visitors, send: Send, clock: Callable[[], float]) -> None:
    """Sends a few events a second until it is cancelled. `clock`: seconds since 1970."""
    waiting: list[tuple[float, int, Json]] = []
    sequence, next_visit = 0, clock()
    while True:
        if clock() >= next_visit:
            for after, event in visitors.visit():
                sequence += 1
                heapq.heappush(waiting, (next_visit + after / LIVE_SPEED, sequence, event))
            next_visit += visitors.random.expovariate(1 / SECONDS_BETWEEN_VISITS)
        now, due = clock(), []
        while waiting and waiting[0][0] <= now:
            at, _, event = heapq.heappop(waiting)
            due.append(visitors.stamp(event, at))
        if due:
            await send(due)
        await asyncio.sleep(0.4)


def _path(product: str) -> str:
    return "/p/" + product.lower().replace(",", "").replace(" ", "-")
