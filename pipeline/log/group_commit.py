"""Acknowledged appends from one asyncio loop: what arrives while records are under way travels in the next ones.

append  a b c d e f g h
records [a]-----[b c d]---[e f g h]--   one of each partition in a round; a quiet log waits for nothing, a busy one for
                                        the round under way, or LINGER where that takes longer
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Mapping
from itertools import chain
from typing import Protocol

from pipeline.errors import LogFull, LogUnavailable, UserMistake, WayfareError
from schemas.log import MAX_LINES_PER_RECORD

RECORD_BYTES = 500_000
# Seconds. A round that takes longer waits for one partition or broker, and others are not to wait with it; rounds of a
# busy log take some milliseconds, and shorter ones would only cut the same lines into more records.
LINGER = 0.02


class Record:
    """One record on its way: `topic` is the short name, `value` newline-delimited JSON, `deadline` time.monotonic's."""

    __slots__ = ("deadline", "partition", "size", "topic", "value", "waiters")

    def __init__(self, topic: str, partition: int, value: bytes, waiters: "list[_Append]", deadline: float) -> None:
        self.topic, self.partition, self.value, self.waiters, self.deadline = topic, partition, value, waiters, deadline
        self.size = len(value) + 1


class Done(Protocol):
    def __call__(self, records: list[Record], error: WayfareError | None) -> None:
        """Tells of records that are durable, or that failed. From any thread."""


class Sink(Protocol):
    """Where records go: Kafka's producer or SQLite, each with a thread of its own."""

    max_line_bytes: int

    def start(self, done: Done) -> None: ...

    def put(self, record: Record) -> None:
        """Takes the record without blocking; `done` is called for it later."""

    async def stop(self, timeout: float) -> None:  # noqa: ASYNC109
        """Ends once what was put is done, after `timeout` seconds at most."""


class _Append:
    """One call of `append_all`: done when all the records that its lines ended in are."""

    __slots__ = ("deadline", "future", "records")

    def __init__(self, future: "asyncio.Future[None]", deadline: float) -> None:
        self.future, self.deadline, self.records = future, deadline, 0


class _Buffer:
    """Lines of one partition that wait for their record."""

    __slots__ = ("lines", "partition", "size", "topic", "waiters")

    def __init__(self, topic: str, partition: int) -> None:
        self.topic, self.partition = topic, partition
        self.lines: list[bytes] = []
        self.waiters: list[_Append] = []
        self.size = 0


