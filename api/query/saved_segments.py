"""Saved segments: their form, their routes, and who is in one now."""

import asyncio
from typing import Annotated, Literal, Self

import msgspec
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field, model_validator

from api.query import access, ask
from api.query.errors import near
from api.query.questions import segments
from api.query.questions.funnel_entries import saved_funnel
from api.query.questions.model import Asking, Strict, hexadecimal, refused
from api.query.questions.steps import MOST_STEPS, EventNames, Where, Window, filter_of
from api.query.routers import of_projects
from api.query.runtime_port import Runtime
from api.query.saved_routes import Name
from pipeline.domain.segments import asked_of, made_of
from pipeline.errors import InvalidQuestion, NotFound, UserMistake
from schemas import definitions
from schemas.definitions import Project

_NEEDS = {"profile": "where", "did": "events", "funnel": "funnel", "segment": "segment"}
_TAKES = {
    "profile": {"where"},
    "did": {"events", "where", "at_least", "within"},
    "funnel": {"funnel", "step", "without_step"},
    "segment": {"segment"},
}


class Condition(Strict):
    """Something that holds of a customer when it is asked."""

    kind: Literal["profile", "did", "funnel", "segment"]
    negated: bool = Field(False, description="it must not hold")
    where: Where = Field([], description="profile: of his newest traits; did: of the events")
    events: EventNames | None = Field(None, description="did: names of events")
    at_least: int = Field(1, ge=1, le=1_000_000, description="did: so many times")
    within: Window | None = Field(None, description="did: in so much time up to now, as 7d; null: ever")
    funnel: str | None = Field(None, min_length=1, max_length=200, description="funnel: name of a saved one")
    step: int = Field(1, ge=1, le=MOST_STEPS, description="funnel: his furthest entry fills this step, from 1")
    without_step: int | None = Field(None, ge=1, le=MOST_STEPS, description="funnel: and does not fill this one")
    segment: str | None = Field(None, min_length=1, max_length=200, description="segment: name of another one")

    @model_validator(mode="after")
    def _of_its_kind(self) -> Self:
        needed = _NEEDS[self.kind]
        if not getattr(self, needed):
            raise refused(needed, f"a condition of kind {self.kind} needs {needed}")
        for name in type(self).model_fields.keys() - _TAKES[self.kind] - {"kind", "negated"}:
            if getattr(self, name) != type(self).model_fields[name].default:
                raise refused(name, f"a condition of kind {self.kind} takes no {name}")
        return self

    def definition(self) -> definitions.Condition:
        return definitions.Condition(
            kind=self.kind,
            negated=self.negated,
            where=tuple(one.definition() for one in self.where),
            events=tuple(self.events or ()),
            at_least=self.at_least,
            within_ms=self.within or 0,
            funnel=self.funnel or "",
            step=self.step,
            without_step=self.without_step or 0,
            segment=self.segment or "",
        )

    @classmethod
    def of(cls, one: definitions.Condition) -> "Condition":
        return cls(
            kind=one.kind,
            negated=one.negated,
            where=[filter_of(each) for each in one.where],
            events=list(one.events) or None,
            at_least=one.at_least,
            within=one.within_ms or None,
            funnel=one.funnel or None,
            step=one.step,
            without_step=one.without_step or None,
            segment=one.segment or None,
        )


class SegmentBody(Strict):
    """A segment without its name, which is in the address."""

    conditions: list[Condition] = Field(min_length=1, max_length=50)
    match: Literal["all", "any"] = Field("all", description="how many of the conditions must hold")

    def definition(self, name: str) -> definitions.Segment:
        return definitions.Segment(name, tuple(one.definition() for one in self.conditions), self.match)


class SavedSegment(SegmentBody):
    name: str
    version: int

    @classmethod
    def of(cls, one: definitions.Segment) -> "SavedSegment":
        conditions = [Condition.of(each) for each in one.conditions]
        return cls(name=one.name, version=one.version, conditions=conditions, match=one.match)


class SavedSegments(BaseModel):
    segments: list[SavedSegment]


class Members(BaseModel):
    """Who is in a segment now."""

    segment: SavedSegment
    data_until: int | None
    count: int
    customers: list[str] = Field(description="ids, in their order")
    next: str | None = Field(description="give it as `after` to read on")


