"""A real Chromium before the real system.

What a page says on its console, throws, or asks of another host is a fault of the page: every test ends with nobody
having complained.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.equipment.broker import free_ports
from tests.scenarios.house import EmbeddedHouse
from tests.scenarios.project import Project

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
# Each page that a test opens would start a process of its own, and one more for the next.
ONE_PROCESS = "--renderer-process-limit=1"
PATIENCE_MS = 20_000

Complaints = list[str]
Open = Callable[..., Page]


@pytest.fixture(scope="package")  # its event loop runs until it ends: tests of other folders have their own
def chromium() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        pytest.skip("there is no Chromium on this machine")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*OPTIONS, ONE_PROCESS])
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> Complaints:
    """What the page complained of; a test that provokes one takes it out."""
    return []


@pytest.fixture
def context(chromium: Browser, complaints: Complaints) -> Iterator[BrowserContext]:
    # What moves without an end is painted without an end.
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()
    assert complaints == []


@pytest.fixture
def page(context: BrowserContext, complaints: Complaints) -> Page:
    page = context.new_page()
    watch(page, complaints)
    return page


def watch(page: Page, complaints: Complaints) -> None:
    """Writes down what the page says, throws, or asks of another host than its own."""

    def asked(url: str) -> None:
        own = urlsplit(page.url).netloc
        if own and urlsplit(url).netloc != own:
            complaints.append(f"asked {url}")

    page.on("console", lambda said: complaints.append(f"{said.type}: {said.text}") if said.type != "verbose" else None)
    page.on("pageerror", lambda error: complaints.append(f"threw {error}"))
    page.on("dialog", lambda dialog: (complaints.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: asked(request.url))


@pytest.fixture
def shop(embedded: EmbeddedHouse) -> Project:
    """A project of this test's own, empty."""
    return embedded.project()


@pytest.fixture
def look(page: Page, embedded: EmbeddedHouse, shop: Project) -> Open:
    """Opens the page on this test's project, at the last 24 hours unless told otherwise, and waits until it is live."""

    def open_page(**address: str) -> Page:
        page.goto(f"{embedded.url}/#{urlencode({'project': shop.name, 'range': '24h'} | address)}")
        expect(page.locator("#state")).to_have_text("Live")
        return page

    return open_page


class GuardedHouse(EmbeddedHouse):
    """`wayfare up` that asks for a key on this machine too, always at the same port."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.settings["open_loopback"] = "false"
        (port,) = free_ports(1)
        self.collector = self.worker = self.part("guarded", "up", "--port", str(port))

    def read_key(self, project: Project, kind: str = "read") -> str:
        """A new key of the project."""
        answer = self.http.post(
            f"{self.url}/api/v1/admin/projects/{project.name}/keys",
            json={"name": f"the page's, {kind}", "kind": kind},
            headers=project.admin_headers,
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["key"])


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedHouse]:
    house = GuardedHouse(tmp_path_factory.mktemp("guarded"))
    try:
        house.start()
        yield house
    finally:
        house.close()