class GroupCommit:
    """LogWriter of the port, over any sink."""

    def __init__(self, sink: Sink, *, timeout: float, queue_bytes: int) -> None:
        self._sink, self._timeout, self._queue_bytes = sink, timeout, queue_bytes
        self._loop = asyncio.get_running_loop()
        self._buffers: dict[str, dict[int, _Buffer]] = {}
        self._filled: list[_Buffer] = []  # buffers that hold lines, or held some until their record was full
        self._flush: asyncio.Handle | None = None
        self._under_way = 0  # records
        self._waiting, self._closed = 0, False
        self._appends = deque[_Append]()  # in order of their deadlines
        self._timer: asyncio.TimerHandle | None = None
        self._finished: list[tuple[list[Record], WayfareError | None]] = []
        self._lock, self._woken = threading.Lock(), False
        sink.start(self._done)

    @property
    def waiting_bytes(self) -> int:
        return self._waiting

    async def append(self, topic: str, partition: int, lines: list[bytes]) -> None:
        """See LogWriter."""
        await self.append_all(topic, {partition: lines})

    def append_all(self, topic: str, lines: Mapping[int, list[bytes]]) -> "asyncio.Future[None]":
        """See LogWriter; what it raises at once, it raises before any line is taken."""
        if self._closed:
            raise LogUnavailable("the log's writer is closed")
        sizes = [sum(map(len, each)) + len(each) for each in lines.values()]
        total = sum(sizes)
        if total > RECORD_BYTES and max(map(len, chain.from_iterable(lines.values()))) > self._sink.max_line_bytes:
            raise UserMistake(
                f"a line is larger than a record may be: {self._sink.max_line_bytes}", code="line_too_large"
            )
        if self._waiting + total > self._queue_bytes:
            raise LogFull(f"{self._waiting} bytes wait for the log, {self._queue_bytes} may")
        self._waiting += total
        is_quiet = not self._under_way
        append = _Append(self._loop.create_future(), time.monotonic() + self._timeout)
        buffers = self._buffers.get(topic)
        if buffers is None:
            buffers = self._buffers[topic] = {}
        for (partition, each), size in zip(lines.items(), sizes, strict=True):
            buffer = buffers.get(partition)
            if buffer is None:
                buffer = buffers[partition] = _Buffer(topic, partition)
            held = buffer.lines
            if buffer.size + size > RECORD_BYTES or len(held) + len(each) > MAX_LINES_PER_RECORD:
                self._cut(buffer, append, each)
            elif each:  # as `_add`, without its call
                if not held:
                    self._filled.append(buffer)
                held += each
                buffer.size += size
                buffer.waiters.append(append)
                append.records += 1
        if append.records:
            self._watch(append)
            self._plan(is_quiet)
        else:
            append.future.set_result(None)  # no line at all
        return append.future

    async def close(self) -> None:
        """Waits for what is under way, at most the timeout."""
        self._closed = True
        self._send_all()
        pending = [append.future for append in self._appends if not append.future.done()]
        if pending:  # bounded: each ends with its deadline
            await asyncio.wait(pending)
        await self._sink.stop(self._timeout)
        if self._timer is not None:
            self._timer.cancel()

    # -- into records

    def _cut(self, buffer: _Buffer, append: _Append, lines: list[bytes]) -> None:
        """Into more than one record."""
        for line in lines:
            if buffer.size + len(line) >= RECORD_BYTES or len(buffer.lines) == MAX_LINES_PER_RECORD:
                self._send(buffer)
            self._add(buffer, append, line)

    def _add(self, buffer: _Buffer, append: _Append, line: bytes) -> None:
        if not buffer.lines:
            self._filled.append(buffer)
        buffer.lines.append(line)
        buffer.size += len(line) + 1
        if not buffer.waiters or buffer.waiters[-1] is not append:
            buffer.waiters.append(append)
            append.records += 1

    def _plan(self, is_quiet: bool) -> None:
        """Sends what waits after this turn of the loop where nothing was under way, else at the latest after LINGER."""
        if self._flush is None:
            if is_quiet:
                self._flush = self._loop.call_soon(self._send_all)
            else:
                self._flush = self._loop.call_later(LINGER, self._send_all)

    def _send_all(self) -> None:
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        filled, self._filled = self._filled, []
        for buffer in filled:
            self._send(buffer)

    def _send(self, buffer: _Buffer) -> None:
        if buffer.lines:
            value, waiters = b"\n".join(buffer.lines), buffer.waiters
            buffer.lines, buffer.waiters, buffer.size = [], [], 0
            self._under_way += 1
            self._sink.put(Record(buffer.topic, buffer.partition, value, waiters, waiters[0].deadline))

    # -- out of records

    def _done(self, records: list[Record], error: WayfareError | None) -> None:
        with self._lock:
            self._finished.append((records, error))
            if self._woken or self._loop.is_closed():
                return
            self._woken = True
        # One wake-up for all that is done by then. On the loop itself, too: it is a turn later, so that more lines come
        # into the next round (with 64 connections a tenth more requests than without).
        self._loop.call_soon_threadsafe(self._resolve)

    def _resolve(self) -> None:
        with self._lock:
            finished, self._finished, self._woken = self._finished, [], False
        for records, error in finished:
            for record in records:
                self._waiting -= record.size
                for append in record.waiters:
                    self._settle(append, error)
            self._under_way -= len(records)
        if self._filled and not self._under_way:
            self._send_all()
        while self._appends and self._appends[0].future.done():
            self._appends.popleft()

    def _settle(self, append: _Append, error: WayfareError | None) -> None:
        append.records -= 1
        if append.future.done():
            return
        if error is not None:
            # One error for each: raising one object in thousands of tasks makes its traceback as long.
            append.future.set_exception(type(error)(error.message, code=error.code))
        elif not append.records:
            append.future.set_result(None)

    # -- bounded time

    def _watch(self, append: _Append) -> None:
        self._appends.append(append)
        if self._timer is None:
            self._timer = self._loop.call_later(self._timeout, self._expire)

    def _expire(self) -> None:
        now, self._timer = time.monotonic(), None
        while self._appends and (self._appends[0].future.done() or self._appends[0].deadline <= now):
            append = self._appends.popleft()
            if not append.future.done():
                append.future.set_exception(LogUnavailable(f"the log has not answered for {self._timeout:g} s"))
        if self._appends:
            self._timer = self._loop.call_later(max(self._appends[0].deadline - now, 0.01), self._expire)
