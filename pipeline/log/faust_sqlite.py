"""Faust's transport on the SQLite log. One process runs a group: all partitions are its own, nothing is rebalanced."""

import asyncio
import fcntl
from collections import deque
from collections.abc import Awaitable, Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from faust.assignor.client_assignment import ClientAssignment
from faust.transport import base
from faust.transport.consumer import Consumer as FaustConsumer
from faust.transport.producer import Producer as FaustProducer
from faust.types import TP, RecordMetadata
from mode import Service

from pipeline.errors import InUse, LogUnavailable
from pipeline.log.batches import MAX_BYTES, MAX_RECORDS, Batches, Record
from pipeline.log.port import LogWriter
from pipeline.log.sqlite import APPENDS, Ends, SqliteLog

_POLL = 0.02  # seconds; appends of this process are told at once, those of another are seen by polling
_FETCH_BYTES = 4 * MAX_BYTES
_TRIM_EVERY = 600.0  # seconds


class _Waker:
    """Called from any thread when something was appended."""

    def __init__(self, loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
        self._loop, self._event = loop, event

    def __call__(self) -> None:
        if not self._event.is_set() and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._event.set)


def _hold(path: Path) -> IO[str]:
    """The lock of a group's one process: let go of when the file is closed, however the process ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise InUse(f"another process runs the agents: it holds {path}", field="log") from error
    return lock


class _SqliteConsumer(FaustConsumer):
    """What a transport has to answer; positions and commits by partition's id in the log."""

    app: Any  # a WayfareApp

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._log: SqliteLog = self.app.sqlite_log
        self._ids: dict[TP, int] = {}
        self._order = deque[TP]()
        self._ends: dict[int, Ends] = {}
        self._positions: dict[TP, int] = {}
        self._version = -1
        self._lock: IO[str] | None = None

    async def on_start(self) -> None:
        await super().on_start()
        path = self._log.file.with_name(f"{self._log.file.name}.{self.app.conf.id}.lock")
        self._lock = _hold(path)
        self._appended = asyncio.Event()
        self._waker = _Waker(asyncio.get_running_loop(), self._appended)
        APPENDS.subscribe(self._log.file, self._waker)

    async def on_stop(self) -> None:
        await super().on_stop()
        if self._lock is not None:
            self._lock.close()

    # -- membership

    async def subscribe(self, topics: Iterable[str]) -> None:
        ids = {
            TP(topic, number): each for topic in topics for number, each in enumerate(self._log.partition_ids(topic))
        }
        if ids != self._ids:
            self.add_future(self._assign(ids))  # as a task: the conductor waits until we return

    async def _assign(self, ids: dict[TP, int]) -> None:
        self.app.on_rebalance_start()
        if self._ids:
            await self.on_partitions_revoked(set(self._ids))
        self._ids, self._order = ids, deque(ids)
        actives: dict[str, list[int]] = {}
        for topic, partition in ids:
            actives.setdefault(topic, []).append(partition)
        self.app.assignor._assignment = ClientAssignment(actives=actives, standbys={})
        self.app.consumer_generation_id += 1
        self._look()
        await self.on_partitions_assigned(set(ids), self.app.consumer_generation_id)

    def assignment(self) -> set[TP]:
        return set(self._ids)

    # -- positions

    def _look(self) -> None:
        self._ends = self._log.ends()

    def highwater(self, tp: TP) -> int:
        return self._ends[self._ids[tp]].next

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        self._look()
        return {tp: self.highwater(tp) for tp in partitions}

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        self._look()
        return {tp: self._ends[self._ids[tp]].low for tp in partitions}

    async def position(self, tp: TP) -> int | None:
        return self._positions.get(tp)

    async def _seek(self, partition: TP, offset: int) -> None:
        self._positions[partition] = offset or 0

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        for tp, offset in partitions.items():
            self._positions[tp] = offset
            self._read_offset[tp] = offset or None

    async def seek_to_committed(self) -> Mapping[TP, int]:
        committed = self._log.committed(self.app.conf.id)
        for tp, each in self._ids.items():
            self._positions[tp] = max(committed.get(each, 0), self._ends[each].low)
        return {tp: self._positions[tp] for tp in self._ids}

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        by_id = {self._ids[tp]: offset for tp, offset in offsets.items() if tp in self._ids}
        while True:
            try:
                await asyncio.to_thread(self._log.commit, self.app.conf.id, by_id)  # waits for the disk
            except LogUnavailable as error:
                self.log.warning("cannot commit yet: %s", error)
                if self.should_stop:
                    return False
                await self.sleep(0.5)
            else:
                return True

    # -- data

    def _read(self, partitions: set[TP]) -> dict[TP, list[Record]]:
        """What is there now, a bounded amount."""
        version = self._log.data_version()
        if version != self._version:
            self._look()
        found: dict[TP, list[Record]] = {}
        size = 0
        self._order.rotate(-1)  # another partition is first each time: `size` starves none
        for tp in self._order:
            each = self._ids[tp]
            if tp not in partitions or self._positions.get(tp, 0) >= self._ends[each].next or size >= _FETCH_BYTES:
                continue
            records = self._log.fetch(each, self._positions.get(tp, 0), records=MAX_RECORDS, max_bytes=MAX_BYTES)
            if records:
                found[tp] = records
                self._positions[tp] = records[-1][0] + 1
                size += sum(len(value) for _, _, value in records)
        self._version = version
        return found

    @Service.task
    async def _trim(self) -> None:
        while not self.should_stop:
            await self.sleep(_TRIM_EVERY)
            try:
                await asyncio.to_thread(self._log.trim, self.app.keep_ms)
            except LogUnavailable as error:
                self.log.warning("cannot trim now: %s", error)

    # -- what Faust asks for and we have no need of

    async def create_topic(self, topic: str, partitions: int, replication: int, **_: Any) -> None:
        raise NotImplementedError("topics are created by ensure_topics, never by Faust")

    def topic_partitions(self, topic: str) -> int | None:
        return len(self._log.partition_ids(topic)) or None

    def key_partition(self, topic: str, key: bytes | None, partition: int | None = None) -> int | None:
        return partition

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)


