"""The page at `/`: static files of this package, without a build step and without a request to anywhere else.

`install(app)` has them served. `api.dashboard.session` holds the routes by which a browser exchanges a read key for a
cookie.
"""

from collections.abc import Awaitable, Callable
from importlib import resources
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles

# Nothing inline, nothing from elsewhere, and no text that becomes markup: what events hold is hostile.
POLICY: Final = "; ".join((
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
))  # fmt: skip
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # The files' names never change, so a browser asks each time; unchanged ones are answered with 304.
    "Cache-Control": "no-cache",
}


def install(app: FastAPI) -> None:
    """Adds a route for every file of the page, `/` for index.html.

    Routes, and no mount at `/`: it would answer in the place of the API's 404 and 405.
    """
    files = StaticFiles(packages=[(__name__, "page")])
    for name in sorted(each.name for each in resources.files(__name__).joinpath("page").iterdir()):
        path = "/" if name == "index.html" else f"/{name}"
        app.add_route(path, _answer(files, name), include_in_schema=False)


def _answer(files: StaticFiles, name: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        response = await files.get_response(name, request.scope)
        response.headers.update(HEADERS)
        return response

    return answer
