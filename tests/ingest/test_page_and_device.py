"""Where an event happened, and on what."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.ingest.agent import agent
from schemas.definitions import Project
from tests.ingest.sending import accepted, event

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def page(**fields: Any) -> dict[str, Any]:
    return event(type="page", context={"page": fields})


def test_a_pages_address_is_taken_apart() -> None:
    row = accepted(
        page(url="https://WWW.Shop.example:8443/a/b?q=1#top", title="A", referrer="https://News.example/x#y")
    )
    assert (row.url, row.host, row.path, row.title) == (
        "https://WWW.Shop.example:8443/a/b?q=1",
        "www.shop.example",
        "/a/b",
        "A",
    )
    assert (row.referrer, row.referrer_host) == ("https://News.example/x", "news.example")


def test_a_given_path_goes_before_the_addresss_and_has_no_query() -> None:
    assert accepted(page(url="https://shop.example/a", path="/b?x#y")).path == "/b"
    assert accepted(page(path="/history/apollo/")).path == "/history/apollo/"


def test_server_libraries_put_a_pages_address_into_properties() -> None:
    row = accepted(event(type="page", properties={"url": "https://shop.example/a", "referrer": "https://google.com/"}))
    assert (row.path, row.acquisition) == ("/a", "organic_search")


def test_what_a_views_page_lacks_is_by_its_properties_and_what_it_has_is_its_own() -> None:
    own = {"url": "https://shop.example/a?utm_source=news&utm_medium=email", "title": "A"}
    other = {"url": "https://shop.example/b", "title": "B", "referrer": "https://google.com/"}
    for _ in range(2):  # the page is known the second time
        row = accepted(event(type="page", context={"page": own}, properties=other))
        assert (row.path, row.title, row.referrer_host, row.utm_source) == ("/a", "A", "google.com", "news")
        row = accepted(event(context={"page": own}, properties=other))
        assert (row.path, row.title, row.referrer_host, row.acquisition) == ("/a", "A", "", "email")


def test_tags_of_the_context_go_before_those_of_a_page_that_is_known() -> None:
    own = {"url": "https://shop.example/a?utm_source=news&utm_medium=email"}
    for campaign, source in ((None, "news"), ({"source": "flyer", "medium": "print"}, "flyer"), ({}, "news")):
        context = {"page": own} if campaign is None else {"page": own, "campaign": campaign}
        assert accepted(event(context=context)).utm_source == source


def test_a_page_is_judged_by_the_rules_of_each_project() -> None:
    one = event(context={"page": {"url": "https://shop.example/a", "referrer": "https://friend.example/"}})
    assert accepted(one).acquisition == "referral"
    assert accepted(one, project=Project(name="shop", own_domains=("friend.example",))).acquisition == "direct"


def test_a_track_calls_own_url_is_not_where_it_happened() -> None:
    assert accepted(event(event="Link Clicked", properties={"url": "https://elsewhere.example/a"})).host == ""


def test_a_screens_path_is_its_name() -> None:
    assert accepted(event(type="screen", name="Main")).path == "Main"
    assert accepted(event(type="screen", properties={"name": "Cart"})).path == "Cart"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CHROME, (False, "Chrome", "Linux", "desktop")),
        (GOOGLEBOT, (True, "Googlebot", "Other", "bot")),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 16_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/16.0 Mobile/15E148 Safari/604.1",
            (False, "Mobile Safari", "iOS", "mobile"),
        ),
        (
            "Mozilla/5.0 (Linux; Android 13; SM-X200) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/120.0.0.0 Safari/537.36",
            (False, "Chrome", "Android", "tablet"),
        ),
        ("Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/UP1A)", (False, "Android", "Android", "mobile")),  # an app
    ],
)
def test_a_user_agent_tells_bot_browser_system_and_device(text: str, expected: tuple[bool, str, str, str]) -> None:
    found = agent(text)
    assert (found.is_bot, found.device_type) == (expected[0], expected[3])
    assert found.browser == expected[1]
    assert found.os == expected[2] or expected[2] == "Other"
    row = accepted(event(context={"userAgent": text}))
    assert (row.is_bot, row.browser, row.os, row.device_type) == tuple(found)


def test_a_bot_is_flagged_not_dropped() -> None:
    assert accepted(event(context={"userAgent": GOOGLEBOT})).is_bot


def test_a_sender_may_say_that_a_bot_did_it() -> None:
    row = accepted(event(context={"device": {"type": "Bot"}, "userAgent": CHROME}))
    assert (row.is_bot, row.device_type, row.browser) == (True, "bot", "Chrome")
    assert not accepted(event(context={"device": {"type": "tablet"}})).is_bot


def test_the_requests_user_agent_counts_for_browsers_only() -> None:
    assert accepted(event(), a=CHROME).browser == "Chrome"
    assert accepted(event(), a=GOOGLEBOT).is_bot
    for program in ("curl/8.5.0", "python-requests/2.32", "okhttp/4.9"):
        row = accepted(event(), a=program)
        assert (row.is_bot, row.browser, row.device_type) == (False, "", "")
    assert accepted(event(), a=GOOGLEBOT, kind="server").is_bot is False
    assert accepted(event(context={"userAgent": CHROME}), a=GOOGLEBOT).is_bot is False


def test_the_senders_word_for_device_and_system_goes_first() -> None:
    row = accepted(event(context={"userAgent": CHROME, "device": {"type": "ios"}, "os": {"name": "iPadOS"}}))
    assert (row.device_type, row.os, row.browser) == ("mobile", "iOS", "Chrome")
    assert (
        accepted(event(context={"userAgent": CHROME, "device": {"type": "zebra"}, "os": {"name": ""}})).device_type
        == "desktop"
    )


def test_the_place_is_the_doors_or_the_senders_and_no_address_is_stored(tmp_path: Path) -> None:
    row = accepted(event(context={"ip": "203.0.113.9"}), g=("DE", "Berlin", "Berlin"))
    assert (row.country, row.region, row.city) == ("DE", "Berlin", "Berlin")
    assert "203.0.113.9" not in repr(row)
    row = accepted(event(context={"location": {"country": "fr", "city": "Lyon"}}), g=("DE", "Berlin", "Berlin"))
    assert (row.country, row.region, row.city) == ("FR", "", "Lyon")
