"""The cookie that the collector sets for the tracker, and for whom it does not."""

from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.query import errors
from api.snippet import cookie

ORDER = {"name": "wayfare_id", "value": "0f" * 16, "seconds": 34_000_000, "domain": "meadow.test"}
HERE = {"Origin": "https://shop.meadow.test"}


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = FastAPI()
    errors.install(app)
    cookie.install(app)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://collect.meadow.test")


@pytest.mark.parametrize("folder", ["", "/analytics.js/v1/wf_write_x"], ids=["its own", "Segment's"])
async def test_a_page_has_its_id_kept_on_its_whole_domain(client: httpx.AsyncClient, folder: str) -> None:
    answer = await client.post(folder + cookie.PATH, json=ORDER, headers=HERE)
    assert answer.status_code == 204
    (set_one,) = SimpleCookie(answer.headers["set-cookie"]).values()
    assert (set_one.key, set_one.value) == ("wayfare_id", "0f" * 16)
    found = {name: set_one[name] for name in ("domain", "path", "max-age", "samesite", "secure", "httponly")}
    assert found == {
        "domain": "meadow.test", "path": "/", "max-age": "34000000", "samesite": "Lax", "secure": True, "httponly": "",
    }  # fmt: skip
    assert answer.headers["access-control-allow-origin"] == HERE["Origin"]
    assert answer.headers["access-control-allow-credentials"] == "true"


async def test_without_https_it_is_not_secure_and_without_a_domain_of_one_host(client: httpx.AsyncClient) -> None:
    answer = await client.post(cookie.PATH, json=ORDER | {"domain": ""}, headers={"Origin": "http://localhost:80"})
    assert answer.headers["set-cookie"] == f"wayfare_id={'0f' * 16}; Path=/; Max-Age=34000000; SameSite=Lax"


@pytest.mark.parametrize(
    ("change", "headers", "status"),
    [
        ({}, {}, 403),
        ({}, {"Origin": "null"}, 403),
        ({}, {"Origin": "https://evilmeadow.test"}, 403),
        ({}, {"Origin": "https://meadow.test.evil.test"}, 403),
        ({"domain": "a.test; Path=/x"}, HERE, 400),
        ({"value": "0f" * 16 + "\r\nSet-Cookie: a=b"}, HERE, 400),
        ({"value": "session"}, HERE, 400),
        ({"name": "session"}, HERE, 400),
        ({"seconds": -1}, HERE, 400),
        ({"more": 1}, HERE, 400),
        ({"domain": "a" * 2000}, HERE, 413),
    ],
)
async def test_nothing_else_is_set_and_for_nobody_else(
    client: httpx.AsyncClient, change: dict[str, Any], headers: dict[str, str], status: int
) -> None:
    answer = await client.post(cookie.PATH, json=ORDER | change, headers=headers)
    assert (answer.status_code // 100, "set-cookie" in answer.headers) == (4, False)
    assert answer.status_code == status or {answer.status_code, status} == {400, 422}
    assert set(answer.json()) == {"error"}
