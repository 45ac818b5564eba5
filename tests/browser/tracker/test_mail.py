"""A mail in the browser: its pixel is shown, its link leads to the shop, and the visit is the recipient's."""

from playwright.sync_api import BrowserContext

from api.links.token import Claims, hash_of, token
from tests.browser.tracker.visitors import MakeSite, is_there, names, timeline, until
from tests.scenarios.house import EmbeddedHouse
from tests.scenarios.project import Project


def test_a_mail_is_opened_and_its_link_leads_to_a_visit_of_the_recipient(
    embedded: EmbeddedHouse, named_context: BrowserContext, make_site: MakeSite, shop: Project
) -> None:
    site = make_site(domains="meadow.test")
    base, admin = f"{shop.house.url}/api/v1/admin/projects/{shop.name}/keys", {"headers": shop.admin_headers}
    body = {"name": "news", "kind": "write", "source": "news", "source_kind": "server"}
    assert shop.house.http.post(base, json=body, **admin).status_code == 201
    signer = shop.house.http.post(f"{base}/news/links", json={}, **admin).json()

    def signed(**claims: object) -> str:
        made = Claims(email=hash_of("ann@example.com"), **claims)  # type: ignore[arg-type]
        return token(signer["kid"], signer["link_secret"], made)

    to = f"http://www.meadow.test:{site.port}/shears.html?size=m"
    mail = named_context.new_page()
    # A page without a policy, on this machine: from elsewhere browsers ask before they load anything from it.
    mail.goto(f"{embedded.url}/healthz")
    mail.set_content(
        f'<p>Shears are in.</p><a href="{embedded.url}/v1/link?t={signed(to=to, join=True)}">See them</a>'
        f'<img src="{embedded.url}/v1/pixel.gif?t={signed()}" alt="" width="1" height="1">'
    )
    mail.wait_for_function("document.images[0].complete")
    assert mail.evaluate("document.images[0].naturalWidth") == 1
    mail.click("a")
    mail.wait_for_url(to)  # the device is off the address again
    is_there(mail)

    seen: list[dict[str, object]] = []

    def come() -> bool:
        seen[:] = timeline(shop, "email:ann@example.com")
        return len(seen) >= 3

    until(mail, come)
    assert [name for name in names(seen) if name in ("Email Opened", "Email Link Clicked", "/shears.html")] == [
        "Email Opened", "Email Link Clicked", "/shears.html",
    ]  # fmt: skip
