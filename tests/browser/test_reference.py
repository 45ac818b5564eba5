"""The API's reference at /docs, and that no page tells another host who reads it."""

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from api.reference import FILES
from tests.browser.conftest import Complaints
from tests.scenarios.house import EmbeddedHouse

PAGES = ("/", "/docs", "/v1/link")  # all that answer with HTML; the last to who follows a broken link


@pytest.mark.parametrize("path", PAGES)
def test_no_page_names_another_host(embedded: EmbeddedHouse, path: str) -> None:
    answer = httpx.get(f"{embedded.url}{path}", headers={"Accept": "text/html"})
    assert answer.headers["content-type"].startswith("text/html")
    assert re.findall(r"//[\w.-]+", answer.text) == []
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert not re.search(r"\w\.\w|\*|https?:", policy), "what it may load comes from here"


@pytest.mark.parametrize("path", ["/redoc", "/docs/oauth2-redirect"])
def test_the_frameworks_own_pages_which_load_from_elsewhere_are_not_there(embedded: EmbeddedHouse, path: str) -> None:
    assert httpx.get(f"{embedded.url}{path}").status_code == 404


def test_the_reference_is_shown_without_asking_any_other_host(
    page: Page, embedded: EmbeddedHouse, complaints: Complaints
) -> None:
    asked: list[str] = []
    page.on("response", lambda answer: asked.append(f"{answer.status} {answer.url.removeprefix(embedded.url)}"))
    page.goto(f"{embedded.url}/docs")
    question = page.locator("#operations-questions-ask_sessions")
    expect(question).to_be_visible()
    question.locator(".opblock-summary-control").click()
    expect(question.locator(".opblock-body")).to_be_visible()
    assert {*FILES, "/openapi.json"} <= {each.removeprefix("200 ") for each in asked}
    assert complaints == []
