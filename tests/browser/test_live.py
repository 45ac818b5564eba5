"""The page follows what happens, without being loaded again."""

import re

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Open
from tests.browser.visits import visit, visits
from tests.scenarios.house import EmbeddedHouse
from tests.scenarios.project import Project


def mark(page: Page) -> None:
    page.evaluate("window.isTheSamePage = true")


def is_the_same(page: Page) -> bool:
    return bool(page.evaluate("window.isTheSamePage === true"))


def test_a_posted_event_appears_in_the_feed_without_reload(look: Open, shop: Project) -> None:
    page = look()
    mark(page)
    shop.deliver(visit("ann", "Seeds Watered", minutes_ago=0))
    expect(page.locator("#feed li").first).to_contain_text("Seeds Watered")
    assert is_the_same(page)


def test_the_newest_event_stands_first(look: Open, shop: Project) -> None:
    page = look()
    shop.deliver(visit("ann", "First"))
    expect(page.locator("#feed li")).to_have_count(1)
    shop.deliver(visit("bob", "Second"))
    expect(page.locator("#feed li strong")).to_have_text(["Second", "First"])


def test_the_numbers_move_when_a_session_begins(look: Open, shop: Project) -> None:
    shop.deliver(visits())
    page = look()
    expect(page.locator("#figure-sessions")).to_have_text("3")
    mark(page)
    shop.deliver(visit("dan", "/"))
    expect(page.locator("#figure-sessions")).to_have_text("4")
    expect(page.locator("#figure-bounce")).to_have_text(re.compile(r"^50\.0\s%$"))
    assert is_the_same(page)


def test_the_funnel_and_the_journeys_move_too(look: Open, shop: Project) -> None:
    shop.save("funnels", {"name": "buying", "steps": [{"events": ["Product Viewed"]}, {"events": ["Ordered"]}]})
    shop.deliver(visits())
    page = look()
    expect(page.locator("#funnel .step-count")).to_have_text(["2", "1"])
    expect(page.locator("#journeys tbody tr")).to_have_count(3)
    shop.deliver(visit("dan", "Product Viewed", "Ordered", minutes_ago=0))
    expect(page.locator("#funnel .step-count")).to_have_text(["3", "2"])
    expect(page.locator("#journeys tbody tr")).to_have_count(4)


def test_a_reject_appears_with_its_reason_and_what_was_sent(look: Open, shop: Project) -> None:
    page = look()
    shop.deliver([{"type": "track", "anonymousId": "ann", "properties": {"colour": "green"}}])
    row = page.locator("#feed li.reject")
    expect(row).to_contain_text("missing event")
    expect(page.locator("#rejected-count")).to_have_text("1")
    expect(row.locator("pre")).to_be_hidden()
    row.locator("summary").click()
    expect(row.locator("pre")).to_contain_text('"colour": "green"')


def test_the_feed_shows_rejects_alone_where_asked(look: Open, shop: Project) -> None:
    shop.deliver([*visit("ann", "Fine"), {"type": "track", "anonymousId": "ann"}])
    page = look()
    expect(page.locator("#feed li")).to_have_count(2)
    page.get_by_role("radio", name="Rejected").check()
    expect(page.locator("#feed li")).to_have_count(1)
    expect(page.locator("#feed li")).to_contain_text("missing event")


def test_a_paused_feed_stands_still_and_tells_how_much_is_new(look: Open, shop: Project) -> None:
    shop.deliver(visit("ann", "Before"))
    page = look()
    expect(page.locator("#feed li")).to_have_count(1)
    pause = page.locator("#feed-pause")
    pause.click()
    shop.deliver(visit("bob", "Meanwhile"))
    expect(pause).to_have_text("Resume, 1 new")
    expect(page.locator("#feed li")).to_have_count(1)
    pause.click()
    expect(page.locator("#feed li strong")).to_have_text(["Meanwhile", "Before"])


def test_how_far_the_data_goes_is_told(look: Open, shop: Project) -> None:
    page = look()
    shop.deliver(visit("ann", "/"))
    expect(page.locator("#until")).to_have_text(re.compile(r"^Complete until \d\d:\d\d:\d\d, \d+ (s|min) ago$"))


def test_where_nothing_streams_the_page_asks_again_and_again(
    page: Page, embedded: EmbeddedHouse, shop: Project
) -> None:
    def without_stream(route: Route) -> None:
        route.continue_(headers={**route.request.headers, "accept": "application/json"})

    page.route("**/questions/recent", without_stream)
    page.goto(f"{embedded.url}/#project={shop.name}")
    expect(page.locator("#state")).to_have_text("Live")
    shop.deliver(visit("ann", "Polled", minutes_ago=0))
    expect(page.locator("#feed li").first).to_contain_text("Polled")


def test_one_stream_serves_the_whole_page(page: Page, embedded: EmbeddedHouse, shop: Project) -> None:
    """A browser opens six connections to a host at most; a second tab must have some left."""
    streams = []
    page.on("request", lambda told: streams.append(told) if "event-stream" in told.headers.get("accept", "") else None)
    page.goto(f"{embedded.url}/#project={shop.name}")
    expect(page.locator("#state")).to_have_text("Live")
    shop.deliver(visits())
    expect(page.locator("#figure-sessions")).to_have_text("3")
    assert len(streams) == 1
