"""Rejected events once more through the log, after a rule, a setting or a sender was mended.

An event goes back under its own device and time of receipt. The agents decide: what can be used now becomes an event
and its reject is taken back, what cannot stays rejected. What never was an event does not go back.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping

import msgspec
from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from api.admin.access import administration, writer
from api.query.questions.model import Strict
from api.query.questions.rejected import Reason
from api.runtime import Runtime
from pipeline.store.port import Row
from pipeline.store.sql import load
from schemas.definitions import Project
from schemas.log import EVENTS, Line
from schemas.rejects import NO_EVENTS

CHUNK = 1_000


class Replay(Strict):
    reason: Reason | None = None
    source: str = Field("", max_length=200)
    from_: int = Field(0, alias="from", ge=0, description="received from then on, UTC ms")
    to: int | None = Field(None, ge=0, description="and before, UTC ms; null: now")


class Replayed(BaseModel):
    replayed: int = Field(description="rejected events that went back to the log")
    unreadable: int = Field(description="rejects whose payload is no event: there is nothing to replay")


def router(runtime: Runtime) -> APIRouter:
    routes = administration("/projects/{project}")
    writes = Depends(writer(runtime))

    @routes.post("/replay", operation_id="replay", summary="Send rejected events through ingest again")
    async def replay(body: Replay, project: Project = writes) -> Replayed:
        rows = await asyncio.to_thread(_rejected, runtime, project.name, body)
        kinds = {key.source: key.source_kind for key in runtime.definitions.keys(project.name)}
        lines = [line_of(project.name, kinds, row) for row in rows]
        usable = [line for line in lines if line is not None]
        for start in range(0, len(usable), CHUNK):
            await _append(runtime, usable[start : start + CHUNK])
        return Replayed(replayed=len(usable), unreadable=len(lines) - len(usable))

    return routes


def line_of(project: str, kinds: Mapping[str, str], row: Row) -> Line | None:
    """The log's line of a row of `replayed.sql`; None where the payload is no event, or no whole JSON object.

    `kinds` gives the kind of a source; what came under a source without a key was an import.
    """
    device, reason, received_at, source, payload = row
    if reason in NO_EVENTS:
        return None
    try:
        event = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeError):
        return None
    if not isinstance(event, dict):
        return None
    whole = msgspec.Raw(msgspec.json.encode(event))
    return Line(p=project, d=device, r=received_at, s=source, k=kinds.get(source, "import"), e=whole)


def _rejected(runtime: Runtime, project: str, body: Replay) -> list[Row]:
    parameters = {
        "project": project,
        "from": body.from_,
        "to": time.time_ns() // 1_000_000 if body.to is None else body.to,
        "reason": body.reason or "",
        "source": body.source,
    }
    return runtime.store.query(load("api.admin.reads", "replayed"), parameters)


async def _append(runtime: Runtime, lines: list[Line]) -> None:
    topic = runtime.topic(EVENTS)
    by_partition: dict[int, list[bytes]] = defaultdict(list)
    for line in lines:
        by_partition[line.d % topic.partitions].append(msgspec.json.encode(line))
    await asyncio.gather(*(runtime.writer.append(EVENTS, *item) for item in by_partition.items()))
