"""Released browser clients of Segment and RudderStack in Chromium: they send here, each event arrives once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Complaints
from tests.browser.tracker.tested_site import Site
from tests.browser.tracker.visitors import Event, acts, until
from tests.equipment.bad_way import REFUSED, TAKEN, BadWay
from tests.equipment.released import node_packages
from tests.scenarios.house import EmbeddedHouse
from tests.scenarios.project import Project

PACKAGES = ("@segment/analytics-next@1.84.3", "@rudderstack/analytics-js@3.34.1")
SEGMENT = "/clients/@segment/analytics-next/dist/umd/index.js"
RUDDERSTACK = "/clients/@rudderstack/analytics-js/dist/npm/modern/bundled/umd/index.js"
STANDARD, BATCHES = "{strategy: 'standard'}", "{strategy: 'batching', config: {size: 5, timeout: 500}}"
CALLS = """
    client.page('Shop', 'Shelf', {shelf: 3});
    client.identify('ann', {plan: 'garden'});
    for (let number = 0; number < 20; number++) client.track(`Order ${number}`, {number, title: 'Zürich → 東京'});
    client.group('acme', {seats: 3});
"""
EXPECTED = sorted(["page", "identify", "group", *(f"Order {number}" for number in range(20))])


@pytest.fixture(scope="session")
def clients() -> Path:
    """Folder of Node packages with both clients."""
    return node_packages(*PACKAGES)


@pytest.fixture
def shelf(page: Page, embedded: EmbeddedHouse, clients: Path) -> Iterator[Page]:
    """A page without the tracker."""
    site = Site(embedded.url, [], clients)
    page.goto(f"{site.url}/shears.html")
    yield page
    site.close()


def everything_came(page: Page, shop: Project) -> dict[str, Event]:
    def names() -> list[str]:
        return sorted(each["event"] for each in acts(shop))

    until(page, lambda: len(names()) >= len(EXPECTED))
    page.wait_for_timeout(500)  # nothing comes a second time
    assert names() == EXPECTED
    assert shop.ask("recent")["rejected"] == []
    seen = {each["event"]: each for each in acts(shop)}
    assert len({each["device"] for each in seen.values()}) == 1
    assert seen["Order 7"]["properties"] == {"number": 7, "title": "Zürich → 東京"}
    assert seen["page"]["path"] == "/shears.html"
    profile: Any = shop.customer(seen["page"]["device"])
    assert (profile["user_ids"], profile["group_ids"], profile["traits"]) == (["ann"], ["acme"], {"plan": "garden"})
    return seen


@pytest.mark.parametrize("batching", [STANDARD, BATCHES])
def test_segments_client(shelf: Page, embedded: EmbeddedHouse, shop: Project, batching: str) -> None:
    load_segments(shelf, embedded.url, embedded.url, shop, batching)
    everything_came(shelf, shop)


def load_segments(shelf: Page, settings_at: str, sends_to: str, shop: Project, batching: str) -> None:
    shelf.add_script_tag(url=SEGMENT)
    host = urlsplit(sends_to).netloc
    shelf.evaluate(
        f"""async () => {{
            const [client] = await AnalyticsNext.AnalyticsBrowser.load(
                {{writeKey: '{shop.write_key}', cdnURL: '{settings_at}'}},
                {{integrations: {{'Segment.io': {{
                    apiHost: '{host}/v1', protocol: 'http', deliveryStrategy: {batching},
                }}}}}},
            );
            {CALLS}
        }}"""
    )


def test_rudderstacks_client(shelf: Page, embedded: EmbeddedHouse, shop: Project) -> None:
    load_rudderstacks(shelf, embedded.url, embedded.url, shop)
    everything_came(shelf, shop)


def load_rudderstacks(shelf: Page, settings_at: str, sends_to: str, shop: Project) -> None:
    shelf.add_script_tag(url=RUDDERSTACK)
    shelf.evaluate(
        f"""async () => {{
            const {{RudderAnalytics}} = window.rudderanalytics?.RudderAnalytics
                ? window.rudderanalytics : {{RudderAnalytics: window.RudderAnalytics}};
            const client = new RudderAnalytics();
            client.load('{shop.write_key}', '{sends_to}', {{configUrl: '{settings_at}'}});
            await new Promise((done) => client.ready(done));
            {CALLS}
        }}"""
    )


@pytest.mark.parametrize("client", ["Segment's", "Segment's, in batches", "RudderStack's"])
def test_over_a_bad_way_every_event_of_a_client_arrives_once(
    shelf: Page, embedded: EmbeddedHouse, shop: Project, complaints: Complaints, client: str
) -> None:
    """Its requests are cut and refused, also when they have been taken."""
    with BadWay(embedded.url, misfortunes=1) as way:
        if client == "RudderStack's":
            load_rudderstacks(shelf, embedded.url, way.url, shop)
        else:
            load_segments(shelf, embedded.url, way.url, shop, STANDARD if client == "Segment's" else BATCHES)
        everything_came(shelf, shop)
    assert set(way.met) & set(TAKEN)
    assert set(way.met) & set(REFUSED)
    complaints.clear()  # the clients tell of what has failed


def test_segments_own_snippet_loads_the_tracker(shelf: Page, embedded: EmbeddedHouse, shop: Project) -> None:
    """Its stub queues, and its address alone is changed."""
    shelf.evaluate(
        f"""() => {{
            const analytics = window.analytics = [];
            for (const call of ['track', 'page', 'identify', 'group'])
                analytics[call] = (...given) => analytics.push([call, ...given]);
            const client = analytics;
            {CALLS}
            const script = document.createElement('script');
            script.async = true;
            script.src = '{embedded.url}/analytics.js/v1/{shop.write_key}/analytics.min.js';
            document.head.append(script);
        }}"""
    )
    everything_came(shelf, shop)
