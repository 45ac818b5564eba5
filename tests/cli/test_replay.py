"""Rejects once more through ingest: what can be used counts, what never was an event stays what it is."""

import base64
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pipeline.cli.replay import replayed
from tests.cli.conftest import Command
from tests.scenarios.house import EmbeddedHouse
from tests.scenarios.part import until
from tests.scenarios.project import Project


@pytest.fixture
def shop(embedded: EmbeddedHouse) -> Project:
    return embedded.project()


def reasons(wayfare: Command, shop: Project) -> dict[str, int]:
    counts = wayfare("ask", "rejected", "-p", shop.name, "--json").json["result"]["counts"]
    return {each["reason"]: each["count"] for each in counts}


def events(wayfare: Command, shop: Project) -> int:
    return int(wayfare("ask", "trend", "--events", "*", "-p", shop.name, "--json").json["result"]["events"])


FORGED = {
    "type": "track",
    "event": "Order Completed",
    "userId": "ann",
    "messageId": "m-1",
    "properties": {"revenue": 1_000_000},
}


def test_a_link_that_nobody_signed_becomes_no_event_by_a_replay(wayfare: Command, shop: Project) -> None:
    assert wayfare("key", "create", "news", "--source-kind", "server", "-p", shop.name).code == 0
    made = wayfare("link", "make", "news", "--to", "https://shop.example/", "--user", "bob", "-p", shop.name, "--json")
    link = urlsplit(made.json["link"])
    head, _, signature = parse_qs(link.query)["t"][0].split(".")
    claims = base64.urlsafe_b64encode(json.dumps(FORGED).encode()).decode().rstrip("=")
    forged = f"{shop.house.url}{link.path}?t={head}.{claims}.{signature}"
    until(lambda: shop.house.http.get(forged).status_code == 403, "the link is refused")
    until(lambda: reasons(wayfare, shop).get("invalid_link", 0) > 0, "the link is a reject")
    kept = reasons(wayfare, shop)
    report = wayfare("replay", "-p", shop.name, "--json").json
    assert (report["replayed"], report["accepted"], report["unreadable"]) == (0, 0, kept["invalid_link"])
    assert reasons(wayfare, shop) == kept
    assert events(wayfare, shop) == 0


def test_a_vendors_note_that_is_mapped_to_nothing_stays_so(wayfare: Command, shop: Project) -> None:
    made = wayfare("key", "create", "desk", "--source-kind", "vendor", "-p", shop.name, "--json").json
    url = f"{shop.house.url}/webhooks/stripe?key={made['key']}"
    note = {"id": "evt_1", "type": "track", "event": "Order Completed", "userId": "ann", "anonymousId": "a"}
    until(lambda: shop.house.http.post(url, json=note).status_code == 200, "the note is taken")
    until(lambda: reasons(wayfare, shop) == {"unmapped": 1}, "the note is a reject")
    assert wayfare("replay", "-p", shop.name).code == 0
    assert reasons(wayfare, shop) == {"unmapped": 1}
    assert events(wayfare, shop) == 0


class Busy:
    """A server where an event is rejected while others are replayed: receipts of rejects, ms."""

    admin = "/api/v1/admin/projects/shop"

    def __init__(self) -> None:
        self.rejected = [100, 200]

    async def caught_up(self) -> None: ...

    async def get(self, path: str, until: int | None = None) -> Any:
        if path.endswith("/progress"):
            return {"now": 1_000}
        return {"rejected": {"too_old": sum(until is None or at < until for at in self.rejected)}}

    async def post(self, path: str, body: dict[str, Any], *, patience: None) -> Any:
        assert body["to"] <= 1_000, "what is counted is what is replayed"
        self.rejected = [100, 2_000, 2_001]
        return {"replayed": 2, "unreadable": 0}


async def test_rejects_that_come_meanwhile_are_none_that_were_replayed() -> None:
    report = await replayed(Busy(), {})  # type: ignore[arg-type]
    assert report == {"replayed": 2, "unreadable": 0, "accepted": 1, "still_rejected": 1}
