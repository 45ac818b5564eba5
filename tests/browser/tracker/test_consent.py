"""Before consent nothing is stored and nothing sent; after a refusal neither."""

import json

import pytest
from playwright.sync_api import BrowserContext, Page

from schemas.definitions import Privacy
from tests.browser.conftest import Complaints
from tests.browser.tracker.tested_site import Site
from tests.browser.tracker.visitors import (
    PASSIVE,
    Event,
    MakeSite,
    acts,
    arrived,
    go,
    kept,
    names,
    one,
    sent,
    tag,
    until,
    wait_for,
)
from tests.scenarios.house import EmbeddedHouse
from tests.scenarios.project import Project


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
    assert one(seen, "Consent Changed")["properties"] == {
        "analytics": True, "marketing": False, "method": "call",
    }  # fmt: skip
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
    assert [each["properties"]["analytics"] for each in seen] == [True, False]
    assert names(acts(shop)) == ["/", "Consent Changed", "Consent Changed"]


def test_consent_withdrawn_while_sending_fails_is_told(page: Page, site: Site, shop: Project) -> None:
    page.route("**/v1/b", lambda route: route.abort())
    go(page, site.url)
    page.evaluate("wayfare.track('Waits')")
    until(page, lambda: kept(page))
    page.unroute("**/v1/b")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or ""))
    page.evaluate("wayfare.consent(false)")
    wait_for(page, shop, "/", "Waits", "Consent Changed")
    told = {each.get("event"): each["context"].get("consent") for body in sent for each in json.loads(body)["batch"]}
    assert told["Consent Changed"] == {"state": "denied", "purposes": {"analytics": False}}
    assert page.evaluate("Object.keys(localStorage)") == ["wayfare.consent"]


def test_who_withdraws_offline_is_heard_when_he_is_back_and_nothing_else_of_him_is_kept(
    page: Page, site: Site, shop: Project
) -> None:
    go(page, site.url)
    wait_for(page, shop, "/")
    page.context.set_offline(True)
    page.evaluate("wayfare.track('Offline'); wayfare.consent(false)")
    page.wait_for_timeout(300)
    assert sorted(page.evaluate("Object.keys(localStorage)")) == ["wayfare.consent", "wayfare.consent.last"]
    assert page.context.cookies() == []
    assert page.evaluate("Object.keys(JSON.parse(localStorage['wayfare.consent.last']).properties)") == [
        "analytics", "method",
    ]  # fmt: skip
    page.context.set_offline(False)
    seen = wait_for(page, shop, "/", "Consent Changed")
    assert seen[1]["properties"]["analytics"] is False
    assert seen[1]["device"] == seen[0]["device"]
    until(page, lambda: page.evaluate("Object.keys(localStorage)") == ["wayfare.consent"])
    # Gone before he was back: the next page tells it, as of when it was.
    page.evaluate("wayfare.consent(true)")
    until(page, lambda: names(acts(shop)).count("Consent Changed") == 2)
    page.context.set_offline(True)
    page.evaluate("wayfare.consent(false)")
    page.context.route("**/v1/b", lambda route: route.abort())
    page.context.set_offline(False)
    page.wait_for_timeout(300)
    page.context.unroute("**/v1/b")
    go(page, f"{site.url}/shears.html")
    until(page, lambda: names(acts(shop)).count("Consent Changed") == 3)
    told = [each["properties"]["analytics"] for each in acts(shop) if each["event"] == "Consent Changed"]
    assert told == [False, True, False]
    assert "/shears.html" not in names(acts(shop))


