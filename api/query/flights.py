"""Questions that are being worked out: who asks the same meanwhile waits for that answer, and a question for which
nobody waits any more is ended, in the store too.

    A asks  |------------ worked out once -----------| A, B and C have it
    B asks       |-----------------------------------|
    C asks              |----------------------------|       all three leave before: it is ended
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from starlette.requests import Request

from pipeline.store.port import Stop

log = logging.getLogger(__name__)

T = TypeVar("T")

AGAIN_SECONDS = 0.1  # a statement that had not begun when it was ended is ended again


class ClientGone(Exception):
    """Nobody hears the answer."""


class _Flight:
    def __init__(self, stop: Stop, task: asyncio.Task[Any]) -> None:
        self.stop, self.task = stop, task
        self.waiting = 0


# What is being worked out, by event loop.
_flights: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hashable, _Flight]] = WeakKeyDictionary()
# Threads of their own: those of the loop may all be busy with the very questions that are to be ended.
_ENDERS = ThreadPoolExecutor(4, "wayfare-ending")
_endings: set[asyncio.Task[None]] = set()  # the loop keeps tasks by weak references alone


async def shared(key: Hashable, work: Callable[[Stop], T]) -> T:
    """What `work` gives, in a thread; the same for all who ask for the same `key` while it goes on."""
    flights = _flights.setdefault(asyncio.get_running_loop(), {})
    flight = flights.get(key)
    if flight is None:
        stop = Stop()
        flight = flights[key] = _Flight(stop, asyncio.create_task(asyncio.to_thread(work, stop)))
        flight.task.add_done_callback(lambda _: _landed(flights, key, flight))
    flight.waiting += 1
    try:
        found: T = await asyncio.shield(flight.task)  # who goes away does not end it for the others
        return found
    finally:
        flight.waiting -= 1
        if not flight.waiting and not flight.task.done():
            _forget(flights, key, flight)  # who asks from now on begins anew
            ending = asyncio.create_task(_ended(flight))
            _endings.add(ending)
            ending.add_done_callback(_endings.discard)


async def _ended(flight: _Flight) -> None:
    loop = asyncio.get_running_loop()
    while not flight.task.done():
        try:
            await loop.run_in_executor(_ENDERS, flight.stop.set)
        except Exception:  # a store that cannot be reached now may be in a moment
            log.warning("a question that nobody waits for could not be ended; trying again", exc_info=True)
        await asyncio.wait([flight.task], timeout=AGAIN_SECONDS)


def _landed(flights: dict[Hashable, _Flight], key: Hashable, flight: _Flight) -> None:
    _forget(flights, key, flight)
    if not flight.task.cancelled():
        flight.task.exception()  # those who wait are told of it; perhaps nobody does any more


def _forget(flights: dict[Hashable, _Flight], key: Hashable, flight: _Flight) -> None:
    if flights.get(key) is flight:
        del flights[key]


async def heard(request: Request, answer: Awaitable[T]) -> T:
    """The answer; ClientGone, and the wait for it is over, as soon as the client has gone away."""
    waiting, leaving = asyncio.ensure_future(answer), asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait([waiting, leaving], return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            return waiting.result()
        raise ClientGone
    finally:
        for task in (waiting, leaving):
            task.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
