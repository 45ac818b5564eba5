"""Calls of a site's own scripts and attributes, and whom they are about."""

import json

from playwright.sync_api import BrowserContext, Page

from tests.browser.tracker.tested_site import Site
from tests.browser.tracker.visitors import (
    MakeSite,
    acts,
    go,
    is_there,
    names,
    one,
    sent,
    tag,
    until,
    wait_for,
)
from tests.scenarios.house import EmbeddedHouse
from tests.scenarios.project import Project


def test_calls_before_the_tracker_is_there_wait_for_it_segments_too(page: Page, site: Site, shop: Project) -> None:
    go(page, f"{site.url}/early.html")
    seen = wait_for(page, shop, "identify", "Basket Opened", "/early.html", "Order Completed")
    assert one(seen, "Basket Opened")["properties"] == {"items": 2}
    assert one(seen, "page")["properties"] == {"name": "Early", "category": "Shop", "shelf": 3}
    assert one(seen, "Order Completed")["value_micros"] == 48_000_000
    assert shop.customer(seen[0]["device"])["user_ids"] == ["ann"]


def test_who_identifies_stays_known_until_reset(page: Page, site: Site, shop: Project) -> None:
    go(page, site.url)
    page.evaluate("wayfare.identify('ann', {plan: 'garden'}); wayfare.group('acme', {size: 3})")
    page.click("#shears")
    is_there(page)
    page.evaluate("wayfare.track('Bought')")
    page.evaluate("wayfare.reset(); wayfare.track('Looked')")
    seen = wait_for(page, shop, "/", "identify", "group", "/shears.html", "Bought", "Looked")
    ann = shop.customer(one(seen, "Bought")["device"])
    assert (ann["kind"], ann["user_ids"], ann["group_ids"], ann["traits"]) == (
        "user", ["ann"], ["acme"], {"plan": "garden"},
    )  # fmt: skip
    assert one(seen, "Looked")["device"] != one(seen, "Bought")["device"]
    assert shop.customer(one(seen, "Looked")["device"])["user_ids"] == []


def test_where_the_browser_has_no_room_who_identifies_is_known_as_long_as_the_page(
    page: Page, site: Site, shop: Project
) -> None:
    bodies: list[str] = []
    page.on("request", lambda request: bodies.append(request.post_data) if request.post_data else None)
    page.add_init_script("Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };")
    go(page, site.url)
    page.evaluate("wayfare.identify('ann'); wayfare.track('Bought')")
    page.evaluate("wayfare.reset(); wayfare.track('Looked')")
    wait_for(page, shop, "/", "identify", "Bought", "Looked")
    told = {each.get("event"): each for body in bodies for each in json.loads(body)["batch"]}
    assert told["Bought"]["userId"] == "ann"
    assert "userId" not in told["Looked"]
    assert told["Looked"]["anonymousId"] != told["Bought"]["anonymousId"]


def test_segments_calls_with_all_their_arguments(page: Page, site: Site, shop: Project) -> None:
    go(page, site.url)
    page.wait_for_timeout(200)  # the load's own page is counted by then
    called = page.evaluate(
        """new Promise((done) => {
            analytics.on('track', () => {});
            analytics.page('Shop', 'Shelf', {shelf: 3});
            analytics.track('Seen', null, {timestamp: new Date(Date.now() - 60000)}, () => done(analytics.user().id()));
        })"""
    )
    assert called is None
    seen = wait_for(page, shop, "Seen", "/", "/")
    assert seen[2]["properties"] == {"name": "Shelf", "category": "Shop", "shelf": 3}
    assert seen[1]["at"] - seen[0]["at"] > 50_000


def test_segments_other_calls_are_there(page: Page, site: Site, shop: Project) -> None:
    go(page, site.url)
    page.wait_for_timeout(200)
    page.evaluate(
        """(() => {
            const without = 'alias setAnonymousId register addSourceMiddleware addIntegrationMiddleware debug off';
            for (const call of without.split(' ')) analytics[call]('ann', () => {});
            analytics.screen('Shelf');
            analytics.trackLink(document.querySelector('#part'), 'Part Opened', {part: 1});
            analytics.trackLink(document.querySelectorAll('nav a'), (link) => `Went to ${link.id}`);
            analytics.trackForm(null, 'Never');
        })()"""
    )
    page.click("#part")
    seen = wait_for(page, shop, "/", "/", "Part Opened", "Went to part")
    assert seen[1]["properties"] == {"name": "Shelf"}
    assert one(seen, "Part Opened")["properties"] == {"part": 1}


