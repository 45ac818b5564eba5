"""How the tracker is served, how large it is, and the line that brings it into a page."""

import gzip
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from api import snippet

CORE_BYTES, WHOLE_BYTES = 4_000, 6_000


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = FastAPI()
    snippet.install(app)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://collector")


@pytest.mark.parametrize(
    ("parts", "limit"), [(snippet.CORE, CORE_BYTES), (snippet.WHOLE, WHOLE_BYTES)], ids=["core", "whole"]
)
def test_the_tracker_is_small(parts: tuple[str, ...], limit: int) -> None:
    assert len(snippet.script(parts).packed) < limit


@pytest.mark.parametrize("parts", [snippet.CORE, snippet.WHOLE], ids=["core", "whole"])
def test_what_is_served_is_javascript(parts: tuple[str, ...], tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: it reads the script")
    file = tmp_path / "served.js"
    file.write_bytes(snippet.script(parts).plain)
    read = subprocess.run([node, "--check", str(file)], capture_output=True, text=True, check=False)
    assert read.returncode == 0, read.stderr


@pytest.mark.parametrize("parts", [snippet.CORE, snippet.WHOLE], ids=["core", "whole"])
def test_nothing_is_made_of_text_and_nothing_is_asked_elsewhere(parts: tuple[str, ...]) -> None:
    text = snippet.script(parts).plain.decode()
    for forbidden in ("eval(", "new Function", "innerHTML", "document.write", "http://", "https://"):
        assert forbidden not in text, forbidden
    assert text.count("import(") == 1 == text.count('new URL("wayfare."+'), "its own parts, from where it came itself"


async def test_it_is_packed_for_who_takes_that(client: httpx.AsyncClient) -> None:
    plain = await client.get("/wayfare.js", headers={"Accept-Encoding": "identity"})
    packed = await client.get("/wayfare.js", headers={"Accept-Encoding": "gzip"})
    assert plain.content == packed.content == snippet.script(snippet.WHOLE).plain
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < WHOLE_BYTES
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"


async def test_one_that_has_not_changed_is_not_sent_again(client: httpx.AsyncClient) -> None:
    first = await client.get("/wayfare.js")
    assert first.headers["cache-control"].startswith("public, max-age=600")
    again = await client.get("/wayfare.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = await client.get("/wayfare.js", headers={"If-None-Match": 'W/"of an older version"'})
    assert other.status_code == 200


@pytest.mark.parametrize("path", ["/wayfare.js", "/wayfare.core.js", "/analytics.js/v1/wf_write_x/analytics.min.js"])
async def test_any_site_may_take_it(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_it_is_the_same_from_every_process() -> None:
    found = snippet.script(snippet.WHOLE)
    assert gzip.decompress(found.packed) == found.plain
    assert found.packed == gzip.compress(found.plain, 9, mtime=0)


def test_the_line_names_the_script_and_the_key() -> None:
    assert snippet.line("https://collect.example/", "wf_write_x") == (
        '<script async src="https://collect.example/wayfare.js" data-key="wf_write_x"></script>'
    )
