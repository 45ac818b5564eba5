"""Released browser clients of other trackers in Chromium: they send here, each event arrives once."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from pipeline.domain.identifiers import Kind, identifier
from tests.browser.tracker.tested_site import Site
from tests.browser.tracker.visitors import Event, arrived, until
from tests.equipment.released import node_packages
from tests.scenarios.house import EmbeddedHouse
from tests.scenarios.project import Project
from tests.scenarios.test_trackers import NODE

MIXPANEL = """async ([host, key]) => {
    const options = {batch_flush_interval_ms: 300, track_pageview: true, persistence: 'localStorage'};
    mixpanel.init(key, {api_host: host, ...options});
    mixpanel.track('mixpanel_order', {number: 7, title: 'Zürich → 東京'});
    mixpanel.identify('mixpanel-ann');
    mixpanel.people.set({$first_name: 'Ann'});
    mixpanel.track('mixpanel_signed_in');
}"""
GTAG = """([host, key]) => {
    window.minimalAnalytics = {trackingId: key, analyticsEndpoint: host + '/g/collect'};
    window.track();
    window.track({type: 'ga4_order', event: {'epn.value': 49.9, 'ep.title': 'Zürich → 東京'}});
}"""
JITSU = """async ([host, key]) => {
    const {jitsuAnalytics} = await import('/clients/@jitsu/js/dist/jitsu.es.js');
    const jitsu = jitsuAnalytics({host, writeKey: key + ':any'});
    await jitsu.page();
    await jitsu.identify('jitsu-ann', {plan: 'garden'});
    await jitsu.track('jitsu_order', {number: 7, title: 'Zürich → 東京'});
}"""
OPENPANEL = """async ([host, key]) => {
    const map = document.createElement('script');
    map.type = 'importmap';
    map.textContent = JSON.stringify({imports: {'@openpanel/sdk': '/clients/@openpanel/sdk/dist/index.js'}});
    document.head.append(map);
    const {OpenPanel} = await import('/clients/@openpanel/web/dist/index.js');
    const client = new OpenPanel({clientId: key, apiUrl: host});
    client.screenView();
    await client.identify({profileId: 'panel-ann', firstName: 'Ann'});
    const {deviceId} = await client.track('openpanel_order', {number: 7, title: 'Zürich → 東京'});
    return deviceId;
}"""
NAMES = sorted((
    # people.set tells where a visitor first came from by itself
    *("page", "mixpanel_order", "identify", "identify", "identify", "mixpanel_signed_in"),
    *("page", "ga4_order", "page", "identify", "jitsu_order", "page", "identify", "openpanel_order"),
))  # fmt: skip


@pytest.fixture
def pages(page: Page, embedded: EmbeddedHouse) -> Iterator[Page]:
    """A page without the tracker, beside others' clients."""
    site = Site(embedded.url, [], node_packages(*NODE))
    page.goto(f"{site.url}/shears.html")
    yield page
    site.close()


def test_browser_clients(pages: Page, embedded: EmbeddedHouse, shop: Project) -> None:
    where = [embedded.url, shop.write_key]
    pages.add_script_tag(url="/clients/mixpanel-browser/dist/mixpanel.umd.js")
    pages.evaluate(MIXPANEL, where)
    pages.add_script_tag(url="/clients/@minimal-analytics/ga4/dist/index.js")
    pages.evaluate(GTAG, where)
    pages.evaluate(JITSU, where)
    device = pages.evaluate(OPENPANEL, where)
    found: list[Event] = []

    def names() -> list[str]:
        found[:] = arrived(shop)
        return sorted(each["event"] for each in found)

    until(pages, lambda: len(names()) >= len(NAMES))
    assert names() == NAMES
    assert shop.ask("recent")["rejected"] == []
    for name in ("mixpanel_order", "ga4_order", "jitsu_order", "openpanel_order"):
        (order,) = (each for each in found if each["event"] == name)
        assert order["properties"]["title"] == "Zürich → 東京"
        assert order["path"] == "/shears.html"
    assert {each["path"] for each in found if each["event"] == "page"} == {"/shears.html"}
    told = f"{identifier(shop.name, Kind.device, device):016x}"  # what the page was told of itself
    assert {each["device"] for each in found if each["event"] == "openpanel_order"} == {told}
    for who in ("mixpanel-ann", "jitsu-ann", "panel-ann"):
        assert shop.customer(f"user:{who}")["user_ids"] == [who]
