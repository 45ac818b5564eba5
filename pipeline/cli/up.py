"""`wayfare up`: collector, agents, API and page in one process, over an embedded log and store."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Any

import typer
import uvicorn

from pipeline.cli import options
from pipeline.cli.output import out
from pipeline.errors import InvalidSetting, UserMistake
from pipeline.lock import FolderLock, Holder
from pipeline.settings import Settings, variable

log = logging.getLogger(__name__)
GRACE_SECONDS = 5  # for requests and streams that are under way when it ends


def up(
    demo: Annotated[bool, typer.Option("--demo", help="Send sample traffic of a made-up shop to itself.")] = False,
    host: Annotated[str | None, typer.Option(help="Address to listen at.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen at; 0 takes a free one.")] = None,
) -> None:
    """Start everything in this process; data stays in the data folder. Ctrl-C ends it."""
    settings = options.settings()
    if not settings.embedded:
        raise InvalidSetting(
            f"`up` is for the embedded log and store; with {variable('log')} and {variable('store')} as they are, "
            "start `wayfare serve` and `wayfare worker`",
            field="log",
        )
    settings = replace(settings, host=host or settings.host, port=settings.port if port is None else port)
    asyncio.run(_up(settings, demo))


async def _up(settings: Settings, demo: bool) -> None:
    from agents.embedded import EmbeddedAgents
    from api.app import create
    from api.runtime import Opened

    opened = await asyncio.to_thread(Opened, settings, "up")
    try:
        listening = _listen(settings)
        agents = EmbeddedAgents(settings, opened.log, opened.store)
        opened.runtime.checks["agents"] = agents.check
        server = _Server(
            uvicorn.Config(
                create(opened.runtime),
                lifespan="on",
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        url = _url(settings.host, listening)
        holder = Holder(os.getpid(), "up", url, opened.runtime.local_token, settings.project)
        with _ending(server):
            try:
                await asyncio.to_thread(agents.start)
                parts = [_watch(agents.check), _tell(server, opened.lock, holder, settings)]
                if demo:
                    parts.append(_demo(settings, holder, server))
                await _serve(server, listening, parts)
            finally:
                listening.close()
                await asyncio.to_thread(agents.stop)
    finally:
        await asyncio.to_thread(opened.close)
    out.print("Ended; the data stays.")


async def _serve(server: "_Server", listening: socket.socket, beside: list[Coroutine[Any, Any, None]]) -> None:
    """Serves until a signal, or until a part beside it has died: its error is raised."""
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    parts = [asyncio.create_task(part) for part in beside]
    running = {serving, *parts}
    while serving in running and not any(part.done() and part.exception() for part in parts):
        _, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    for part in parts:
        part.cancel()
    for outcome in await asyncio.gather(serving, *parts, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome


async def _tell(server: "_Server", lock: FolderLock, holder: Holder, settings: Settings) -> None:
    await server.listening.wait()
    lock.tell(holder)
    _greet(settings, holder.url)


async def _watch(check: Callable[[], None]) -> None:
    """Looks after the agents; their error ends the process, and the next start goes on where they were."""
    while True:
        await asyncio.sleep(1)
        check()


async def _demo(settings: Settings, holder: Holder, server: "_Server") -> None:
    from pipeline.cli.demo import play

    await server.listening.wait()
    await play(settings, holder)


class _Server(uvicorn.Server):
    """Leaves signals to us, and tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.listening.set()


class _ending:
    """SIGINT and SIGTERM end the server cleanly; the same again at once."""

    def __init__(self, server: _Server) -> None:
        self._server = server

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._end)

    def __exit__(self, *_: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().remove_signal_handler(number)

    def _end(self) -> None:
        if self._server.should_exit:
            self._server.force_exit = True
        self._server.should_exit = True


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        told = f"{settings.host}:{settings.port} cannot be listened at ({error.strerror}): give another --port"
        raise UserMistake(told, field="port") from error
    return listening


def _url(host: str, listening: socket.socket) -> str:
    """Where this machine reaches the socket."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{name}:{listening.getsockname()[1]}"


def _greet(settings: Settings, url: str) -> None:
    out.print(f"\n[bold]Wayfare is up[/bold]: {url}\n", soft_wrap=True)
    out.print(f"  data   {', '.join(map(str, settings.folders))}", soft_wrap=True)
    out.print(f"  send   POST {url}/v1/track, with a key of `wayfare key create NAME`", soft_wrap=True)
    out.print(f"  ask    `wayfare ask sessions`, or {url}/docs", soft_wrap=True)
    out.print("  Ctrl-C ends it.\n")
