"""What questions may cost: bounded by settings, and paid once by all who ask the same at once."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi import Request, Response
from starlette.types import Message

from api.query import ask
from api.query.questions import sessions
from api.query.questions.sessions import SessionsAnswer, SessionsQuestion
from pipeline.errors import StoreRefused, StoreUnavailable
from pipeline.settings import Settings
from pipeline.store.port import Stop
from tests.api.query.conftest import House

ALL_TIME = SessionsQuestion.model_validate({"last": None})
TODAY = SessionsQuestion.model_validate({"last": "today"})


async def asked(house: House, *questions: SessionsQuestion) -> list[Any]:
    """What each gets, all asked at once."""
    project = house.definitions.project(house.name)
    waiting = (ask.answered(house, project, one, sessions.solve, SessionsAnswer) for one in questions)
    return await asyncio.gather(*waiting, return_exceptions=True)


async def test_the_same_question_asked_50_times_at_once_is_worked_out_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.tell("ann  09:00  page /home")
    measured, run = house.store.measured, list[str]()

    def counting(sql: str, *more: Any) -> Any:
        run.append(sql)
        return measured(sql, *more)

    monkeypatch.setattr(house.store, "measured", counting)
    answers = await asked(house, *[ALL_TIME] * 50)
    assert [answer.result.total.sessions for answer in answers] == [1] * 50
    assert len([sql for sql in run if "FROM sessions" in sql]) == 1
    await asked(house, ALL_TIME, TODAY, TODAY)
    assert len([sql for sql in run if "FROM sessions" in sql]) == 3


async def test_all_who_ask_the_same_are_told_of_its_failure_and_it_can_be_asked_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> Any:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(house.store, "measured", away)
        assert [type(one) for one in await asked(house, *[ALL_TIME] * 3)] == [StoreUnavailable] * 3
    assert [one.result.total.sessions for one in await asked(house, ALL_TIME)] == [0]


async def test_one_who_goes_away_does_not_end_it_for_the_others(house: House) -> None:
    house.tell("ann  09:00  page /home")
    project = house.definitions.project(house.name)
    first, second = (
        asyncio.create_task(ask.answered(house, project, ALL_TIME, sessions.solve, SessionsAnswer)) for _ in range(2)
    )
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).result.total.sessions == 1


class Stuck:
    """A store whose statements end only when they are stopped, and which cannot be reached for that `away` times."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch, away: int = 0) -> None:
        self._away = away
        self.begun, self.stopped = threading.Event(), threading.Event()
        self._answering = house.store.measured
        monkeypatch.setattr(house.store, "measured", self._measured)

    def _measured(self, sql: str, parameters: Any, settings: Any, stop: Stop | None = None) -> Any:
        if stop is None:  # not a question's own
            return self._answering(sql, parameters, settings)
        with stop.ends(self._end):
            self.begun.set()
            assert self.stopped.wait(60)
            raise StoreRefused("query was cancelled")

    def _end(self) -> None:
        if self._away:
            self._away -= 1
            raise StoreUnavailable("away")
        self.stopped.set()

    async def runs(self) -> bool:
        return await asyncio.to_thread(self.begun.wait, 60)

    async def ends(self) -> bool:
        return await asyncio.to_thread(self.stopped.wait, 60)


