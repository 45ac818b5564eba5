"""The agents inside another program: the Faust app in a thread with a loop of its own."""

import asyncio
import logging
import threading
from concurrent.futures import Future

from agents.app import build
from agents.counters import Counters
from agents.crew import Crew
from pipeline.errors import Fault
from pipeline.log.port import Log
from pipeline.settings import Settings
from pipeline.store.port import Store

log = logging.getLogger(__name__)
START_SECONDS, STOP_SECONDS = 60, 20


class EmbeddedAgents:
    """`start` and `stop` block; `check` raises what has ended the agents, if anything has."""

    def __init__(self, settings: Settings, log_port: Log, store: Store) -> None:
        self._settings, self._log, self._store = settings, log_port, store
        self._error: BaseException | None = None
        self._started: Future[None] = Future()
        self._ended = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self.counters = Counters()
        self._thread = threading.Thread(target=self._run, name="agents", daemon=True)

    def start(self) -> None:
        """Returns once the agents take turns."""
        self._thread.start()
        self._started.result(START_SECONDS)

    def stop(self) -> None:
        """What is not acknowledged by then is delivered again at the next start."""
        if self._loop is not None and self._end is not None and not self._ended.is_set():
            self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(STOP_SECONDS)

    def check(self) -> None:
        if self._error is not None:
            raise Fault(f"the agents have ended: {self._error}", code="agents_ended") from self._error

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001 - told by `check`, which ends the process
            self._fail(error)
        finally:
            self._ended.set()

    def _fail(self, error: BaseException) -> None:
        self._error = self._error or error
        if not self._started.done():
            self._started.set_exception(error)
        if self._loop is not None and self._end is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self._end.set)

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        app = build(self._settings)
        crew = Crew(app, self._settings, self._log, self._store, self._fail)
        crew.ports.counters = self.counters
        await app.start()
        try:
            ready = asyncio.create_task(crew.ready.wait())
            ended = asyncio.create_task(self._end.wait())
            await asyncio.wait({ready, ended}, return_when=asyncio.FIRST_COMPLETED)
            ready.cancel()
            if not self._started.done():
                self._started.set_result(None)
            await ended
        finally:
            await app.stop()