def test_consent_of_one_tab_is_that_of_every_tab(context: BrowserContext, make_site: MakeSite, shop: Project) -> None:
    site = make_site(consent="")
    first, second = context.new_page(), context.new_page()
    go(first, site.url)
    go(second, f"{site.url}/shears.html")
    first.evaluate("wayfare.consent(true)")
    before = wait_for(second, shop, "/", "Consent Changed", "/shears.html")
    first.evaluate("wayfare.consent(false)")
    until(second, lambda: second.evaluate("wayfare.user().anonymousId()") is None)
    second.evaluate("wayfare.track('After')")
    second.wait_for_timeout(500)
    assert context.cookies() == []
    assert second.evaluate("localStorage.length + sessionStorage.length") == 0
    withdrawn = ["/", "Consent Changed", "/shears.html", "Consent Changed"]
    assert sorted(names(acts(shop))) == sorted(withdrawn)
    first.evaluate("wayfare.consent(true)")
    seen = wait_for(second, shop, *withdrawn, "Consent Changed", "After")
    assert one(seen, "After")["device"] not in {each["device"] for each in before}
    # What a page out of the back/forward cache has missed.
    second.close()  # it would tell the first by what it erases
    sent: list[str] = []
    first.on("request", lambda request: sent.append(request.url))
    first.evaluate("localStorage['wayfare.consent'] = '0{}'")
    first.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true})); wayfare.track('Back')")
    first.wait_for_timeout(500)
    assert sent == []


def test_who_refuses_where_pages_are_told_without_cookies_is_left_alone_on_the_next(
    page: Page, make_site: MakeSite
) -> None:
    site, sent = make_site(consent="cookieless"), []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    go(page, site.url)
    until(page, lambda: sent)
    page.evaluate("wayfare.consent(false)")
    sent.clear()
    go(page, f"{site.url}/shears.html")
    page.evaluate("wayfare.track('Later')")
    page.wait_for_timeout(500)
    page.goto("about:blank")
    assert sent == []


@pytest.mark.parametrize(
    ("attribute", "signal", "value"), [("gpc", "globalPrivacyControl", "true"), ("dnt", "doNotTrack", "'1'")]
)
def test_a_signal_of_privacy_counts_as_a_refusal_where_the_page_says_so(
    page: Page, make_site: MakeSite, shop: Project, attribute: str, signal: str, value: str
) -> None:
    site, sent = make_site(**{attribute: ""}), []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.add_init_script(f"Object.defineProperty(navigator, '{signal}', {{value: {value}}})")
    go(page, site.url)
    page.evaluate("wayfare.track('Looked')")
    page.wait_for_timeout(400)
    page.goto("about:blank")
    assert (page.context.cookies(), sent, arrived(shop)) == ([], [], [])


def test_browsers_and_pages_that_a_project_does_not_take_from_are_kept_out(
    page: Page, embedded: EmbeddedHouse, complaints: Complaints
) -> None:
    """By the signal in a request's head, or by its origin; whatever the page's own line says."""
    shut = embedded.project(privacy=Privacy(honour_gpc=True, honour_dnt=True))
    site = Site(embedded.url, [tag(embedded, shut)])
    for header in ("Sec-GPC", "DNT"):
        page.context.set_extra_http_headers({header: "1"})
        go(page, f"{site.url}/contact.html")
        page.wait_for_timeout(400)
        page.goto("about:blank")
    page.context.set_extra_http_headers({})
    go(page, f"{site.url}/shears.html")
    wait_for(page, shut, "/shears.html")
    assert shut.ask("rejected")["count"] >= 2
    assert {each["reason"] for each in shut.ask("rejected")["counts"]} == {"opted_out"}

    address = f"{embedded.url}/api/v1/admin/projects/{shut.name}"

    def lets_in(origin: str) -> None:
        assert embedded.http.put(address, json={"origins": [origin]}, headers=shut.admin_headers).is_success

    def refused() -> list[Event]:
        page.evaluate("wayfare.track('Refused at first')")
        page.wait_for_timeout(250)
        return kept(page)

    lets_in("https://elsewhere.example")
    until(page, refused)
    waiting = [each["messageId"] for each in kept(page) if each["event"] == "Refused at first"]
    assert waiting
    lets_in(site.url)

    def come() -> bool:
        page.evaluate("dispatchEvent(new Event('online'))")
        return kept(page) == []

    until(page, come)
    sent(page)
    until(page, lambda: "Refused at first" in names(acts(shut)))
    complaints.clear()  # Chromium tells of an answer that the page may not read
    site.close()


TCF = """
    window.heard = [];
    window.__tcfapi = (call, version, done) => window.heard.push(done);
    window.say = (status, given) => window.heard.forEach((done) => done(
        {eventStatus: status, gdprApplies: true, tcString: 'CPx', purpose: {consents: given}}, true));
"""


