"""How the page's files are served."""

import json
from importlib import resources
from pathlib import Path

import httpx
import pytest

from tests.scenarios.house import EmbeddedHouse

FILES = sorted(each.name for each in resources.files("api.dashboard").joinpath("page").iterdir())


def test_nothing_inline_and_nothing_foreign_is_let_in(embedded: EmbeddedHouse) -> None:
    policy = httpx.get(f"{embedded.url}/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("name", [name for name in FILES if name != "index.html"])
def test_every_file_of_the_page_is_served_with_its_type(embedded: EmbeddedHouse, name: str) -> None:
    answer = httpx.get(f"{embedded.url}/{name}")
    kinds = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    assert answer.status_code == 200
    assert answer.headers["content-type"].split(";")[0] == kinds[Path(name).suffix]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_file_that_has_not_changed_is_not_sent_again(embedded: EmbeddedHouse) -> None:
    first = httpx.get(f"{embedded.url}/main.js")
    assert first.headers["cache-control"] == "no-cache"
    again = httpx.get(f"{embedded.url}/main.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/__init__.py", "/session.py", "/nothing", "/../session.py", "/%2e%2e/session.py"])
def test_nothing_but_the_page_is_served(embedded: EmbeddedHouse, path: str) -> None:
    answer = httpx.get(f"{embedded.url}{path}")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


def test_the_page_does_not_stand_in_the_way_of_the_api(embedded: EmbeddedHouse) -> None:
    assert httpx.get(f"{embedded.url}/api/v1/nothing").status_code == 404
    assert httpx.post(f"{embedded.url}/api/v1/nothing").status_code == 404
    assert httpx.get(f"{embedded.url}/api/v1/projects/default/questions/sessions").status_code == 405


def test_a_session_is_only_begun_by_json(embedded: EmbeddedHouse) -> None:
    """Another site's form can send text, but no JSON without asking first."""
    told = json.dumps({"key": "wf_read_x"})
    answer = httpx.post(f"{embedded.url}/api/v1/session", content=told, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 422


def test_the_page_asks_for_nothing_outside_of_itself() -> None:
    page = resources.files("api.dashboard").joinpath("page")
    for name in FILES:
        text = page.joinpath(name).read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "//" not in text.replace("// ", "").replace("//\n", ""), name
