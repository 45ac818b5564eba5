"""From another machine, or by setting: a read key is exchanged for a cookie."""

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Complaints, GuardedHouse
from tests.browser.visits import visit
from tests.scenarios.project import Project


@pytest.fixture
def shop(guarded: GuardedHouse) -> Project:
    return guarded.project()


def give(page: Page, key: str) -> None:
    page.get_by_label("Read key").fill(key)
    page.get_by_role("button", name="Open").click()


def test_without_a_key_there_is_a_door_and_nothing_else(page: Page, guarded: GuardedHouse) -> None:
    page.goto(guarded.url)
    expect(page.get_by_label("Read key")).to_be_focused()
    expect(page.locator("#page")).to_be_hidden()


def test_a_read_key_opens_its_project_and_no_other(page: Page, guarded: GuardedHouse, shop: Project) -> None:
    other = guarded.project()
    shop.deliver(visit("ann", "Seen"))
    page.goto(f"{guarded.url}/#project={other.name}&range=24h")
    give(page, guarded.read_key(shop))
    expect(page.locator("#feed li strong")).to_have_text(["Seen"])
    expect(page.locator("#project option")).to_have_text([shop.name])
    answer = page.request.post(f"{guarded.url}/api/v1/projects/{other.name}/questions/sessions", data={})
    assert answer.status == 403


def test_scripts_and_other_sites_have_no_hold_of_the_cookie(
    page: Page, context: BrowserContext, guarded: GuardedHouse, shop: Project
) -> None:
    page.goto(guarded.url)
    give(page, guarded.read_key(shop))
    expect(page.locator("#state")).to_have_text("Live")
    (cookie,) = context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert 0 < cookie["expires"] - page.evaluate("Date.now() / 1000") < 32 * 86_400
    assert page.evaluate("document.cookie") == ""


def test_a_wrong_key_is_told_and_can_be_given_again(
    page: Page, guarded: GuardedHouse, shop: Project, complaints: Complaints
) -> None:
    page.goto(guarded.url)
    give(page, "wf_read_nonsense")
    expect(page.get_by_role("alert").filter(has_text="unknown or revoked")).to_be_visible()
    give(page, shop.write_key)
    expect(page.get_by_role("alert").filter(has_text="a write key; the page takes a read key")).to_be_visible()
    give(page, shop.admin_key)
    expect(page.get_by_role("alert").filter(has_text="an admin key; the page takes a read key")).to_be_visible()
    give(page, guarded.read_key(shop))
    expect(page.locator("#state")).to_have_text("Live")
    assert all("401" in each or "403" in each for each in complaints)  # the browser tells of every failed request
    complaints.clear()


def test_signing_out_closes_the_door(page: Page, context: BrowserContext, guarded: GuardedHouse, shop: Project) -> None:
    page.goto(guarded.url)
    give(page, guarded.read_key(shop))
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Read key")).to_be_visible()
    expect(page.locator("#page")).to_be_hidden()
    assert context.cookies() == []
    page.reload()
    expect(page.get_by_label("Read key")).to_be_visible()


def test_a_revoked_key_is_out_at_once(page: Page, guarded: GuardedHouse, shop: Project, complaints: Complaints) -> None:
    key = guarded.read_key(shop)
    page.goto(guarded.url)
    give(page, key)
    expect(page.locator("#state")).to_have_text("Live")
    base = f"{guarded.url}/api/v1/admin/projects/{shop.name}/keys"
    guarded.http.delete(f"{base}/the page's, read", headers=shop.admin_headers).raise_for_status()
    expect(page.get_by_label("Read key")).to_be_visible(timeout=40_000)
    assert all("401" in each for each in complaints)
    complaints.clear()


def test_a_lost_connection_is_said_plainly_and_comes_back_by_itself(
    page: Page, guarded: GuardedHouse, shop: Project, complaints: Complaints
) -> None:
    page.goto(f"{guarded.url}/#range=24h")
    give(page, guarded.read_key(shop))
    shop.deliver(visit("ann", "Before"))
    expect(page.locator("#feed li strong")).to_have_text(["Before"])
    page.evaluate("window.isTheSamePage = true")
    guarded.collector.stop()
    expect(page.locator("#banner")).to_contain_text(re.compile(r"Trying again in \d+ s"))
    expect(page.locator("#state")).to_have_text("Not connected")
    expect(page.locator("#feed li strong")).to_have_text(["Before"])
    page.get_by_role("button", name="Try now").click()
    expect(page.locator("#banner")).to_contain_text(re.compile(r"Trying again in \d+ s"))
    guarded.start()
    page.locator("#retry").dispatch_event("click")  # the page may have come back before, and has no such button then
    expect(page.locator("#state")).to_have_text("Live")
    expect(page.locator("#banner")).to_be_hidden()
    shop.deliver(visit("bob", "After"))
    expect(page.locator("#feed li strong")).to_have_text(["After", "Before"])
    assert page.evaluate("window.isTheSamePage") is True
    assert all("net::ERR" in each for each in complaints)  # the browser tells of every failed request
    complaints.clear()
