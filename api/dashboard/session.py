"""The browser's session: a read key typed once, kept in a cookie that scripts cannot read.

    GET    /api/v1/session    which projects this browser may read, and whether it needs a key first
    POST   /api/v1/session    {"key": "..."}: takes a read key
    DELETE /api/v1/session    forgets it

The cookie holds the key itself, so it opens one project, every process of the API understands it, and a revoked key
is out at once. It leaves with no request that another site begins (SameSite=Strict).
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.query import access
from api.query.bodies import JsonRoute
from api.query.errors import Unauthorized
from api.query.routers import FAILURES
from api.query.runtime_port import Runtime
from pipeline.errors import Forbidden

DAYS: Final = 30  # then the key has to be typed again
REFUSALS: Final[dict[int | str, dict[str, Any]]] = {status: FAILURES[status] for status in (401, 403, 413, 422)}


class SignIn(BaseModel):
    """A read key of the project to look at."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, Field(min_length=1, max_length=200)]


class ReadableProject(BaseModel):
    name: str
    zone: str = Field(description="IANA zone of its days")
    currency: str


class BrowserSession(BaseModel):
    """What this browser may look at."""

    needs_key: bool = Field(default=False, description="nothing can be read before a key is given")
    signed_in: bool = Field(description="by a key; false: on this machine itself, which needs none")
    projects: list[ReadableProject]


def router(runtime: Runtime) -> APIRouter:
    """The three routes."""
    routes = APIRouter(route_class=JsonRoute, prefix="/api/v1/session", tags=["session"])

    @routes.get("", operation_id="get_session", summary="Which projects this browser may read")
    def session(request: Request, response: Response) -> BrowserSession:
        secret = request.cookies.get(access.COOKIE)
        project = _opens(runtime, secret) if secret is not None else None
        if project is not None:
            return _session(runtime, project, signed_in=True)
        if secret is not None:
            _forget(response, request)  # a revoked key must not shut out who needs none
        if access.is_local(runtime, request):
            return _session(runtime, "", signed_in=False)
        return BrowserSession(needs_key=True, signed_in=False, projects=[])

    @routes.post("", operation_id="sign_in", summary="Exchange a read key for a cookie", responses=REFUSALS)
    def sign_in(given: SignIn, request: Request, response: Response) -> BrowserSession:
        project = _opens(runtime, given.key.strip())
        if project is None:
            key = runtime.key(given.key.strip())
            if key is None:
                raise Unauthorized("this key is unknown or revoked")
            raise Forbidden(f"this is {_article(key.kind)} key; the page takes a read key")
        response.set_cookie(
            access.COOKIE,
            given.key.strip(),
            max_age=DAYS * 86_400,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return _session(runtime, project, signed_in=True)

    @routes.delete("", operation_id="sign_out", status_code=204, summary="Forget the key")
    def sign_out(request: Request, response: Response) -> None:
        _forget(response, request)

    return routes


def _opens(runtime: Runtime, secret: str) -> str | None:
    """The project that this read key opens; None where it is no read key."""
    key = runtime.key(secret)
    return key.project if key is not None and key.kind == "read" else None


def _session(runtime: Runtime, only: str, *, signed_in: bool) -> BrowserSession:
    """`only`: one project's name; "" = all."""
    projects = runtime.definitions.snapshot().projects
    return BrowserSession(
        signed_in=signed_in,
        projects=[
            ReadableProject(name=each.name, zone=each.zone, currency=each.currency)
            for name, each in sorted(projects.items())
            if only in ("", name)
        ],
    )


def _forget(response: Response, request: Request) -> None:
    response.delete_cookie(access.COOKIE, httponly=True, samesite="strict", secure=request.url.scheme == "https")


def _article(kind: str) -> str:
    return f"an {kind}" if kind[:1] in "aeiou" else f"a {kind}"
