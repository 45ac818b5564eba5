"""The ASGI app of a process: the collector bare, everything else FastAPI.

uvicorn api.app:app          settings from the environment, log and store opened at startup
create(runtime)              for a process that has opened them already
"""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI

from api import admin, bi, dashboard, health, query, reference, snippet
from api.collect.admission import Admission
from api.collect.answers import Answer
from api.collect.asgi import Collector
from api.collect.client_settings import SOURCE_CONFIG
from api.collect.clock import Clock
from api.collect.consent import Policies
from api.collect.counters import Counters
from api.collect.limits import Limits
from api.dashboard import session
from api.protocols import door as trackers
from api.query import errors
from api.query.routers import joined
from api.runtime import Opened, Runtime
from api.snippet import cookie, surveys
from pipeline import allocator, open_files
from pipeline.settings import load

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

COLLECTED = ("/v1/", "/webhooks/", SOURCE_CONFIG)
DESCRIPTION = """Customer journeys, sessions and funnels, while they happen.

A question is one JSON object; its answer echoes it with every default filled in, and says up to when data is complete
(`data_until`). Keys: `Authorization: Bearer KEY`. Times are UTC milliseconds, money is in millionths (`*_micros`), ids
are strings of 16 hex digits."""


class App:
    """Sends what is collected to the collector and everything else to FastAPI; the lifespan is the runtime's."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.counters = Counters()
        self._collector: Collector | None = None
        self._is_ending = False
        self._fastapi = _fastapi(runtime, self.counters, self._lifespan)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (scope["path"].startswith(COLLECTED) or trackers.asked_of(scope["path"])):
            if self._collector is None:
                raise RuntimeError("the app's lifespan has not been started")
            await self._collector(scope, receive, send)
        else:
            await self._fastapi(scope, self._until_the_end(receive), send)

    def take(self, scope: Scope, peer: str, body: bytes, tell: Callable[[Answer], None]) -> bool:
        """Collector.take, while there is one."""
        return self._collector is not None and self._collector.take(scope, peer, body, tell)

    def end(self) -> None:
        """Live streams see their clients as gone from now on, so that the server need not wait for them."""
        self._is_ending = True

    def _until_the_end(self, receive: Receive) -> Receive:
        async def received() -> Any:
            return {"type": "http.disconnect"} if self._is_ending else await receive()

        return received

    @asynccontextmanager
    async def running(self) -> AsyncIterator["App"]:
        """Starts and stops the app where no server runs its lifespan."""
        async with self._lifespan(self._fastapi):
            yield self

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        async with self.runtime.running() as runtime:
            self._collector = _collector(runtime, self.counters)
            clock = Clock(runtime.writer, runtime.topic, every_s=runtime.settings.clock_seconds, counters=self.counters)
            ticking = asyncio.create_task(clock.run())
            try:
                yield
            finally:
                await self._collector.close()
                ticking.cancel()
                await asyncio.gather(ticking, return_exceptions=True)
                self._collector = None


def create(runtime: Runtime) -> App:
    """The app over a runtime that its caller has opened, and closes. The app's lifespan starts and stops it."""
    return App(runtime)


def settle() -> None:
    """Tells the garbage collector of a server's process that what is loaded by now stays, and to look more rarely: with
    some hundred requests under way it else looked through all modules again and again. The allocator is told to keep
    what it has, and the system that clients may be many.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    allocator.keep()
    open_files.raise_limit()


def _quiet_access_log() -> None:
    """A server that is started by hand prints each request's address and query, where pixels and webhooks have their
    write key. Started by `wayfare` it has no such log.
    """
    logging.getLogger("uvicorn.access").disabled = True


class Lazy:
    """The app that reads the settings and opens log and store when the server starts it."""

    def __init__(self) -> None:
        self._app: App | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            _quiet_access_log()
            opened = await asyncio.to_thread(Opened, load(), "serve")
            self._app = create(opened.runtime)
            settle()
            try:
                await self._app(scope, receive, send)
            finally:
                self._app = None
                await asyncio.to_thread(opened.close)
        elif self._app is None:
            raise RuntimeError("the server has to run the app's lifespan: uvicorn --lifespan on")
        else:
            await self._app(scope, receive, send)


app = Lazy()


def _collector(runtime: Runtime, counters: Counters) -> Collector:
    settings, definitions = runtime.settings, runtime.definitions
    return Collector(
        keys=runtime.key,
        has_project=lambda name: name in definitions.snapshot().projects,
        writer=runtime.writer,
        topic=runtime.topic,
        places=runtime.place,
        limits=Limits(
            body=settings.max_body_bytes, import_body=settings.max_import_bytes, event=settings.max_event_bytes
        ),
        counters=counters,
        mappings=lambda project, name: next(
            (one.mapping for one in definitions.snapshot().webhooks.get(project, ()) if one.name == name), None
        ),
        signers=lambda name: definitions.snapshot().signers.get(name),
        admission=Admission(
            settings.key_rate,
            settings.address_rate,
            policies=Policies(definitions.snapshot).of,
            salt=runtime.salt,
        ),
    )


def _fastapi(runtime: Runtime, counters: Counters, lifespan: Callable[[FastAPI], Any]) -> FastAPI:
    built = FastAPI(
        title="Wayfare",
        version=version("wayfare"),
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # its pages load from other hosts: api.reference has the one at /docs
        redoc_url=None,
    )
    errors.install(built)
    parts = [health.router(runtime, counters), query.router(runtime), admin.router(runtime), session.router(runtime)]
    parts += [surveys.router(runtime), bi.router(runtime)]
    built.router.routes.extend(joined(*parts).routes)
    snippet.install(built)
    cookie.install(built)
    surveys.install(built, runtime)
    dashboard.install(built)
    reference.install(built)
    return built
