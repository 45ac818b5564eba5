"""Who may ask: a read or admin key of the project, the local token, a browser's cookie, or this very machine.

Read keys ask; admin keys ask and write. A key belongs to one project, and what another project holds, or whether it
exists, is not told: the refusal is the same. From this machine no key is needed for reading, by setting.
"""

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import Depends, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.query.errors import Unauthorized
from api.query.runtime_port import Runtime
from pipeline.errors import Forbidden, NotFound
from schemas.definitions import Key, Project

COOKIE: Final = "wayfare_key"  # a read key, which the dashboard put there: revoked means out at once
LOOPBACK: Final = frozenset(("127.0.0.1", "::1"))
_LOCAL_NAMES: Final = frozenset(("127.0.0.1", "[::1]", "localhost"))
_PROXIED: Final = ("forwarded", "x-forwarded-for", "x-real-ip")

ProjectName = Annotated[str, Path(max_length=63, description="project's name")]
_bearer = HTTPBearer(auto_error=False, description="a read key (questions) or an admin key of the project")
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def reader(runtime: Runtime) -> Callable[..., Project]:
    """Dependency: the asked project, where the caller may read it."""

    def may_read(project: ProjectName, request: Request, _: Bearer) -> Project:
        return readable(runtime, request, project)

    return may_read


def readable(runtime: Runtime, request: Request, project: str) -> Project:
    """The project as it is now. Unauthorized, Forbidden or NotFound where the caller may not read it, or no longer."""
    key = presented(runtime, request)
    if key is None and not is_local(runtime, request):
        raise Unauthorized("this needs a read key: Authorization: Bearer KEY")
    if key is not None:
        _belongs(key, project)
    return _existing(runtime, project)


def writer(runtime: Runtime) -> Callable[..., Project]:
    """Dependency: the asked project, where the caller may change its definitions."""

    def may_write(project: ProjectName, request: Request, _: Bearer) -> Project:
        key = presented(runtime, request)
        if key is None:
            raise Unauthorized("this needs an admin key: Authorization: Bearer KEY")
        _belongs(key, project)
        if key.kind != "admin":
            raise Forbidden("this needs an admin key; a read key only asks")
        return _existing(runtime, project)

    return may_write


def presented(runtime: Runtime, request: Request) -> Key | None:
    """The read or admin key that came with the request; None where none came. Unauthorized for one that is none."""
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, secret = header.partition(" ")
        key = runtime.key(secret.strip()) if scheme.lower() == "bearer" else None
    elif COOKIE in request.cookies:
        key = runtime.key(request.cookies[COOKIE])
        if key is not None and key.kind != "read":
            key = None  # a browser sends cookies along unasked: nothing that may write is taken from one
    else:
        return None
    if key is None:
        raise Unauthorized("this key is unknown or revoked; give a read or admin key: Authorization: Bearer KEY")
    if key.kind == "write":
        raise Forbidden("a write key only sends events; questions need a read key")
    if key.kind == "bi":
        raise Forbidden("a bi key opens /bi/ only; questions need a read key")
    return key


def is_local(runtime: Runtime, request: Request) -> bool:
    """Whether the request comes from this machine itself and this machine needs no key.

    A name in Host that is not this machine's own is another site's page (DNS rebinding); what a proxy of this machine
    passes on is not of this machine.
    """
    if not runtime.settings.open_loopback or request.client is None or request.client.host not in LOOPBACK:
        return False
    host = request.headers.get("host", "")
    name = host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
    return name.lower() in _LOCAL_NAMES and not any(header in request.headers for header in _PROXIED)


def _belongs(key: Key, project: str) -> None:
    if key.project not in ("", project):
        raise Forbidden("this key does not open this project")


def _existing(runtime: Runtime, project: str) -> Project:
    found = runtime.definitions.snapshot().projects.get(project)
    if found is None:
        raise NotFound("there is no such project")
    return found
