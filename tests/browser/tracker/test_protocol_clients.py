"""Released browser clients of PostHog, Snowplow and Plausible in Chromium, and Matomo's for Node.js: after a change of
the host name they send here, and each event arrives once.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from tests.browser.tracker.tested_site import Site
from tests.browser.tracker.visitors import Event, arrived, until
from tests.equipment.released import node_packages
from tests.scenarios.house import EmbeddedHouse
from tests.scenarios.part import until as until_known
from tests.scenarios.project import Project

PACKAGES = (
    "posthog-js@1.449.2",
    "@snowplow/browser-tracker@4.10.1",
    "@plausible-analytics/tracker@0.4.6",
    "plausible-tracker@0.3.9",
    "matomo-tracker@2.2.4",
)
# CommonJS in a page, as a bundler would have put it together.
REQUIRE = """
    const loaded = {};
    const required = (path) => {
        if (loaded[path]) return loaded[path].exports;
        const asked = new XMLHttpRequest();
        asked.open('GET', path, false);
        asked.send();
        const module = loaded[path] = {exports: {}};
        new Function('module', 'exports', 'require', asked.responseText)(
            module, module.exports, (name) => required(new URL(name + '.js', new URL(path, location)).pathname));
        return module.exports;
    };
"""


@pytest.fixture(scope="session")
def clients() -> Path:
    """Folder of Node packages with the clients."""
    return node_packages(*PACKAGES)


@pytest.fixture
def shelf(page: Page, embedded: EmbeddedHouse, clients: Path) -> Iterator[Page]:
    """A page without the tracker."""
    site = Site(embedded.url, [], clients)
    page.goto(f"{site.url}/shears.html?utm_source=news&utm_medium=email")
    yield page
    site.close()


def came(page: Page, shop: Project, *expected: str) -> dict[str, Event]:
    """Waits until these have come, one of each; others may have come besides, as clients send on their own."""

    def names() -> list[str]:
        return [each["event"] for each in arrived(shop)]

    until(page, lambda: set(expected) <= set(names()))
    page.wait_for_timeout(500)  # nothing comes a second time
    seen = names()
    assert {name: seen.count(name) for name in expected} == dict.fromkeys(expected, 1), seen
    assert shop.ask("recent")["rejected"] == []
    return {each["event"]: each for each in arrived(shop)}


@pytest.mark.parametrize("how", ["{}", "{disable_compression: true, api_transport: 'XHR'}"])
def test_posthogs_client(shelf: Page, embedded: EmbeddedHouse, shop: Project, how: str) -> None:
    shelf.evaluate(
        f"""async () => {{
            const {{default: posthog}} = await import('/clients/posthog-js/dist/module.no-external.js');
            await new Promise((done) => posthog.init('{shop.write_key}', {{
                api_host: '{embedded.url}', loaded: done, opt_out_useragent_filter: true, autocapture: false, ...{how},
            }}));
            posthog.capture('Looked', {{number: 7, title: 'Zürich → 東京'}});
            posthog.identify('ann', {{plan: 'garden', email: 'ann@example.com'}});
            posthog.group('company', 'acme', {{seats: 3}});
            posthog.capture('Bought', {{revenue: 48.5}});
        }}"""
    )
    seen = came(shelf, shop, "page", "Looked", "identify", "group", "Bought")
    assert seen["Looked"]["properties"]["title"] == "Zürich → 東京"
    assert (seen["page"]["path"], seen["page"]["acquisition"]) == ("/shears.html", "email")
    assert len({each["device"] for each in seen.values()}) == 1
    profile: Any = shop.customer("user:ann")
    assert (profile["user_ids"], profile["group_ids"], profile["sessions"]) == (["ann"], ["acme"], 1)
    assert profile["traits"]["plan"] == "garden"
    assert shop.customer("email:ann@example.com")["id"] == profile["id"]


@pytest.mark.parametrize("method", ["post", "get"])
def test_snowplows_client(shelf: Page, embedded: EmbeddedHouse, shop: Project, method: str) -> None:
    shelf.add_script_tag(url="/clients/@snowplow/browser-tracker/dist/index.umd.min.js")
    shelf.evaluate(
        f"""() => {{
            const snowplow = window.snowplowBrowserTracking;
            snowplow.newTracker('sp', '{embedded.url}', {{
                appId: '{shop.write_key}', eventMethod: '{method}', contexts: {{webPage: true, session: true}},
            }});
            snowplow.enableActivityTracking({{minimumVisitLength: 1, heartbeatDelay: 1}});
            snowplow.setUserId('ann');
            snowplow.trackPageView();
            snowplow.trackStructEvent({{category: 'shop', action: 'Added', label: 'red', value: 2.5}});
            snowplow.trackSelfDescribingEvent({{event: {{
                schema: 'iglu:com.acme/save_game/jsonschema/1-0-2', data: {{level: 23, title: 'Zürich → 東京'}},
            }}}});
        }}"""
    )
    shelf.mouse.move(20, 30)
    seen = came(shelf, shop, "page", "Added", "save_game")
    assert seen["save_game"]["properties"]["title"] == "Zürich → 東京"
    assert (seen["page"]["path"], seen["page"]["acquisition"]) == ("/shears.html", "email")
    assert len({each["device"] for each in seen.values()}) == 1
    profile: Any = shop.customer("user:ann")
    assert (profile["user_ids"], profile["sessions"]) == (["ann"], 1)


def named(shop: Project, alias: str) -> None:
    """Gives the project's write key an alias, and waits until the collector knows it."""
    house, url = shop.house, f"{shop.house.url}/api/v1/admin/projects/{shop.name}/keys/write/aliases"
    told = house.http.put(url, json={"aliases": [alias]}, headers=shop.admin_headers)
    assert told.status_code == 200, told.text
    site = alias.partition(":")[2]
    probe = f"{house.url}/matomo.php" if alias.startswith("matomo") else f"{house.url}/api/event"
    until_known(
        lambda: house.http.post(probe, json={"domain": site, "requests": [f"?idsite={site}"]}).status_code < 300,
        f"{alias} is known",
    )


