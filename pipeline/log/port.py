"""What the rest of the house may ask of a log."""

from asyncio import Future
from collections.abc import Mapping
from typing import NamedTuple, Protocol


class Topic(NamedTuple):
    """A topic as it exists: another partition count is another generation under another name."""

    name: str  # name in the log, e.g. wayfare-events-1
    generation: int
    partitions: int


class LogWriter(Protocol):
    """Acknowledged appends from one asyncio loop; what arrives while a record is under way travels in the next."""

    async def append(self, topic: str, partition: int, lines: list[bytes]) -> None:
        """Appends to `events`, `changes` or `pairs`; returns once the log has the lines durably.

        Kafka: acks=all; SQLite: synchronous=FULL.
        `lines` are JSON objects without newlines; all of them end in records of that partition.
        Raises LogFull (bounded queue) or LogUnavailable; then nothing may be taken as written. Raises UserMistake
        `line_too_large` for a line of more than about 900 kB.
        """

    def append_all(self, topic: str, lines: Mapping[int, list[bytes]]) -> "Future[None]":
        """The same for lines by partition: done once the log has all of them, failed where it lacks one.

        Raises what can be said at once, and the rest when awaited.
        """

    async def close(self) -> None:
        """Waits for what is under way, at most some seconds."""


class Log(Protocol):
    def topic(self, name: str) -> Topic:
        """`events`, `changes` or `pairs`, of one generation as long as this object lives. Raises LogUnavailable.

        It is the newest there was when it was first asked for, or the one that `reading` gave.
        """

    def ensure_topics(self, partitions: int) -> None:
        """Checks the three topics and creates what is missing (changes and events with `partitions`, pairs too)."""

    def next_generation(self, partitions: int) -> int:
        """Makes the next generation of the three topics, with so many partitions; its number.

        The older one is still read until nothing waits in it. Raises UserMistake where the newest has that many.
        """

    def reading(self) -> int:
        """The generation that agents are to read: the oldest in which a record waits, else the newest.

        From then on `topic` gives those of that generation.
        """

    def due(self) -> int:
        """The generation that `reading` would give now."""

    def writer(self) -> LogWriter:
        """A writer for the running asyncio loop."""

    def lag(self) -> dict[str, int]:
        """Records that wait, by topic (`events`, `changes`, `pairs`): end less the agents' committed offset.

        Of all generations.
        """

    def check(self) -> None:
        """Raises LogUnavailable where the log cannot be reached now."""

    def close(self) -> None: ...
