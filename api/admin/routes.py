"""The routes of administration put together."""

from fastapi import APIRouter

from api.admin import arrivals, costs, installation, keys, projects, proof, replay, webhooks
from api.query.routes import FAILURES
from api.runtime import Runtime

PREFIX = "/api/v1/admin"


def router(runtime: Runtime) -> APIRouter:
    """All routes over one runtime."""
    routes = APIRouter(prefix=PREFIX, tags=["administration"], responses=FAILURES)
    for part in (projects, keys, proof, replay, arrivals, installation, webhooks, costs):
        routes.include_router(part.router(runtime))
    return routes
