"""`wayfare up`: collector, agents, API and page in one process, over an embedded log and store."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli import options
from pipeline.cli.output import out
from pipeline.errors import InvalidSetting
from pipeline.lock import FolderLock, Holder
from pipeline.settings import Settings, variable

if TYPE_CHECKING:
    from pipeline.cli.server import Server

log = logging.getLogger(__name__)

# Python's own 5 ms are what a request would wait whenever the agents calculate beside it: at each of its steps, in the
# server's thread and in the log's.
SWITCH_SECONDS = 0.0005


def up(
    demo: Annotated[bool, typer.Option("--demo", help="Send sample traffic of a made-up shop to itself.")] = False,
    host: Annotated[str | None, typer.Option(help="Address to listen at.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen at; 0 takes a free one.")] = None,
) -> None:
    """Start everything in this process; data stays in the data folder. Ctrl-C ends it."""
    from pipeline.cli.server import run

    settings = options.settings()
    if not settings.embedded:
        raise InvalidSetting(
            f"`up` is for the embedded log and store; with {variable('log')} and {variable('store')} as they are, "
            "start `wayfare serve` and `wayfare worker`",
            field="log",
        )
    settings = replace(settings, host=host or settings.host, port=settings.port if port is None else port)
    run(_up(settings, demo))


async def _up(settings: Settings, demo: bool) -> None:
    from agents.embedded import EmbeddedAgents
    from api.app import create
    from api.runtime import Opened
    from pipeline.cli.server import Server, listen, url_of

    sys.setswitchinterval(SWITCH_SECONDS)
    opened = await asyncio.to_thread(Opened, settings, "up")
    try:
        with listen(settings) as listening:
            agents = EmbeddedAgents(settings, opened.log, opened.store)
            opened.runtime.checks["agents"] = agents.check
            opened.runtime.metrics.append(agents.counters.render)
            url = url_of(settings.host, listening)
            holder = Holder(os.getpid(), "up", url, opened.runtime.local_token, settings.project)
            server = Server(create(opened.runtime), listening)
            try:
                await asyncio.to_thread(agents.start)
                parts = [_watch(agents.check), _tell(server, opened.lock, holder, settings)]
                await server.run_with([*parts, _demo(settings, holder, server)] if demo else parts)
            finally:
                await asyncio.to_thread(agents.stop)
    finally:
        await asyncio.to_thread(opened.close)
    out.print("Ended; the data stays.")


async def _tell(server: "Server", lock: FolderLock, holder: Holder, settings: Settings) -> None:
    await server.listening.wait()
    lock.tell(holder)
    _greet(settings, holder.url)


async def _watch(check: Callable[[], None]) -> None:
    """Looks after the agents; their error ends the process, and the next start goes on where they were."""
    while True:
        await asyncio.sleep(1)
        check()


async def _demo(settings: Settings, holder: Holder, server: "Server") -> None:
    from pipeline.cli.demo import play

    await server.listening.wait()
    await play(settings, holder)


def _greet(settings: Settings, url: str) -> None:
    out.print(f"\n[bold]Wayfare is up[/bold]: {url}\n", soft_wrap=True)
    out.print(f"  data   {', '.join(map(str, settings.folders))}", soft_wrap=True)
    out.print(f"  send   POST {url}/v1/track, with a key of `wayfare key create NAME`", soft_wrap=True)
    out.print(f"  ask    `wayfare ask sessions`, or {url}/docs", soft_wrap=True)
    out.print("  Ctrl-C ends it.\n")
