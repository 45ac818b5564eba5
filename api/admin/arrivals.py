"""What arrives: events and rejects by the time of receipt, as the facts get them."""

import asyncio
import time
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from api.admin.access import administration, writer
from api.query.questions.model import hexadecimal
from api.runtime import Runtime
from pipeline.store.port import Row
from pipeline.store.sql import load
from schemas.definitions import Project

MOST = 200
FOR_EVER = 1 << 42  # ms: the year 2109
READS = "api.admin.reads"


class Arrival(BaseModel):
    id: str = Field(description="of the event; the same event may be told twice")
    received_at: int = Field(description="UTC ms")
    occurred_at: int | None = Field(description="UTC ms; null for a reject")
    event: str
    channel: str
    source: str
    who: str = Field(description="user id, else device id, as sent")
    where: str = Field(description="host and path")
    reason: str = Field(description='why it was rejected; "" for an accepted event')
    message: str


class Arrivals(BaseModel):
    now: int = Field(description="UTC ms, the server's")
    arrivals: list[Arrival] = Field(description=f"in order of receipt; the newest {MOST} of each kind")


class Received(BaseModel):
    accepted: int
    rejected: dict[str, int] = Field(description="by reason")


class Sources(BaseModel):
    sources: list[str]


def router(runtime: Runtime) -> APIRouter:
    routes = administration("/projects/{project}")
    writes = Depends(writer(runtime))
    Since = Annotated[int, Query(ge=0, description="UTC ms")]
    Until = Annotated[int | None, Query(ge=0, description="and before, UTC ms")]

    @routes.get("/arrivals", operation_id="arrivals", summary="Events and rejects received since then")
    async def arrivals(since: Since, project: Project = writes) -> Arrivals:
        return await asyncio.to_thread(_arrived, runtime, project.name, since)

    @routes.get("/received", operation_id="received", summary="How many events were accepted and rejected since then")
    async def received(since: Since = 0, until: Until = None, source: str = "", project: Project = writes) -> Received:
        return await asyncio.to_thread(_received, runtime, project.name, since, until, source)

    @routes.get("/sources", operation_id="sources", summary="Sources that have sent events")
    async def sources(project: Project = writes) -> Sources:
        rows = await asyncio.to_thread(runtime.store.query, load(READS, "sources"), {"project": project.name})
        return Sources(sources=sorted(source for (source,) in rows))

    return routes


def _arrived(runtime: Runtime, project: str, since: int) -> Arrivals:
    now = time.time_ns() // 1_000_000
    parameters = {"project": project, "since": since, "rows": MOST}
    events = runtime.store.query(load(READS, "arrived_events"), parameters)
    rejects = runtime.store.query(load(READS, "arrived_rejected"), parameters)
    found = [_event(row) for row in events] + [_reject(row) for row in rejects]
    return Arrivals(now=now, arrivals=sorted(found, key=lambda each: each.received_at))


def _received(runtime: Runtime, project: str, since: int, until: int | None, source: str) -> Received:
    parameters = {"project": project, "since": since, "until": FOR_EVER if until is None else until, "source": source}
    ((accepted,),) = runtime.store.query(load(READS, "received_events"), parameters)
    rejected: dict[str, int] = dict(runtime.store.query(load(READS, "received_rejected"), parameters))
    return Received(accepted=accepted, rejected=rejected)


def _event(row: Row) -> Arrival:
    device, message, received, occurred, event, channel, source, user_id, device_id, where = row
    return Arrival(
        id=f"{hexadecimal(device)}-{hexadecimal(message)}",
        received_at=received,
        occurred_at=occurred,
        event=event,
        channel=channel,
        source=source,
        who=user_id or device_id,
        where=where,
        reason="",
        message="",
    )


def _reject(row: Row) -> Arrival:
    device, message, received, source, reason, told = row
    return Arrival(
        id=f"{hexadecimal(device)}-{hexadecimal(message)}",
        received_at=received,
        occurred_at=None,
        event="",
        channel="",
        source=source,
        who="",
        where="",
        reason=reason,
        message=told,
    )
