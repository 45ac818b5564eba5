"""Traffic that gives every part of the system something to do, and a sender that knows what was acknowledged."""

import threading
import time
from collections.abc import Iterator
from random import Random
from typing import Any

import httpx

from tests.scenarios.project import Event, Project

GOAL = {"name": "bought", "events": ["Bought"]}
FUNNEL = {"name": "shop", "steps": [{"events": [name]} for name in ("Viewed", "Added", "Bought")], "window": "1d"}
NAMES = ("Viewed", "Viewed", "Viewed", "Added", "Added", "Bought", "heartbeat")
HOUR = 3_600_000


def traffic(seed: int, now: int, devices: int = 25) -> Iterator[Event]:
    """Events without end: people who log in on shared devices, late and repeated ones, and what cannot be used.

    `now`: UTC ms around which they happen, most of them in order.
    """
    random, number, sent = Random(seed), 0, list[Event]()
    at = now - 6 * HOUR
    while True:
        number += 1
        at += random.randrange(30_000)
        device = random.randrange(devices)
        event: Event = {
            "type": "track",
            "event": random.choice(NAMES),
            "messageId": f"m-{seed}-{number}",
            "anonymousId": f"device-{seed}-{device}",
            "timestamp": at if random.random() > 0.1 else at - random.randrange(2 * HOUR),
            "properties": {"value": random.randrange(1, 100)},
        }
        kind = random.random()
        if kind < 0.08:
            event["userId"] = f"user-{seed}-{random.randrange(devices // 2)}"
        elif kind < 0.14:
            event |= {"type": "identify", "traits": {"email": f"u{random.randrange(devices)}-{seed}@example.com"}}
            if random.random() < 0.4:
                event["userId"] = f"user-{seed}-{random.randrange(devices // 2)}"
        elif kind < 0.18:
            event["event"] = None  # rejected: missing_event
        elif kind < 0.21:
            event["type"] = "purchase"  # rejected: unknown_type
        elif kind < 0.28 and sent:
            event = random.choice(sent)  # again, as it was
        elif kind < 0.31 and sent:
            event = random.choice(sent) | {"timestamp": at, "event": "Added"}  # again, as something else
        sent.append(event)
        yield event


class Load:
    """Sends traffic from a thread until stopped; every batch again and again until it is acknowledged.

    As a context manager it stops at the end. `acknowledged` holds all that a 200 was said for.
    """

    def __init__(
        self, project: Project, seed: int, *, devices: int = 25, batch: int = 10, pause_s: float = 0.08
    ) -> None:
        """Nobody of one seed is anybody of another."""
        self.project, self.batch, self.pause_s = project, batch, pause_s
        self.acknowledged: list[Event] = []
        self.refusals = 0
        self._traffic = traffic(seed, time.time_ns() // 1_000_000, devices)
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="load")

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def halt(self) -> None:
        """Sends nothing new from now on; what is under way is still tried again."""
        self._stop.set()

    def stop(self) -> None:
        """Returns when the last batch is acknowledged."""
        self.halt()
        self._thread.join(120)
        assert not self._thread.is_alive(), "the sender still waits for its acknowledgement"
        if self._error is not None:
            raise self._error

    def reaches(self, count: int, within_s: float = 60.0) -> None:
        """Waits until so many events more are acknowledged."""
        wanted, end = len(self.acknowledged) + count, time.monotonic() + within_s
        while len(self.acknowledged) < wanted:
            assert self._error is None, self._error
            assert time.monotonic() < end, f"only {len(self.acknowledged)} of {wanted} events in {within_s} s"
            time.sleep(0.01)

    def _run(self) -> None:
        try:
            with httpx.Client(timeout=20) as client:
                while not self._stop.is_set():
                    self._deliver(client, [next(self._traffic) for _ in range(self.batch)])
                    time.sleep(self.pause_s)
        except BaseException as error:  # noqa: BLE001 - raised again by `stop`, in the test's thread
            self._error = error

    def _deliver(self, client: httpx.Client, events: list[Event]) -> None:
        project, end = self.project, time.monotonic() + 90
        body: dict[str, Any] = {"batch": events}
        while time.monotonic() < end:
            try:
                answer = client.post(f"{project.house.url}/v1/batch", json=body, auth=(project.write_key, ""))
            except (httpx.TransportError, httpx.UnsupportedProtocol):
                answer = None
            if answer is not None and answer.status_code == 200:
                self.acknowledged += events
                return
            assert answer is None or answer.status_code == 503, answer.text
            self.refusals += 1
            time.sleep(0.1)
        raise AssertionError("a batch was not acknowledged within 90 s")