async def test_a_question_is_ended_in_the_store_when_the_last_who_waits_has_gone_away(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, stuck = house.definitions.project(house.name), Stuck(house, monkeypatch)
    first, second = (
        asyncio.create_task(ask.answered(house, project, ALL_TIME, sessions.solve, SessionsAnswer)) for _ in range(2)
    )
    assert await stuck.runs()
    first.cancel()
    await asyncio.wait([first])
    assert not stuck.stopped.is_set()
    second.cancel()
    assert await stuck.ends()


async def test_a_question_is_ended_though_every_thread_is_busy_with_questions(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, stuck = house.definitions.project(house.name), Stuck(house, monkeypatch)
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as beside:
        loop.set_default_executor(ThreadPoolExecutor(1))
        left = asyncio.create_task(ask.answered(house, project, ALL_TIME, sessions.solve, SessionsAnswer))
        assert await loop.run_in_executor(beside, stuck.begun.wait, 10)
        left.cancel()
        try:
            assert await loop.run_in_executor(beside, stuck.stopped.wait, 5)
        finally:
            stuck.stopped.set()


async def test_a_question_is_ended_as_soon_as_the_store_can_be_reached_for_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, stuck = house.definitions.project(house.name), Stuck(house, monkeypatch, away=2)
    left = asyncio.create_task(ask.answered(house, project, ALL_TIME, sessions.solve, SessionsAnswer))
    assert await stuck.runs()
    left.cancel()
    try:
        assert await asyncio.to_thread(stuck.stopped.wait, 5)
    finally:
        stuck.stopped.set()


@pytest.mark.parametrize("accept", ["application/json", "text/csv"])
async def test_an_explanation_is_ended_when_its_client_has_gone_away(
    house: House, monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    stuck = Stuck(house, monkeypatch)
    left = asyncio.create_task(explained(house, accept))
    assert await stuck.runs()
    left.cancel()
    try:
        assert await asyncio.to_thread(stuck.stopped.wait, 5)
    finally:
        stuck.stopped.set()


@pytest.mark.parametrize("accept", ["application/json", "text/csv"])
async def test_the_same_explanation_asked_many_times_at_once_is_worked_out_once(
    house: House, monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    house.tell("ann  09:00  page /home")
    measured, run = house.store.measured, list[str]()

    def counting(sql: str, *more: Any) -> Any:
        run.append(sql)
        return measured(sql, *more)

    monkeypatch.setattr(house.store, "measured", counting)
    told = await asyncio.gather(*(explained(house, accept) for _ in range(10)))
    assert (len(set(told)), "user" in told[0] or "device" in told[0]) == (1, True)
    assert len([sql for sql in run if "FROM sessions AS asked" in sql]) == 1


async def explained(house: House, accept: str) -> str:
    """Who is behind the number of sessions."""
    where = f"/api/v1/projects/{house.name}/questions/sessions/explain"
    body = {"question": {"last": None}, "cell": {}}
    answer = await house.client.post(where, json=body, headers={"Accept": accept})
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_a_question_that_was_ended_can_be_asked_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.tell("ann  09:00  page /home")
    project = house.definitions.project(house.name)
    with monkeypatch.context() as patch:
        stuck = Stuck(house, patch)
        left = asyncio.create_task(ask.answered(house, project, ALL_TIME, sessions.solve, SessionsAnswer))
        assert await stuck.runs()
        left.cancel()
        assert await stuck.ends()
    assert [one.result.total.sessions for one in await asked(house, ALL_TIME)] == [1]


async def test_a_client_that_hangs_up_ends_its_question(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = Stuck(house, monkeypatch)

    async def receive() -> Message:
        assert await stuck.runs()
        return {"type": "http.disconnect"}

    request = Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)
    project = house.definitions.project(house.name)
    answer = await ask.answer_or_stream(house, project, request, ALL_TIME, sessions.solve, SessionsAnswer)
    assert isinstance(answer, Response)
    assert await stuck.ends()


async def test_a_question_that_needs_more_memory_than_the_setting_allows_is_told_to_narrow_down(house: House) -> None:
    house.tell("ann  09:00  page /home")
    house.settings = Settings(open_loopback=False, query_memory_bytes=1_000)
    error = await house.refused("sessions", {"last": None})
    assert error["code"] == "question_too_large"
    assert "WAYFARE_QUERY_MEMORY_BYTES" in error["message"]
    assert "shorter time" in error["message"]


async def test_a_question_whose_statement_gives_more_rows_than_the_setting_allows_is_told_to_narrow_down(
    house: House,
) -> None:
    house.tell("ann  09:00  track a x=1\nann  09:01  track b x=1\nann  09:02  track c x=1")
    question = {"events": "*", "where": [{"property": "x", "operator": "set"}], "last": None}
    house.settings = Settings(open_loopback=False, query_rows=3)
    assert (await house.ask("trend", question))["result"]["total"]["events"] == 3
    house.settings = Settings(open_loopback=False, query_rows=2)
    error = await house.refused("trend", question)
    assert error["code"] == "question_too_large"
    assert "WAYFARE_QUERY_ROWS" in error["message"]
