"""Engaged time and scroll depth, and what visitors do without a call."""

import json

from playwright.sync_api import Page

from tests.browser.tracker.tested_site import Site
from tests.browser.tracker.visitors import (
    MakeSite,
    acts,
    arrived,
    go,
    names,
    one,
    tag,
    until,
    wait_for,
)
from tests.scenarios.house import EmbeddedHouse
from tests.scenarios.project import Project

HIDDEN = """
    Object.defineProperty(document, 'hidden', {{value: {}, configurable: true}});
    document.dispatchEvent(new Event('visibilitychange'));
"""
# A component with what it has in a shadow root; its link and its form stay on the page.
COMPONENT = """
    ((where, id) => {
        const make = (tag, fields, ...children) => {
            const made = Object.assign(document.createElement(tag), fields);
            made.append(...children);
            return made;
        };
        const root = make('div', {id}).attachShadow({mode: 'open'});
        root.append(
            make('a', {className: 'offer', href: 'http://partner.test/deep?code=secret'}, make('b', {}, 'Offer')),
            make('form', {name: 'deep'}, make('input', {name: 'town'}), make('button', {className: 'send'}, 'Send')),
            make('button', {className: 'idle', type: 'button'}, 'Idle'),
            make('button', {className: 'busy', type: 'button'}, 'Busy'),
        );
        for (const kind of ['click', 'submit']) root.addEventListener(kind, (happened) =>
            happened.target.closest('a,form') && kind === (happened.target.closest('a') ? 'click' : 'submit') &&
            happened.preventDefault());
        root.querySelector('.busy').addEventListener('click', () => root.append('done'));
        where.append(root.host);
    })
"""


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
    assert left["properties"]["read_to_end"] is False
    engaged = sum(each["properties"].get("engaged_ms", 0) for each in seen)
    assert 2_500 < engaged < 6_000
    assert one(seen, "heartbeat")["properties"]["engaged_ms"] >= 1_000
    assert shop.customer(left["device"])["engaged_ms"] == engaged


def test_a_page_is_read_to_its_end_by_who_stays_there(page: Page, site: Site, shop: Project) -> None:
    for stays_ms in (100, 2_400):  # a second at most until it is seen, and more than one from then on
        go(page, f"{site.url}/shears.html")
        page.mouse.move(10, 10)
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        page.wait_for_timeout(stays_ms)
    page.goto("about:blank")
    until(page, lambda: names(arrived(shop)).count("page_leave") == 2)
    told = [each["properties"] for each in arrived(shop) if each["event"] == "page_leave"]
    assert [(each["scroll_percent"], each["read_to_end"]) for each in told] == [(100, False), (100, True)]


def test_who_does_nothing_for_half_a_minute_is_not_engaged(page: Page, site: Site, shop: Project) -> None:
    page.clock.install()
    go(page, site.url)
    page.clock.run_for(90_000)
    page.goto("about:blank")
    until(page, lambda: "page_leave" in names(arrived(shop)))
    engaged = sum(each["properties"].get("engaged_ms", 0) for each in arrived(shop))
    assert 28_000 < engaged < 33_000


def test_time_counts_only_while_the_page_is_visible_and_has_the_focus(page: Page, site: Site, shop: Project) -> None:
    page.clock.install()
    go(page, site.url)
    for seen_ms, unseen_ms, hides, shows in (
        (4_000, 8_000, "document.hasFocus = () => false; dispatchEvent(new Event('blur'))",
         "document.hasFocus = () => true; dispatchEvent(new Event('focus'))"),
        (3_000, 9_000, HIDDEN.format("true"), HIDDEN.format("false")),
        (2_000, 0, "0", "0"),
    ):  # fmt: skip
        page.clock.run_for(seen_ms)
        page.evaluate(hides)
        page.clock.run_for(unseen_ms)
        page.evaluate(shows)
    page.goto("about:blank")
    until(page, lambda: names(arrived(shop)).count("page_leave") == 2)
    engaged = sum(each["properties"].get("engaged_ms", 0) for each in arrived(shop))
    assert 8_500 < engaged < 10_500, "9 of 26 s"


