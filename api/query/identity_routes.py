"""Routes of a customer's identity: a read key sees why he is one, an admin key decides and takes back."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from api.query import access, ask, decisions, identity
from api.query.decisions import DecisionShown, DecisionsShown, Ignore, Join, Reasoned, Recomputed, Split
from api.query.routers import of_projects
from api.query.runtime_port import Runtime
from pipeline.errors import NotFound
from schemas.definitions import Decision, Project

Id = Annotated[str, Path(max_length=1000, description="16 hex digits, user:ID or email:ADDRESS")]
Name = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", description="a decision's id")]


def router(runtime: Runtime) -> APIRouter:
    routes = of_projects(tags=["identity"])
    reads, writes = Depends(access.reader(runtime)), Depends(access.writer(runtime))

    @routes.get("/customers/{id}/identity", operation_id="get_identity", summary="Why a customer is one, as a graph")
    def get_identity(id: Id, project: Project = reads) -> identity.Identity:
        return identity.identity(ask.asking(runtime, project), runtime.definitions.decisions(project.name), id)

    @routes.post("/customers/{id}/identity/join", operation_id="join_identity", summary="Make two identifiers one")
    async def join(id: Id, body: Join, request: Request, project: Project = writes) -> DecisionShown:
        wanted = await asyncio.to_thread(decisions.join_of, ask.asking(runtime, project), id, body)
        return await decide(request, project, wanted)

    @routes.post("/customers/{id}/identity/split", operation_id="split_identity", summary="Keep two identifiers apart")
    async def split(id: Id, body: Split, request: Request, project: Project = writes) -> DecisionShown:
        wanted = await asyncio.to_thread(decisions.split_of, ask.asking(runtime, project), id, body)
        return await decide(request, project, wanted)

    @routes.post("/customers/{id}/identity/ignore", operation_id="ignore_identity", summary="Let evidence not count")
    async def ignore(id: Id, body: Ignore, request: Request, project: Project = writes) -> DecisionShown:
        wanted = await asyncio.to_thread(decisions.ignore_of, ask.asking(runtime, project), id, body)
        return await decide(request, project, wanted)

    @routes.get("/identity/decisions", operation_id="list_decisions", summary="All decisions ever made, newest first")
    def list_decisions(project: Project = reads) -> DecisionsShown:
        return DecisionsShown(decisions=decisions.shown(runtime.definitions.decisions(project.name)))

    @routes.get("/identity/decisions/{decision}", operation_id="get_decision", summary="A decision")
    def get_decision(decision: Name, project: Project = reads) -> DecisionShown:
        return one(project, decision)

    @routes.post(
        "/identity/decisions/{decision}/revoke",
        operation_id="revoke_decision",
        summary="Take a decision back; the facts are again what they would be without it",
    )
    async def revoke(decision: Name, body: Reasoned, request: Request, project: Project = writes) -> DecisionShown:
        await decisions.revoke(runtime, project, decision, body.reason, by(request))
        return one(project, decision)

    @routes.post("/identity/recompute", operation_id="recompute_identity", summary="Decide every identity anew")
    async def recompute(project: Project = writes) -> Recomputed:
        return Recomputed(identifiers=await decisions.recompute(runtime, ask.asking(runtime, project)))

    async def decide(request: Request, project: Project, wanted: Decision) -> DecisionShown:
        return one(project, (await decisions.decide(runtime, project, wanted, by(request))).name)

    def one(project: Project, name: str) -> DecisionShown:
        for each in decisions.shown(runtime.definitions.decisions(project.name)):
            if each.id == name:
                return each
        raise NotFound("there is no such decision", field="decision")

    def by(request: Request) -> str:
        key = access.presented(runtime, request)
        return key.name if key else ""

    return routes
