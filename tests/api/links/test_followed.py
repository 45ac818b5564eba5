"""Mails' links and pixels at the collector: what the reader gets, and what gets into the log."""

import asyncio
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from api.collect.admission import Admission
from api.collect.consent import Policy
from api.links.door import LinkDoor
from api.links.followed import crossing_sum
from api.protocols.protocol import PIXEL
from pipeline.domain.identifiers import HASHED
from pipeline.errors import LogFull, LogUnavailable
from schemas.definitions import Privacy, Project
from tests.api.collect.door import NOW, Door
from tests.api.links.mailing import ANN, MAILS, PHONE, TO, link, mail_door, pixel

READER = {"user-agent": PHONE, "accept": "text/html,*/*", "accept-language": "de-DE,de;q=0.9"}
DEVICE = "0f" * 16


async def get(door: Door, path: str, **headers: str) -> Any:
    return await door.client.get(path, headers={**READER, **{name.replace("_", "-"): v for name, v in headers.items()}})


async def test_who_follows_a_link_is_sent_on_and_the_click_is_an_event() -> None:
    door = mail_door()
    answer = await get(door, link(user="ann", contact="c-7"))
    assert (answer.status_code, answer.headers["location"]) == (302, TO)
    assert "no-store" in answer.headers["cache-control"]
    line, event = door.log.line, door.log.event
    assert (line.p, line.s, line.k, line.x) == ("shop", "news", "server", "")
    assert (event["event"], event["userId"], event["context"]["channel"]) == ("Email Link Clicked", "ann", "email")
    assert event["context"]["traits"] == {"email": HASHED + ANN}
    assert event["context"]["externalIds"] == [{"type": "contact", "id": "c-7"}]
    assert event["context"]["campaign"] == {"name": "spring", "medium": "email"}
    assert event["properties"]["message_id"] == "m-1"
    assert event["properties"]["url"].startswith("https://shop.example/spring")
    assert line.g == ("FR", "", "Paris")
    assert b"198.51.100.7" not in door.log.raw[0]
    assert door.counters.accepted["shop", "news"] == 1


async def test_a_pixel_is_an_image_that_nobody_keeps_and_an_open() -> None:
    door = mail_door()
    for _ in range(2):
        answer = await get(door, pixel())
        assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, PIXEL, "image/gif")
        assert "no-store" in answer.headers["cache-control"]
    first, second = (msgspec.json.decode(each.e) for each in door.log.lines)
    assert first["event"] == second["event"] == "Email Opened"
    assert first["messageId"] != second["messageId"], "each is an event of its own"


@pytest.mark.parametrize(
    ("headers", "is_machine"),
    [
        ({}, False),
        ({"user_agent": "Mozilla/5.0"}, True),
        ({"user_agent": ""}, True),
        ({"sec_purpose": "prefetch;prerender"}, True),
        ({"purpose": "prefetch"}, True),
        ({"user_agent": "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko (via ggpht.com GoogleImageProxy)"}, False),
    ],
)  # fmt: skip
async def test_what_a_machine_opens_ahead_of_the_reader_is_flagged(headers: dict[str, str], is_machine: bool) -> None:
    door = mail_door()
    await get(door, pixel(), **headers)
    event = door.log.event
    assert event["properties"].get("is_machine", False) is is_machine
    assert (event["context"].get("device") == {"type": "bot"}) is is_machine


async def test_gmails_proxy_says_nothing_of_the_readers_browser_or_place() -> None:
    door = mail_door()
    await get(door, pixel(), user_agent="Mozilla/5.0 (via ggpht.com GoogleImageProxy)")
    assert "userAgent" not in door.log.event["context"]
    assert door.log.line.g is None


async def test_a_scanner_that_looks_by_head_is_told_where_it_leads_and_is_a_machine() -> None:
    door = mail_door()
    answer = await door.client.head(link(join=True), headers=READER)
    assert (answer.status_code, answer.headers["location"]) == (302, TO)
    assert door.log.event["properties"]["is_machine"] is True
    assert (await door.client.post(link())).status_code == 405


