"""Pages of a site and of an app, counted by themselves."""

import subprocess
import time
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

from playwright.sync_api import Browser, Page, Route

from tests.browser.conftest import OPTIONS, Complaints
from tests.browser.tracker.tested_site import Site
from tests.browser.tracker.visitors import (
    AGENT,
    Event,
    acts,
    arrived,
    go,
    names,
    one,
    program,
    until,
    visitor,
    wait_for,
)
from tests.scenarios.project import Project


def test_a_page_is_counted_by_itself_with_address_title_and_referrer(page: Page, site: Site, shop: Project) -> None:
    go(page, f"{site.url}/shears.html?utm_source=mail&utm_medium=email#part")
    (seen,) = wait_for(page, shop, "/shears.html")
    assert seen["title"] == "Shears"
    assert seen["url"].startswith(f"{site.url}/shears.html?utm_source=mail")
    assert seen["acquisition"] == "email"
    assert seen["channel"] == "web"
    assert not seen["is_bot"]


def test_a_visit_of_several_pages_is_one_session_of_one_device(page: Page, site: Site, shop: Project) -> None:
    go(page, site.url)
    page.click("#shears")
    page.click("#home")
    seen = wait_for(page, shop, "/", "/shears.html", "/", "Quick Back")
    assert one(seen, "Quick Back")["properties"]["from"] == "/shears.html"
    assert len({each["device"] for each in seen}) == 1
    assert len({each["session"] for each in seen}) == 1


def test_an_app_is_counted_by_its_history_and_not_by_its_filters(page: Page, site: Site, shop: Project) -> None:
    go(page, f"{site.url}/app")
    for link in ("Orders", "More orders", "Profile"):
        page.get_by_role("link", name=link, exact=True).click()
        page.wait_for_timeout(120)
    page.click("#sort")
    page.go_back()
    page.wait_for_timeout(120)
    page.click("#hash")
    seen = wait_for(
        page, shop, "/app", "/app/orders", "/app/orders", "/app/profile", "/app/orders", "/app/orders/help/shipping",
        "Quick Back",
    )  # fmt: skip
    assert [each["title"] for each in seen][1:4] == ["App orders", "App orders", "App profile"]
    assert [each["url"].partition("?")[2] for each in seen][:4] == ["", "page=1", "page=2", ""]


def test_a_jump_inside_of_a_page_is_no_page(page: Page, site: Site, shop: Project) -> None:
    go(page, site.url)
    page.click("#part >> nth=0")
    page.evaluate("wayfare.track('Done')")
    wait_for(page, shop, "/", "Done")


def test_an_event_right_after_a_step_of_an_app_comes_after_its_page(page: Page, site: Site, shop: Project) -> None:
    go(page, f"{site.url}/app")
    page.evaluate("history.pushState({}, '', '/app/basket'); wayfare.track('Basket Seen')")
    seen = wait_for(page, shop, "/app", "/app/basket", "Basket Seen")
    assert [each["path"] for each in seen] == ["/app", "/app/basket", "/app/basket"]


def test_a_path_that_a_router_replaces_before_anybody_saw_it_is_no_page(page: Page, site: Site, shop: Project) -> None:
    came: list[str] = []

    def on_its_way(route: Route) -> None:  # held until it is read: of one that is gone the browser may have no body
        came.append(route.request.post_data or "")
        route.continue_()

    page.route("**/v1/b", on_its_way)
    go(page, f"{site.url}/app")
    page.wait_for_timeout(120)
    page.evaluate(
        "history.pushState({}, '', '/app/old'); for (let i of [1, 2, 3]) history.replaceState({}, '', '/app/' + i)"
    )
    page.wait_for_timeout(120)
    page.evaluate("history.replaceState({}, '', '/app/4')")  # it was seen: the next is another
    wait_for(page, shop, "/app", "/app/3", "/app/4")
    found = [each for each in arrived(shop) if each["event"] in ("page", "page_leave")]
    assert sorted((each["event"], each["path"]) for each in found) == [
        ("page", "/app"), ("page", "/app/3"), ("page", "/app/4"), ("page_leave", "/app"), ("page_leave", "/app/3"),
    ]  # fmt: skip
    assert f'"path":"/app/3","referrer":"{site.url}/app"' in "".join(came)


def test_a_page_that_has_frozen_its_history_is_counted_and_left_like_others(
    page: Page, site: Site, shop: Project
) -> None:
    page.add_init_script("Object.freeze(history)")
    go(page, site.url)
    page.evaluate("wayfare.track('Last'); location.href = 'about:blank'")
    wait_for(page, shop, "/", "Last")