def test_attributes_in_html_send_events(page: Page, site: Site, shop: Project) -> None:
    go(page, site.url)
    page.click("#plan b")
    page.click("#contact")
    page.fill("[name=who]", "Ann Archer")
    page.get_by_role("button", name="Send").click()
    seen = wait_for(
        page, shop, "/", "Plan Chosen", "/contact.html", "Form Started", "Letter Sent", "Form Submitted", "/thanks.html"
    )
    assert one(seen, "Plan Chosen")["properties"] == {"plan": "garden", "price_group": "b2"}
    assert one(seen, "Letter Sent")["properties"] == {"topic": "shears"}


def test_two_tabs_are_one_device(context: BrowserContext, site: Site, shop: Project) -> None:
    first, second = context.new_page(), context.new_page()

    def cookies_are_the_same() -> bool:
        """A cookie takes a moment from one tab's process to the other's."""
        return bool(first.evaluate("document.cookie") == second.evaluate("document.cookie") != "")

    go(first, site.url)
    second.goto(f"{site.url}/nowhere.txt")
    until(second, cookies_are_the_same)
    go(second, f"{site.url}/shears.html")
    until(second, lambda: "/shears.html" in names(acts(shop)))
    first.evaluate("wayfare.reset(); wayfare.track('Of the first')")
    until(first, lambda: "Of the first" in names(acts(shop)))
    until(second, cookies_are_the_same)
    second.evaluate("wayfare.track('Of the second')")
    seen = wait_for(second, shop, "/", "/shears.html", "Of the first", "Of the second")
    before, after = [each["device"] for each in seen[:2]], [each["device"] for each in seen[2:]]
    assert before[0] == before[1]
    assert after[0] == after[1]
    assert before[0] != after[0]


def test_two_projects_on_one_page_have_each_their_own(
    page: Page, embedded: EmbeddedHouse, make_site: MakeSite, shop: Project
) -> None:
    other = embedded.project()
    site = make_site(tag(embedded, other, name="second"))
    go(page, site.url)
    is_there(page, "second")
    page.evaluate("wayfare.track('Of the first'); second.track('Of the second')")
    wait_for(page, shop, "/", "Of the first")
    wait_for(page, other, "/", "Of the second")
    assert {each["name"] for each in page.context.cookies()} == {"wayfare_id", "second_id"}


def test_subdomains_share_the_device(named_context: BrowserContext, site: Site, shop: Project) -> None:
    """On plain http too, where browsers have fewer functions."""
    page = named_context.new_page()
    for host in ("www", "shop.eu"):
        go(page, f"http://{host}.meadow.test:{site.port}/")
    seen = wait_for(page, shop, "/", "/")
    assert seen[0]["device"] == seen[1]["device"]
    assert [each["host"] for each in seen] == ["www.meadow.test", "shop.eu.meadow.test"]
    assert page.evaluate("localStorage['wayfare.domain']") == "meadow.test"
    (cookie,) = named_context.cookies()
    assert (cookie["domain"], cookie["sameSite"], cookie["path"]) == (".meadow.test", "Lax", "/")


def test_a_device_is_known_again_when_its_cookie_is_gone(page: Page, site: Site, shop: Project) -> None:
    go(page, site.url)
    sent(page)
    wait_for(page, shop, "/")
    page.context.clear_cookies()
    go(page, f"{site.url}/shears.html")
    seen = wait_for(page, shop, "/", "/shears.html")
    assert seen[0]["device"] == seen[1]["device"]


def test_where_nothing_can_be_stored_events_arrive_all_the_same(page: Page, site: Site, shop: Project) -> None:
    page.goto(f"{site.url}/framed.html")
    frame = page.frames[1]
    is_there(frame)
    frame.evaluate("wayfare.track('Framed'); wayfare.identify('ann'); wayfare.track('Known')")
    seen = wait_for(page, shop, "/index.html", "Framed", "identify", "Known")
    assert len({each["device"] for each in seen}) == 1