def test_links_that_lead_away_and_downloads(page: Page, site: Site, shop: Project) -> None:
    page.route("http://partner.test/**", lambda route: route.fulfill(body="a partner"))
    go(page, site.url)
    page.evaluate(f"{COMPONENT}(document.body, 'component')")
    page.evaluate(f"{COMPONENT}(document.querySelector('[data-wf-private]'), 'kept')")
    page.fill("#kept [name=town]", "York")
    page.click("#kept b")
    page.fill("#component [name=town]", "York")
    page.click("#component .send")
    page.click("#component b")
    until(page, lambda: len(acts(shop)) == 4)
    with page.expect_download():
        page.click("#leaflet")
    page.click("#partner")
    page.wait_for_url("http://partner.test/**")
    go(page, site.url)
    until(page, lambda: len(acts(shop)) == 7)
    page.click("#hidden")
    page.wait_for_url("http://partner.test/private")
    seen = wait_for(
        page, shop, "/", "Form Started", "Form Submitted", "Outbound Link Clicked", "File Downloaded",
        "Outbound Link Clicked", "/",
    )  # fmt: skip
    assert one(seen, "Form Submitted")["properties"] == {"form": "deep"}
    assert "York" not in json.dumps(seen)
    file = f"{site.url}/leaflet.pdf"
    assert one(seen, "File Downloaded")["properties"] == {"url": file, "extension": "pdf"}
    assert [each["properties"] for each in seen if each["event"] == "Outbound Link Clicked"] == [
        {"url": f"http://partner.test/{path}", "host": "partner.test"} for path in ("deep", "offer")
    ]


def test_a_link_in_an_image_leads_away_too(page: Page, site: Site, shop: Project) -> None:
    page.route("http://partner.test/**", lambda route: route.fulfill(body="a partner"))
    go(page, f"{site.url}/leads.html")
    page.click("#drawing")
    page.wait_for_url("http://partner.test/**")
    seen = wait_for(page, shop, "/leads.html", "Outbound Link Clicked")
    assert seen[1]["properties"] == {"url": "http://partner.test/drawn", "host": "partner.test"}


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


def test_a_form_that_a_script_sends_is_submitted_and_one_that_was_read_and_changed_again_is_not(
    page: Page, site: Site, shop: Project
) -> None:
    go(page, f"{site.url}/contact.html")
    page.fill("[name=message]", "Dear Meadow")
    page.evaluate("HTMLFormElement.prototype.submit.call(document.querySelector('[name=message]').form)")
    page.wait_for_url("**/thanks.html*")
    go(page, f"{site.url}/contact.html")
    page.fill("[name=message]", "Dear Meadow")
    page.evaluate("void new FormData(document.querySelector('[name=message]').form)")  # as a draft that is kept
    page.fill("[name=message]", "Dearest Meadow")
    page.click("#home")
    seen = wait_for(
        page, shop, "/contact.html", "Form Started", "Form Submitted", "/thanks.html", "/contact.html", "Form Started",
        "Form Abandoned", "/",
    )  # fmt: skip
    assert one(seen, "Form Submitted")["properties"] == {"form": "letter"}


def test_a_download_that_a_script_has_made_is_told_without_its_address(page: Page, site: Site, shop: Project) -> None:
    go(page, site.url)
    page.evaluate(
        """(() => {
            const link = document.createElement('a');
            link.id = 'made';
            link.download = 'Orders of Ann.CSV';
            link.href = URL.createObjectURL(new Blob(['48']));
            link.textContent = 'Save';
            document.body.prepend(link);
        })()"""
    )
    with page.expect_download():
        page.click("#made")
    seen = wait_for(page, shop, "/", "File Downloaded")
    assert one(seen, "File Downloaded")["properties"] == {"url": "", "extension": "csv"}


