"""Batches of events to the collector. What it cannot take for its size is halved until one line is named."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

from pipeline.cli.imports.judging import Named
from pipeline.cli.imports.plan import Planned
from pipeline.errors import UserMistake

BATCH_BYTES, BATCH_LINES = 2_000_000, 4_000
TOO_LARGE: Final = ("payload_too_large", "line_too_large")
Send = Callable[[bytes], Awaitable[Any]]


class Batch(NamedTuple):
    """Records of a file that follow each other."""

    planned: list[Planned]
    line: int  # the last one's
    records: int

    @property
    def events(self) -> list[tuple[int, bytes]]:
        return [(each.line, event) for each in self.planned for event in each.events]


def batches(planned: Iterable[Planned]) -> Iterator[Batch]:
    """All records, in the order of the file."""
    kept: list[Planned] = []
    size = events = line = 0
    for each in planned:
        kept.append(each)
        line = each.line
        size += sum(map(len, each.events))
        events += len(each.events)
        if size >= BATCH_BYTES or events >= BATCH_LINES or len(kept) >= 10 * BATCH_LINES:
            yield Batch(kept, line, len(kept))
            kept, size, events = [], 0, 0
    if kept:
        yield Batch(kept, line, len(kept))


async def sent(events: list[tuple[int, bytes]], send: Send) -> list[Named]:
    """Sends (line, event) pairs; the lines that are too large for the collector. Raises UserMistake for all else."""
    if not events:
        return []
    try:
        await send(b"\n".join(event for _, event in events))
    except UserMistake as error:
        if error.code not in TOO_LARGE:
            raise
        if len(events) == 1:
            return [Named(events[0][0], "too_large", error.message)]
        half = len(events) // 2
        return await sent(events[:half], send) + await sent(events[half:], send)
    return []
