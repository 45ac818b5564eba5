"""A day in the life of a visitor: an ad, two tabs, a form left, a mail, a login, a purchase: one journey."""

import pytest
from playwright.sync_api import BrowserContext

from tests.browser.tracker.tested_site import Site
from tests.browser.tracker.visitors import go, names, one, sent, until, wait_for
from tests.scenarios.project import Project


@pytest.mark.parametrize(
    ("home", "goods", "contact", "link"),
    [("/", "/shears.html", "/contact.html", "#contact"), ("/app", "/app/profile", "/app/contact", "text=Contact")],
    ids=["a site of pages", "an app of one"],
)
def test_a_visitor_from_an_ad_to_a_purchase(
    context: BrowserContext, site: Site, shop: Project, home: str, goods: str, contact: str, link: str
) -> None:
    shop.save("goals", {"name": "order", "events": ["Order Completed"], "kind": "macro"})
    first = context.new_page()
    go(first, f"{site.url}{home}?utm_source=google&utm_medium=cpc&utm_campaign=spring&gclid=x1")
    first.wait_for_timeout(300)
    second = context.new_page()
    go(second, f"{site.url}{goods}")
    second.wait_for_timeout(300)
    first.click(link)
    first.fill("[name=who]", "Ann Archer")
    first.wait_for_timeout(300)
    go(first, f"{site.url}{home}?utm_source=news&utm_medium=email")
    first.wait_for_timeout(300)
    first.evaluate("wayfare.identify('ann', {email: 'ann@meadow.test'})")
    first.wait_for_timeout(300)
    second.evaluate("wayfare.track('Order Completed', {revenue: 48, currency: 'EUR'})")
    sent(second)
    seen = wait_for(
        first, shop,
        home, goods, contact, "Form Started", "Form Abandoned", home, "identify", "Order Completed",
    )  # fmt: skip
    assert names(seen)[-1] == "Order Completed"

    ann = one(seen, "Order Completed")["device"]
    until(first, lambda: shop.customer(ann)["stage"] == "customer")
    found = shop.customer(ann)
    assert (found["kind"], found["user_ids"], found["sessions"], found["views"]) == ("user", ["ann"], 1, 4)
    assert (found["stage"], found["conversions"], found["value_micros"]) == ("customer", 1, 48_000_000)
    (journey,) = found["journeys"]
    assert (journey["path"], journey["conversions"], journey["state"]) == (["paid_search"], 1, "converted")
    assert shop.proof()["differences"] == 0
