"""What fails, is offline or happens last arrives once."""

import json
import re

from playwright.sync_api import Page, Request, Route

from tests.browser.conftest import Complaints
from tests.browser.tracker.tested_site import Site
from tests.browser.tracker.visitors import (
    go,
    kept,
    sent,
    until,
    wait_for,
)
from tests.scenarios.project import Project


def test_what_fails_is_sent_again_under_its_ids_and_nothing_counts_twice(page: Page, site: Site, shop: Project) -> None:
    tried: list[list[str]] = []

    def fail_twice(route: Route) -> None:
        tried.append([each["messageId"] for each in json.loads(route.request.post_data or "")["batch"]])
        if len(tried) == 1:
            route.fulfill(status=503, headers={"Access-Control-Allow-Origin": "*"})
        elif len(tried) == 2:
            route.fetch()  # the collector has it, and its answer is lost
            route.abort()
        else:
            route.continue_()

    page.route("**/v1/b", fail_twice)
    go(page, site.url)
    page.evaluate("wayfare.track('Bought')")
    until(page, lambda: len(tried) >= 3)
    assert tried[0] == tried[1] == tried[2][: len(tried[0])]
    wait_for(page, shop, "/", "Bought")
    sent(page)


def test_what_could_not_be_sent_is_sent_by_a_later_page(page: Page, site: Site, shop: Project) -> None:
    go(page, site.url)
    wait_for(page, shop, "/")
    page.context.set_offline(True)
    page.evaluate("wayfare.track('Offline')")
    until(page, lambda: kept(page))
    page.context.set_offline(False)
    page.context.route("**/v1/b", lambda route: route.abort())
    page.goto("about:blank")
    page.context.unroute("**/v1/b")
    go(page, f"{site.url}/shears.html")
    wait_for(page, shop, "/", "Offline", "/shears.html")
    sent(page)


def test_waits_double_and_what_the_collector_tells_counts(page: Page, site: Site, shop: Project) -> None:
    page.clock.install()
    page.add_init_script("Math.random = () => 0.5")
    tried: list[str] = []

    def fail(route: Route) -> None:
        tried.append(route.request.url)
        if len(tried) == 1:
            told = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "*", "Retry-After": "7"}
            route.fulfill(status=503, headers=told)
        else:
            route.abort() if len(tried) < 4 else route.continue_()

    page.route("**/v1/b", fail)
    go(page, site.url)
    until(page, lambda: tried)
    for count, wait_ms in enumerate((7_000, 2_000, 4_000), 1):
        page.wait_for_timeout(100)
        page.clock.run_for(wait_ms - 1_500)  # the clock goes on by itself meanwhile
        assert len(tried) == count, f"not before {wait_ms} ms"
        page.clock.run_for(2_000)
        until(page, lambda count=count: len(tried) > count)  # type: ignore[misc]
    wait_for(page, shop, "/")


def test_200_events_are_kept_for_later_pages_but_all_that_wait_are_sent(page: Page, site: Site, shop: Project) -> None:
    page.route("**/v1/b", lambda route: route.abort())
    go(page, site.url)
    page.evaluate("for (let i = 0; i < 300; i++) wayfare.track('Number', {i})")
    until(page, lambda: len(kept(page)) == 200)
    waiting = kept(page)
    assert len(waiting) == 200
    assert waiting[-1]["properties"] == {"i": 299}
    page.unroute("**/v1/b")
    page.evaluate("dispatchEvent(new Event('online'))")
    until(page, lambda: shop.ask("trend", events=["Number"])["events"] == 300)
    assert shop.ask("trend", events=["Number"])["events"] == 300


def test_what_a_page_tells_in_a_row_arrives_though_it_is_more_than_may_wait(
    page: Page, site: Site, shop: Project
) -> None:
    go(page, site.url)
    page.evaluate("for (let i = 0; i < 500; i++) wayfare.track('Number', {i})")
    until(page, lambda: shop.ask("trend", events=["Number"])["events"] == 500)
    assert shop.ask("trend", events=["Number"])["events"] == 500


def test_what_happens_last_on_a_page_arrives(page: Page, site: Site, shop: Project) -> None:
    go(page, site.url)
    page.evaluate("wayfare.track('Last'); location.href = 'about:blank'")
    wait_for(page, shop, "/", "Last")


