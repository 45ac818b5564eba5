"""The HTTP server of `up` and `serve`: it tells when it listens, and ends cleanly and soon on SIGINT and SIGTERM."""

import asyncio
import signal
import socket
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
import uvloop

from api.app import App, settle
from api.collect.protocol import protocol_of
from pipeline.errors import UserMistake
from pipeline.settings import Settings

GRACE_SECONDS = 5  # for requests that are under way when it ends; live streams end at once


class Server(uvicorn.Server):
    """Serves an app on a socket. A signal ends it, the same signal again ends it at once."""

    def __init__(self, app: App, listening: socket.socket) -> None:
        proxies = app.runtime.settings.trusted_proxies
        config = uvicorn.Config(
            app,
            http=protocol_of(app.take),
            lifespan="on",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=proxies,
        )
        super().__init__(config)
        self._app, self._socket = app, listening
        self.listening, self._ending = asyncio.Event(), asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop, numbers = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)
        for number in numbers:
            loop.add_signal_handler(number, self._end)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            settle()
            self.listening.set()

    async def run_with(self, beside: list[Coroutine[Any, Any, None]]) -> None:
        """Serves until a signal, or until a part beside it has died: its error is raised."""
        serving = asyncio.create_task(self.serve(sockets=[self._socket]))
        parts = [asyncio.create_task(part) for part in beside]
        ending = asyncio.create_task(self._ending.wait())
        running: set[asyncio.Task[Any]] = {serving, ending, *parts}
        while {serving, ending} <= running and not any(part.done() and part.exception() for part in parts):
            _, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for part in (ending, *parts):
            part.cancel()
        self._app.end()
        self.should_exit = True
        for outcome in await asyncio.gather(serving, *parts, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    def _end(self) -> None:
        if self._ending.is_set():
            self.force_exit = True
        self._ending.set()


def run(main: Coroutine[Any, Any, None]) -> None:
    """asyncio.run on uvloop. Only this loop: other threads, such as the agents' in `up`, keep asyncio's."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


def listen(settings: Settings) -> socket.socket:
    """A socket bound to host and port of the settings. Raises UserMistake where the port is taken."""
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


def url_of(host: str, listening: socket.socket) -> str:
    """Where this machine reaches the socket."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{name}:{listening.getsockname()[1]}"
