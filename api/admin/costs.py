"""Costs of advertising: rows by day and campaign for the table `costs`, each in the place of the one before."""

import asyncio
import time
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import AfterValidator, BaseModel, Field

from api.admin.access import administration, writer
from api.query.bodies import JsonRoute
from api.query.questions.model import Strict
from api.runtime import Runtime
from schemas.definitions import Project
from schemas.tables import TABLES

MOST_ROWS = 10_000
_MOST = (1 << 62) - 1


def _day(text: str) -> str:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise ValueError("must be an ISO date, as 2026-03-31") from None
    if not 1970 <= found.year < 2100:
        raise ValueError("must lie between 1970 and 2099")
    return found.isoformat()


class ImportedCost(Strict):
    day: Annotated[str, AfterValidator(_day)] = Field(description="in the zone of the network's account")
    network: str = Field(min_length=1, max_length=63, description="google_ads, meta_ads ...")
    account: str = Field("", max_length=200)
    campaign: str = Field(max_length=1000, description="its name, as utm_campaign")
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    campaign_id: str = Field("", max_length=200, description="where utm_campaign is the id")
    source: str = Field("", max_length=200, description="utm_source of its visits")
    medium: str = Field("", max_length=200, description="utm_medium of its visits")
    impressions: int = Field(0, ge=0, le=_MOST)
    clicks: int = Field(0, ge=0, le=_MOST)
    cost_micros: int = Field(ge=-_MOST, le=_MOST, description="millionths of the currency")


class LongRoute(JsonRoute):
    most_bytes = 16_000_000  # MOST_ROWS with names of some hundred letters


class CostsBody(Strict):
    rows: list[ImportedCost] = Field(max_length=MOST_ROWS, description="each replaces that of its day and campaign")
    is_taken_back: bool = Field(False, description="what stands for these days and campaigns counts no more")


class CostsStored(BaseModel):
    rows: int


def router(runtime: Runtime) -> APIRouter:
    routes = administration("/projects/{project}/costs", LongRoute)
    writes = Depends(writer(runtime))

    @routes.put("", operation_id="put_costs", summary="Store costs of advertising by day and campaign")
    async def put_costs(body: CostsBody, project: Project = writes) -> CostsStored:
        if body.rows:
            columns = _columns(project.name, body, time.time_ns() // 1000)
            await asyncio.to_thread(runtime.store.insert, "costs", columns)
        return CostsStored(rows=len(body.rows))

    return routes


def _midnight(day: str) -> int:
    """In UTC, ms."""
    return (date.fromisoformat(day).toordinal() - date(1970, 1, 1).toordinal()) * 86_400_000


def _columns(project: str, body: CostsBody, version: int) -> list[list[object]]:
    """In the order of the table's columns."""
    own = {"project": project, "version": version, "is_deleted": int(body.is_taken_back)}
    found: list[list[object]] = []
    for name in (column.name for column in TABLES["costs"].columns):
        values: list[object] = [own[name] if name in own else getattr(row, name) for row in body.rows]
        found.append([_midnight(row.day) for row in body.rows] if name == "day" else values)
    return found
