"""What the tracker tells of pages and frustration without a call, what it keeps to itself, and how fast pages were."""

import json

from playwright.sync_api import Page

from tests.browser.conftest import Complaints
from tests.browser.tracker.tested_site import Site
from tests.browser.tracker.visitors import MakeSite, arrived, go, is_there, one, until, wait_for
from tests.scenarios.project import Project


def test_pages_not_found_searches_and_clicks_into_an_error(
    page: Page, site: Site, shop: Project, complaints: Complaints
) -> None:
    go(page, f"{site.url}/gone.html")
    page.wait_for_timeout(100)
    go(page, f"{site.url}/?q=secateurs&code=77")
    page.click("#broken")
    page.click("#secret", click_count=4, delay=10)
    page.click("#hidden", modifiers=["Alt"], no_wait_after=True)
    page.evaluate("Promise.reject(new Error('long after a click')).catch(() => {})")
    seen = wait_for(page, shop, "/gone.html", "Page Not Found", "/", "Site Searched", "Error Clicked")
    assert one(seen, "Page Not Found")["path"] == "/gone.html"
    assert one(seen, "Site Searched")["properties"] == {"search_term": "secateurs"}
    assert one(seen, "Error Clicked")["properties"] == {"element": "button#broken", "error": "TypeError"}
    assert "Archer" not in json.dumps(arrived(shop)), "an error's words are nobody's business"
    assert {each.partition(":")[0] for each in complaints} == {"threw of Ann Archer, ann@meadow.test"}
    complaints.clear()


def test_an_app_says_by_an_attribute_that_a_view_is_not_there(page: Page, site: Site, shop: Project) -> None:
    go(page, f"{site.url}/app")
    page.evaluate("history.pushState({}, '', '/app/nowhere'); dispatchEvent(new PopStateEvent('popstate'))")
    wait_for(page, shop, "/app", "/app/nowhere", "Page Not Found")


def test_vitals_of_a_page_are_those_that_web_vitals_defines(page: Page, site: Site, shop: Project) -> None:
    go(page, site.url)
    page.wait_for_timeout(300)
    page.evaluate(
        """(() => {
            const box = document.createElement('div');
            box.style.height = '200px';
            document.body.prepend(box);
        })()"""
    )
    page.wait_for_timeout(600)
    page.click("#slow")
    page.wait_for_timeout(400)
    expected = page.evaluate(
        """new Promise((done) => {
            const found = {};
            const watch = (type, seen) => new PerformanceObserver((list) => list.getEntries().forEach(seen))
                .observe({type, buffered: true, durationThreshold: 16});
            watch('largest-contentful-paint', (entry) => (found.lcp_ms = Math.round(entry.startTime)));
            watch('layout-shift', (entry) => {
                if (!entry.hadRecentInput) found.cls = (found.cls || 0) + entry.value;
            });
            watch('event', (entry) => {
                if (entry.interactionId) found.inp_ms = Math.max(found.inp_ms || 0, entry.duration);
            });
            found.ttfb_ms = Math.round(performance.getEntriesByType('navigation')[0].responseStart);
            setTimeout(done, 200, found);
        })"""
    )
    page.goto("about:blank")
    until(page, lambda: any(each["event"] == "web_vitals" for each in arrived(shop)))
    told = one(arrived(shop), "web_vitals")["properties"]
    assert told["lcp_ms"] == expected["lcp_ms"] > 0
    assert told["ttfb_ms"] == expected["ttfb_ms"]
    assert abs(told["cls"] - expected["cls"]) < 0.001 < told["cls"]
    assert told["inp_ms"] == expected["inp_ms"] >= 120
    assert (told["navigation"], len(told["load_id"])) == ("navigate", 32)


def test_each_of_these_can_be_switched_off(
    page: Page, make_site: MakeSite, shop: Project, complaints: Complaints
) -> None:
    site = make_site(auto="links")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for way in ("/?q=secateurs", "/gone.html", "/?q=secateurs"):
        go(page, site.url + way)
        page.wait_for_timeout(60)
    is_there(page)
    page.click("#broken")
    page.evaluate("wayfare.track('Done')")
    wait_for(page, shop, "/", "/gone.html", "/", "Done")
    assert not [url for url in asked if "visit" in url]
    complaints.clear()