@pytest.mark.parametrize(
    ("change", "status", "code", "is_kept"),
    [
        (lambda path: path[:-4] + "AAAA", 403, "unsigned_link", True),
        (lambda path: "/v1/link?to=https%3A%2F%2Fevil.example%2F", 400, "invalid_link", False),
        (lambda path: "/v1/link", 400, "invalid_link", False),
        (lambda path: link(exp=NOW // 1000 - 1), 403, "expired_link", True),
        (lambda path: path.replace("/v1/link", "/v1/pixel.gif"), 400, "invalid_link", True),
        (lambda path: pixel().replace("/v1/pixel.gif", "/v1/link"), 400, "invalid_link", True),
    ],
)  # fmt: skip
async def test_a_link_that_is_not_signed_leads_nowhere_and_is_a_reject(
    change: Any, status: int, code: str, is_kept: bool
) -> None:
    door = mail_door()
    page = await get(door, change(link()))
    assert (page.status_code, page.headers.get("location")) == (status, None)
    assert page.headers["content-type"].startswith("text/html")
    assert code in page.text
    plain = await get(door, change(link()), accept="*/*")
    assert plain.json()["error"]["code"] == code
    assert [line.x for line in door.log.lines] == ["invalid_link", "invalid_link"] * is_kept
    assert door.counters.refusals[status, code] == 2


async def test_a_changed_link_cannot_put_markup_into_the_page() -> None:
    page = await get(mail_door(), "/v1/link?t=<script>alert(1)</script>")
    assert "<script" not in page.text


@pytest.mark.parametrize("error", [LogFull("full"), LogUnavailable("away")])
async def test_the_reader_is_sent_on_while_the_log_is_down_and_what_was_lost_is_counted(error: Exception) -> None:
    door = mail_door()

    def fail(partition: int) -> None:
        raise error

    door.log.fail = fail
    assert (await get(door, link())).status_code == 302
    assert (await get(door, pixel())).status_code == 200
    why = "log_full" if isinstance(error, LogFull) else "log_unavailable"
    assert door.counters.unrecorded == {("shop", "news", why): 2}
    assert not door.counters.accepted


async def test_the_reader_does_not_wait_for_a_slow_log_and_nothing_is_claimed_meanwhile() -> None:
    door = mail_door()
    free = asyncio.Event()

    class Slow:
        async def append_all(self, topic: str, lines: Any) -> None:
            await free.wait()

    collector = door.collector
    collector._links = LinkDoor(
        {"0123456789abcdef": MAILS}.get, collector._admission, Slow(), collector._lines_of, collector.counters, 0.01  # type: ignore[arg-type]
    )  # fmt: skip
    assert (await get(door, link())).status_code == 302
    assert not door.counters.accepted
    free.set()
    await asyncio.gather(*collector._links._waiting)
    assert door.counters.accepted["shop", "news"] == 1


async def test_over_its_limits_a_reader_is_sent_on_and_not_counted() -> None:
    door = mail_door(admission=Admission(address_rate=1, now=lambda: 0.0))
    answers = [(await get(door, link())).status_code for _ in range(12)]
    assert answers == [302] * 12
    assert len(door.log.lines) == 10
    assert door.counters.unrecorded["shop", "news", "too_many_requests"] == 2


async def test_forged_links_use_up_nothing_of_what_the_signers_readers_have() -> None:
    door = mail_door(admission=Admission(key_rate=1, now=lambda: 0.0))
    for _ in range(12):
        assert (await get(door, link()[:-4] + "AAAA")).status_code == 403
    assert (await get(door, link())).status_code == 302
    assert [line.x for line in door.log.lines] == ["invalid_link"] * 10 + [""]


async def test_links_of_nobody_are_within_the_limit_of_an_address() -> None:
    door = mail_door(admission=Admission(address_rate=1, now=lambda: 0.0))
    assert [(await get(door, "/v1/link?t=a.b.c")).status_code for _ in range(12)] == [400] * 10 + [429] * 2


async def test_a_browsers_signal_is_honoured_where_the_project_does() -> None:
    project = Project("shop", privacy=Privacy(honour_gpc=True))
    door = mail_door(admission=Admission(policies=lambda name: Policy.of(project)))
    assert (await get(door, link(), sec_gpc="1")).status_code == 302
    assert [line.x for line in door.log.lines] == ["opted_out"]
    assert ANN.encode() not in door.log.raw[0]


async def test_webmail_may_lie_anywhere() -> None:
    project = Project("shop", origins=("https://shop.example",))
    door = mail_door(admission=Admission(policies=lambda name: Policy.of(project)))
    await get(door, pixel(), referer="https://mail.example/inbox")
    assert [line.x for line in door.log.lines] == [""]


async def test_a_link_joins_the_browser_only_where_it_says_so() -> None:
    door = mail_door()
    for claims, cookie in (({}, f"wayfare_id={DEVICE}"), ({"join": True}, f"a=b; wayfare_id={DEVICE}")):
        answer = await get(door, link(**claims), cookie=cookie)
        assert answer.headers["location"] == TO
    plain, joined = (msgspec.json.decode(each.e) for each in door.log.lines)
    assert "anonymousId" not in plain
    assert joined["anonymousId"] == DEVICE


async def test_without_the_trackers_cookie_the_target_gets_the_new_device() -> None:
    door = mail_door()
    answer = await get(door, link(join=True, to="https://shop.example/a?x=1&wayfare_id=old#top"))
    to = urlsplit(answer.headers["location"])
    asked = parse_qs(to.query)
    assert (to.path, to.fragment, asked["x"]) == ("/a", "top", ["1"])
    (mark,) = asked["wayfare_id"]
    device, at, check = mark.split(".")
    assert re.fullmatch("[0-9a-f]{32}", device)
    assert int(at, 36) == NOW
    assert check == crossing_sum(f"{device}.{at}{PHONE}de-DE"), "in this browser alone, see crossing.js"
    assert door.log.event["anonymousId"] == device


async def test_links_of_a_revoked_key_count_no_more() -> None:
    assert (await get(mail_door(signers={}.get), link())).status_code == 403
