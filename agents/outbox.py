"""Marks and pair notes of one turn, one record a partition, sent before the turn is acknowledged."""

import asyncio

import msgspec

from agents.ports import Ports
from pipeline.log.topics import pairs_partition
from schemas.log import CHANGES, MAX_LINES_PER_RECORD, PAIRS, Mark, PairNote

encode = msgspec.json.Encoder().encode


class Outbox:
    """Of several marks for one (customer, identifier) the one with the least time is sent, once."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self.marks: dict[tuple[str, int, int], int] = {}
        self.notes: set[tuple[str, int, int]] = set()

    def mark(self, project: str, customer: int, identifier: int, at: int) -> None:
        """ "Customer c changed from `at` on, as far as the identifier is concerned"."""
        key = project, customer, identifier
        self.marks[key] = min(at, self.marks.get(key, at))

    def note(self, project: str, one: int, other: int) -> None:
        """The evidence of this pair changed; of everything about an identifier where both are the same."""
        self.notes.add((project, min(one, other), max(one, other)))

    async def send(self) -> None:
        """Returns once the logs have all of it."""
        self.ports.fence()
        records: dict[tuple[str, int], list[bytes]] = {}
        changes = self.ports.partitions(CHANGES)
        for (project, customer, identifier), at in self.marks.items():
            line = encode(Mark(p=project, c=customer, i=identifier, t=max(0, at)))
            records.setdefault((CHANGES, customer % changes), []).append(line)
        pairs = self.ports.partitions(PAIRS)
        for project, one, other in self.notes:
            line = encode(PairNote(p=project, a=one, b=other))
            records.setdefault((PAIRS, pairs_partition(project, pairs)), []).append(line)
        await asyncio.gather(
            *(send_lines(self.ports, topic, partition, lines) for (topic, partition), lines in records.items())
        )


async def send_lines(ports: Ports, topic: str, partition: int, lines: list[bytes]) -> None:
    """Returns once the log has all of them."""
    ports.fence()
    await asyncio.gather(
        *(
            ports.send(topic, partition, b"\n".join(lines[start : start + MAX_LINES_PER_RECORD]))
            for start in range(0, len(lines), MAX_LINES_PER_RECORD)
        )
    )
