"""A turn: take the batches that are there, do the work, then acknowledge; never before, never out of order.

An agent never raises: what cannot be reached is tried again with backoff (lag grows in the log, nothing is lost), and
what cannot be explained ends the process, so that the log delivers the batches to another worker.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

from agents.claims import Claims
from pipeline.errors import LogFull, LogUnavailable, StoreRefused, StoreUnavailable
from pipeline.log.batches import Batch

log = logging.getLogger(__name__)

BACKOFF_SECONDS = (0.1, 0.3, 1.0, 2.0, 5.0)
REFUSED_TRIES = 5


class Delivered(Protocol):
    """What Faust hands over: an event that holds a batch and is acknowledged later."""

    value: Any

    def ack(self) -> bool: ...


class Work(Protocol):
    """An agent's part in a turn. After an error the same batches come again, as redeliveries."""

    claims: Claims

    async def turn(self, batches: list[Batch]) -> dict[int, int]:
        """Does everything that the batches ask for; returns, by partition, up to which received_at that is."""

    def forget(self, partition: int | None = None) -> None:
        """Drops what is cached, of one partition or of all. Nothing may be known only there."""


class Turns:
    def __init__(self, work: Work, *, limit: int, fail: Callable[[BaseException], None]) -> None:
        self.work, self.limit, self.fail = work, limit, fail
        self.queue: asyncio.Queue[Delivered] = asyncio.Queue(maxsize=64)
        self.busy = False
        self._epoch: dict[int, int] = {}
        self._waiting: dict[int, int] = {}
        self._reached: dict[int, int] = {}

    async def put(self, delivered: Delivered) -> None:
        await self.queue.put(delivered)

    def revoked(self, partition: int) -> None:
        """The partition belongs to another worker now: what waits of it will be delivered there."""
        self._epoch[partition] = self._epoch.get(partition, 0) + 1
        kept = [event for event in self._drain() if event.value.partition != partition]
        for event in kept:
            self.queue.put_nowait(event)
        self._reached.pop(partition, None)
        self.work.forget(partition)
        self.work.claims.drop(partition)

    @property
    def is_idle(self) -> bool:
        return not self.busy and self.queue.empty()

    async def run(self) -> None:
        """Turns until cancelled."""
        while True:
            try:
                events = await self._take()
                if events:
                    self.busy = True
                    await self._turn(events)
            except Exception as error:  # noqa: BLE001 - whatever it is, going on would acknowledge what was not done
                log.exception("the agent ends: its batches will be delivered again")
                self.fail(error)
                return
            finally:
                self.busy = False

    async def _take(self) -> list[Delivered]:
        try:
            events = [await asyncio.wait_for(self.queue.get(), 1.0)]
        except TimeoutError:
            await self._try(lambda: self.work.claims.tell(self._reached), lambda: None)
            return []
        self.busy = True
        size = lines_of(events[0].value)
        while size < self.limit and not self.queue.empty():
            events.append(self.queue.get_nowait())
            size += lines_of(events[-1].value)
        return events

    async def _turn(self, events: list[Delivered]) -> None:
        epochs = {event.value.partition: self._epoch.get(event.value.partition, 0) for event in events}

        async def work() -> None:
            still = [
                event for event in events if self._epoch.get(event.value.partition, 0) == epochs[event.value.partition]
            ]
            if not still:
                return
            await self.work.claims.hold({event.value.partition for event in still})
            self._reached.update(await self.work.turn([event.value for event in still]))
            for event in still:
                if self._epoch.get(event.value.partition, 0) == epochs[event.value.partition]:
                    event.ack()
            await self.work.claims.tell(self._reached)

        await self._try(work, self.work.forget)

    async def _try(self, work: Callable[[], Any], undo: Callable[[], None]) -> None:
        tries = refused = 0
        while True:
            try:
                await work()
                return
            except (StoreUnavailable, LogUnavailable, LogFull) as error:
                log.warning("%s: trying again", error.message)
            except StoreRefused as error:
                refused += 1
                if refused >= REFUSED_TRIES:
                    raise
                log.error("%s: trying again", error.message)
            undo()
            await asyncio.sleep(BACKOFF_SECONDS[min(tries, len(BACKOFF_SECONDS) - 1)])
            tries += 1

    def _drain(self) -> list[Delivered]:
        found = []
        while not self.queue.empty():
            found.append(self.queue.get_nowait())
        return found


def lines_of(batch: Batch) -> int:
    """About how many events a batch holds."""
    return sum(value.count(b"\n") + 1 for _, _, value in batch.records)
