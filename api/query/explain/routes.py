"""`POST .../questions/NAME/explain`: who is behind a number of an answer; as CSV, JSON lines or Parquet all of them."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from fastapi import APIRouter, Depends, Request, Response

from api.query import access, ask, export, flights
from api.query.explain.answer import Explain, ExplainQuestion, Explanation, explained, explained_customer, records
from api.query.explain.cases import Cases
from api.query.explain.of_divide import DivideCell, of_divide
from api.query.explain.of_drop_off import DropOffCell, of_drop_off
from api.query.explain.of_drop_points import DropPointsCell, of_drop_points
from api.query.explain.of_funnel import FunnelCell, of_funnel
from api.query.explain.of_journeys import JourneysCell, of_journeys
from api.query.explain.of_lifecycle import LifecycleCell, of_lifecycle
from api.query.explain.of_paths import PathsCell, of_paths
from api.query.explain.of_retention import RetentionCell, of_retention
from api.query.explain.of_sessions import BounceCell, SessionsCell, of_bounce, of_sessions
from api.query.explain.of_stickiness import StickinessCell, of_stickiness
from api.query.explain.of_trend import TrendCell, of_trend
from api.query.questions import segments
from api.query.questions.bounce import BounceQuestion
from api.query.questions.divide import DivideQuestion
from api.query.questions.drop_off import DropOffQuestion
from api.query.questions.drop_points import DropPointsQuestion
from api.query.questions.funnel import FunnelQuestion
from api.query.questions.journeys import JourneysQuestion
from api.query.questions.lifecycle import LifecycleQuestion
from api.query.questions.model import Asking
from api.query.questions.paths import PathsQuestion
from api.query.questions.retention import RetentionQuestion
from api.query.questions.sessions import SessionsQuestion
from api.query.questions.stickiness import StickinessQuestion
from api.query.questions.trend import TrendQuestion
from api.query.routers import of_projects
from api.query.runtime_port import Runtime
from pipeline.store.port import Stop
from schemas.definitions import Project

T = TypeVar("T")


class Explainable(NamedTuple):
    """A question whose numbers can be explained."""

    question: Any
    cell: Any
    cases: Callable[[Asking, Any, Any], Cases]


EXPLAINABLE = {
    "sessions": Explainable(SessionsQuestion, SessionsCell, of_sessions),
    "bounce": Explainable(BounceQuestion, BounceCell, of_bounce),
    "drop_points": Explainable(DropPointsQuestion, DropPointsCell, of_drop_points),
    "funnel": Explainable(FunnelQuestion, FunnelCell, of_funnel),
    "divide": Explainable(DivideQuestion, DivideCell, of_divide),
    "drop_off": Explainable(DropOffQuestion, DropOffCell, of_drop_off),
    "paths": Explainable(PathsQuestion, PathsCell, of_paths),
    "journeys": Explainable(JourneysQuestion, JourneysCell, of_journeys),
    "retention": Explainable(RetentionQuestion, RetentionCell, of_retention),
    "stickiness": Explainable(StickinessQuestion, StickinessCell, of_stickiness),
    "lifecycle": Explainable(LifecycleQuestion, LifecycleCell, of_lifecycle),
    "trend": Explainable(TrendQuestion, TrendCell, of_trend),
}
_TABLES_TOO: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A page of customers; as CSV, JSON lines or Parquet all of them.",
        "content": export.CONTENT,
    }
}


def router(runtime: Runtime) -> APIRouter:
    routes = of_projects(tags=["questions"])
    for name, one in EXPLAINABLE.items():
        _add(routes, runtime, name, one)
    return routes


def _add(routes: APIRouter, runtime: Runtime, name: str, one: Explainable) -> None:
    body = Explain[one.question, one.cell]  # type: ignore[name-defined]
    reads = Depends(access.reader(runtime))

    @routes.post(
        f"/questions/{name}/explain",
        operation_id=f"explain_{name}",
        summary=f"Who is behind a number of `{name}`, and why",
        response_model=Explanation,
        responses=_TABLES_TOO,
    )
    async def explain(request: Request, asked: body, project: Project = reads) -> Any:
        media = export.wanted(request)
        try:
            if media:
                cases = await _shared(request, runtime, project, one, asked, _cases)
                return export.sent(records(cases), media, f"{name}-customers")
            return await _shared(request, runtime, project, one, asked, _explain)
        except flights.ClientGone:
            return Response(status_code=ask.GONE)


async def _shared(
    request: Request,
    runtime: Runtime,
    project: Project,
    one: Explainable,
    asked: Any,
    work: Callable[[Runtime, Project, Explainable, Any, Stop], T],
) -> T:
    """As answers are: worked out once for all who ask the same at once, and ended when nobody waits any more."""
    known = runtime.definitions.snapshot().version
    key = id(runtime), project, known, work, one.cases, asked.model_dump_json(by_alias=True)
    return await flights.heard(request, flights.shared(key, lambda stop: work(runtime, project, one, asked, stop)))


def _cases(runtime: Runtime, project: Project, one: Explainable, asked: Any, stop: Stop) -> Cases:
    asking = ask.asking(runtime, project, stop)
    question = ask.in_zone(asked.question, project)
    with ask.too_large_told():
        return one.cases(ask.about(asking, question), question, asked.cell)


def _explain(runtime: Runtime, project: Project, one: Explainable, asked: Any, stop: Stop) -> Explanation:
    until = ask.data_until(runtime)
    asking = ask.asking(runtime, project, stop)
    question = ask.in_zone(asked.question, project)
    with ask.too_large_told():
        cases = one.cases(ask.about(asking, question), question, asked.cell)
        if asked.customer is None:
            result = explained(asking, cases, asked.limit, asked.after)
        else:
            result = explained_customer(asking, cases, asked.customer, asked.before)
    told = ExplainQuestion[Any, Any](question=question, cell=asked.cell, customer=asked.customer)
    looked_at = segments.versions(asking, list(asking.memberships))
    definitions, warnings = ask.versions(runtime, asking, cases.definitions | looked_at, until)
    return Explanation(question=told, definitions=definitions, data_until=until, warnings=warnings, result=result)
