"""Projects: list, create, change."""

import asyncio
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from api.admin.access import administration, operator, writer
from api.query import fills
from api.query.questions.model import Strict
from api.query.saved import tell
from api.query.saved_routes import Rollback, VersionShown, VersionsShown
from api.runtime import Runtime
from pipeline.errors import UserMistake
from pipeline.ingest.acquisition import VERSION
from pipeline.store.definitions import Former
from schemas.definitions import Project, SessionOptions

Names = Annotated[list[str], Field(max_length=200)]


class SessionRules(Strict):
    gap_ms: int | None = Field(None, gt=0, description="silence after which a new session begins")
    cap_ms: int | None = Field(None, gt=0, description="a session's greatest length")
    midnight: bool | None = Field(None, description="cut at midnight in the project's zone")
    campaign: bool | None = Field(None, description="cut at a change of campaign")
    sender_sessions: bool | None = Field(None, description="the sender's own session ids take the gap's place")


class PrivacyRules(Strict):
    """Names of properties and parameters in any case."""

    consent: Literal["assumed", "required"] | None = Field(
        None, description="what counts where an event of a browser or an app tells of no consent"
    )
    cookieless: bool | None = Field(None, description="without consent events are taken, under an id of the day")
    purpose: str | None = Field(None, max_length=100, description="the purpose of a consent that decides")
    honour_gpc: bool | None = Field(None, description="a browser's Sec-GPC counts as a refusal")
    honour_dnt: bool | None = Field(None, description="a browser's DNT counts as a refusal")
    keep_ip_prefix: bool | None = Field(None, description="first part of the address, as the property ip_prefix")
    redact_emails: bool | None = Field(None, description="no e-mail is kept: hashed as an id, else taken out")
    url_parameters: Names | None = Field(None, description="kept in addresses beside those that are known; * = all")
    allowed_properties: Names | None = Field(None, description="no others are kept; none named: all")
    dropped_properties: Names | None = Field(None, description="these are not kept")
    hashed_properties: Names | None = Field(None, description="of these the SHA-256 is kept")


class ProjectChanges(Strict):
    """What is not named stays as it is."""

    zone: str | None = Field(None, max_length=100)
    currency: str | None = Field(None, max_length=3)
    sessions: SessionRules | None = None
    own_domains: Names | None = None
    payment_providers: Names | None = None
    lateness_ms: int | None = Field(None, gt=0, description="older events are rejected; null = none is too old")
    origins: Names | None = Field(None, description="of pages that may send, as https://shop.example; none named: any")
    privacy: PrivacyRules | None = None


class NewProject(ProjectChanges):
    name: str = Field(max_length=63)


class Sessions(BaseModel):
    gap_ms: int
    cap_ms: int
    midnight: bool
    campaign: bool
    sender_sessions: bool


class PrivacyShown(BaseModel):
    consent: str
    cookieless: bool
    purpose: str
    honour_gpc: bool
    honour_dnt: bool
    keep_ip_prefix: bool
    redact_emails: bool
    url_parameters: list[str]
    allowed_properties: list[str]
    dropped_properties: list[str]
    hashed_properties: list[str]


class ProjectShown(BaseModel):
    name: str
    zone: str
    currency: str
    sessions: Sessions
    own_domains: list[str]
    payment_providers: list[str]
    lateness_ms: int | None
    origins: list[str]
    privacy: PrivacyShown
    version: int


class Recomputing(BaseModel):
    version: int = Field(description="of the acquisition table by which visits are judged; /fills tells how far it is")


class ProjectsShown(BaseModel):
    projects: list[ProjectShown]


