"""The tracker: JavaScript for a visitor's browser, in one line of a site's HTML.

    /wayfare.js         core.js, what visitors do without a call, further domains, the rest of Segment's calls
    /wayfare.core.js    core.js alone
    /analytics.js/v1/{write key}/analytics.min.js    the first, where Segment's own snippet looks for its client
    /wayfare.{part}.js  what the tracker loads when it is wanted: vitals, consent managers, surveys and more

`install(app)` has them served: without their comments and spaces, packed, to be asked for again after ten minutes.
"""

import gzip
import hashlib
from collections.abc import Awaitable, Callable
from functools import cache
from importlib import resources
from typing import Final, NamedTuple
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from rjsmin import jsmin

from api.snippet.shortened import shortened

WHOLE: Final = ("core", "crossing", "autocapture", "pages", "segment")
CORE: Final = ("core",)
LOADED: Final = (  # modules
    ("visit", "backs", "vitals"), ("consent",), ("surveys",), ("survey",), ("cookie",), ("leading",),
)  # fmt: skip
# Chromium then makes every function ready at once, and not one after another when it is called first: a third less time
# for a page that has not had the tracker before. Other browsers read a comment.
AT_ONCE: Final = "//# allFunctionsCalledOnLoad\n"
SEGMENTS: Final = "/analytics.js/v1/{key}"
PATHS: Final = {
    "/wayfare.js": WHOLE,
    "/wayfare.core.js": CORE,
    f"{SEGMENTS}/analytics.min.js": WHOLE,
} | {f"{folder}/wayfare.{parts[0]}.js": parts for folder in ("", SEGMENTS) for parts in LOADED}
HEADERS: Final = {
    "Content-Type": "text/javascript; charset=utf-8",
    "Cache-Control": "public, max-age=600, stale-while-revalidate=86400",
    "Access-Control-Allow-Origin": "*",  # pages may ask with crossorigin, to check it or to see its errors
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Timing-Allow-Origin": "*",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}


class Script(NamedTuple):
    plain: bytes
    packed: bytes  # gzip
    tag: str  # ETag; weak, as it names both forms


@cache
def script(parts: tuple[str, ...]) -> Script:
    """One script of some of the parts: each is a function, and the first is called with the others.

    One of LOADED is a module that gives its function, or what the first gives when it is called so. The others are not
    strict: where a page has frozen what they would set, they go on without.
    """
    folder = resources.files(__name__)
    first, *others = [
        jsmin(folder.joinpath(f"{part}.js").read_text("utf-8")).replace(f"function {part}(", "function(", 1)
        for part in parts
    ]
    called = f"({first})({','.join(others)})"
    module = f"export default {called if others else first}\n"
    text = module if parts in LOADED else called + ";\n"
    plain = (AT_ONCE + shortened(text)).encode()
    name = hashlib.sha256(plain).hexdigest()[:20]
    return Script(plain, gzip.compress(plain, 9, mtime=0), f'W/"{name}"')


def line(url: str, key: str) -> str:
    """The line that a site takes into its HTML. `url` is where its visitors reach the collector."""
    return f'<script async src="{url.rstrip("/")}/wayfare.js" data-key="{quote(key, safe="")}"></script>'


def install(app: FastAPI) -> None:
    """Adds a route for each of PATHS."""
    for path, parts in PATHS.items():
        app.add_route(path, _answer(parts), include_in_schema=False)


def _answer(parts: tuple[str, ...]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        found = script(parts)
        headers = HEADERS | {"ETag": found.tag}
        if found.tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(found.packed, headers=headers | {"Content-Encoding": "gzip"})
        return Response(found.plain, headers=headers)

    return answer
