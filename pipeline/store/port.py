"""What the rest of the house may ask of a store. Synchronous, thread-safe: asyncio callers use `asyncio.to_thread`."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

import numpy as np

from pipeline.errors import StoreStopped

Row = tuple[Any, ...]
Column = np.ndarray[Any, np.dtype[Any]]


class Cost(NamedTuple):
    """What a statement read of the tables; 0 where the engine does not tell."""

    rows: int
    bytes: int


class Stop:
    """Word that nobody waits for an answer any more; it ends the statements that run under it. Thread-safe."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._is_set = False
        self._endings: list[Callable[[], None]] = []

    def set(self) -> None:
        """Ends what runs. A statement may be on its way to the engine and start after: who must be sure sets again."""
        with self._guard:
            self._is_set = True
            for end in self._endings:
                end()

    def check(self) -> None:
        """Raises StoreStopped once it is set."""
        if self._is_set:
            raise StoreStopped("nobody waits for the answer any more")

    @contextmanager
    def ends(self, end: Callable[[], None]) -> Iterator[None]:
        """While inside, `set` calls `end`, which ends the statement; its error becomes StoreStopped."""
        self.check()
        with self._guard:
            self._endings.append(end)
        try:
            yield
        except Exception:
            self.check()
            raise
        finally:
            with self._guard:  # not before `end` is through: it must not meet the next statement
                self._endings.remove(end)


class Store(Protocol):
    """ClickHouse's engine, in the process or behind clickhouse-driver.

    Values are bound as ClickHouse parameters, `{name:Type}`, in both adapters. Results are ints, floats, strings,
    bools, None, lists and tuples; a query turns times into ms (`toUnixTimestamp64Milli`) and 64-bit ids stay ints.
    Raises StoreUnavailable (try again) or StoreRefused (the statement is wrong, or a limit was hit).
    """

    def query(
        self, sql: str, parameters: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None
    ) -> list[Row]:
        """All rows of one SELECT."""

    def measured(
        self,
        sql: str,
        parameters: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        stop: Stop | None = None,
    ) -> tuple[list[Row], Cost]:
        """The same, and what it read. StoreStopped where `stop` is set before it is done."""

    def columns(
        self,
        sql: str,
        parameters: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        stop: Stop | None = None,
    ) -> tuple[list[Column], Cost]:
        """The same for a SELECT of numbers alone: each column as one array, no column where there is no row.
        StoreRefused for a column of another type."""

    def stream(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Iterable[list[Row]]:
        """The same in blocks, for results that do not fit in memory."""

    def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """One statement without a result: DDL, SYSTEM, KILL."""

    def insert(self, table: str, columns: Sequence[Sequence[Any]]) -> None:
        """Column-major rows in the order of the table's own columns (computed ones left out).

        DateTime64 columns take ms as ints. Returns when the rows are durable and visible to the next query;
        split so that a block spans at most 50 partitions. An error means that some or none of the rows are there:
        insert again, facts are upserts.
        """

    def close(self) -> None: ...
