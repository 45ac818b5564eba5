"""New pairs beside a load, and how soon each kind of answer shows them; a huge customer and a bot in their partitions.

A pair makes one of two who were strangers: one is known by a user id on one device, the other by an e-mail on another.
All strangers are there before the load begins. Their devices share the bot's partition of `events`, and their customers
the huge customer's of `changes`.
"""

import http.client
import itertools
import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

from bench.events import PROJECT
from bench.system import System
from pipeline.domain.identifiers import Kind, identifier
from pipeline.store import open_store

ANSWERS = ("sessions", "journeys", "saved funnel", "profile", "views")
PARTITIONS = 16  # what is alike in these is so in any number of partitions that divides it
HUGE, BOT = "huge customer", "bot"
BATCH = 500
SELDOM = 0.5  # seconds between two rounds of questions, which are a load of their own
MINUTE, SECOND = 60_000, 1_000
FUNNEL = {"steps": [{"events": ["Pair Viewed"]}, {"events": ["Pair Bought"]}], "breakdown": "pair"}
VIEW = (
    "SELECT utm_campaign, uniqExact(customer_id) FROM {}sessions WHERE utm_campaign LIKE 'pair-%' GROUP BY utm_campaign"
)
Event = dict[str, Any]


class Sender:
    """One connection to the collector."""

    def __init__(self, system: System) -> None:
        self._connection = http.client.HTTPConnection(system.host, timeout=60)
        self._headers = {"Authorization": f"Basic {b64encode(f'{system.key}:'.encode()).decode()}"}

    def send(self, events: list[Event]) -> None:
        body = json.dumps({"batch": events})
        while True:
            self._connection.request("POST", "/v1/batch", body, self._headers)
            answer = self._connection.getresponse()
            answer.read()
            if answer.status == 200:
                return
            if answer.status != 503:
                raise RuntimeError(f"a batch was answered with {answer.status}")
            time.sleep(0.2)


def named(kind: Kind, name: str, like: int) -> str:
    """A name that begins so, and whose identifier has the partition of that one."""
    names = (f"{name} {number}" for number in itertools.count())
    return next(each for each in names if identifier(PROJECT, kind, each) % PARTITIONS == like % PARTITIONS)


def now() -> int:
    return time.time_ns() // 1_000_000


class Pairs:
    """`every`: seconds between two pairs."""

    def __init__(self, system: System, every: float, seconds: float) -> None:
        self._system, self._every, self.count = system, every, int(seconds / every)
        bot, huge = identifier(PROJECT, Kind.device, BOT), identifier(PROJECT, Kind.user, HUGE)
        self._devices = [named(Kind.device, f"left {number}", bot) for number in range(self.count)]
        self._users = [named(Kind.user, f"pair {number}", huge) for number in range(self.count)]
        self.sent: dict[int, float] = {}  # number -> time.perf_counter() before its request
        self.seen: dict[str, dict[int, float]] = {answer: {} for answer in ANSWERS}
        self._views = _views(system)
        self._end = threading.Event()
        self.thread = threading.Thread(target=self._run, name="pairs")
        self.took: dict[str, list[float]] = {"saved funnel": [], "views": [], "profile": []}  # seconds a question
        self._asking = [
            threading.Thread(target=self._ask, args=(answer, look), name=answer)
            for answer, look in (
                ("saved funnel", self._look_at_funnel),
                ("views", self._look_at_views),
                ("profile", self._look_at_profiles),
            )
        ]

    @property
    def is_done(self) -> bool:
        return len(self.sent) == self.count and all(len(found) == self.count for found in self.seen.values())

    def prepare(self) -> None:
        """Strangers, who are in all answers when this returns."""
        request = urllib.request.Request(
            f"{self._system.url}/api/v1/projects/{PROJECT}/funnels/pairs",
            json.dumps(FUNNEL).encode(),
            {"Content-Type": "application/json", **self._system.read_headers},
            method="PUT",
        )
        urllib.request.urlopen(request, timeout=30).close()
        events = [event for number in range(self.count) for event in self._strangers(number)]
        sender = Sender(self._system)
        for start in range(0, len(events), BATCH):
            sender.send(events[start : start + BATCH])
        drained(self._system)

    def _strangers(self, number: int) -> Iterator[Event]:
        """Each has a visit by the same campaign; the first views, the second buys."""
        at = now() - 120 * MINUTE
        context = {"campaign": {"name": f"pair-{number}", "source": "bench"}}
        left = {"anonymousId": self._devices[number], "userId": self._users[number]}
        right = {"anonymousId": f"right {number}"}
        for who, name, later in ((left, "Pair Viewed", 0), (right, "Pair Bought", 1)):
            yield who | {
                "type": "page",
                "messageId": f"{name} page {number}",
                "timestamp": at + later,
                "context": context,
            }
            yield who | {
                "type": "track", "event": name, "messageId": f"{name} {number}", "timestamp": at + later + 2,
                "properties": {"pair": f"pair-{number}"}, "context": context,
            }  # fmt: skip
        yield right | {
            "type": "identify", "messageId": f"address {number}", "timestamp": at + 4,
            "traits": {"email": f"pair{number}@example.com"},
        }  # fmt: skip

    def _run(self) -> None:
        sender, started = Sender(self._system), time.perf_counter()
        for number in range(self.count):
            time.sleep(max(0.0, started + number * self._every - time.perf_counter()))
            pair = {
                "type": "identify", "messageId": f"pair {number}", "anonymousId": self._devices[number],
                "userId": self._users[number], "traits": {"email": f"pair{number}@example.com"},
            }  # fmt: skip
            self.sent[number] = time.perf_counter()
            sender.send([pair])

    def start(self) -> None:
        for thread in (self.thread, *self._asking):
            thread.start()

    def stop(self) -> None:
        self._end.set()
        for thread in (self.thread, *self._asking):
            thread.join()

    def _ask(self, answer: str, look: Callable[[], int]) -> None:
        """Asks again and again, until the end."""
        while not self._end.wait(SELDOM):
            began = time.perf_counter()
            count = look()
            self.took[answer] += [(time.perf_counter() - began) / count] * count if count else []

    def look(self, rows: list[dict[str, Any]]) -> None:
        """Notes which pairs an answer of the question `sessions`, by campaign, shows."""
        self._note("sessions", (row["value"] for row in rows if row["customers"] == 1))

    def _look_at_funnel(self) -> int:
        question = {"saved": "pairs", "last": "2d", "limit": 1000}
        groups = self._system.post(f"/api/v1/projects/{PROJECT}/questions/funnel", question)["result"]["groups"]
        self._note("saved funnel", (group["value"] for group in groups if group["steps"][-1]["count"]))
        return 1

    def _look_at_views(self) -> int:
        self._note("views", (campaign for campaign, customers in self._views() if int(customers) == 1))
        return 1

    def _look_at_profiles(self) -> int:
        """Of all pairs that one, or its journeys, did not show so far; returns how many."""
        profiles, journeys = self.seen["profile"], self.seen["journeys"]
        waiting = [number for number in list(self.sent) if number not in profiles or number not in journeys]
        for number in waiting:
            name = urllib.parse.quote(f"user:{self._users[number]}")
            profile = self._system.get(f"/api/v1/projects/{PROJECT}/customers/{name}?limit=1")
            if profile["sessions"] >= 2:
                self._note("profile", (f"pair-{number}",))
            if any(journey["sessions"] >= 2 for journey in profile["journeys"]):
                self._note("journeys", (f"pair-{number}",))
        return len(waiting)

    def _note(self, answer: str, campaigns: Iterator[str] | tuple[str, ...]) -> None:
        at = time.perf_counter()
        for campaign in campaigns:
            if campaign and campaign.startswith("pair-"):
                number = int(campaign.removeprefix("pair-"))
                if number not in self.sent:
                    raise SystemExit(f"{answer} shows pair {number} as one before it was sent")
                self.seen[answer].setdefault(number, at)

    def questions(self) -> dict[str, list[float]]:
        """Milliseconds that a question took, by answer."""
        return {answer: sorted(seconds * 1000 for seconds in took) for answer, took in self.took.items() if took}

    def milliseconds(self) -> dict[str, list[float]]:
        """By answer, and of the last of all."""
        found = {
            answer: sorted((at - self.sent[number]) * 1000 for number, at in seen.items())
            for answer, seen in self.seen.items()
        }
        found["in all of them"] = sorted(
            (max(seen[number] for seen in self.seen.values()) - at) * 1000 for number, at in self.sent.items()
        )
        return found


