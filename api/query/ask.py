"""From a question to its answer: defaults filled in, solved in a thread, framed; once or as a live stream."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from api.query import access, export, fills, flights
from api.query.errors import shape
from api.query.questions import segments
from api.query.questions.model import Asking, Solved
from api.query.questions.ranges import Ranged
from api.query.runtime_port import Runtime
from pipeline.errors import InvalidQuestion, StoreRefused, WayfareError
from pipeline.store.port import Stop
from pipeline.store.sql import load
from schemas.definitions import Project
from schemas.log import TOPICS, shard_number

Q = TypeVar("Q", bound=Ranged)
R = TypeVar("R", bound=BaseModel)
A = TypeVar("A", bound=BaseModel)

Solve = Callable[[Asking, Q], Solved[Q, R]]
POLL_SECONDS = 1.0
KEEP_ALIVE_SECONDS = 15.0
_TOO_LARGE = (
    "memory_limit_exceeded",
    "timeout_exceeded",
    "too_slow",
    "too_many_rows",
    "too_many_bytes",
    "too_many_rows_or_bytes",
)
EVENT_STREAM = "text/event-stream"
GONE = 499  # as nginx logs a client that has gone away; nobody reads it


def asking(runtime: Runtime, project: Project, stop: Stop | None = None) -> Asking:
    """What questions of a project are answered from now, until `stop` is set."""
    snapshot, settings = runtime.definitions.snapshot(), runtime.settings
    return Asking(
        store=runtime.store,
        project=project,
        goals=tuple(snapshot.goals.get(project.name, ())),
        funnels={funnel.name: funnel for funnel in snapshot.funnels.get(project.name, ())},
        now=time.time_ns() // 1_000_000,
        statements=[],
        segments={segment.name: segment for segment in snapshot.segments.get(project.name, ())},
        memberships={},
        members_of=segments.members,
        kept=set(),
        notions={},
        limits=limits(settings.query_seconds, settings.query_memory_bytes, settings.query_rows),
        stop=stop or Stop(),
    )


def limits(seconds: int, memory_bytes: int, rows: int) -> dict[str, int | str]:
    """Settings of a question's statements. What is grouped goes to disk before it would take the memory that is left:
    a funnel groups twice, by device and by customer. What comes back is this process's to hold: `rows` at most."""
    return {
        "max_execution_time": seconds,
        "max_memory_usage": memory_bytes,
        "max_bytes_before_external_group_by": memory_bytes * 3 // 10,
        "max_result_rows": rows,
        "result_overflow_mode": "throw",
    }


async def answered(runtime: Runtime, project: Project, question: Q, solve: Solve[Q, R], answer: type[A]) -> A:
    """The framed answer. Whoever asks the same while it is being worked out gets that answer too."""
    known = runtime.definitions.snapshot().version
    key = id(runtime), project, known, solve, question.model_dump_json(by_alias=True)
    return await flights.shared(key, lambda stop: _answer(runtime, project, question, solve, answer, stop))


async def answer_or_stream(
    runtime: Runtime, project: Project, request: Request, question: Q, solve: Solve[Q, R], answer: type[A]
) -> A | Response:
    """The answer; to a client that accepts text/event-stream, every answer from now on that differs from the last; to
    one that accepts CSV, JSON lines or Parquet, a part of it as a table.
    """
    try:
        first = await flights.heard(request, answered(runtime, project, question, solve, answer))
    except flights.ClientGone:
        return Response(status_code=GONE)
    media = export.wanted(request)
    if media:
        result = first.model_dump(mode="json", by_alias=True)["result"]
        name = request.url.path.rpartition("/")[2]
        return export.sent(export.records_of(result, request.query_params.get("part")), media, name)
    if EVENT_STREAM not in request.headers.get("accept", ""):
        return first
    events = _events(runtime, project, request, question, solve, answer, first)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type=EVENT_STREAM, headers=headers)


