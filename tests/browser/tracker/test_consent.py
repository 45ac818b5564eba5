"""Before consent nothing is stored and nothing sent; after a refusal neither."""

import pytest
from playwright.sync_api import Page

from tests.browser.tracker.visitors import (
    MakeSite,
    acts,
    arrived,
    go,
    names,
    one,
    wait_for,
)
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
