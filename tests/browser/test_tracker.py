"""The tracker in a real Chromium, on a site of pages and an app: what visitors do arrives in the store."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Frame, Page, Route

from api.snippet import line
from tests.browser.conftest import CHROMIUM, OPTIONS, PATIENCE_MS, Complaints
from tests.browser.tested_site import Site
from tests.scenarios.house import EmbeddedHouse
from tests.scenarios.project import Project

AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
PASSIVE = {"heartbeat", "page_leave"}

Event = dict[str, Any]
MakeSite = Callable[..., Site]


# -- what stands around a test


@pytest.fixture
def context(chromium: Browser, complaints: Complaints) -> Iterator[BrowserContext]:
    """A visitor's browser: not headless by its name, as bots are set apart."""
    yield from visitor(chromium, complaints)


def visitor(browser: Browser, complaints: Complaints) -> Iterator[BrowserContext]:
    context = browser.new_context(user_agent=AGENT)
    context.set_default_timeout(PATIENCE_MS)
    context.on("page", lambda page: listen(page, complaints))
    yield context
    context.close()
    assert complaints == []


def listen(page: Page, complaints: Complaints) -> None:
    def said(kind: str, text: str) -> None:
        if not text.startswith("Failed to load resource"):  # so the browser tells of every request that failed
            complaints.append(f"{kind}: {text}")

    page.on("console", lambda message: said(message.type, message.text))
    page.on("pageerror", lambda error: complaints.append(f"threw {error}"))


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def make_site(embedded: EmbeddedHouse, shop: Project) -> Iterator[MakeSite]:
    """A site with the tracker's line, and attributes of it: `consent=""` is data-consent."""
    made = []

    def make(*more: str, **attributes: str) -> Site:
        site = Site(embedded.url, [tag(embedded, shop, **attributes), *more])
        made.append(site)
        return site

    yield make
    for each in made:
        each.close()


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site()


def tag(house: EmbeddedHouse, project: Project, **attributes: str) -> str:
    more = "".join(f' data-{name}="{value}"' for name, value in attributes.items())
    return line(house.url, project.write_key).replace("></script>", f"{more}></script>")


def timeline(project: Project, who: str) -> list[Event]:
    """Nothing while events are there and the owner of their device is not yet."""
    url = f"{project.house.url}/api/v1/projects/{project.name}/customers/{who}"
    answer = project.house.http.get(url, headers=project.admin_headers)
    return list(reversed(answer.json()["timeline"])) if answer.is_success else []


def arrived(project: Project) -> list[Event]:
    """Every event in the store, in order, as customers' timelines show them."""
    found: dict[tuple[str, str], Event] = {}
    for device in {each["device"] for each in project.ask("recent", newest=1000)["events"]}:
        for each in timeline(project, device):
            found[each["device"], each["message_id"]] = each
    return sorted(found.values(), key=lambda each: each["at"])


def acts(project: Project) -> list[Event]:
    """Without heartbeats and leaves."""
    return [each for each in arrived(project) if each["event"] not in PASSIVE]


def names(events: list[Event]) -> list[str]:
    """`/path` for a page, the name for anything else."""
    return [each["path"] if each["event"] == "page" else each["event"] for each in events]


def until(page: Page, is_so: Callable[[], object], within_s: float = 20) -> None:
    """Looks until it is so, or the time is over. Lets Playwright work meanwhile."""
    end = time.monotonic() + within_s
    while not is_so() and time.monotonic() < end:
        page.wait_for_timeout(50)


def wait_for(page: Page, project: Project, *expected: str) -> list[Event]:
    """Waits until exactly these have come, in this order."""
    seen: list[str] = []

    def come() -> bool:
        nonlocal seen
        seen = names(acts(project))
        return len(seen) >= len(expected)

    until(page, come)
    assert seen == list(expected)
    return acts(project)


def one(events: list[Event], name: str) -> Event:
    (found,) = [each for each in events if each["event"] == name]
    return found


def sent(page: Page) -> None:
    """Waits until the tracker has sent what it has."""
    until(page, lambda: kept(page) == [])
    assert kept(page) == []


def kept(page: Page) -> list[Event]:
    """What waits in this browser's storage to be sent again."""
    found: list[Event] = page.evaluate(
        "Object.keys(localStorage).filter((key) => key.startsWith('wayfare.q.')).flatMap((key) => "
        "JSON.parse(localStorage[key]))"
    )
    return found


def is_there(page: Page | Frame, name: str = "wayfare") -> None:
    """Waits until the tracker is there. Playwright's own waiting needs eval, which the site's policy shuts."""
    end = time.monotonic() + 20
    while not page.evaluate(f"window.{name}?.key"):
        assert time.monotonic() < end, "no tracker"
        page.wait_for_timeout(20)


def go(page: Page, url: str) -> None:
    page.goto(url)
    is_there(page)