def test_the_frameworks_consent_manager_is_asked_for_every_purpose(
    page: Page, make_site: MakeSite, shop: Project
) -> None:
    site = make_site(consent="tcf")
    page.add_init_script(TCF)
    go(page, site.url)
    until(page, lambda: page.evaluate("heard.length"))
    page.wait_for_timeout(150)  # its view, which waits 50 ms for a title, comes before any consent
    page.evaluate("say('cmpuishown', {1: true, 8: true}); say('tcloaded', {8: true})")
    page.evaluate("wayfare.track('Refused')")
    assert page.context.cookies() == []
    page.evaluate("say('useractioncomplete', {1: true, 7: false, 8: true}); wayfare.track('Allowed')")
    seen = wait_for(page, shop, "Consent Changed", "Allowed")
    assert one(seen, "Consent Changed")["properties"] == {
        "analytics": True, "marketing": False, "personalization": False, "method": "tcf", "tc_string": "CPx",
        "gdpr_applies": True,
    }  # fmt: skip
    page.evaluate("say('useractioncomplete', {1: false, 8: true})")
    assert page.context.cookies() == []
    seen = wait_for(page, shop, "Consent Changed", "Allowed", "Consent Changed")
    assert seen[2]["properties"]["analytics"] is False
    go(page, f"{site.url}/shears.html")
    until(page, lambda: page.evaluate("heard.length"))
    # A manager that is loading has an empty answer, which is none.
    page.evaluate("say(undefined, {}); say('cmpuishown', {}); say('tcloaded', {1: true, 8: true})")
    wait_for(page, shop, "Consent Changed", "Allowed", "Consent Changed", "/shears.html", "Consent Changed")


# What the framework's stub does for frames, and a manager behind it that answers texts with texts.
TCF_AROUND = """
    const locator = document.createElement("iframe");
    locator.name = "__tcfapiLocator";
    document.body.append(locator);
    window.heard = [];
    addEventListener("message", ({data, source}) => {
        const {command, version, callId} = data.__tcfapiCall || {};
        if (command !== "addEventListener" || version !== 2) return;
        window.heard.push((returnValue, isText) => {
            const answer = {__tcfapiReturn: {returnValue, success: true, callId}};
            source.postMessage(isText ? JSON.stringify(answer) : answer, "*");
        });
    });
    window.say = (status, given, isText) => window.heard.forEach((done) => done(
        {eventStatus: status, gdprApplies: true, tcString: "CPx", purpose: {consents: given}}, isText));
"""


def test_a_consent_manager_around_the_frame_is_asked_by_messages(
    page: Page, make_site: MakeSite, shop: Project
) -> None:
    site, around = make_site(consent="tcf"), make_site(page="off", auto="off", beat="off")
    around.policy = around.policy.replace("frame-src 'self'", "frame-src *")
    go(page, around.url)
    # From the outside to the inside: the manager, a frame of another origin that knows none, the page with the tracker.
    page.evaluate(f"{{{TCF_AROUND}}}")
    page.evaluate(
        f"const frame = document.createElement('iframe'); frame.src = '{site.url}/framed.html'; "
        "document.body.append(frame)"
    )
    until(page, lambda: page.evaluate("heard.length"))
    (frame,) = [each for each in page.frames if each.url.endswith("/index.html")]
    # Others send messages too, and answers that are not the manager's count as none.
    frame.evaluate(
        "postMessage('{', '*'); postMessage(null, '*'); postMessage({__tcfapiReturn: {callId: 'x', success: true, "
        "returnValue: {eventStatus: 'tcloaded', gdprApplies: false}}}, '*')"
    )
    page.evaluate("say('cmpuishown', {1: true, 8: true})")
    frame.evaluate("wayfare.track('Waiting')")
    page.evaluate("say('useractioncomplete', {1: true, 8: true}, true)")  # a text, as some managers answer
    seen = wait_for(page, shop, "/index.html", "Waiting", "Consent Changed")
    assert one(seen, "Consent Changed")["properties"] == {
        "analytics": True, "marketing": False, "personalization": False, "method": "tcf", "tc_string": "CPx",
        "gdpr_applies": True,
    }  # fmt: skip


