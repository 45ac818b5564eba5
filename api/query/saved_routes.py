"""Routes of saved goals and funnels: read keys list them, admin keys save and take them back."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from api.query import access, ask, fills, saved
from api.query.errors import near
from api.query.questions.funnel_entries import saved_funnel
from api.query.questions.model import Strict
from api.query.routers import of_projects
from api.query.runtime_port import Runtime
from api.query.saved import FunnelBody, GoalBody, SavedFunnel, SavedGoal
from pipeline.errors import NotFound
from schemas.definitions import Funnel, Goal, Project

Name = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f/]+$")]


class SavedGoals(BaseModel):
    goals: list[SavedGoal]


class SavedFunnels(BaseModel):
    funnels: list[SavedFunnel]


class FollowedVersion(BaseModel):
    version: int
    is_current: bool
    entries: int
    customers: int
    by_steps: list[int] = Field(description="entries that stand at step 1, 2, ...")
    first_at: int
    last_at: int


class FunnelFollowed(BaseModel):
    """What the agents have made of a saved funnel."""

    funnel: SavedFunnel
    data_until: int | None
    versions: list[FollowedVersion] = Field(description="older ones vanish as the agents recompute")


class VersionShown(BaseModel):
    version: int
    saved_at: int = Field(description="UTC ms")
    is_taken_back: bool = Field(description="with this version it was taken back")
    body: dict[str, Any] | None = Field(description="what it was from then on; null: nothing")


class VersionsShown(BaseModel):
    versions: list[VersionShown] = Field(description="newest first")


class Rollback(Strict):
    version: int = Field(ge=1, description="the version to save once more; history is filled anew by it")


def filling(runtime: Runtime) -> APIRouter:
    routes = of_projects("/fills", tags=["saved"])
    reads = Depends(access.reader(runtime))

    @routes.get("", operation_id="list_fills", summary="How far history is filled anew after changed definitions")
    def list_fills(project: Project = reads) -> fills.FillsShown:
        return fills.shown(fills.fills(runtime.store, project.name), ask.data_until(runtime))

    return routes


def goals(runtime: Runtime) -> APIRouter:
    routes = of_projects("/goals", tags=["saved"])
    reads, writes = Depends(access.reader(runtime)), Depends(access.writer(runtime))

    @routes.get("", operation_id="list_goals", summary="All goals")
    async def list_goals(project: Project = reads) -> SavedGoals:
        return SavedGoals(goals=[SavedGoal.of(goal) for goal in ask.asking(runtime, project).goals])

    @routes.get("/{name}", operation_id="get_goal", summary="A goal")
    async def get_goal(name: Name, project: Project = reads) -> SavedGoal:
        return SavedGoal.of(_goal(runtime, project, name))

    @routes.put("/{name}", operation_id="save_goal", summary="Saves a goal; the facts that depend on it are recomputed")
    async def save_goal(name: Name, body: GoalBody, project: Project = writes) -> SavedGoal:
        return SavedGoal.of(await saved.save_goal(runtime, project, body.definition(name)))

    @routes.get("/{name}/versions", operation_id="get_goal_versions", summary="Every version of a goal")
    async def get_versions(name: Name, project: Project = reads) -> VersionsShown:
        return await asyncio.to_thread(_versions, runtime, project, "goal", name)

    @routes.post("/{name}/rollback", operation_id="roll_goal_back", summary="Saves an older version as the newest")
    async def roll_back(name: Name, body: Rollback, project: Project = writes) -> SavedGoal:
        await saved.roll_back(runtime, project, "goal", name, body.version)
        return SavedGoal.of(_goal(runtime, project, name))

    @routes.delete("/{name}", operation_id="delete_goal", status_code=204, summary="Takes a goal back")
    async def delete_goal(name: Name, project: Project = writes) -> None:
        _goal(runtime, project, name)
        await saved.delete(runtime, project, "goal", name)

    return routes


def funnels(runtime: Runtime) -> APIRouter:
    routes = of_projects("/funnels", tags=["saved"])
    reads, writes = Depends(access.reader(runtime)), Depends(access.writer(runtime))

    @routes.get("", operation_id="list_funnels", summary="All saved funnels")
    async def list_funnels(project: Project = reads) -> SavedFunnels:
        return SavedFunnels(funnels=[SavedFunnel.of(each) for each in ask.asking(runtime, project).funnels.values()])

    @routes.get("/{name}", operation_id="get_funnel", summary="A saved funnel")
    async def get_funnel(name: Name, project: Project = reads) -> SavedFunnel:
        return SavedFunnel.of(saved_funnel(ask.asking(runtime, project), name))

    @routes.get("/{name}/entries", operation_id="get_funnel_entries", summary="How far the agents have followed it")
    async def get_entries(name: Name, project: Project = reads) -> FunnelFollowed:
        return await asyncio.to_thread(_followed, runtime, project, name)

    @routes.put("/{name}", operation_id="save_funnel", summary="Saves a funnel; the agents follow it from now on")
    async def save_funnel(name: Name, body: FunnelBody, project: Project = writes) -> SavedFunnel:
        funnel = body.definition(name, ask.asking(runtime, project).goals)
        return SavedFunnel.of(await saved.save_funnel(runtime, project, funnel))

    @routes.get("/{name}/versions", operation_id="get_funnel_versions", summary="Every version of a saved funnel")
    async def get_versions(name: Name, project: Project = reads) -> VersionsShown:
        return await asyncio.to_thread(_versions, runtime, project, "funnel", name)

    @routes.post("/{name}/rollback", operation_id="roll_funnel_back", summary="Saves an older version as the newest")
    async def roll_back(name: Name, body: Rollback, project: Project = writes) -> SavedFunnel:
        await saved.roll_back(runtime, project, "funnel", name, body.version)
        return SavedFunnel.of(saved_funnel(ask.asking(runtime, project), name))

    @routes.delete("/{name}", operation_id="delete_funnel", status_code=204, summary="Takes a saved funnel back")
    async def delete_funnel(name: Name, project: Project = writes) -> None:
        saved_funnel(ask.asking(runtime, project), name)
        await saved.delete(runtime, project, "funnel", name)

    return routes


def _versions(runtime: Runtime, project: Project, kind: Literal["goal", "funnel"], name: str) -> VersionsShown:
    found = runtime.definitions.history(kind, project.name, name)
    if not found:
        raise NotFound(f"there was never a {kind} of this name")
    shown = []
    for version, saved_at, is_taken_back, one in reversed(found):
        body: BaseModel | None = None
        if not is_taken_back:
            body = (
                SavedGoal.of(one) if isinstance(one, Goal) else SavedFunnel.of(one) if isinstance(one, Funnel) else None
            )
        told = body.model_dump(mode="json", by_alias=True, exclude={"name", "version"}) if body else None
        shown.append(VersionShown(version=version, saved_at=saved_at, is_taken_back=is_taken_back, body=told))
    return VersionsShown(versions=shown)


def _goal(runtime: Runtime, project: Project, name: str) -> Goal:
    known = {goal.name: goal for goal in ask.asking(runtime, project).goals}
    if name not in known:
        raise NotFound(f"there is no goal of this name{near(name, tuple(known))}")
    return known[name]


def _followed(runtime: Runtime, project: Project, name: str) -> FunnelFollowed:
    asking = ask.asking(runtime, project)
    funnel: Funnel = saved_funnel(asking, name)
    until = ask.data_until(runtime)
    versions = [
        FollowedVersion(
            version=version,
            is_current=version == funnel.version,
            entries=count,
            customers=customers,
            by_steps=by_steps[: len(funnel.steps)] if version == funnel.version else by_steps,
            first_at=first,
            last_at=last,
        )
        for version, count, customers, by_steps, first, last in asking.rows("funnel_followed", funnel=name)
    ]
    return FunnelFollowed(funnel=SavedFunnel.of(funnel), data_until=until, versions=versions)
