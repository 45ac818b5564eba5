"""The installation as a whole: how far the agents are, a copy of the embedded folder, and what could go wrong."""

import asyncio
import time
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from api.admin.access import administration, administrator, operator
from api.admin.checks import Check, examine
from api.query.ask import data_until
from api.query.questions.model import Strict
from api.runtime import Runtime
from pipeline.errors import UserMistake
from pipeline.store.backup import backup


class Progress(BaseModel):
    now: int = Field(description="UTC ms, the server's")
    lag: dict[str, int] = Field(description="records that wait for their agent, by topic")
    drained: bool = Field(description="the agents have done everything that lies in the logs")
    data_until: int | None = Field(description="all facts of what was received before are written, UTC ms")


class CheckShown(BaseModel):
    name: str
    state: Literal["ok", "warn", "fail"]
    message: str
    advice: str = Field(description="what to do about it")


class BackupAsked(Strict):
    file: str = Field(min_length=1, max_length=4096, description="a path on the server's machine, absolute and free")


class BackupMade(BaseModel):
    file: str
    bytes: int
    made_at: int = Field(description="UTC ms")


class Diagnosis(BaseModel):
    checks: list[CheckShown]


def router(runtime: Runtime) -> APIRouter:
    routes = administration()
    operates, looks = Depends(operator(runtime)), Depends(administrator(runtime))

    @routes.get("/progress", operation_id="progress", summary="How far the agents are", dependencies=[looks])
    async def progress() -> Progress:
        return await asyncio.to_thread(progress_of, runtime)

    @routes.get("/doctor", operation_id="doctor", summary="What could go wrong here", dependencies=[operates])
    async def doctor() -> Diagnosis:
        checks: list[Check] = await asyncio.to_thread(examine, runtime)
        return Diagnosis(checks=[CheckShown.model_validate(check._asdict()) for check in checks])

    @routes.post("/backup", operation_id="backup", summary="Copy log and store into one file", dependencies=[operates])
    async def make_backup(body: BackupAsked) -> BackupMade:
        file = Path(body.file)
        if not file.is_absolute():
            raise UserMistake("name the whole path of the file", field="file")
        made = await asyncio.to_thread(backup, runtime.store, runtime.settings, file)
        return BackupMade(file=made.file, bytes=made.bytes, made_at=made.made_at)

    return routes


def progress_of(runtime: Runtime) -> Progress:
    """How far the agents are. Drained only where two looks in a row find nothing waiting.

    The topics are looked at one after another: while `changes` is found empty, an agent may be about to fill it from
    the last record of another topic. Then the second look finds what it has sent.
    """
    now = time.time_ns() // 1_000_000
    lag = runtime.log.lag()
    drained = not any(lag.values()) and not any(runtime.log.lag().values())
    return Progress(now=now, lag=lag, drained=drained, data_until=data_until(runtime))
