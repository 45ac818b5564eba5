"""Routers of a part of the API, each with the whole of its path, and many put together as one list.

FastAPI's own way to put routers into one another works each route out once more where it is put, and seeks a request's
route level by level: that was half a second of every command's start, and most of what a small request cost.
"""

from typing import Any

from fastapi import APIRouter

from api.query.bodies import JsonRoute
from api.query.errors import ErrorAnswer

# A model makes FastAPI build a reader of it for each route and status; one status is enough to have it in the schema.
_ERROR: dict[str, Any] = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorAnswer"}}}}
FAILURES: dict[int | str, dict[str, Any]] = {
    400: {**_ERROR, "description": "it cannot be done so; `message` says what would be right"},
    401: {**_ERROR, "description": "no key, or one that is unknown or revoked"},
    403: {**_ERROR, "description": "the key does not open this project, or not for this"},
    404: {**_ERROR, "description": "there is no such thing"},
    413: {**_ERROR, "description": "the body is larger than a request may be"},
    422: {"model": ErrorAnswer, "description": "something in the request is wrong; `field` says what"},
    503: {**_ERROR, "description": "the store or the log is away; try again"},
}


def of_projects(path: str = "", *, tags: list[str]) -> APIRouter:
    """A router of JSON routes under a project."""
    return APIRouter(
        route_class=JsonRoute, prefix=f"/api/v1/projects/{{project}}{path}", tags=[*tags], responses=FAILURES
    )


def joined(*parts: APIRouter) -> APIRouter:
    """All routes of the parts, in their order."""
    whole = APIRouter()
    for part in parts:
        whole.routes.extend(part.routes)
    return whole
