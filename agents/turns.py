"""A turn: take the batches that are there, do the work, then acknowledge; never before, never out of order.

An agent never raises: what cannot be reached is tried again with backoff (lag grows in the log, nothing is lost), and
what cannot be explained ends the process, so that the log delivers the batches to another worker.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Protocol

from agents.claims import Claims
from agents.ports import Ports
from pipeline.errors import LogFull, LogUnavailable, StoreRefused, StoreUnavailable
from pipeline.log.batches import Batch
from pipeline.store.late import Late

log = logging.getLogger(__name__)

BACKOFF_SECONDS = (0.1, 0.3, 1.0, 2.0, 5.0)
REFUSED_TRIES = 5
MOST_REST = 1.0  # seconds
TELL_SECONDS = 1.0  # how long an idle agent waits before it tells how far it has come
Prepared = tuple[int, list[Any], *tuple[Any, ...]]  # of a batch: its partition, one item a line, what else is needed


class Delivered(Protocol):
    """What Faust hands over: an event that holds a batch and is acknowledged later."""

    value: Any

    def ack(self) -> bool: ...


class Work(Protocol):
    """An agent's part in a turn. After an error the same batches come again, as redeliveries."""

    ports: Ports
    claims: Claims

    def prepare(self, batch: Batch) -> Prepared:
        """What can be done while the turn before is being written: decoding. Reads nothing, changes nothing.

        Returns the batch's partition, one item a line, and what else the agent's turn needs.
        """

    async def turn(self, prepared: list[Any]) -> dict[int, int]:
        """Does everything that the batches ask for; returns, by partition, up to which received_at that is."""

    async def sweep(self, shard: int, late: Late) -> None:
        """Has done again whatever has rows of the shard with such versions: a former owner may have left them late."""

    def forget(self, partition: int | None = None) -> None:
        """Drops what is cached, of one partition or of all. Nothing may be known only there."""


class Given(NamedTuple):
    """A batch, and how often its partition had been taken away from this worker when it came."""

    event: Delivered
    epoch: int


class Taken(NamedTuple):
    """A batch in a turn, decoded."""

    given: Given
    prepared: Prepared


