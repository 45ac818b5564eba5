"""Bodies of every route of the API: bounded before a key is looked at, and JSON to the letter."""

from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from api import admin, query
from api.dashboard import session
from api.query import errors
from api.query.bodies import JsonRoute
from api.query.routers import joined
from api.snippet import surveys
from tests.api.query.conftest import House

JSON = {"Content-Type": "application/json"}
OPEN = [
    ("POST", "/api/v1/session"),
    ("POST", "/api/v1/admin/projects"),
    ("PUT", "/api/v1/admin/projects/shop"),
    ("POST", "/api/v1/admin/projects/shop/keys"),
    ("PUT", "/api/v1/admin/projects/shop/webhooks/desk"),
    ("PUT", "/api/v1/admin/projects/shop/costs"),
    ("POST", "/api/v1/admin/backup"),
    ("PUT", "/api/v1/projects/shop/surveys/asked"),
]


def whole(house: House) -> FastAPI:
    app, runtime = FastAPI(), cast(Any, house)
    parts = (query.router(house), admin.router(runtime), session.router(house), surveys.router(runtime))
    app.router.routes.extend(joined(*parts).routes)
    errors.install(app)
    return app


def test_every_route_that_takes_a_body_bounds_it(house: House) -> None:
    routes = [route for route in whole(house).routes if isinstance(route, APIRoute) and route.body_field is not None]
    assert len(routes) > 30
    assert [route.path for route in routes if not isinstance(route, JsonRoute)] == []


@pytest.mark.parametrize(("method", "path"), OPEN)
async def test_a_stranger_cannot_fill_the_memory_by_a_body(house: House, method: str, path: str) -> None:
    read = 0

    async def endless() -> Any:
        nonlocal read
        for _ in range(100):
            read += 1
            yield b" " * 1_000_000

    transport = httpx.ASGITransport(whole(house))
    async with httpx.AsyncClient(transport=transport, base_url="http://wayfare") as stranger:
        answer = await stranger.request(method, path, content=endless(), headers=JSON)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "payload_too_large")
    assert read <= 17


@pytest.mark.parametrize("body", [b'{"name": "\\ud800"}', b'{"name": NaN}', b"\xff", b""])
async def test_administration_takes_json_to_the_letter(house: House, body: bytes) -> None:
    transport = httpx.ASGITransport(whole(house))
    async with httpx.AsyncClient(transport=transport, base_url="http://wayfare") as client:
        answer = await client.post("/api/v1/admin/projects", content=body, headers=JSON)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "not_json")


def test_every_route_of_a_key_says_how_it_refuses(house: House) -> None:
    for path, operations in whole(house).openapi()["paths"].items():
        for operation in operations.values():
            if "security" in operation:
                assert {"400", "401", "403", "404", "413", "422", "503"} <= set(operation["responses"]), path
