"""Surveys of a project: admin keys save them and take them back; the tracker asks which there are.

GET /wayfare.json?key=WRITE_KEY    {"surveys": [...]}: public as the key is, for any site, kept for five minutes
"""

import asyncio
import re
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Depends, FastAPI, Path, Request, Response
from pydantic import BaseModel, Field

from api.query import access
from api.query.errors import Unauthorized, near
from api.query.questions.model import Strict
from api.query.routers import of_projects
from api.runtime import Runtime
from api.snippet import SEGMENTS
from pipeline.errors import NotFound
from schemas.definitions import Project, Survey

SETTINGS: Final = "/wayfare.json"
HEADERS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "public, max-age=300",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}
Name = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f/]+$")]


class SurveyBody(Strict):
    """A survey without its name, which is in the address."""

    kind: Literal["csat", "nps", "ces"] = Field(description="scales of 1 to 5, 0 to 10, 1 to 7")
    question: str = Field(min_length=1, max_length=300)
    low: str = Field("", max_length=60, description="what the least answer means")
    high: str = Field("", max_length=60, description="what the greatest answer means")
    comment: str = Field("", max_length=300, description='asked in words once a score is chosen; "": nothing')
    send: str = Field("Send", min_length=1, max_length=60)
    close: str = Field("Close", min_length=1, max_length=60)
    thanks: str = Field("Thank you.", min_length=1, max_length=300)
    pages: str = Field("", max_length=300, description='paths on which it is asked, as /shop/*; "": all')
    event: str = Field("", max_length=200, description='asked after this event; "": after the page has come')
    after_ms: int = Field(0, ge=0, description="ms from then on, while the page is there")
    every_days: int = Field(90, gt=0, le=3650, description="once in so many days to one browser")
    accent: str = Field("#1f5fbf", description="colour of what is chosen and of the button")
    side: Literal["left", "right"] = "right"


class SavedSurvey(SurveyBody):
    name: str
    version: int


class SavedSurveys(BaseModel):
    surveys: list[SavedSurvey]


def router(runtime: Runtime) -> APIRouter:
    routes = of_projects("/surveys", tags=["saved"])
    reads, writes = Depends(access.reader(runtime)), Depends(access.writer(runtime))

    @routes.get("", operation_id="list_surveys", summary="All surveys that the tracker asks")
    async def list_surveys(project: Project = reads) -> SavedSurveys:
        return SavedSurveys(surveys=[_shown(each) for each in _of(runtime, project.name)])

    @routes.put("/{name}", operation_id="save_survey", summary="Saves a survey; the tracker asks it from now on")
    async def save_survey(name: Name, body: SurveyBody, project: Project = writes) -> SavedSurvey:
        wanted = Survey(name=name, **body.model_dump())
        return _shown(await asyncio.to_thread(runtime.definitions.save, wanted, project.name))

    @routes.delete("/{name}", operation_id="delete_survey", status_code=204, summary="Takes a survey back")
    async def delete_survey(name: Name, project: Project = writes) -> None:
        known = tuple(each.name for each in _of(runtime, project.name))
        if name not in known:
            raise NotFound(f"there is no survey of this name{near(name, known)}")
        await asyncio.to_thread(runtime.definitions.delete, "survey", project.name, name)

    return routes


def install(app: FastAPI, runtime: Runtime) -> None:
    """Adds what the tracker asks."""

    async def serve(request: Request) -> Response:
        key = runtime.key(request.query_params.get("key", ""))
        if key is None or key.kind != "write":
            raise Unauthorized("name a write key: ?key=KEY")
        told = [_told(each) for each in _of(runtime, key.project)]
        return Response(msgspec.json.encode({"surveys": told}), headers=HEADERS, media_type="application/json")

    for path in (SETTINGS, SEGMENTS + SETTINGS):
        app.add_route(path, serve, include_in_schema=False)


def _of(runtime: Runtime, project: str) -> tuple[Survey, ...]:
    return runtime.definitions.snapshot().surveys.get(project, ())


def _shown(survey: Survey) -> SavedSurvey:
    return SavedSurvey.model_validate(msgspec.to_builtins(survey))


def _told(survey: Survey) -> dict[str, Any]:
    """As the tracker reads it: pages are a pattern of JavaScript."""
    any_of = ".*".join(re.escape(part) for part in survey.pages.split("*"))
    found: dict[str, Any] = msgspec.to_builtins(survey)
    return found | {"pages": f"^{any_of}$" if survey.pages else ""}