def test_googles_consent_mode_is_followed_and_a_denial_by_default_is_no_refusal(
    page: Page, make_site: MakeSite, shop: Project
) -> None:
    site = make_site(consent="google")
    page.add_init_script(
        "window.dataLayer = []; window.gtag = function () { dataLayer.push(arguments); };"
        "gtag('consent', 'default', {analytics_storage: 'granted', ad_storage: 'granted'});"
        "gtag('consent', 'default', {analytics_storage: 'denied', ad_storage: 'denied', region: ['ES'], "
        "wait_for_update: 500});"
    )
    go(page, site.url)
    page.evaluate("wayfare.track('Waiting'); gtag('consent', 'update', {ad_storage: 'denied'})")
    page.wait_for_timeout(300)
    assert page.context.cookies() == []
    page.evaluate("gtag('consent', 'update', {analytics_storage: 'granted'})")
    page.evaluate("gtag('consent', 'default', {analytics_storage: 'denied'})")  # too late to count
    seen = wait_for(page, shop, "/", "Waiting", "Consent Changed")
    told = one(seen, "Consent Changed")["properties"]
    assert (told["analytics"], told["marketing"], told["method"]) == (True, False, "google")
    page.evaluate("gtag('consent', 'update', {analytics_storage: 'denied'})")
    assert page.context.cookies() == []


def test_a_default_of_google_counts_when_its_time_for_an_answer_is_over(
    context: BrowserContext, make_site: MakeSite, shop: Project
) -> None:
    """A page that assumes consent has Google's tags wait for the visitor's answer meanwhile."""
    site = make_site(consent="google")
    assumes = (
        "window.dataLayer = []; window.gtag = function () { dataLayer.push(arguments); };"
        "gtag('consent', 'default', {analytics_storage: 'granted', wait_for_update: %d});"
    )
    page = context.new_page()
    page.add_init_script(assumes % 60_000)
    go(page, site.url)
    page.evaluate("wayfare.track('Asked')")
    page.wait_for_timeout(600)
    assert context.cookies() == []
    page.evaluate("gtag('consent', 'update', {analytics_storage: 'denied'})")
    page.evaluate("wayfare.track('Refused')")
    page.wait_for_timeout(400)
    assert (context.cookies(), page.evaluate("localStorage.length")) == ([], 0)
    page.close()
    other = context.new_page()
    other.add_init_script(assumes % 700)
    go(other, f"{site.url}/shears.html")
    seen = wait_for(other, shop, "/shears.html", "Consent Changed")
    assert one(seen, "Consent Changed")["properties"]["analytics"] is True


def test_without_cookies_events_are_sent_before_consent_but_neither_ids_nor_who_it_is(
    page: Page, embedded: EmbeddedHouse
) -> None:
    shop, sent = embedded.project(privacy=Privacy(consent="required", cookieless=True)), []
    site = Site(embedded.url, [tag(embedded, shop, consent="cookieless")])
    page.on("request", lambda request: sent.append(request.post_data) if request.method == "POST" else None)
    go(page, site.url)
    page.evaluate("wayfare.identify('ann', {plan: 'garden'}); wayfare.track('Looked')")
    until(page, lambda: sent)
    page.wait_for_timeout(400)
    assert page.context.cookies() == []
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    before = [each for body in sent for each in json.loads(body)["batch"]]
    assert [each["type"] for each in before if each.get("event") not in PASSIVE] == ["page", "track"]
    assert not [each for each in before if each.get("anonymousId") or each.get("userId")]
    assert {each["context"]["consent"]["state"] for each in before} == {"unknown"}
    unknown = wait_for(page, shop, "/", "Looked")
    assert all(each["properties"]["cookieless"] for each in unknown)
    assert shop.customer(unknown[0]["device"])["user_ids"] == []
    sent.clear()
    page.evaluate("wayfare.consent(true); wayfare.track('Allowed')")
    until(page, lambda: sent)
    after = [each for body in sent for each in json.loads(body)["batch"]]
    assert {each["type"] for each in after} == {"identify", "track"}
    assert {each["context"]["consent"]["state"] for each in after} == {"granted"}
    device = {each["anonymousId"] for each in after}
    assert len(device) == 1
    until(page, lambda: "Allowed" in names(acts(shop)))
    allowed = one(acts(shop), "Allowed")["device"]
    assert shop.customer(allowed)["user_ids"] == ["ann"]
    assert allowed not in {each["device"] for each in unknown}
    site.close()