def router(runtime: Runtime) -> APIRouter:
    routes = of_projects("/segments", tags=["saved"])
    reads, writes = Depends(access.reader(runtime)), Depends(access.writer(runtime))

    @routes.get("", operation_id="list_segments", summary="All saved segments")
    async def list_segments(project: Project = reads) -> SavedSegments:
        known = ask.asking(runtime, project).segments.values()
        return SavedSegments(segments=[SavedSegment.of(each) for each in known])

    @routes.get("/{name}", operation_id="get_segment", summary="A saved segment")
    async def get_segment(name: Name, project: Project = reads) -> SavedSegment:
        return SavedSegment.of(_known(ask.asking(runtime, project), name))

    @routes.get("/{name}/members", operation_id="get_segment_members", summary="Who is in it now")
    async def get_members(
        name: Name,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
        after: Annotated[str, Query(pattern=r"^[0-9a-f]{16}$")] = "0" * 16,
        project: Project = reads,
    ) -> Members:
        return await asyncio.to_thread(_members, runtime, project, name, limit, int(after, 16))

    @routes.put("/{name}", operation_id="save_segment", summary="Saves a segment")
    async def save_segment(name: Name, body: SegmentBody, project: Project = writes) -> SavedSegment:
        return SavedSegment.of(await asyncio.to_thread(_save, runtime, project, body.definition(name)))

    @routes.delete("/{name}", operation_id="delete_segment", status_code=204, summary="Takes a segment back")
    async def delete_segment(name: Name, project: Project = writes) -> None:
        await asyncio.to_thread(_delete, runtime, project, name)

    return routes


def _known(asking: Asking, name: str) -> definitions.Segment:
    if name not in asking.segments:
        raise NotFound(f"there is no segment of this name{near(name, tuple(asking.segments))}")
    return asking.segments[name]


def _members(runtime: Runtime, project: Project, name: str, limit: int, after: int) -> Members:
    asking = ask.asking(runtime, project)
    segment, until = _known(asking, name), ask.data_until(runtime)
    with ask.too_large_told():
        found = segments.members(asking, name)
    rest = sorted(who for who in found if who > after)
    page = rest[:limit]
    return Members(
        segment=SavedSegment.of(segment),
        data_until=until,
        count=len(found),
        customers=[hexadecimal(who) for who in page],
        next=hexadecimal(page[-1]) if len(rest) > limit else None,
    )


def _save(runtime: Runtime, project: Project, wanted: definitions.Segment) -> definitions.Segment:
    """What is saved so already stays as it is. InvalidQuestion for a funnel or segment that there is not."""
    runtime.definitions.refresh()
    asking = ask.asking(runtime, project)
    before = asking.segments.get(wanted.name)
    if before is not None and before == msgspec.structs.replace(wanted, version=before.version):
        return before
    known = {**asking.segments, wanted.name: wanted}
    for number, condition in enumerate(wanted.conditions):
        field = f"conditions[{number}]"
        inside = [condition.segment] if condition.kind == "segment" else []
        if condition.kind == "funnel":
            steps = len(_funnel(asking, condition.funnel, f"{field}.funnel").steps)
            if max(condition.step, condition.without_step) > steps:
                raise InvalidQuestion(f"the funnel has {steps} steps", field=f"{field}.step")
            inside = sorted(asked_of(asking.funnels[condition.funnel]))
        if condition.kind == "segment" and condition.segment not in known:
            told = f"there is no segment of this name{near(condition.segment, tuple(asking.segments))}"
            raise InvalidQuestion(told, field=f"{field}.segment")
        if inside and wanted.name in made_of(inside, known, asking.funnels).segments:
            told = "by way of this one the segment contains itself"
            raise InvalidQuestion(told, field=f"{field}.{condition.kind}")
    return runtime.definitions.save(wanted, project.name)


def _funnel(asking: Asking, name: str, field: str) -> definitions.Funnel:
    try:
        return saved_funnel(asking, name)
    except NotFound as error:
        raise InvalidQuestion(error.message, field=field) from error


def _delete(runtime: Runtime, project: Project, name: str) -> None:
    asking = ask.asking(runtime, project)
    _known(asking, name)
    users = [one.name for one in asking.segments.values() if any(each.segment == name for each in one.conditions)]
    if users:
        raise UserMistake(f"segment {users[0]!r} is made of it: change that one first", field="name")
    askers = [one.name for one in asking.funnels.values() if name in asked_of(one)]
    if askers:
        raise UserMistake(f"saved funnel {askers[0]!r} asks about it: change that one first", field="name")
    runtime.definitions.delete("segment", project.name, name)
