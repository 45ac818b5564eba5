"""The routes of administration put together."""

from fastapi import APIRouter

from api.admin import arrivals, costs, installation, keys, projects, proof, replay, webhooks
from api.query.routers import joined
from api.runtime import Runtime


def router(runtime: Runtime) -> APIRouter:
    """All routes over one runtime."""
    parts = (projects, keys, proof, replay, arrivals, installation, webhooks, costs)
    return joined(*(part.router(runtime) for part in parts))
