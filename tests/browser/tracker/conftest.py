"""A visitor's browser before a site with the tracker in it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.conftest import ONE_PROCESS, OPTIONS, Complaints
from tests.browser.tracker.tested_site import Site
from tests.browser.tracker.visitors import MakeSite, program, tag, visitor
from tests.scenarios.house import EmbeddedHouse
from tests.scenarios.project import Project


@pytest.fixture
def context(chromium: Browser, complaints: Complaints) -> Iterator[BrowserContext]:
    """A visitor's browser: not headless by its name, as bots are set apart."""
    yield from visitor(chromium, complaints)


@pytest.fixture(scope="package")
def named(chromium: Browser) -> Iterator[Browser]:
    """A browser for which every host of .test is this machine."""
    browser = chromium.browser_type.launch(
        executable_path=program(), args=[*OPTIONS, ONE_PROCESS, "--host-resolver-rules=MAP *.test 127.0.0.1"]
    )
    yield browser
    browser.close()


@pytest.fixture
def named_context(named: Browser, complaints: Complaints) -> Iterator[BrowserContext]:
    yield from visitor(named, complaints)


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