class Turns:
    """`limit`: lines in a turn; `pause`: seconds from the start of a turn to the next, so that more comes together.

    `left`: what of a batch, by its partition and items, the turn that has just ended has not done: it comes again with
    the next turn, and neither it nor what came behind it in its partition is acknowledged before.
    `rest`: how long it rests after a turn, as a part of what the turn took, a second at most: under load still more
    comes together, and who is marked again meanwhile is worked on once.
    """

    def __init__(
        self,
        work: Work,
        *,
        limit: int,
        fail: Callable[[BaseException], None],
        pause: float = 0.0,
        rest: float = 0.0,
        left: Callable[[int, list[Any]], list[Any]] = lambda _partition, _items: [],
    ) -> None:
        self.work, self.limit, self.fail, self.pause, self.rest, self.left = work, limit, fail, pause, rest, left
        self.waiting: list[Taken] = []  # batches that were taken and are not wholly done
        self.queue: asyncio.Queue[Given] = asyncio.Queue(maxsize=8)
        self._came = asyncio.Event()
        self._epoch: Counter[int] = Counter()
        self._reached: dict[int, int] = {}
        self._gone: set[int] = set()  # partitions that are to be forgotten
        self._telling: asyncio.Task[None] | None = None

    async def put(self, delivered: Delivered) -> None:
        """Waits while many wait; by then the partition may be another worker's."""
        await self.queue.put(Given(delivered, self._epoch[delivered.value.partition]))
        self._came.set()

    def revoked(self, partition: int) -> None:
        """The partition belongs to another worker now: what waits of it will be delivered there.

        What is cached of it is forgotten before the next turn: one that is under way fills the cache from a thread.
        """
        self._epoch[partition] += 1
        for _ in range(self.queue.qsize()):
            given = self.queue.get_nowait()
            if given.event.value.partition != partition:
                self.queue.put_nowait(given)
        self._reached.pop(partition, None)
        self._gone.add(partition)
        self.work.claims.drop(partition)

    async def run(self) -> None:
        """Turns until cancelled. While one is being written, the next is already decoded. How far it has come is told
        beside the next turn: what it is about is done by then, and who waits for an answer need not wait for that."""
        under_way: asyncio.Task[None] | None = None
        try:
            while True:
                taken = await self._take(under_way)
                if under_way is not None:
                    await under_way
                    under_way = None
                if taken or self.waiting:
                    under_way = asyncio.create_task(self._turn_and_rest(taken))
                    await asyncio.sleep(self.pause)
        except Exception as error:  # noqa: BLE001 - whatever it is, going on would acknowledge what was not done
            log.exception("the agent ends: its batches will be delivered again")
            self.fail(error)
        finally:
            still = [task for task in (under_way, self._telling) if task is not None]
            for task in still:
                task.cancel()
            await asyncio.gather(*still, return_exceptions=True)

    async def _take(self, under_way: asyncio.Task[None] | None) -> list[Taken]:
        """The batches that are there or come while a turn is under way, up to the limit; none in a quiet second."""
        taken: list[Taken] = []
        size = 0
        while size < self.limit:
            if self.queue.empty():
                if under_way is None or under_way.done():
                    if taken or under_way is not None or not await self._something_came(None):
                        break
                elif not await self._something_came(under_way):
                    break
            given = self.queue.get_nowait()
            prepared = self.work.prepare(given.event.value)
            taken.append(Taken(given, prepared))
            size += len(prepared[1])
            await asyncio.sleep(0)  # the turn under way goes on as soon as its write is done
        return taken

    async def _something_came(self, under_way: asyncio.Task[None] | None) -> bool:
        """Waits for a batch; False where the turn under way ended first, or a quiet second did."""
        self._came.clear()
        coming = asyncio.ensure_future(self._came.wait())
        others: set[asyncio.Future[Any]] = {coming} if under_way is None else {coming, under_way}
        try:
            await asyncio.wait(others, timeout=TELL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            coming.cancel()
        if not self.queue.empty():
            return True
        if under_way is None:
            self._tell_beside()
            await self._sweep()
        return False

    def _tell_beside(self) -> None:
        """One at a time. Raises what the last one ended with."""
        if self._telling is not None:
            if not self._telling.done():
                return
            self._telling.result()
        self._telling = asyncio.create_task(self._tell())

    async def _turn_and_rest(self, taken: list[Taken]) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        await self._turn(taken)
        self._tell_beside()
        await self._sweep()
        if self.rest:
            await asyncio.sleep(min(MOST_REST, self.rest * (loop.time() - started)))

    async def _turn(self, taken: list[Taken]) -> None:
        taken = [*self.waiting, *taken]
        self.waiting = []

        async def work() -> None:
            still = [each for each in taken if self._is_held(each.given)]
            if not still:
                return
            partitions = {each.given.event.value.partition for each in still}
            for partition in self._gone | (partitions - self.work.claims.shards):
                self.work.forget(partition)  # another worker may have written since it was last ours
            self._gone.clear()
            await self.work.claims.hold(partitions)
            reached = await self.work.turn([each.prepared for each in still])
            self._acknowledge(still, reached)
            self.work.ports.counters.add("turns", label=self.work.claims.agent)

        await self._try(work, self.work.forget)

    def _acknowledge(self, done: list[Taken], reached: dict[int, int]) -> None:
        """All batches but those of which something is left, and those behind them."""
        waiting: dict[int, list[Taken]] = {}
        for given, (partition, items, *more) in done:
            left = self.left(partition, items)
            if left or partition in waiting:
                waiting.setdefault(partition, []).append(Taken(given, (partition, left, *more)))
            elif self._is_held(given):
                given.event.ack()
                self._advance(partition, reached)
        self.waiting = [each for batches in waiting.values() for each in batches]

    def _is_held(self, given: Given) -> bool:
        return self._epoch[given.event.value.partition] == given.epoch and not given.event.value.revoked

    def _advance(self, partition: int, reached: dict[int, int]) -> None:
        """An older event that comes later (a replay) takes nothing back of what is done."""
        if reached.get(partition, 0) > self._reached.get(partition, 0):
            self._reached[partition] = reached[partition]

    async def _tell(self) -> None:
        await self._try(lambda: self.work.claims.tell(self._reached), lambda: None)

    async def _sweep(self) -> None:
        """Between turns: while one holds a shard anew, what was due of it before is due no more."""

        async def work() -> None:
            for shard, late in (await self.work.claims.due()).items():
                await self.work.sweep(shard, late)
                await self.work.claims.swept(shard)

        await self._try(work, lambda: None)

    async def _try(self, work: Callable[[], Awaitable[None]], undo: Callable[[], None]) -> None:
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
