"""Visitors' browsers, and what of their doings is in the store."""

import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Frame, Page

from api.snippet import line
from tests.browser.conftest import CHROMIUM, PATIENCE_MS, Complaints
from tests.browser.tracker.tested_site import Site
from tests.scenarios.house import EmbeddedHouse
from tests.scenarios.project import Project

AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
PASSIVE = {"heartbeat", "page_leave", "web_vitals"}

Event = dict[str, Any]
MakeSite = Callable[..., Site]


def program() -> str:
    """Path of the Chromium that the tests run."""
    return next(filter(None, map(shutil.which, CHROMIUM)))


def visitor(browser: Browser, complaints: Complaints) -> Iterator[BrowserContext]:
    context = browser.new_context(user_agent=AGENT)
    context.set_default_timeout(PATIENCE_MS)
    context.on("page", lambda page: listen(page, complaints))
    yield context
    context.close()
    assert complaints == []


def listen(page: Page, complaints: Complaints) -> None:
    def said(kind: str, text: str) -> None:
        if not text.startswith("Failed to load resource"):  # so the browser tells of every request that failed
            complaints.append(f"{kind}: {text}")

    page.on("console", lambda message: said(message.type, message.text))
    page.on("pageerror", lambda error: complaints.append(f"threw {error}"))


def tag(house: EmbeddedHouse, project: Project, **attributes: str) -> str:
    more = "".join(f' data-{name}="{value}"' for name, value in attributes.items())
    return line(house.url, project.write_key).replace("></script>", f"{more}></script>")


def timeline(project: Project, who: str) -> list[Event]:
    """Nothing while events are there and the owner of their device is not yet."""
    url = f"{project.house.url}/api/v1/projects/{project.name}/customers/{who}"
    answer = project.house.http.get(url, headers=project.admin_headers)
    return list(reversed(answer.json()["timeline"])) if answer.is_success else []


def arrived(project: Project) -> list[Event]:
    """Every event in the store, in order, as customers' timelines show them."""
    found: dict[tuple[str, str], Event] = {}
    for device in {each["device"] for each in project.ask("recent", newest=1000)["events"]}:
        for each in timeline(project, device):
            found[each["device"], each["message_id"]] = each
    return sorted(found.values(), key=lambda each: each["at"])


def acts(project: Project) -> list[Event]:
    """Without heartbeats and leaves."""
    return [each for each in arrived(project) if each["event"] not in PASSIVE]


def names(events: list[Event]) -> list[str]:
    """`/path` for a page, the name for anything else."""
    return [each["path"] if each["event"] == "page" else each["event"] for each in events]


def until(page: Page, is_so: Callable[[], object], within_s: float = 40) -> None:
    """Looks until it is so, or the time is over. Lets Playwright work meanwhile."""
    end = time.monotonic() + within_s
    while not is_so() and time.monotonic() < end:
        page.wait_for_timeout(150)


def wait_for(page: Page, project: Project, *expected: str) -> list[Event]:
    """Waits until exactly these have come; they are returned in this order.

    What two pages or tabs do within a moment may be stored in either order: each request corrects its own times.
    """
    seen: list[Event] = []

    def come() -> bool:
        if len(project.ask("recent", newest=1000)["events"]) >= len(expected):  # one question and not one a device
            seen[:] = acts(project)
        return len(seen) >= len(expected)

    until(page, come)
    assert sorted(names(seen)) == sorted(expected), names(seen)
    left = list(seen)
    return [left.pop(names(left).index(name)) for name in expected]


def one(events: list[Event], name: str) -> Event:
    (found,) = [each for each in events if each["event"] == name]
    return found


def sent(page: Page) -> None:
    """Waits until the tracker has sent what it has."""
    until(page, lambda: kept(page) == [])
    assert kept(page) == []


def kept(page: Page) -> list[Event]:
    """What waits in this browser's storage to be sent again."""
    found: list[Event] = page.evaluate(
        "Object.keys(localStorage).filter((key) => key.startsWith('wayfare.q.')).flatMap((key) => "
        "JSON.parse(localStorage[key]))"
    )
    return found


def is_there(page: Page | Frame, name: str = "wayfare") -> None:
    """Waits until the tracker is there. Playwright's own waiting needs eval, which the site's policy shuts."""
    end = time.monotonic() + 20
    while not page.evaluate(f"window.{name}?.key"):
        assert time.monotonic() < end, "no tracker"
        page.wait_for_timeout(20)


def go(page: Page, url: str) -> None:
    page.goto(url)
    is_there(page)
