"""What the rest of the house may ask of a store. Synchronous, thread-safe: asyncio callers use `asyncio.to_thread`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

Row = tuple[Any, ...]


class Cost(NamedTuple):
    """What a statement read of the tables; 0 where the engine does not tell."""

    rows: int
    bytes: int


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
        self, sql: str, parameters: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None
    ) -> tuple[list[Row], Cost]:
        """The same, and what it read."""

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
