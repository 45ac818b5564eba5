"""Where administration is, and who may administer: an admin key its own project, the local token everything."""

from collections.abc import Callable

from fastapi import APIRouter, Request

from api.query.access import Bearer, presented, writer
from api.query.bodies import JsonRoute
from api.query.errors import Unauthorized
from api.query.routers import FAILURES
from api.runtime import Runtime
from pipeline.errors import Forbidden

__all__ = ["administration", "administrator", "operator", "writer"]


def administration(path: str = "", route: type[JsonRoute] = JsonRoute) -> APIRouter:
    """A router of administration."""
    return APIRouter(route_class=route, prefix=f"/api/v1/admin{path}", tags=["administration"], responses=FAILURES)


def operator(runtime: Runtime) -> Callable[..., None]:
    """Dependency: the caller may operate the whole installation."""

    def may_operate(request: Request, _: Bearer) -> None:
        key = _key(runtime, request)
        if key:
            raise Forbidden("this is about the whole installation: use `wayfare` on its machine")

    return may_operate


def administrator(runtime: Runtime) -> Callable[..., None]:
    """Dependency: the caller administers some project at least."""

    def may_look(request: Request, _: Bearer) -> None:
        _key(runtime, request)

    return may_look


def _key(runtime: Runtime, request: Request) -> str:
    """The project of the admin key that came; "" for the local token."""
    key = presented(runtime, request)
    if key is None:
        raise Unauthorized("this needs an admin key: Authorization: Bearer KEY")
    if key.kind != "admin":
        raise Forbidden("this needs an admin key; a read key only asks")
    return key.project