class SqliteConsumer(Batches, _SqliteConsumer):
    async def _fetch(self, partitions: set[TP] | None, timeout: float) -> dict[TP, list[Record]]:  # noqa: ASYNC109
        end = asyncio.get_running_loop().time() + timeout
        while True:
            self._appended.clear()
            found = self._read(set(self._ids) if partitions is None else partitions)
            self.liveness.polled()
            if found or not self.flow_active or self.should_stop or asyncio.get_running_loop().time() >= end:
                return found
            try:
                async with asyncio.timeout(_POLL):
                    await self._appended.wait()
            except TimeoutError:
                continue

    def heartbeat_age(self) -> float:
        """Nobody else can have our partitions: always 0."""
        return 0.0


class SqliteProducer(FaustProducer):
    """Faust's producer in front of the log's own writer: durable when the future is done."""

    app: Any  # a WayfareApp

    def __post_init__(self) -> None:
        self._writer: LogWriter | None = None
        self._pending: set[asyncio.Task[RecordMetadata]] = set()

    async def on_start(self) -> None:
        await super().on_start()
        self._writer = self.app.sqlite_log.writer()

    async def on_stop(self) -> None:
        await super().on_stop()
        await self.flush()
        if self._writer is not None:
            await self._writer.close()

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: Any,
        *,
        transactional_id: str | None = None,
    ) -> Awaitable[RecordMetadata]:
        task = asyncio.ensure_future(self._append(topic, partition or 0, value or b""))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)
        return task

    async def _append(self, topic: str, partition: int, value: bytes) -> RecordMetadata:
        if self._writer is None:
            raise LogUnavailable("the producer is not started")
        await self._writer.append(self.app.short_name(topic)[0], partition, value.split(b"\n"))
        return RecordMetadata(topic, partition, TP(topic, partition), -1)

    async def send_and_wait(self, *args: Any, **options: Any) -> RecordMetadata:
        return await (await self.send(*args, **options))

    async def flush(self) -> None:
        await self.buffer.flush()
        if self._pending:
            await asyncio.wait(self._pending)

    def key_partition(self, topic: str, key: bytes) -> TP:
        raise NotImplementedError("every record is sent to a partition by its number")


class SqliteTransport(base.Transport):
    Consumer, Producer = SqliteConsumer, SqliteProducer
    default_port, driver_version = 0, "SQLite log"
