"""The routes of questions and the catalogue, customers, and saved definitions, under /api/v1/projects/{project}."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query, Request, Response

from api.query import access, ask, export, identity_routes, profiles, saved_routes, saved_segments
from api.query.explain import routes as explain_routes
from api.query.questions import (
    bounce,
    catalogue,
    costs,
    divide,
    drop_off,
    drop_points,
    funnel,
    journeys,
    lifecycle,
    paths,
    recent,
    rejected,
    retention,
    sessions,
    stickiness,
    trend,
)
from api.query.questions.bounce import BounceAnswer, BounceQuestion
from api.query.questions.catalogue import CatalogueAnswer, CatalogueQuery, CatalogueQuestion
from api.query.questions.costs import CostsAnswer, CostsQuestion
from api.query.questions.divide import DivideAnswer, DivideQuestion
from api.query.questions.drop_off import DropOffAnswer, DropOffQuestion
from api.query.questions.drop_points import DropPointsAnswer, DropPointsQuestion
from api.query.questions.funnel import FunnelAnswer, FunnelQuestion
from api.query.questions.journeys import JourneysAnswer, JourneysQuestion
from api.query.questions.lifecycle import LifecycleAnswer, LifecycleQuestion
from api.query.questions.paths import PathsAnswer, PathsQuestion
from api.query.questions.recent import RecentAnswer, RecentQuestion
from api.query.questions.rejected import RejectedAnswer, RejectedQuestion
from api.query.questions.retention import RetentionAnswer, RetentionQuestion
from api.query.questions.sessions import SessionsAnswer, SessionsQuestion
from api.query.questions.stickiness import StickinessAnswer, StickinessQuestion
from api.query.questions.trend import TrendAnswer, TrendQuestion
from api.query.routers import joined, of_projects
from api.query.runtime_port import Runtime
from schemas.definitions import Project

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

LIVE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer; with `Accept: text/event-stream` a server-sent event `answer` at every change; as "
        "CSV, JSON lines or Parquet the rows of a part of its result, that of `?part=`.",
        "content": {ask.EVENT_STREAM: {"schema": {"type": "string"}}, **export.CONTENT},
    }
}


def router(runtime: Runtime) -> APIRouter:
    """All routes over one runtime."""
    return joined(
        _questions(runtime),
        explain_routes.router(runtime),
        _customers(runtime),
        identity_routes.router(runtime),
        saved_routes.goals(runtime),
        saved_routes.funnels(runtime),
        saved_segments.router(runtime),
        saved_routes.filling(runtime),
    )


def _questions(runtime: Runtime) -> APIRouter:
    routes = of_projects(tags=["questions"])
    reads = Depends(access.reader(runtime))

    def answers(name: str, answer: type, summary: str) -> Callable[[Endpoint], Endpoint]:
        return routes.post(
            f"/questions/{name}",
            operation_id=f"ask_{name}",
            summary=summary,
            response_model=answer,
            responses=LIVE,
        )

    @answers("sessions", SessionsAnswer, "Sessions: how many, how long, what they brought")
    async def ask_sessions(
        request: Request, question: SessionsQuestion, project: Project = reads
    ) -> SessionsAnswer | Response:
        return await ask.answer_or_stream(runtime, project, request, question, sessions.solve, SessionsAnswer)

    @answers("bounce", BounceAnswer, "Bounce by a named definition")
    async def ask_bounce(
        request: Request, question: BounceQuestion, project: Project = reads
    ) -> BounceAnswer | Response:
        return await ask.answer_or_stream(runtime, project, request, question, bounce.solve, BounceAnswer)

    @answers("drop_points", DropPointsAnswer, "Drop points: where visitors of a page stopped")
    async def ask_drop_points(
        request: Request, question: DropPointsQuestion, project: Project = reads
    ) -> DropPointsAnswer | Response:
        return await ask.answer_or_stream(runtime, project, request, question, drop_points.solve, DropPointsAnswer)

    @answers("funnel", FunnelAnswer, "Funnel: how far and how fast, ad hoc or saved")
    async def ask_funnel(
        request: Request, question: FunnelQuestion, project: Project = reads
    ) -> FunnelAnswer | Response:
        return await ask.answer_or_stream(runtime, project, request, question, funnel.solve, FunnelAnswer)

    @answers("drop_off", DropOffAnswer, "Drop-off: who left a funnel after each step, and what they did next")
    async def ask_drop_off(
        request: Request, question: DropOffQuestion, project: Project = reads
    ) -> DropOffAnswer | Response:
        return await ask.answer_or_stream(runtime, project, request, question, drop_off.solve, DropOffAnswer)

    @answers("divide", DivideAnswer, "Divide: what goes with going through a funnel, and how surely")
    async def ask_divide(
        request: Request, question: DivideQuestion, project: Project = reads
    ) -> DivideAnswer | Response:
        return await ask.answer_or_stream(runtime, project, request, question, divide.solve, DivideAnswer)

    @answers("paths", PathsAnswer, "Paths: which ways lead from, to or through an event or page")
    async def ask_paths(request: Request, question: PathsQuestion, project: Project = reads) -> PathsAnswer | Response:
        return await ask.answer_or_stream(runtime, project, request, question, paths.solve, PathsAnswer)

    @answers("journeys", JourneysAnswer, "Journeys: by length, duration and channels, and the newest")
    async def ask_journeys(
        request: Request, question: JourneysQuestion, project: Project = reads
    ) -> JourneysAnswer | Response:
        return await ask.answer_or_stream(runtime, project, request, question, journeys.solve, JourneysAnswer)

    @answers("retention", RetentionAnswer, "Retention: who comes back, period by period")
    async def ask_retention(
        request: Request, question: RetentionQuestion, project: Project = reads
    ) -> RetentionAnswer | Response:
        return await ask.answer_or_stream(runtime, project, request, question, retention.solve, RetentionAnswer)

    @answers("stickiness", StickinessAnswer, "Stickiness: on how many days, weeks or months customers did something")
    async def ask_stickiness(
        request: Request, question: StickinessQuestion, project: Project = reads
    ) -> StickinessAnswer | Response:
        return await ask.answer_or_stream(runtime, project, request, question, stickiness.solve, StickinessAnswer)

    @answers("lifecycle", LifecycleAnswer, "Life cycle: new, returning, resurrecting and dormant customers by period")
    async def ask_lifecycle(
        request: Request, question: LifecycleQuestion, project: Project = reads
    ) -> LifecycleAnswer | Response:
        return await ask.answer_or_stream(runtime, project, request, question, lifecycle.solve, LifecycleAnswer)

    @answers("trend", TrendAnswer, "Trend: what is measured of events, period by period")
    async def ask_trend(request: Request, question: TrendQuestion, project: Project = reads) -> TrendAnswer | Response:
        return await ask.answer_or_stream(runtime, project, request, question, trend.solve, TrendAnswer)

    @answers("costs", CostsAnswer, "Costs: what advertising cost, and what it brought")
    async def ask_costs(request: Request, question: CostsQuestion, project: Project = reads) -> CostsAnswer | Response:
        return await ask.answer_or_stream(runtime, project, request, question, costs.solve, CostsAnswer)

    @answers("rejected", RejectedAnswer, "Rejected: what could not be used, and why")
    async def ask_rejected(
        request: Request, question: RejectedQuestion, project: Project = reads
    ) -> RejectedAnswer | Response:
        return await ask.answer_or_stream(runtime, project, request, question, rejected.solve, RejectedAnswer)

    @answers("recent", RecentAnswer, "Recent: what arrived last, to look at")
    async def ask_recent(
        request: Request, question: RecentQuestion, project: Project = reads
    ) -> RecentAnswer | Response:
        return await ask.answer_or_stream(runtime, project, request, question, recent.solve, RecentAnswer)

    @answers("catalogue", CatalogueAnswer, "Catalogue: what there is to ask about")
    async def ask_catalogue(
        request: Request, question: CatalogueQuestion, project: Project = reads
    ) -> CatalogueAnswer | Response:
        return await ask.answer_or_stream(runtime, project, request, question, catalogue.solve, CatalogueAnswer)

    @routes.get("/catalogue", operation_id="get_catalogue", summary="Events, their properties and frequent values")
    async def get_catalogue(query: Annotated[CatalogueQuery, Query()], project: Project = reads) -> CatalogueAnswer:
        question = CatalogueQuestion.model_validate(query.model_dump(by_alias=True))
        return await ask.answered(runtime, project, question, catalogue.solve, CatalogueAnswer)

    return routes


def _customers(runtime: Runtime) -> APIRouter:
    routes = of_projects(tags=["customers"])
    reads = Depends(access.reader(runtime))

    @routes.get("/customers", operation_id="find_customers", summary="The customer of a user id or an e-mail address")
    def find_customers(
        user_id: Annotated[str | None, Query(min_length=1, max_length=1000)] = None,
        email: Annotated[str | None, Query(min_length=3, max_length=1000)] = None,
        project: Project = reads,
    ) -> profiles.CustomersFound:
        return profiles.found(ask.asking(runtime, project), user_id, email)

    @routes.get("/customers/{id}", operation_id="get_customer", summary="A customer's profile and timeline")
    def get_customer(
        id: str,
        limit: Annotated[int, Query(ge=1, le=1000, description="events of the timeline")] = 100,
        before: Annotated[str | None, Query(max_length=100, description="`next` of the page before")] = None,
        project: Project = reads,
    ) -> profiles.Profile:
        return profiles.profile(ask.asking(runtime, project), id, limit, before)

    return routes