def test_a_page_gets_the_two_names_that_it_is_told_of_and_no_other(page: Page, site: Site, shop: Project) -> None:
    page.add_init_script("window.before = new Set([...Object.getOwnPropertyNames(window), 'before'])")
    go(page, f"{site.url}/shears.html")
    page.evaluate("wayfare.identify('ann'); wayfare.track('Looked'); wayfare.page(); wayfare.reset()")
    page.click("body")
    wait_for(page, shop, "/shears.html", "identify", "Looked", "/shears.html")
    added = page.evaluate("Object.getOwnPropertyNames(window).filter((name) => !before.has(name))")
    assert sorted(added) == ["analytics", "wayfare"]


def is_vital(event: Event) -> bool:
    return bool(event["event"] == "web_vitals")


def vitals_by_load(shop: Project, path: str) -> list[dict[str, Any]]:
    """The last that each load of a page told: it tells once more where a number has grown."""
    told = [each for each in arrived(shop) if each["path"] == path and is_vital(each)]
    return list({each["properties"]["load_id"]: each["properties"] for each in told}.values())


def test_a_page_out_of_the_back_forward_cache_is_seen_again(
    chromium: Browser, complaints: Complaints, site: Site, shop: Project
) -> None:
    path = chromium.browser_type
    browser = path.launch(
        executable_path=program(), args=list(OPTIONS), ignore_default_args=["--disable-back-forward-cache"]
    )
    try:
        for context in visitor(browser, complaints):
            page = context.new_page()
            go(page, site.url)
            page.evaluate("window.isTheSamePage = true")
            page.wait_for_timeout(400)
            page.click("#shears")
            page.wait_for_load_state()
            page.wait_for_timeout(400)
            page.evaluate("history.back()")
            page.wait_for_timeout(400)
            assert page.evaluate("window.isTheSamePage === true"), "the page was loaded anew"
            wait_for(page, shop, "/", "/shears.html", "/", "Quick Back")
            page.goto("about:blank")
            until(page, lambda: len(vitals_by_load(shop, "/")) == 2)
            first, again = vitals_by_load(shop, "/")
            assert (first["navigation"], again["navigation"]) == ("navigate", "back-forward-cache")
            assert (again["ttfb_ms"], first["load_id"] != again["load_id"]) == (0, True)
            assert 0 < again["lcp_ms"] < 2_000, "from when it was shown again"
    finally:
        browser.close()


def test_a_page_that_chromium_makes_ahead_counts_once_when_it_is_shown(
    site: Site, shop: Project, tmp_path: Path
) -> None:
    """Nobody drives this browser: one that is driven makes no pages ahead. The visitor clicks by itself."""
    arguments = [program(), "--headless=new", *OPTIONS, f"--user-agent={AGENT}", f"--user-data-dir={tmp_path}"]
    with subprocess.Popen(
        [*arguments, "--remote-debugging-port=0", f"{site.url}/ahead.html"], stderr=DEVNULL
    ) as browser:
        try:
            end = time.monotonic() + 60
            while "/thanks.html" not in names(acts(shop)) or not vitals_by_load(shop, "/made_ahead.html"):
                assert time.monotonic() < end, names(arrived(shop))
                time.sleep(0.1)
            counted = [name for name in names(acts(shop)) if name != "/ahead.html"]
            assert sorted(counted) == ["/made_ahead.html", "/thanks.html", "Made Ahead"]
        finally:
            browser.terminate()
    (vitals,) = vitals_by_load(shop, "/made_ahead.html")
    assert vitals["navigation"] == "prerender"
    assert len({each["device"] for each in acts(shop)}) == 1


def test_a_page_that_is_made_ahead_keeps_nothing_and_sends_nothing_before_it_is_shown(
    page: Page, site: Site, shop: Project
) -> None:
    page.add_init_script("Object.defineProperty(document, 'prerendering', {value: true, configurable: true})")
    page.goto(site.url)
    page.evaluate("wayfare.push(['track', 'Made Ahead'])")
    page.wait_for_timeout(500)
    assert page.context.cookies() == []
    assert arrived(shop) == []
    page.evaluate(
        "Object.defineProperty(document, 'prerendering', {value: false});"
        "document.dispatchEvent(new Event('prerenderingchange'))"
    )
    wait_for(page, shop, "/", "Made Ahead")
