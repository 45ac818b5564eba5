"""What the collector and ingest will say of an event, without sending it: the same code over one event."""

import time
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from api.collect.lines import EventLines
from api.collect.senders import IMPORT, Sender
from api.collect.visitors import Visitor
from pipeline.cli.imports.plan import Planned
from pipeline.ingest.ingest import MAX_EVENT_BYTES, Ingest
from schemas.definitions import Project
from schemas.facts import EventRow, Rejected
from schemas.log import Line

MOST_SHOWN: Final = 20  # lines of each reason


class Named(NamedTuple):
    """A line that cannot be used."""

    line: int
    reason: str
    words: str


class Judge:
    """Judges events as those of one source of a project."""

    def __init__(self, project: Project, sender: Sender | None = None, limit: int = MAX_EVENT_BYTES) -> None:
        """`limit`: bytes of an event that the door takes."""
        self._sender = sender or Sender(project.name, IMPORT, IMPORT)
        self._limit, self._ingest = limit, Ingest({project.name: project})

    def judged(self, event: bytes) -> EventRow | Rejected:
        lines = EventLines(
            self._sender, sent_at="", partitions=1, event_limit=self._limit, places=lambda address: None,
            visitor=Visitor(is_trusted=self._sender.is_trusted, received_at=time.time_ns() // 1_000_000),
        )  # fmt: skip
        lines.add_text(event)
        (found,) = self._ingest.accept_lines(b"\n".join(lines.by_partition[0]), 0, 0, 0)
        assert not isinstance(found, Line)
        return found


def named(planned: Iterable[Planned], judge: Judge, wanted: dict[str, int]) -> Iterator[Named]:
    """The lines that were rejected, up to MOST_SHOWN of each reason; ends when as many as `wanted` are found."""
    open_ones = {reason: min(count, MOST_SHOWN) for reason, count in wanted.items() if count}
    for each in planned:
        if not open_ones:
            return
        for event in each.events:
            found = judge.judged(event)
            if isinstance(found, Rejected) and found.reason in open_ones:
                yield Named(each.line, found.reason, found.message)
                open_ones[found.reason] -= 1
                if not open_ones[found.reason]:
                    del open_ones[found.reason]