# -- pages


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
    seen = wait_for(page, shop, "/", "/shears.html", "/")
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
        page, shop, "/app", "/app/orders", "/app/orders", "/app/profile", "/app/orders", "/app/orders/help/shipping"
    )
    assert [each["title"] for each in seen][:4] == ["App app", "App orders", "App orders", "App profile"]
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


def test_a_page_out_of_the_back_forward_cache_is_seen_again(
    chromium: Browser, complaints: Complaints, site: Site, shop: Project
) -> None:
    path = chromium.browser_type
    browser = path.launch(
        executable_path=_program(), args=list(OPTIONS), ignore_default_args=["--disable-back-forward-cache"]
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
            wait_for(page, shop, "/", "/shears.html", "/")
    finally:
        browser.close()


def _program() -> str:
    return next(filter(None, map(shutil.which, CHROMIUM)))


def test_a_page_that_is_made_ahead_counts_when_it_is_shown(page: Page, site: Site, shop: Project) -> None:
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


# -- calls


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


# -- ids


def test_two_tabs_are_one_device(context: BrowserContext, site: Site, shop: Project) -> None:
    first, second = context.new_page(), context.new_page()
    go(first, site.url)
    go(second, f"{site.url}/shears.html")
    first.evaluate("wayfare.reset(); wayfare.track('Of the first')")
    until(first, lambda: "Of the first" in names(acts(shop)))
    second.evaluate("wayfare.track('Of the second')")
    seen = wait_for(second, shop, "/", "/shears.html", "Of the first", "Of the second")
    assert seen[0]["device"] == seen[1]["device"] != seen[2]["device"] == seen[3]["device"]


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


def test_subdomains_share_the_device(chromium: Browser, complaints: Complaints, site: Site, shop: Project) -> None:
    """On plain http too, where browsers have fewer functions."""
    browser = chromium.browser_type.launch(
        executable_path=_program(), args=[*OPTIONS, "--host-resolver-rules=MAP *.meadow.test 127.0.0.1"]
    )
    try:
        for context in visitor(browser, complaints):
            page = context.new_page()
            for host in ("www", "shop.eu"):
                go(page, f"http://{host}.meadow.test:{site.port}/")
            seen = wait_for(page, shop, "/", "/")
            assert seen[0]["device"] == seen[1]["device"]
            assert [each["host"] for each in seen] == ["www.meadow.test", "shop.eu.meadow.test"]
            (cookie,) = context.cookies()
            assert (cookie["domain"], cookie["sameSite"], cookie["path"]) == (".meadow.test", "Lax", "/")
    finally:
        browser.close()


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


# -- sending


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


def test_no_more_than_200_events_wait(page: Page, site: Site) -> None:
    page.route("**/v1/b", lambda route: route.abort())
    go(page, site.url)
    page.evaluate("for (let i = 0; i < 300; i++) wayfare.track('Number', {i})")
    until(page, lambda: len(kept(page)) == 200)
    waiting = kept(page)
    assert len(waiting) == 200
    assert waiting[-1]["properties"] == {"i": 299}


def test_what_happens_last_on_a_page_arrives(page: Page, site: Site, shop: Project) -> None:
    go(page, site.url)
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


# -- attention


def test_engaged_time_and_scroll_depth(page: Page, make_site: MakeSite, shop: Project) -> None:
    site = make_site(beat="1")
    go(page, f"{site.url}/shears.html")
    page.mouse.move(10, 10)
    page.wait_for_timeout(2_600)
    page.mouse.wheel(0, 1_500)
    page.wait_for_timeout(300)
    page.goto("about:blank")
    until(page, lambda: "page_leave" in names(arrived(shop)))
    seen = arrived(shop)
    left = one(seen, "page_leave")
    assert 30 < left["properties"]["scroll_percent"] < 90
    engaged = sum(each["properties"].get("engaged_ms", 0) for each in seen)
    assert 2_500 < engaged < 6_000
    assert one(seen, "heartbeat")["properties"]["engaged_ms"] >= 1_000
    assert shop.customer(left["device"])["engaged_ms"] == engaged


def test_who_does_nothing_for_half_a_minute_is_not_engaged(page: Page, site: Site, shop: Project) -> None:
    page.clock.install()
    go(page, site.url)
    page.clock.run_for(90_000)
    page.goto("about:blank")
    until(page, lambda: "page_leave" in names(arrived(shop)))
    engaged = sum(each["properties"].get("engaged_ms", 0) for each in arrived(shop))
    assert 28_000 < engaged < 33_000


# -- consent


def test_before_consent_nothing_is_stored_and_nothing_is_sent(page: Page, make_site: MakeSite, shop: Project) -> None:
    site, asked = make_site(consent=""), []
    page.on("request", lambda request: asked.append(request.method))
    go(page, site.url)
    page.evaluate("wayfare.identify('ann'); wayfare.track('Looked')")
    page.wait_for_timeout(800)
    page.evaluate("window.dispatchEvent(new Event('pagehide'))")
    page.wait_for_timeout(200)
    assert page.context.cookies() == []
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert "POST" not in asked
    page.evaluate("wayfare.consent({analytics: true, marketing: false})")
    seen = wait_for(page, shop, "/", "identify", "Looked", "Consent Changed")
    assert one(seen, "Consent Changed")["properties"] == {"analytics": True, "marketing": False}
    assert {each["name"] for each in page.context.cookies()} == {"wayfare_id"}
    go(page, f"{site.url}/shears.html")
    page.evaluate("wayfare.consent({analytics: true, marketing: false})")  # told again on each page
    seen = wait_for(page, shop, "/", "identify", "Looked", "Consent Changed", "/shears.html")
    assert len({each["device"] for each in seen}) == 1


@pytest.mark.parametrize("attributes", [{"consent": ""}, {}], ids=["asked first", "not asked"])
def test_consent_withdrawn_is_told_and_everything_is_erased(
    page: Page, make_site: MakeSite, shop: Project, attributes: dict[str, str]
) -> None:
    site = make_site(**attributes)
    go(page, site.url)
    page.evaluate("wayfare.consent(true)")
    wait_for(page, shop, "/", "Consent Changed")
    page.evaluate("wayfare.consent(false); wayfare.track('After')")
    assert page.context.cookies() == []
    left = page.evaluate("Object.keys(localStorage)")
    assert left == ([] if attributes else ["wayfare.consent"])  # that he refused has to be remembered somewhere
    go(page, f"{site.url}/shears.html")
    page.evaluate("wayfare.track('Later')")
    page.wait_for_timeout(600)
    assert page.context.cookies() == []
    seen = [each for each in acts(shop) if each["event"] == "Consent Changed"]
    assert [each["properties"] for each in seen] == [{"analytics": True}, {"analytics": False}]
    assert names(acts(shop)) == ["/", "Consent Changed", "Consent Changed"]


def test_a_global_signal_of_privacy_counts_as_a_refusal_where_that_is_set(
    page: Page, make_site: MakeSite, shop: Project
) -> None:
    site = make_site(gpc="")
    page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
    go(page, site.url)
    page.wait_for_timeout(600)
    assert page.context.cookies() == []
    assert arrived(shop) == []


# -- what visitors do without a call


def test_links_that_lead_away_and_downloads(page: Page, site: Site, shop: Project) -> None:
    page.route("http://partner.test/**", lambda route: route.fulfill(body="a partner"))
    go(page, site.url)
    with page.expect_download():
        page.click("#leaflet")
    page.click("#partner")
    page.wait_for_url("http://partner.test/**")
    go(page, site.url)
    page.click("#hidden")
    page.wait_for_url("http://partner.test/private")
    seen = wait_for(page, shop, "/", "File Downloaded", "Outbound Link Clicked", "/")
    file = f"{site.url}/leaflet.pdf"
    assert one(seen, "File Downloaded")["properties"] == {"url": file, "extension": "pdf"}
    assert one(seen, "Outbound Link Clicked")["properties"] == {
        "url": "http://partner.test/offer", "host": "partner.test",
    }  # fmt: skip


def test_a_form_left_is_told_with_its_last_field_and_no_value(page: Page, site: Site, shop: Project) -> None:
    go(page, f"{site.url}/contact.html")
    page.fill("[name=secret]", "in the vault")
    page.fill("[name=who]", "Ann Archer")
    page.fill("[name=message]", "Dear Meadow")
    page.click("#home")
    seen = wait_for(page, shop, "/contact.html", "Form Started", "Form Abandoned", "/")
    assert one(seen, "Form Started")["properties"] == {"form": "letter"}
    assert one(seen, "Form Abandoned")["properties"] == {"form": "letter", "last_field": "message"}
    told = json.dumps(arrived(shop))
    assert not [typed for typed in ("Ann Archer", "Dear Meadow", "in the vault", "secret") if typed in told]


def test_clicks_in_anger_and_in_vain(page: Page, site: Site, shop: Project) -> None:
    go(page, site.url)
    page.click("#alive")
    page.wait_for_timeout(1_700)
    page.click("#dead")
    page.wait_for_timeout(1_700)
    page.click("#alive", click_count=4, delay=20)
    seen = wait_for(page, shop, "/", "Dead Clicked", "Rage Clicked")
    assert one(seen, "Dead Clicked")["properties"] == {"element": "button#dead.loud"}
    assert one(seen, "Rage Clicked")["properties"]["element"].startswith("button#alive")


def test_what_is_switched_off_is_not_told(page: Page, make_site: MakeSite, shop: Project) -> None:
    site = make_site(auto="links", page="off")
    go(page, f"{site.url}/contact.html")
    page.fill("[name=who]", "Ann")
    page.evaluate("wayfare.track('Done')")
    wait_for(page, shop, "Done")
