"""The door for BI tools on a port, over an embedded store with a story in it."""

import threading
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from api import bi
from pipeline.store.embedded import EmbeddedStore
from pipeline.store.migrations import migrate
from schemas.definitions import Funnel, Goal, Step
from tests.api.query.conftest import House, house

__all__ = ["house"]

FUNNEL = Funnel("order", (Step(("page",)), Step(("Added",)), Step(("Paid",))), breakdown="$acquisition")
GOALS = [Goal("sale", ("Paid",))]
STORY = """
    bounced   23:30     page /home acquisition=email
    heart     09:00     page /home
    heart     09:00:12  heartbeat engaged=12000
    buyer     09:00     page /home acquisition=paid_search
    buyer     09:00:05  track Added
    buyer     09:00:09  login U
    buyer     09:00:30  track Paid value=20
    buyer     23:00     page /home
    phone     10:00     page /shop
    phone     10:00:01  login U
    phone     10:20     track Added
    late      22:30     page /home acquisition=organic_search
    late      22:40     track Added
    server    09:00     track Paid
"""


class Door(NamedTuple):
    house: House
    port: int

    def key(self, project: str = "", kind: str = "bi") -> str:
        name = project or self.house.name
        taken = {key.name for key in self.house.definitions.keys(name)}
        return self.house.definitions.new_key(name, kind, f"{kind}-{len(taken)}")[0]  # type: ignore[arg-type]

    def ask(self, sql: str | bytes, key: str = "", **asked: str) -> httpx.Response:
        headers = {"X-ClickHouse-User": "bi", "X-ClickHouse-Key": key or self.key()}
        return httpx.post(f"http://127.0.0.1:{self.port}/bi/", params=asked, content=sql, headers=headers, timeout=60)

    def rows(self, sql: str | bytes, key: str = "", **asked: str) -> list[list[str]]:
        answer = self.ask(sql, key, **asked)
        assert answer.status_code == 200, answer.text
        return [line.split("\t") for line in answer.text.splitlines()]

    def refused(self, sql: str | bytes, key: str = "", **asked: str) -> int:
        """ClickHouse's number of the error."""
        answer = self.ask(sql, key, **asked)
        assert answer.status_code >= 400, answer.text
        assert answer.text.startswith("Code: ")
        return int(answer.headers["x-clickhouse-exception-code"])


@pytest.fixture(scope="package")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    store = EmbeddedStore(tmp_path_factory.mktemp("store"))
    try:
        migrate(store)
        yield House(store)
    finally:
        store.close()


@pytest.fixture(scope="package")
def port(standing: House) -> Iterator[int]:
    app = FastAPI()
    app.include_router(bi.router(standing))  # type: ignore[arg-type]
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", 0, log_level="warning", lifespan="off"))
    serving = threading.Thread(target=server.run)
    serving.start()
    while not server.started:
        serving.join(0.01)
    yield int(server.servers[0].sockets[0].getsockname()[1])
    server.should_exit = True
    serving.join()


@pytest.fixture
async def door(house: House, port: int) -> Door:
    """With a story told in Zurich's days, a goal and a saved funnel."""
    project = house.project(zone="Europe/Zurich")
    goals = [house.definitions.save(goal, house.name) for goal in GOALS]
    funnel = house.definitions.save(FUNNEL, house.name)
    house.tell(STORY, goals=goals, funnels=[funnel], project=project)
    return Door(house, port)
