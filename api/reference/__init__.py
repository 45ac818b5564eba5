"""The API's reference at `/docs`: Swagger UI over `/openapi.json`, from this process alone.

FastAPI's own page loads Swagger UI from another host: blank on a private network, and elsewhere that host learns who
reads it. Here the files are those of the package fastapi-offline, and the page's policy lets in nothing from elsewhere.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles

from api.dashboard import HEADERS

PATH: Final = "/docs"
OWN: Final = (__name__, "page")
SWAGGER: Final = ("fastapi_offline", "static")
FILES: Final = {  # path -> package and folder, file. Next to the page: behind a proxy it may lie in a folder
    PATH: (OWN, "docs.html"),
    f"{PATH}.js": (OWN, "docs.js"),
    f"{PATH}.swagger-ui-bundle.js": (SWAGGER, "swagger-ui-bundle.js"),
    f"{PATH}.swagger-ui.css": (SWAGGER, "swagger-ui.css"),
}
# Swagger UI's styles hold their pictures, and it writes markup: of the schema, which is this process's own.
POLICY: Final = "; ".join((
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
))  # fmt: skip


def install(app: FastAPI) -> None:
    """Adds a route for each of FILES."""
    for path, (package, name) in FILES.items():
        app.add_route(path, _answer(StaticFiles(packages=[package]), name), include_in_schema=False)


def _answer(files: StaticFiles, name: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        response = await files.get_response(name, request.scope)
        response.headers.update(HEADERS | {"Content-Security-Policy": POLICY})
        return response

    return answer