def router(runtime: Runtime) -> APIRouter:
    routes = administration("/projects")
    operates = Depends(operator(runtime))
    writes = Depends(writer(runtime))

    @routes.get("", operation_id="list_projects", summary="All projects", dependencies=[operates])
    async def list_projects() -> ProjectsShown:
        return ProjectsShown(projects=[_shown(project) for project in runtime.definitions.projects()])

    @routes.post(
        "", operation_id="create_project", summary="Create a project", status_code=201, dependencies=[operates]
    )
    async def create_project(body: NewProject) -> ProjectShown:
        if body.name in runtime.definitions.snapshot().projects:
            raise UserMistake(f"there is a project {body.name!r} already", field="name", code="exists")
        saved = await asyncio.to_thread(runtime.definitions.save, _changed(Project(body.name), body))
        await asyncio.to_thread(fills.judged_first, runtime.store, saved.name)
        return _shown(saved)

    @routes.get("/{project}", operation_id="get_project", summary="A project")
    async def get_project(project: Project = writes) -> ProjectShown:
        return _shown(project)

    @routes.put("/{project}", operation_id="change_project", summary="Change what is named of a project")
    async def change_project(body: ProjectChanges, project: Project = writes) -> ProjectShown:
        saved = await asyncio.to_thread(runtime.definitions.save, _changed(project, body))
        await _told(runtime, project, saved)
        return _shown(saved)

    @routes.get("/{project}/versions", operation_id="get_project_versions", summary="Every version of a project")
    async def get_versions(project: Project = writes) -> VersionsShown:
        found = await asyncio.to_thread(runtime.definitions.history, "project", project.name, project.name)
        return VersionsShown(versions=[_version(one) for one in reversed(found)])

    @routes.post(
        "/{project}/rollback", operation_id="roll_project_back", summary="Saves an older version as the newest"
    )
    async def roll_back(body: Rollback, project: Project = writes) -> ProjectShown:
        old = await asyncio.to_thread(runtime.definitions.former, "project", project.name, project.name, body.version)
        assert isinstance(old, Project)
        saved = await asyncio.to_thread(runtime.definitions.save, old)
        await _told(runtime, project, saved)
        return _shown(saved)

    @routes.post(
        "/{project}/recompute",
        operation_id="recompute_project",
        summary="Fills history anew by the rules of this version",
        status_code=202,
    )
    async def recompute(project: Project = writes) -> Recomputing:
        """Every device is stitched whole, and what brought its visits about is judged anew."""
        found = await asyncio.to_thread(fills.fills, runtime.store, project.name)
        before = max((one.change.to_version for one in found if one.change.notion == fills.ACQUISITION), default=0)
        change = fills.Change(fills.ACQUISITION, before or fills.FIRST_ACQUISITION, VERSION)
        await tell(runtime, project.name, change, restitch="channels")
        return Recomputing(version=VERSION)

    return routes


async def _told(runtime: Runtime, before: Project, saved: Project) -> None:
    """The agents fill history anew where rules that made it have changed."""
    change = fills.Change(fills.PROJECT, before.version, saved.version)
    if (saved.own_domains, saved.payment_providers) != (before.own_domains, before.payment_providers):
        await tell(runtime, saved.name, change, restitch="channels")
    elif (saved.sessions, saved.zone, saved.currency) != (before.sessions, before.zone, before.currency):
        await tell(runtime, saved.name, change, restitch="sessions")


def _version(former: Former) -> VersionShown:
    body: dict[str, Any] | None = None
    if isinstance(former.definition, Project) and not former.is_taken_back:
        body = _shown(former.definition).model_dump(mode="json", exclude={"name", "version"})
    return VersionShown(version=former.version, saved_at=former.saved_at, is_taken_back=former.is_taken_back, body=body)


def _changed(project: Project, body: ProjectChanges) -> Project:
    given: dict[str, Any] = body.model_dump(exclude_none=True, exclude={"name", "sessions", "privacy"})
    if "lateness_ms" in body.model_fields_set:  # the only one for which null says something
        given["lateness_ms"] = body.lateness_ms
    given |= {name: tuple(value) for name, value in given.items() if isinstance(value, list)}
    if body.sessions is not None:
        rules: SessionOptions = msgspec.structs.replace(project.sessions, **body.sessions.model_dump(exclude_none=True))
        given["sessions"] = rules
    if body.privacy is not None:
        named = body.privacy.model_dump(exclude_none=True)
        named |= {name: tuple(value) for name, value in named.items() if isinstance(value, list)}
        given["privacy"] = msgspec.structs.replace(project.privacy, **named)
    return msgspec.structs.replace(project, **given)


def _shown(project: Project) -> ProjectShown:
    return ProjectShown.model_validate(msgspec.to_builtins(project))
