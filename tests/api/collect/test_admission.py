"""Pages that may not send are refused, and so is who sends too much, with the time to come back."""

from typing import Any

import pytest

from api.collect.admission import Admission, Buckets, is_allowed
from api.collect.answers import Refused
from api.collect.consent import Policy
from schemas.definitions import Project
from tests.api.collect.door import KEYS, Door, small_limits, track
from tests.api.webhooks.vendors_door import MAIL, SIGNED, send, vendor_door

SHOP = "https://shop.example"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": SHOP}, 200),
        ({"origin": "HTTPS://Shop.Example"}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "http://shop.example"}, 403),
        ({"origin": "null"}, 403),
        ({"referer": f"{SHOP}/a?b"}, 200),
        ({"referer": "https://evil.example/a"}, 403),
        ({"referer": "http://[::1"}, 403),
        ({}, 200),
    ],
)
async def test_a_page_sends_only_from_the_origins_of_the_project(headers: Any, status: int) -> None:
    policy = Policy.of(Project("shop", origins=(SHOP,)))
    door = Door(admission=Admission(policies=lambda name: policy))
    answer = await door.batch(track(), headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["error"]["code"] == "origin_not_allowed"
        assert "access-control-allow-origin" not in answer.headers
        assert door.log.appended == []


async def test_a_keys_own_origins_take_the_place_of_the_projects(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = Policy.of(Project("shop", origins=(SHOP,)))
    monkeypatch.setitem(KEYS, "web-key", KEYS["web-key"].__class__("site", "shop", "write", "h1", origins=("app://x",)))
    door = Door(admission=Admission(policies=lambda name: policy))
    assert (await door.batch(track(), headers={"origin": SHOP})).status_code == 403
    assert (await door.batch(track(), headers={"origin": "app://x"})).status_code == 200


def test_a_star_stands_for_every_host_below() -> None:
    allowed = ("https://*.shop.example",)
    may = ("https://shop.example", "https://a.shop.example", "https://a.b.shop.example")
    may_not = ("https://myshop.example", "http://a.shop.example", "null")
    assert [is_allowed(origin, allowed) for origin in may + may_not] == [True] * 3 + [False] * 3


async def test_an_address_that_sends_too_many_requests_is_429_until_its_time_has_come() -> None:
    now = 0.0
    door = Door(admission=Admission(address_rate=1, now=lambda: now))
    assert [(await door.batch(track())).status_code for _ in range(11)] == [200] * 10 + [429]
    answer = await door.batch(track(), key="nobody")
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "too_many_requests")
    assert int(answer.headers["retry-after"]) >= 1
    now += int(answer.headers["retry-after"])
    assert (await door.batch(track())).status_code == 200


async def test_a_key_is_held_to_its_events_and_others_are_served_meanwhile() -> None:
    door = Door(admission=Admission(key_rate=1, now=lambda: 0.0))
    large = [track(str(number)) for number in range(50)]
    assert (await door.batch(*large)).status_code == 200  # a request is never too large for a bucket
    answer = await door.batch(track())
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "41")
    assert (await door.batch(track(), key="server-key")).status_code == 200


def test_an_address_of_ipv4_is_itself_where_a_socket_tells_it_as_ipv6() -> None:
    admission = Admission(address_rate=1, now=lambda: 0.0)
    for number in range(10):
        admission.request("::ffff:203.0.113.9" if number % 2 else "203.0.113.9")
    with pytest.raises(Refused):
        admission.request("::ffff:203.0.113.9")
    admission.request("::ffff:198.51.100.7")


async def test_a_trackers_request_is_taken_whole_or_not_at_all() -> None:
    door = Door(admission=Admission(key_rate=1, now=lambda: 0.0), limits=small_limits())
    notes = [{"event": "Seen", "properties": {"token": "web-key", "distinct_id": f"u{n}"}} for n in range(18)]
    assert (await door.post("/track", notes, key=None)).status_code == 200
    assert len(door.log.raw) == 18
    answer = await door.post("/track", notes[:1], key=None)
    assert (answer.status_code, answer.headers["retry-after"], len(door.log.raw)) == (429, "9", 18)


def test_buckets_of_very_many_senders_are_forgotten_when_they_are_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.collect.admission.MOST_BUCKETS", 3)
    now = 0.0
    buckets = Buckets(1, lambda: now)
    for name in "abc":
        buckets.take(name, 5)
    now = 5.0
    assert buckets.take("d", 1) == 0
    assert buckets._left.keys() == {"d"}


async def test_webhooks_and_other_trackers_have_the_same_limits_of_an_address() -> None:
    for path, body, key in (
        (f"/webhooks/sendgrid?key={MAIL}", [], None), ("/webhooks/sendgrid?key=nobody", [], None),
        ("/api/event", {"n": "pageview", "u": "https://shop.example/", "d": "nobody"}, None),
        ("/v1/pixel.gif?key=nobody", {}, None),
    ):  # fmt: skip
        door = vendor_door(admission=Admission(address_rate=1, now=lambda: 0.0))
        statuses = [(await door.post(path, body, key=key)).status_code for _ in range(11)]
        assert [status == 429 for status in statuses] == [False] * 10 + [True], path


async def test_what_a_vendor_tells_counts_for_its_key_event_by_event() -> None:
    door = vendor_door(admission=Admission(key_rate=1, now=lambda: 0.0))
    notes = [{"event": "open", "email": "ann@example.com", "sg_event_id": str(number)} for number in range(6)]
    answers = [await send(door, "sendgrid", notes) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2].headers["retry-after"]) >= 1
    assert len(door.log.lines) == 12, "the vendor sends the rest again"
    assert (await send(door, "sendgrid", notes, key=SIGNED)).status_code != 429, "another key has limits of its own"