def data_until(runtime: Runtime) -> int | None:
    """Up to which received_at everything is in the facts, ms; None while some shard of an agent has never told."""
    shards = sum(runtime.topic(name).partitions for name in TOPICS)
    generation = runtime.topic().generation
    numbers = {"first": shard_number(generation, 0), "after": shard_number(generation + 1, 0)}
    rows = runtime.store.query(load("api.query.questions", "data_until"), {"shards": shards, **numbers})
    return int(rows[0][0]) if rows and rows[0][0] is not None else None


def in_zone(question: Q, project: Project) -> Q:
    """The question with the project's zone, where it names none."""
    return question if question.zone is not None else question.model_copy(update={"zone": project.zone})


@contextmanager
def too_large_told() -> Iterator[None]:
    """A limit of the store that a question hits is the question's to mend."""
    try:
        yield
    except StoreRefused as refusal:
        if refusal.code in _TOO_LARGE:
            told = (
                "this reads more than one question may (WAYFARE_QUERY_MEMORY_BYTES, WAYFARE_QUERY_ROWS, "
                "WAYFARE_QUERY_SECONDS); "
                "ask for a shorter time, fewer events or no breakdown"
            )
            raise InvalidQuestion(told, code="question_too_large") from refusal
        raise


def about(asking: Asking, question: Ranged) -> Asking:
    """Of the customers whom the question is about. InvalidQuestion for a segment that there is not, with its field."""
    segments.check_named(question.model_dump(by_alias=True), asking.segments)
    return segments.narrowed_to(asking, getattr(question, "segments", []))


def versions(
    runtime: Runtime, asking: Asking, definitions: dict[str, int], until: int | None
) -> tuple[dict[str, int], list[str]]:
    """The versions that the facts are of, and warnings where the agents still fill some anew that were read."""
    if not definitions:
        return definitions, []
    project = asking.project
    standing = [
        one
        for one in fills.fills(runtime.store, project.name)
        if not one.change.notion.startswith("funnel.") or one.change.notion in asking.kept
    ]
    return fills.told(definitions, project, standing, until)


def _answer(runtime: Runtime, project: Project, question: Q, solve: Solve[Q, R], answer: type[A], stop: Stop) -> A:
    question = in_zone(question, project)
    until = data_until(runtime)  # before the facts are read: they hold at least that much
    with too_large_told():
        asked = about(asking(runtime, project, stop), question)
        solved = solve(asked, question)
    looked_at = segments.versions(asked, list(asked.memberships))
    definitions, filling = versions(runtime, asked, solved.definitions | looked_at, until)
    return answer(
        question=solved.question,
        definitions=definitions,
        data_until=until,
        warnings=[*solved.warnings, *filling],
        result=solved.result,
    )


async def _events(
    runtime: Runtime,
    project: Project,
    request: Request,
    question: Q,
    solve: Solve[Q, R],
    answer: type[A],
    current: A,
) -> AsyncIterator[str]:
    """Server-sent events: `answer` with a whole answer, `error` in the one error shape, comments to stay connected."""
    told = _essence(current)
    yield _event("answer", current.model_dump(mode="json", by_alias=True))
    quiet_since = time.monotonic()
    while not await request.is_disconnected():
        await asyncio.sleep(POLL_SECONDS)
        try:
            project = access.readable(runtime, request, project.name)  # as it is now, if the key still opens it
            current = await answered(runtime, project, question, solve, answer)
        except WayfareError as error:
            yield _event("error", shape(error, request.state.request_id))
            return
        essence = _essence(current)
        if essence != told:
            told, quiet_since = essence, time.monotonic()
            yield _event("answer", current.model_dump(mode="json", by_alias=True))
        elif time.monotonic() - quiet_since >= KEEP_ALIVE_SECONDS:
            quiet_since = time.monotonic()
            yield ": still the same\n\n"


def _essence(answer: BaseModel) -> str:
    """What makes two answers differ: not that more data has been read without changing a number."""
    return answer.model_dump_json(by_alias=True, exclude={"data_until"})


def _event(name: str, content: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(content, separators=(',', ':'))}\n\n"
