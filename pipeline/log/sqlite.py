"""The embedded log: partitions in one SQLite file, durable at every append (WAL, synchronous=FULL).

A record's rowid is `partition's id << 36 | offset`: appending goes to the end of a B-tree, reading a partition is one
range. Several processes may open one file, but one only may run the agents of a group (the Faust transport has a lock).
"""

import threading
import time
import weakref
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from pipeline.errors import InvalidSetting, NotFound
from pipeline.log.port import LogWriter, Topic
from pipeline.log.sqlite_file import SqliteFile
from pipeline.log.topics import FIRST_GENERATION, MAX_PARTITIONS, following, full_name, generations, newest
from schemas.log import OFFSET_BITS, TOPICS

_OFFSETS: Final = 1 << OFFSET_BITS
_TRIM_STEP: Final = 5_000  # records a transaction

Fetched = tuple[int, int, bytes]  # offset, appended_at in ms, value


class Ends(NamedTuple):
    low: int
    next: int


class _Appends:
    """Tells the readers in this process of an append, so that they need not poll for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_file: dict[Path, weakref.WeakSet[Callable[[], None]]] = defaultdict(weakref.WeakSet)

    def subscribe(self, file: Path, callback: Callable[[], None]) -> None:
        """`callback` is called from any thread and must not block; it is held weakly."""
        with self._lock:
            self._by_file[file].add(callback)

    def announce(self, file: Path) -> None:
        with self._lock:
            callbacks = list(self._by_file.get(file, ()))
        for callback in callbacks:
            callback()


APPENDS = _Appends()


class SqliteLog:
    """Log of the port, plus what the Faust transport needs: fetch, commit, ends. Thread-safe; opened at first use."""

    def __init__(
        self,
        file: Path,
        *,
        group: str = "wayfare",
        prefix: str = "wayfare",
        timeout: float = 5.0,
        queue_bytes: int = 64_000_000,
    ) -> None:
        self.file, self.group, self.prefix, self.timeout = file, group, prefix, timeout
        self._queue_bytes = queue_bytes
        self._generation = 0  # that this process has to do with; 0 = not looked at yet
        self._ids: dict[str, list[int]] = {}
        self._tables = SqliteFile(file, timeout)

    # -- the port

    def topic(self, name: str) -> Topic:
        """Raises NotFound where the topic was never created."""
        found = generations(self.prefix, name, self._topics())
        if not found:
            raise NotFound(f"topic {full_name(self.prefix, name)} does not exist in {self.file}", field="log")
        self._generation = self._generation or max(found)
        if self._generation not in found:
            raise NotFound(f"topic {full_name(self.prefix, name, self._generation)} does not exist", field="log")
        return found[self._generation]

    def ensure_topics(self, partitions: int) -> None:
        """Raises InvalidSetting where a topic exists with another partition count."""
        if not 1 <= partitions <= MAX_PARTITIONS:
            raise InvalidSetting(f"partitions is 1 to {MAX_PARTITIONS}, not {partitions}", field="partitions")
        for name in TOPICS:
            with self._tables.writing() as connection:
                rows = connection.execute("SELECT topic, count(*) FROM partitions GROUP BY topic").fetchall()
                found = newest(self.prefix, name, dict(rows))
                if found is None:
                    topic = full_name(self.prefix, name, FIRST_GENERATION)
                    pairs = [(topic, partition) for partition in range(partitions)]
                    connection.executemany("INSERT INTO partitions(topic, partition) VALUES(?, ?)", pairs)
                elif found.partitions != partitions:
                    raise InvalidSetting(
                        f"topic {found.name} has {found.partitions} partitions, the setting says {partitions}: "
                        f"`wayfare migrate --partitions {partitions}` makes topics that have them",
                        field="partitions",
                    )

    def next_generation(self, partitions: int) -> int:
        """Raises UserMistake where the newest has so many partitions, InvalidSetting for a count that cannot be."""
        number = following(self.prefix, self._topics(), partitions)
        pairs = [(full_name(self.prefix, name, number), each) for name in TOPICS for each in range(partitions)]
        with self._tables.writing() as connection:
            connection.executemany("INSERT INTO partitions(topic, partition) VALUES(?, ?)", pairs)
        return number

    def reading(self) -> int:
        self._generation = self.due()
        return self._generation

    def due(self) -> int:
        waiting = self._lags()
        return min((number for number, lags in waiting.items() if any(lags.values())), default=max(waiting))

    def writer(self) -> LogWriter:
        from pipeline.log.group_commit import GroupCommit
        from pipeline.log.sqlite_sink import SqliteSink

        return GroupCommit(SqliteSink(self), timeout=self.timeout, queue_bytes=self._queue_bytes)

    def lag(self) -> dict[str, int]:
        found = self._lags().values()
        return {name: sum(lags.get(name, 0) for lags in found) for name in TOPICS}

    def _lags(self) -> dict[int, dict[str, int]]:
        """Records that wait, by generation and topic."""
        waiting: dict[int, dict[str, int]] = {}
        for name in TOPICS:
            for number, topic in generations(self.prefix, name, self._topics()).items():
                ids = self.partition_ids(topic.name)
                committed = self.committed(self.group)  # before the ends: what comes in between counts as waiting
                ends = self.ends()
                lag = sum(ends[each].next - max(committed.get(each, 0), ends[each].low) for each in ids)
                waiting.setdefault(number, {})[name] = lag
        return waiting or {FIRST_GENERATION: {}}

    def _topics(self) -> dict[str, int]:
        """Partitions by full name."""
        with self._tables.reading() as connection:
            return dict(connection.execute("SELECT topic, count(*) FROM partitions GROUP BY topic").fetchall())

    def check(self) -> None:
        with self._tables.writing() as connection:
            connection.execute("PRAGMA user_version=0")  # nobody reads it; a full disk is known only by writing

    def close(self) -> None:
        self._tables.close()

    # -- appending and reading

    def partition_ids(self, topic: str) -> list[int]:
        """Ids of the partitions of a topic (full name), by partition; empty where it does not exist."""
        if topic not in self._ids:
            with self._tables.reading() as connection:
                rows = connection.execute(
                    "SELECT id FROM partitions WHERE topic=? ORDER BY partition", (topic,)
                ).fetchall()
            if not rows:
                return []
            self._ids[topic] = [each for (each,) in rows]
        return self._ids[topic]

    def append(self, records: Sequence[tuple[int, bytes]]) -> list[int]:
        """Appends (partition's id, value) pairs in one durable transaction: all or none. Returns their offsets."""
        now, offsets, following = time.time_ns() // 1_000_000, [], dict[int, int]()
        with self._tables.writing() as connection:
            for partition, _ in records:
                if partition not in following:
                    row = connection.execute("SELECT next FROM partitions WHERE id=?", (partition,)).fetchone()
                    if row is None:
                        raise NotFound(f"there is no partition with id {partition} in {self.file}")
                    following[partition] = row[0]
                offsets.append(following[partition])
                following[partition] += 1
            rows = [
                (partition * _OFFSETS + offset, now, value)
                for (partition, value), offset in zip(records, offsets, strict=True)
            ]
            connection.executemany("INSERT INTO records VALUES(?, ?, ?)", rows)
            ends = [(end, partition) for partition, end in following.items()]
            connection.executemany("UPDATE partitions SET next=? WHERE id=?", ends)
        APPENDS.announce(self.file)
        return offsets

    def fetch(self, partition: int, offset: int, *, records: int = 1000, max_bytes: int = 4 << 20) -> list[Fetched]:
        """Records from `offset` on, in order: at most `records`, and no more once `max_bytes` are read."""
        found: list[Fetched] = []
        size, low = 0, partition * _OFFSETS
        with self._tables.reading() as connection:
            cursor = connection.execute(
                "SELECT id, appended_at, value FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
                (low + offset, low + _OFFSETS, records),
            )
            for rowid, appended_at, value in cursor:
                found.append((rowid - low, appended_at, value))
                size += len(value)
                if size >= max_bytes:
                    break
            cursor.close()
        return found

    def ends(self) -> dict[int, Ends]:
        """First kept and next offset of every partition, by its id."""
        with self._tables.reading() as connection:
            return {
                each: Ends(low, end) for each, low, end in connection.execute("SELECT id, low, next FROM partitions")
            }

    def data_version(self) -> int:
        """Another number whenever another connection, of any process, has changed the file."""
        with self._tables.reading() as connection:
            return int(connection.execute("PRAGMA data_version").fetchone()[0])

    # -- positions of groups

    def commit(self, group: str, offsets: Mapping[int, int]) -> None:
        """Stores the next offset to read, by partition's id."""
        with self._tables.writing() as connection:
            rows = [(group, partition, offset) for partition, offset in offsets.items()]
            connection.executemany("INSERT OR REPLACE INTO committed VALUES(?, ?, ?)", rows)

    def committed(self, group: str) -> dict[int, int]:
        with self._tables.reading() as connection:
            rows = connection.execute("SELECT partition_id, next FROM committed WHERE consumer_group=?", (group,))
            return dict(rows.fetchall())

    def trim(self, keep_ms: int) -> int:
        """Drops records that every group has committed and that are older than `keep_ms`. Returns how many.

        A partition that no group has committed is left alone. The file does not shrink; its pages are used again.
        """
        before, dropped = time.time_ns() // 1_000_000 - keep_ms, 0
        for partition in self.ends():
            while step := self._trim(partition, before):  # in steps: appends get their turn in between
                dropped += step
        return dropped

    def _trim(self, partition: int, before: int) -> int:
        first = partition * _OFFSETS
        with self._tables.writing() as connection:
            (low,) = connection.execute("SELECT low FROM partitions WHERE id=?", (partition,)).fetchone()
            query = "SELECT coalesce(min(next), 0) FROM committed WHERE partition_id=?"
            (committed,) = connection.execute(query, (partition,)).fetchone()
            end = min(committed, low + _TRIM_STEP)
            # Appended in order of time, so what is old enough is a prefix; the first record to keep ends it.
            query = "SELECT min(id) FROM records WHERE id >= ? AND id < ? AND appended_at >= ?"
            (keep,) = connection.execute(query, (first + low, first + end, before)).fetchone()
            end = end if keep is None else keep - first
            if end <= low:
                return 0
            connection.execute("DELETE FROM records WHERE id >= ? AND id < ?", (first + low, first + end))
            connection.execute("UPDATE partitions SET low=? WHERE id=?", (end, partition))
            return int(end - low)