def _views(system: System) -> Callable[[], list[Any]]:
    """Asks the view `sessions`, as a BI tool does."""
    if not system.prefix:  # embedded: at /bi/
        made = system.post(f"/api/v1/admin/projects/{PROJECT}/keys", {"name": "bi", "kind": "bi"})
        basic = b64encode(f"bi:{made['key']}".encode()).decode()

        def over_http() -> list[Any]:
            request = urllib.request.Request(
                f"{system.url}/bi/", VIEW.format("").encode(), {"Authorization": f"Basic {basic}"}
            )
            with urllib.request.urlopen(request, timeout=30) as answer:
                return [line.split("\t") for line in answer.read().decode().splitlines()]

        return over_http
    url = system.settings["store"]
    store, database = open_store(url), url.rpartition("/")[2]
    return lambda: store.query(VIEW.format("{bi:Identifier}."), {"bi": f"bi_{database}"})


def drained(system: System, within_s: float = 240.0) -> None:
    """Until the agents have done all that lies in the logs."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        try:
            if system.get("/api/v1/admin/progress")["drained"]:
                return
        except urllib.error.HTTPError:
            pass  # the store is busy
        time.sleep(0.5)
    raise TimeoutError("records wait")


class Neighbours:
    """A customer of `size` touchpoints who is marked every second, and a bot with as many events in one run of days."""

    def __init__(self, system: System, size: int) -> None:
        self._system, self._size = system, size
        self._end = threading.Event()
        self.thread = threading.Thread(target=self._run, name="neighbours")

    def prepare(self) -> None:
        sender, begin = Sender(self._system), now()
        for start in range(0, self._size, BATCH):
            numbers = range(start, min(start + BATCH, self._size))
            sender.send([_opened(number, begin - (self._size - number) * MINUTE // 2) for number in numbers])
            sender.send([_seen(number, begin - (self._size - number) * 3 * SECOND) for number in numbers])
        drained(self._system)

    def start(self) -> None:
        self.thread.start()

    def _run(self) -> None:
        sender, number = Sender(self._system), self._size
        while not self._end.wait(1.0):
            sender.send([_opened(number, now())])
            sender.send([_seen(self._size * 2 + number * 50 + each, now()) for each in range(50)])
            number += 1

    def stop(self) -> None:
        self._end.set()
        self.thread.join()


def _opened(number: int, at: int) -> Event:
    return {
        "type": "track", "event": "Email Opened", "channel": "email", "anonymousId": HUGE, "userId": HUGE,
        "messageId": f"opened {number}", "timestamp": at,
    }  # fmt: skip


def _seen(number: int, at: int) -> Event:
    return {"type": "page", "anonymousId": BOT, "messageId": f"seen {number}", "timestamp": at, "name": "Home"}
