import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import Request

from api.query import ask
from api.query.questions import sessions
from api.query.questions.sessions import SessionsAnswer, SessionsQuestion
from pipeline.errors import StoreUnavailable
from tests.api.query.conftest import LOCAL_TOKEN, House


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(ask, "KEEP_ALIVE_SECONDS", 0.2)


@asynccontextmanager
async def streaming(
    house: House, key: str = LOCAL_TOKEN
) -> AsyncIterator[tuple[AsyncIterator[Any], Callable[[], None]]]:
    """The parts of a live answer as they are sent, and what makes the client go away."""
    gone = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    headers = [(b"accept", b"text/event-stream"), (b"authorization", f"Bearer {key}".encode())]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers, "state": {}}
    request = Request(scope, receive)
    request.state.request_id = "r1"
    question = SessionsQuestion.model_validate({"last": None})
    response = await ask.answer_or_stream(
        house, house.definitions.project(house.name), request, question, sessions.solve, SessionsAnswer
    )
    assert not isinstance(response, SessionsAnswer)
    assert response.media_type == "text/event-stream"
    parts: AsyncIterator[Any] = response.body_iterator  # type: ignore[assignment]
    try:
        yield parts, gone.set
    finally:
        gone.set()
        await parts.aclose()  # type: ignore[attr-defined]


def read(part: str) -> tuple[str, dict[str, Any]]:
    head, data, *_ = part.split("\n")
    return head.removeprefix("event: "), json.loads(data.removeprefix("data: "))


async def answers(parts: AsyncIterator[str]) -> tuple[str, dict[str, Any]]:
    async for part in parts:
        if not part.startswith(":"):
            return read(part)
    raise AssertionError("the stream ended")


async def test_the_answer_comes_at_once_and_again_when_it_changes(house: House) -> None:
    async with streaming(house) as (parts, _):
        name, first = await answers(parts)
        assert (name, first["result"]["total"]["sessions"]) == ("answer", 0)
        await asyncio.to_thread(house.tell, "ann  09:00  page /home")
        _, second = await answers(parts)
        assert second["result"]["total"]["sessions"] == 1


async def test_while_nothing_changes_only_comments_are_sent(house: House) -> None:
    async with streaming(house) as (parts, _):
        await answers(parts)
        assert (await anext(parts)).startswith(":")


async def test_the_stream_ends_when_the_client_goes(house: House) -> None:
    async with streaming(house) as (parts, go):
        await answers(parts)
        go()
        assert [part async for part in parts if not part.startswith(":")] == []


async def test_a_fault_ends_the_stream_with_an_error_of_the_one_shape(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> Any:
        raise StoreUnavailable("away")

    async with streaming(house) as (parts, _):
        await answers(parts)
        monkeypatch.setattr(house.store, "query", fails)
        name, content = await answers(parts)
        assert name == "error"
        assert content["error"]["code"] == "store_unavailable"
        assert [part async for part in parts] == []


async def test_a_stream_ends_when_its_key_is_revoked(house: House) -> None:
    secret, _ = house.definitions.new_key(house.name, "read", "wall")
    async with asyncio.timeout(20), streaming(house, secret) as (parts, _):
        await answers(parts)
        house.definitions.revoke(house.name, "wall")
        name, content = await answers(parts)
        assert (name, content["error"]["code"]) == ("error", "unauthorized")
        assert [part async for part in parts] == []


async def test_a_stream_answers_in_the_zone_that_its_project_has_now(house: House) -> None:
    house.project(zone="UTC")
    house.tell("ann  23:30  page /home")
    async with asyncio.timeout(20), streaming(house) as (parts, _):
        _, first = await answers(parts)
        house.project(zone="Asia/Tokyo")
        _, second = await answers(parts)
        assert [one["question"]["zone"] for one in (first, second)] == ["UTC", "Asia/Tokyo"]


async def test_a_mistake_is_answered_before_a_stream_begins(house: House) -> None:
    answer = await house.client.post(
        f"/api/v1/projects/{house.name}/questions/sessions",
        json={"from": "2024-01-02", "to": "2024-01-01"},
        headers={"Accept": "text/event-stream"},
    )
    assert answer.status_code == 422