def test_clicks_in_anger_and_in_vain(page: Page, site: Site, shop: Project) -> None:
    go(page, site.url)
    page.evaluate("document.hasFocus = () => false")  # another window, or a choice of files
    page.click("#dead")
    page.wait_for_timeout(1_600)
    page.evaluate("delete document.hasFocus")
    page.evaluate(
        """(() => {
            const [button, field] = ['button', 'input'].map((tag) => document.createElement(tag));
            Object.assign(field, {type: 'file', hidden: true});
            Object.assign(button, {id: 'upload', textContent: 'Upload'});
            button.addEventListener('click', () => field.click());
            document.body.append(button, field);
        })()"""
    )
    with page.expect_file_chooser():
        page.click("#upload")
    page.wait_for_timeout(1_600)
    page.evaluate(f"{COMPONENT}(document.body, 'component')")
    page.click("#component .busy")
    page.click("#alive")
    page.wait_for_timeout(1_700)
    for dead in ("#dead", "#component .idle"):
        page.click(dead)
        page.wait_for_timeout(1_700)
    page.click("h1", click_count=3, delay=20)  # its text is selected
    page.wait_for_timeout(1_100)
    page.click("#alive", click_count=4, delay=20)
    page.click("h1", click_count=4, delay=20)
    seen = wait_for(page, shop, "/", "Dead Clicked", "Dead Clicked", "Rage Clicked", "Rage Clicked")
    told = [(each["event"], each["properties"]["element"]) for each in seen[1:]]
    assert told == [
        ("Dead Clicked", "button#dead.loud"), ("Dead Clicked", "button.idle"), ("Rage Clicked", "button#alive"),
        ("Rage Clicked", "h1"),
    ]  # fmt: skip


def test_fields_that_are_left_and_one_kind_of_clicks_alone_can_be_switched_on(
    page: Page, make_site: MakeSite, shop: Project
) -> None:
    site = make_site(auto="forms fields rage")
    go(page, f"{site.url}/contact.html")
    page.fill("[name=who]", "Ann Archer")
    page.fill("[name=message]", "Dear Meadow")
    page.click("#home")
    page.wait_for_url(f"{site.url}/")
    page.click("#dead")
    page.wait_for_timeout(1_700)
    page.click("#alive", click_count=4, delay=20)
    seen = wait_for(
        page, shop, "/contact.html", "Form Started", "Form Field Left", "Form Field Left", "Form Abandoned", "/",
        "Rage Clicked",
    )  # fmt: skip
    fields = [each["properties"] for each in seen if each["event"] == "Form Field Left"]
    assert fields == [{"form": "letter", "field": "who"}, {"form": "letter", "field": "message"}]
    assert "Ann Archer" not in json.dumps(arrived(shop))


def test_what_is_switched_off_is_not_told(page: Page, make_site: MakeSite, shop: Project) -> None:
    site = make_site(auto="links", page="off", beat="off")
    for event in ("Done", "Done again"):
        go(page, f"{site.url}/contact.html")
        page.fill("[name=who]", "Ann")
        page.evaluate(f"wayfare.track('{event}')")
    wait_for(page, shop, "Done", "Done again")
    assert names(arrived(shop)) == ["Done", "Done again"]


def test_the_core_alone_tells_of_pages_and_calls_and_of_nothing_else(
    page: Page, embedded: EmbeddedHouse, shop: Project
) -> None:
    site = Site(embedded.url, [tag(embedded, shop).replace("/wayfare.js", "/wayfare.core.js")])
    go(page, f"{site.url}/contact.html")
    page.fill("[name=who]", "Ann")
    page.evaluate("wayfare.track('Done')")
    wait_for(page, shop, "/contact.html", "Done")
    site.close()
