"""From one of a site's domains to another, and cookies that the collector sets."""

import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from api.snippet import line
from tests.browser.tracker.tested_site import Site
from tests.browser.tracker.visitors import AGENT, MakeSite, go, until, wait_for
from tests.scenarios.house import EmbeddedHouse
from tests.scenarios.project import Project


def come_whole(page: Page, url: str) -> None:
    """Goes there and waits for the part that leads away."""
    with page.expect_response("**/wayfare.leading.js"):
        go(page, url)
    page.wait_for_timeout(500)


def test_a_link_between_own_domains_carries_the_device_for_this_browser_and_a_moment(
    named: Browser, named_context: BrowserContext, make_site: MakeSite, shop: Project
) -> None:
    site = make_site(domains="meadow.test orchard.test")
    there = f"http://www.orchard.test:{site.port}/shears.html?size=m#part"
    page = named_context.new_page()
    come_whole(page, f"http://www.meadow.test:{site.port}/")
    page.evaluate(f"document.querySelector('#partner').href = '{there}'")
    page.evaluate("addEventListener('click', (clicked) => clicked.preventDefault(), {once: true})")
    page.click("#partner")
    # What is copied from the page is bare: a moment after the click it has its own address back.
    page.wait_for_function(f"document.querySelector('#partner').href == '{there}'", timeout=5_000)
    assert page.evaluate("wayfare.link('http://partner.test/')") == "http://partner.test/"
    dressed = page.evaluate(f"wayfare.link('{there}')")
    assert re.search(r"\?size=m&wayfare_id=[0-9a-f]{32}\.\w+\.\w+#part$", dressed)
    page.evaluate("window.real = Date.now; Date.now = () => window.real() - 130_000")
    old = page.evaluate(f"wayfare.link('{there}')")
    page.evaluate("Date.now = window.real")
    page.click("#partner")
    page.wait_for_url(there)
    seen = wait_for(page, shop, "/", "/shears.html")
    assert seen[0]["device"] == seen[1]["device"]
    assert "wayfare_id" not in seen[1]["url"]

    # Passed on to another browser, or kept for another day, it makes nobody of two.
    for agent, link in ((AGENT.replace("140", "139"), dressed), (AGENT, old)):
        other = named.new_context(user_agent=agent)
        visitor = other.new_page()
        go(visitor, link)
        assert visitor.url == there
        until(visitor, other.cookies)
        assert other.cookies()[0]["value"] not in link
        other.close()


LEADS: dict[str, tuple[str, str]] = {
    "a link in an image": ("document.querySelector('#drawn').setAttribute('xlink:href', '%s')", "#drawing"),
    "an area of an image": ("document.querySelector('#area').href = '%s'", "#picture"),
    "a form": ("document.querySelector('#search').setAttribute('action', '%s')", "#find"),
    "a button of a form": ("document.querySelector('#buy').setAttribute('formaction', '%s')", "#buy"),
}


@pytest.mark.parametrize("how", LEADS)
def test_whatever_leads_to_another_own_domain_carries_the_device(
    named_context: BrowserContext, make_site: MakeSite, shop: Project, how: str
) -> None:
    site = make_site(domains="meadow.test orchard.test")
    site.policy = re.sub("form-action [^;]*", "form-action *", site.policy)
    there = f"http://www.orchard.test:{site.port}/shears.html?size=m"
    page = named_context.new_page()
    come_whole(page, f"http://www.meadow.test:{site.port}/leads.html")
    leads, clicked = LEADS[how]
    page.evaluate(leads % there)
    before = page.evaluate("document.body.innerHTML")
    kind = "submit" if "form" in how else "click"
    page.evaluate(f"addEventListener('{kind}', (happened) => happened.preventDefault(), {{once: true}})")
    page.click(clicked)
    page.wait_for_function("own => document.body.innerHTML == own", arg=before, timeout=5_000)
    page.click(clicked)
    page.wait_for_url("**/shears.html?*")
    seen = wait_for(page, shop, "/leads.html", *(["Form Submitted"] * 2 if kind == "submit" else []), "/shears.html")
    assert len({each["device"] for each in seen}) == 1
    assert "wayfare_id" not in seen[-1]["url"]


def test_the_collector_sets_the_cookie_where_that_is_wanted(
    named_context: BrowserContext, embedded: EmbeddedHouse, shop: Project
) -> None:
    port = embedded.url.rpartition(":")[2]
    collector = f"http://collect.meadow.test:{port}"
    more = '" data-cookie="server" data-domain="meadow.test"></script>'
    site = Site(collector, [line(collector, shop.write_key).replace('"></script>', more)])
    page = named_context.new_page()
    # No script of the page can set one, so that what is there came by an answer.
    page.add_init_script("Object.defineProperty(document, 'cookie', {get: () => '', set: () => {}})")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with page.expect_response("**/wayfare.id") as told:
        go(page, f"http://www.meadow.test:{site.port}/")
    assert told.value.status == 204
    (cookie,) = named_context.cookies()
    assert (cookie["name"], cookie["domain"], cookie["sameSite"]) == ("wayfare_id", ".meadow.test", "Lax")
    assert cookie["value"] == page.evaluate("localStorage['wayfare.id']")
    page.wait_for_timeout(50)
    go(page, f"http://www.meadow.test:{site.port}/shears.html")
    wait_for(page, shop, "/", "/shears.html")
    assert len([url for url in asked if url.endswith("/wayfare.id")]) == 1, "once a day is enough"
    page.evaluate("wayfare.consent(false)")
    page.wait_for_timeout(300)
    assert named_context.cookies() == []
    site.close()
