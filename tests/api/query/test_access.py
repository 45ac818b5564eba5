from typing import Any

import httpx
import pytest

from api.query.access import COOKIE
from pipeline.settings import Settings
from tests.api.query.conftest import LOCAL_TOKEN, House, browser, replaced
from tests.story import story


def keys(house: House, project: str = "") -> dict[str, str]:
    """A key of each kind."""
    made: dict[str, str] = {}
    for kind in ("read", "admin", "write"):
        made[kind], _ = house.definitions.new_key(project or house.name, kind, kind)  # type: ignore[arg-type]
    return made


async def asked(client: httpx.AsyncClient, project: str) -> httpx.Response:
    return await client.post(f"/api/v1/projects/{project}/questions/sessions", json={})


async def saved(client: httpx.AsyncClient, project: str) -> httpx.Response:
    return await client.put(f"/api/v1/projects/{project}/goals/sale", json={"events": ["Paid"]})


async def test_read_keys_ask_and_admin_keys_ask_and_write(house: House) -> None:
    made = keys(house)
    expected = {"read": (200, 403), "admin": (200, 200), "write": (403, 403)}
    for kind, (asking, writing) in expected.items():
        async with browser(house, made[kind]) as client:
            assert (await asked(client, house.name)).status_code == asking, kind
            assert (await saved(client, house.name)).status_code == writing, kind


async def test_without_a_key_the_answer_is_401_and_names_the_scheme(house: House) -> None:
    async with browser(house) as client:
        for answer in (await asked(client, house.name), await saved(client, house.name)):
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json()["error"]["code"] == "unauthorized"


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer", "Bearer ", "Basic abc", "nonsense", "Bearer ключ"])
async def test_a_key_that_is_none_is_401_and_is_not_repeated(house: House, header: str) -> None:
    async with browser(house) as client:
        answer = await client.post(
            f"/api/v1/projects/{house.name}/questions/sessions", json={}, headers={"Authorization": header.encode()}
        )
    assert answer.status_code == 401
    assert "nonsense" not in answer.text


async def test_a_revoked_key_is_401(house: House) -> None:
    made = keys(house)
    house.definitions.revoke(house.name, "read")
    async with browser(house, made["read"]) as client:
        assert (await asked(client, house.name)).status_code == 401


async def test_a_key_of_another_project_does_not_tell_whether_a_project_exists(house: House) -> None:
    other = house.project(f"{house.name}-other")
    made = keys(house, other.name)
    for kind in ("read", "admin"):
        async with browser(house, made[kind]) as client:
            there, nowhere = await asked(client, house.name), await asked(client, "nowhere")
            assert there.status_code == nowhere.status_code == 403
            messages = [answer.json()["error"]["message"] for answer in (there, nowhere)]
            assert messages[0] == messages[1]
            assert (await saved(client, house.name)).status_code == 403


async def test_every_route_needs_a_key(house: House) -> None:
    schema = house.app.openapi()
    checked = 0
    async with browser(house) as client:
        for path, operations in schema["paths"].items():
            for method in operations:
                address = path.replace("{project}", house.name).replace("{name}", "x").replace("{id}", "0" * 16)
                body: Any = {} if method in ("post", "put") else None
                answer = await client.request(method.upper(), address, json=body)
                assert answer.status_code == 401, (method, path)
                checked += 1
    assert checked > 15


async def test_the_local_token_opens_every_project_and_a_project_that_is_not_there_is_404(house: House) -> None:
    async with browser(house, LOCAL_TOKEN) as client:
        assert (await asked(client, house.name)).status_code == 200
        assert (await asked(client, "nowhere")).status_code == 404


async def test_a_read_key_in_the_cookie_reads_and_an_admin_key_there_opens_nothing(house: House) -> None:
    made = keys(house)
    for kind, status in (("read", 200), ("admin", 401)):
        async with browser(house, Cookie=f"{COOKIE}={made[kind]}") as client:
            assert (await asked(client, house.name)).status_code == status
            assert (await saved(client, house.name)).status_code in (401, 403)


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {"Host": "127.0.0.1:8990"}, 200),
        ("127.0.0.1", {"Host": "localhost"}, 200),
        ("::1", {"Host": "[::1]:8990"}, 200),
        ("203.0.113.7", {"Host": "127.0.0.1:8990"}, 401),
        ("127.0.0.1", {"Host": "evil.example"}, 401),
        ("127.0.0.1", {"Host": "localhost", "X-Forwarded-For": "203.0.113.7"}, 401),
    ],
)
async def test_on_this_machine_itself_reading_needs_no_key_by_setting(
    house: House, address: str, headers: dict[str, str], status: int
) -> None:
    house.settings = Settings(open_loopback=True)
    async with browser(house, "", address, **headers) as client:
        assert (await asked(client, house.name)).status_code == status
        assert (await saved(client, house.name)).status_code == 401
    house.settings = Settings(open_loopback=False)
    async with browser(house, "", address, **headers) as client:
        assert (await asked(client, house.name)).status_code == 401


async def test_another_projects_customers_are_not_found(house: House) -> None:
    other = house.project(f"{house.name}-other")
    events = [replaced(event, project=other.name) for event in story("a  09:00  page /1")]
    house.tell(events, project=other)
    async with browser(house, keys(house)["read"]) as client:
        answer = await client.get(f"/api/v1/projects/{house.name}/customers/{events[0].device:016x}")
    assert answer.status_code == 404
