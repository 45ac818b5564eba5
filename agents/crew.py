"""The three agents of one worker on a Faust app: who reads which topic, and what they stand on."""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable
from typing import Any

from mode import Service

from agents.health import ailments
from agents.identity import IdentityAgent
from agents.journeys import JourneysAgent
from agents.ports import Ports
from agents.sessions import SessionsAgent
from agents.turns import Turns, Work
from pipeline.errors import Fault
from pipeline.log.faust_app import WayfareApp, send
from pipeline.log.port import Log
from pipeline.settings import Settings
from pipeline.store.definitions import Definitions
from pipeline.store.facts import Facts
from pipeline.store.port import Store
from schemas.log import CHANGES, EVENTS, PAIRS, TOPICS

log = logging.getLogger(__name__)

PAUSES = {EVENTS: 0.0, CHANGES: 0.2, PAIRS: 0.1}  # a customer that changes again meanwhile is stitched once
RESTS = {EVENTS: 0.0, CHANGES: 1.0, PAIRS: 1.0}
INSERT_SECONDS = 10.0  # what an insert may take from the fence on
WATCH_SECONDS = 10.0
DROPPED_SECONDS = 300.0
MOVING_LOOKS = 3  # by then whoever sent to the older topics has been seen to have stopped


class Crew:
    """Sessions, journeys and identity; each takes turns of its own, in order, one at a time."""

    def __init__(
        self, app: WayfareApp, settings: Settings, log_port: Log, store: Store, fail: Callable[[BaseException], None]
    ) -> None:
        self.app, self.settings, self.log_port = app, settings, log_port
        self.generation = app.generation = log_port.reading()
        self.definitions = Definitions(store)
        self.fail = fail
        self.partitions: dict[str, int] = {}
        self.ports = Ports(
            facts=Facts(store),
            definitions=self.definitions,
            send=lambda topic, partition, value: send(app, topic, partition, value),
            partitions=self._partitions,
            now=lambda: time.time_ns() // 1_000_000,
            generation=lambda: self.generation,
            worker=f"{socket.gethostname()}:{os.getpid()}",
            silence=lambda: app.heartbeat_age,
            session_timeout=settings.session_timeout_seconds,
            # the embedded log has one worker, and a lock that the next one waits for
            sweep_after=None
            if settings.log.startswith("sqlite:")
            else settings.session_timeout_seconds + INSERT_SECONDS,
        )
        self.turns: dict[str, Turns] = {}
        self.ready = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        for topic in (EVENTS, CHANGES, PAIRS):
            self._agent(topic)
        app.assignments.subscribe(on_revoked=self._revoked)
        app.service(self._service())

    def _service(self) -> type[Service]:
        """Starts and stops the crew with the app; what readers are given before waits for `ready`."""
        crew = self

        class CrewService(Service):
            async def on_start(self) -> None:
                await asyncio.to_thread(crew.prepare)
                crew.start()

            async def on_stop(self) -> None:
                await crew.stop()

        return CrewService

    def prepare(self) -> None:
        """Reads what must be known before the first turn. Blocks; raises Fault where log or store do not answer."""
        self.partitions = {topic: self.log_port.topic(topic).partitions for topic in TOPICS}
        self.definitions.refresh()
        works: dict[str, Work] = {
            EVENTS: SessionsAgent(self.ports, cache_devices=self.settings.cache_devices),
            PAIRS: IdentityAgent(self.ports),
        }
        limit, journeys = (
            self.settings.turn_events,
            JourneysAgent(self.ports, turn_customers=self.settings.turn_customers),
        )
        self.turns = {
            topic: Turns(work, limit=limit, fail=self.fail, pause=PAUSES[topic], rest=RESTS[topic])
            for topic, work in works.items()
        }
        self.turns[CHANGES] = Turns(
            journeys, limit=limit, fail=self.fail, pause=PAUSES[CHANGES], rest=RESTS[CHANGES], left=journeys.left
        )

    def start(self) -> None:
        """Begins taking turns, on the running loop."""
        self._tasks = [asyncio.create_task(turns.run(), name=f"turns-{topic}") for topic, turns in self.turns.items()]
        self._tasks.append(asyncio.create_task(self._look(), name="definitions"))
        self._tasks.append(asyncio.create_task(self._watch(), name="watchdog"))
        for task in self._tasks:
            task.add_done_callback(self._ended)
        self.ready.set()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """None of them ends by itself: a worker without one would live on with old definitions, or unwatched."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.fail(error)

    def _partitions(self, topic: str) -> int:
        return self.partitions[topic]

    def _agent(self, topic: str) -> None:
        async def read(stream: Any) -> None:
            await self.ready.wait()
            async for event in stream.noack().events():
                await self.turns[topic].put(event)

        self.app.agent(self.app.batches(topic), name=f"{topic}-reader", concurrency=1)(read)

    def _revoked(self, topic: str, partition: int) -> None:
        if topic in self.turns:
            self.turns[topic].revoked(partition)

    async def _look(self) -> None:
        """Sees changed definitions; a goal or funnel that must be seen in order comes as a record of the log."""
        while True:
            await asyncio.sleep(self.settings.definitions_seconds)
            try:
                await asyncio.to_thread(self.definitions.refresh)
            except Fault as error:
                log.warning("definitions stay as they were: %s", error.message)

    def ailments(self) -> dict[str, str]:
        """What is wrong with this worker, by name; empty where it is ready."""
        if not self.ready.is_set():
            return {"agents": "not started yet"}
        return ailments(self.app, self.settings.session_timeout_seconds)

    async def _is_elsewhere(self) -> bool:
        """Whether another generation of the topics is to be read: this one is worked off, or an older one is not."""
        try:
            return await asyncio.to_thread(self.log_port.due) != self.generation
        except Fault:
            return False  # the log is away: nobody reads anything

    async def _watch(self) -> None:
        """Ends a worker that the log has dropped: where the log answers and the worker has long had no part in it."""
        unwell, looks = 0.0, 0
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            looks = looks + 1 if await self._is_elsewhere() else 0
            if looks == MOVING_LOOKS:
                told = f"the agents read generation {self.log_port.due()} of the topics now: start again"
                self.fail(Fault(told, code="moved"))
                return
            unwell = unwell + WATCH_SECONDS if self.ailments() else 0.0
            if unwell < DROPPED_SECONDS:
                continue
            try:
                await asyncio.to_thread(self.log_port.check)
            except Fault:
                continue  # nobody has a part in a log that is away
            self.fail(Fault("; ".join(self.ailments().values()), code="dropped"))
            return
