"""The thread that appends to the SQLite log: one transaction for all that queued up while the last one ran."""

import asyncio
import queue
import threading
import time

from pipeline.errors import LogUnavailable, NotFound, WayfareError
from pipeline.log.group_commit import Done, Record
from pipeline.log.sqlite import SqliteLog

_MAX_TRANSACTION = 32 << 20  # bytes


class SqliteSink:
    max_line_bytes = 900_000

    def __init__(self, log: SqliteLog) -> None:
        self._log, self._queue = log, queue.SimpleQueue[Record | None]()
        self._thread: threading.Thread | None = None
        self._ids: dict[str, list[int]] = {}

    def start(self, done: Done) -> None:
        self._thread = threading.Thread(target=self._run, args=(done,), name="wayfare-log", daemon=True)
        self._thread.start()

    def put(self, record: Record) -> None:
        self._queue.put(record)

    async def stop(self, timeout: float) -> None:  # noqa: ASYNC109 - of the thread's end, not of this call
        self._queue.put(None)
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, timeout)

    def _run(self, done: Done) -> None:
        going = True
        while going:
            records, going = self._take()
            now = time.monotonic()
            late = [record for record in records if record.deadline < now]
            if late:  # their senders have given up: what nobody waits for is not written
                done(late, LogUnavailable("the log did not take the record in time"))
            self._append([record for record in records if record.deadline >= now], done)

    def _append(self, records: list[Record], done: Done) -> None:
        values, known = [], []
        for record in records:
            try:
                values.append((self._partition(record), record.value))
            except WayfareError as error:
                done([record], error)
            else:
                known.append(record)
        if not known:
            return
        try:
            self._log.append(values)
        except WayfareError as error:
            done(known, error)
        else:
            done(known, None)

    def _take(self) -> tuple[list[Record], bool]:
        """All that waits, up to the size of a transaction, and whether to go on."""
        record = self._queue.get()
        records, size = [], 0
        while record is not None:
            records.append(record)
            size += len(record.value)
            if size >= _MAX_TRANSACTION or self._queue.empty():
                return records, True
            record = self._queue.get()
        return records, False

    def _partition(self, record: Record) -> int:
        if record.topic not in self._ids:
            self._ids[record.topic] = self._log.partition_ids(self._log.topic(record.topic).name)
        ids = self._ids[record.topic]
        if not 0 <= record.partition < len(ids):
            raise NotFound(f"topic {record.topic} has partitions 0 to {len(ids) - 1}, not {record.partition}")
        return ids[record.partition]