def test_plausibles_clients(shelf: Page, embedded: EmbeddedHouse, shop: Project) -> None:
    shelf.evaluate(
        f"""async () => {{
            window.__plausible = true;
            const {{init, track}} = await import('/clients/@plausible-analytics/tracker/plausible.js');
            init({{domain: '{shop.write_key}', endpoint: '{embedded.url}/api/event', captureOnLocalhost: true}});
            track('Bought', {{props: {{title: 'Zürich → 東京'}}, revenue: {{currency: 'EUR', amount: 48.5}}}});
            {REQUIRE}
            const {{default: Plausible}} = required('/clients/plausible-tracker/build/main/index.js');
            const older = Plausible({{domain: '{shop.write_key}', apiHost: '{embedded.url}', trackLocalhost: true}});
            older.trackEvent('Looked', {{props: {{plan: 'team'}}}});
        }}"""
    )
    seen = came(shelf, shop, "page", "Bought", "Looked")
    assert seen["Bought"]["properties"]["title"] == "Zürich → 東京"
    assert (seen["Bought"]["value_micros"], seen["Bought"]["currency"]) == (48_500_000, "EUR")
    assert seen["Looked"]["properties"]["plan"] == "team"
    assert len({each["device"] for each in seen.values()}) == 1  # the day's


def test_matomos_client_for_node_names_its_site_by_a_number(
    page: Page, embedded: EmbeddedHouse, shop: Project, clients: Path
) -> None:
    number = str(int(shop.name[1:], 16))  # one that no other test's project has
    named(shop, f"matomo:{number}")
    program = f"""
        const tracker = new (require('matomo-tracker'))({number}n.toString(), '{embedded.url}/matomo.php')
        const url = 'https://shop.example/shoes', _id = '0123456789abcdef'
        tracker.on('error', (error) => {{ console.error(error); process.exit(1) }})
        tracker.track({{url, _id, action_name: 'Zürich → 東京', uid: 'ann'}})
        tracker.trackBulk([{{url, _id, e_c: 'video', e_a: 'Played', e_v: 2.5}}, {{url, _id, ping: 1}}])
    """
    done = subprocess.run(
        ["node", "-e", program], env={"NODE_PATH": str(clients), "PATH": str(Path(shutil.which("node") or "").parent)},
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    until(page, lambda: len(arrived(shop)) >= 3)
    seen = {each["event"]: each for each in arrived(shop)}
    assert set(seen) == {"page", "Played", "page_ping"}
    assert seen["page"]["title"] == "Zürich → 東京"
    assert urlsplit(seen["page"]["url"]).path == "/shoes"
