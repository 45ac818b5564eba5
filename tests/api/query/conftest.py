"""An app of the query routes alone over an embedded store, filled with what a story amounts to."""

import hashlib
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import count
from typing import Any

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from api.query import errors, fills, router
from pipeline.domain.facts import BatchFacts, accepted
from pipeline.domain.facts import batch as facts_of
from pipeline.domain.funnels import compile_funnel
from pipeline.domain.goals import compile_goals
from pipeline.log.port import Topic
from pipeline.settings import Settings
from pipeline.store.definitions import Definitions
from pipeline.store.embedded import EmbeddedStore
from pipeline.store.facts import Facts, mirrored
from pipeline.store.migrations import migrate
from pipeline.store.port import Store
from pipeline.store.refused_pairs import RefusedPairs
from schemas.definitions import Funnel, Goal, Key, Project
from schemas.facts import EventRow, Rejected
from tests.story import story

LOCAL_TOKEN = "local-token"
ALL_TIME = {"last": None}
PROJECTS = 100


class Written:
    """A log that remembers what was appended."""

    def __init__(self) -> None:
        self.records: list[tuple[str, int, dict[str, Any]]] = []

    async def append(self, topic: str, partition: int, lines: list[bytes]) -> None:
        self.records += [(topic, partition, json.loads(line)) for line in lines]

    async def close(self) -> None:
        self.records.clear()


class House:
    """The runtime of the routes, and the ways to fill it and to ask it."""

    def __init__(self, store: Store) -> None:
        self.store, self.definitions = store, Definitions(store)
        self.log: Any = None
        self.version = 1
        self.app = FastAPI()
        self.app.include_router(router(self))
        errors.install(self.app)
        self._names = self._projects()
        self.client: httpx.AsyncClient
        self.renew()

    def renew(self) -> None:
        """Another project, without data; settings and log as new."""
        self.name = next(self._names)
        self.settings = Settings(open_loopback=False)
        self.writer = Written()
        self.told = BatchFacts()  # last

    def _projects(self) -> Iterator[str]:
        """Names of projects, which are made many at once because that costs as much as one."""
        for batch in count():
            names = [f"shop-{batch}-{number}" for number in range(PROJECTS)]
            bodies = [msgspec.json.encode(Project(name)).decode() for name in names]
            same = [[value] * PROJECTS for value in ("project", 1, 0)]
            self.store.insert("definitions", [names, same[0], names, same[1], bodies, same[2], same[2]])
            self.definitions.refresh()
            yield from names

    def key(self, secret: str) -> Key | None:
        if secret == LOCAL_TOKEN:
            return Key("local", "", "admin", hash="")
        return self.definitions.snapshot().keys.get(hashlib.sha256(secret.encode()).hexdigest())

    def topic(self, name: str = "events") -> Topic:
        return Topic(f"wayfare-{name}-1", 1, 3)

    def project(self, name: str = "", **options: Any) -> Project:
        return self.definitions.save(Project(name or self.name, **options))

    def tell(
        self,
        told: str | Sequence[EventRow],
        *,
        goals: Sequence[Goal] = (),
        funnels: Sequence[Funnel] = (),
        project: Project | None = None,
    ) -> None:
        """Writes what the events amount to, as the agents would once the logs are drained.

        Told again after a decision, identities and refusals of before are retracted.
        """
        events = accepted(story(told) if isinstance(told, str) else told)
        of = project or self.definitions.project(self.name)
        decisions = self.definitions.refresh().decisions.get(of.name, ())
        plans = [compile_funnel(funnel) for funnel in funnels]
        found = facts_of(events, of, compile_goals(goals, of.currency), plans, decisions)
        self.write(events)
        self.write(found.sessions)
        self.write(found.touchpoints)
        self.write(found.ownerships)
        self.write([*found.pairs, *map(mirrored, found.pairs)])
        RefusedPairs(self.store).write(found.refusals, self.told.refusals, self.version)
        self.write(found.identities, self.told.identities)
        self.told = found
        self.fill(of.name)
        self.write(found.journeys)
        self.write(found.conversions)
        self.write(found.entries)

    def fill(self, project: str) -> None:
        """Whatever history was to be filled anew is: as if it had begun once more, with nothing to do."""
        known = fills.fills(self.store, project)
        begun_anew = {one.change for one in known if not one.shards}
        rows = [
            (project, known[-1].id + number, "", 0, *one.change, 0, 0, 0, 0, 0)
            for number, one in enumerate(known, 1)
            if one.change not in begun_anew
        ]
        if rows:
            self.store.insert("fills", list(zip(*rows, strict=True)))

    def write(self, rows: Sequence[Any], retracts: Sequence[Any] = ()) -> None:
        Facts(self.store).write(rows, retracts, self.version)
        self.version += 2

    def reject(self, **columns: Any) -> None:
        row = {
            "project": self.name, "device": 1, "message_id": self.version, "log_position": self.version,
            "received_at": 0, "source": "web", "reason": "wrong_type", "field": "", "message": "", "payload": "{}",
        }  # fmt: skip
        self.write([Rejected(**(row | columns))])

    async def ask(self, name: str, question: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """The answer; the range is all time unless the question says otherwise."""
        asked = (question or {}) | more
        if not {"last", "from", "to"} & set(asked):
            asked |= ALL_TIME
        answer = await self.client.post(f"/api/v1/projects/{self.name}/questions/{name}", json=asked)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def refused(self, name: str, question: Any, status: int = 422) -> dict[str, Any]:
        """The error that a question is answered with."""
        answer = await self.client.post(f"/api/v1/projects/{self.name}/questions/{name}", json=question)
        assert answer.status_code == status, answer.text
        assert set(answer.json()) == {"error"}
        error = dict(answer.json()["error"])
        assert error["request_id"] == answer.headers["x-request-id"]
        return error


@pytest.fixture(scope="package")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    store = EmbeddedStore(tmp_path_factory.mktemp("store"))
    try:
        migrate(store)
        yield House(store)
    finally:
        store.close()


@pytest.fixture
async def house(standing: House, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A house with a project of its own without data, and a client with the local token."""
    standing.renew()
    monkeypatch.setattr("tests.story.PROJECT", standing.name)
    async with browser(standing, LOCAL_TOKEN) as client:
        standing.client = client
        yield standing


def browser(house: House, key: str = "", address: str = "203.0.113.7", **headers: str) -> httpx.AsyncClient:
    """A client from somewhere with a key or without."""
    transport = httpx.ASGITransport(house.app, raise_app_exceptions=False, client=(address, 5000))
    given = headers | ({"Authorization": f"Bearer {key}"} if key else {})
    return httpx.AsyncClient(transport=transport, base_url="http://wayfare.example", headers=given)


def replaced(event: EventRow, **columns: Any) -> EventRow:
    return msgspec.structs.replace(event, **columns)
