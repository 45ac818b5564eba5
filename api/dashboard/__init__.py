"""The page at `/`: static files of this package, without a build step and without a request to anywhere else.

`dashboard_app()` serves them; it is mounted last, at `/`. `api.dashboard.session` holds the routes by which a browser
exchanges a read key for a cookie.
"""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

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


def dashboard_app() -> StaticFiles:
    """ASGI app of the page's files, for a mount at `/`."""
    return Page(packages=[(__name__, "page")], html=True)


class Page(StaticFiles):
    """Static files with the headers that keep the page to itself."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 404:  # never in Starlette's own words: every error has one shape
            raise HTTPException(404)
        response.headers.update(HEADERS)
        return response