def test_what_happens_last_arrives_though_a_request_has_failed_right_before(
    page: Page, site: Site, shop: Project
) -> None:
    """As one does that is on its way when the page is left: nobody need come back to have the rest sent."""
    failed: list[Request] = []
    page.on("requestfailed", lambda request: failed.append(request))
    page.route("**/v1/b", lambda route: route.abort(), times=1)
    go(page, site.url)
    until(page, lambda: failed)
    page.evaluate("wayfare.track('Last'); location.href = 'about:blank'")
    wait_for(page, shop, "/", "Last")


def test_requests_need_no_preflight(page: Page, site: Site, shop: Project) -> None:
    asked: list[tuple[str, str]] = []
    page.on("request", lambda request: asked.append((request.method, request.headers.get("content-type", ""))))
    go(page, site.url)
    wait_for(page, shop, "/")
    posted = [kind for method, kind in asked if method != "GET"]
    assert posted
    assert set(posted) == {"text/plain;charset=UTF-8"}


def test_an_event_that_is_no_json_stops_no_other(page: Page, site: Site, shop: Project, complaints: Complaints) -> None:
    go(page, site.url)
    page.evaluate("const ring = {}; ring.self = ring; wayfare.track('Ring', ring)")
    page.evaluate("wayfare.track('Large', {number: 1n}); wayfare.track('Good')")
    wait_for(page, shop, "/", "Good")
    assert [each.partition(": ")[0] for each in complaints] == ["warning", "warning"]
    complaints.clear()


def test_events_arrive_whatever_the_page_has_added_to_what_all_objects_have(
    page: Page, site: Site, shop: Project
) -> None:
    """Prototype.js until 1.6 had lists and dates tell themselves as texts of JSON: no batch was one."""
    page.add_init_script(
        "Array.prototype.toJSON = function () { return '[' + this.join() + ']'; };"
        "Date.prototype.toJSON = function () { return '\"' + this.toISOString() + '\"'; };"
        "Array.prototype.each = Object.prototype.extended = function () {};"
    )
    bodies: list[str] = []
    page.on("request", lambda request: bodies.append(request.post_data or "") if request.method == "POST" else None)
    go(page, site.url)
    page.evaluate("wayfare.identify('ann', {tags: ['a', 'b']}); wayfare.track('Chosen', {sizes: [1, [2]]})")
    seen = wait_for(page, shop, "/", "identify", "Chosen")
    assert seen[2]["properties"]["sizes"] == [1, [2]]
    told = json.loads(bodies[0])
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", at) for at in (told["sentAt"], told["batch"][0]["timestamp"]))


def test_where_there_is_little_room_the_newest_events_are_kept(page: Page, site: Site) -> None:
    page.route("**/v1/b", lambda route: route.abort())
    go(page, site.url)
    page.evaluate(
        """(() => {
            let size = 2 ** 22, text = '';
            while (size > 1000) {
                try {
                    localStorage.full = text + 'x'.repeat(size);
                    text += 'x'.repeat(size);
                } catch {
                    size /= 2;
                }
            }
            localStorage.full = text.slice(3e4);
            for (let i = 0; i < 200; i++) wayfare.track('Number', {i});
        })()"""
    )
    until(page, lambda: kept(page) and kept(page)[-1]["properties"] == {"i": 199})
    assert 10 < len(kept(page)) < 190
    assert kept(page)[-1]["properties"] == {"i": 199}


def test_where_nothing_can_be_stored_what_failed_is_tried_once_more_when_the_page_is_left(
    page: Page, site: Site, shop: Project
) -> None:
    page.add_init_script(
        "for (const each of ['localStorage', 'sessionStorage'])"
        "Object.defineProperty(window, each, {get() { throw new DOMException('shut', 'SecurityError'); }});"
    )
    failed: list[Request] = []
    page.on("requestfailed", lambda request: failed.append(request))
    page.route("**/v1/b", lambda route: route.abort())
    go(page, site.url)
    until(page, lambda: failed)
    page.evaluate("wayfare.track('Waits')")
    page.unroute("**/v1/b")
    page.goto("about:blank")
    wait_for(page, shop, "/", "Waits")
