"""What is stored of devices that go the cold way: read once a turn, as early as it is known that it will be needed."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from agents.ports import Ports
from pipeline.domain.copies import Refusal
from schemas.facts import Event


@dataclass
class Stored:
    """Events of a project's devices; a device that is among `devices` and not in a table has none there."""

    devices: set[int] = field(default_factory=set)
    timelines: dict[int, list[Event]] = field(default_factory=dict)
    refused: dict[int, dict[int, Refusal]] = field(default_factory=dict)

    async def read(self, ports: Ports, project: str, devices: Iterable[int]) -> None:
        """Those of the devices that have not been read yet."""
        wanted = set(devices) - self.devices
        if not wanted:
            return
        timelines, refused = await asyncio.gather(
            ports.do(ports.facts.timelines, project, wanted), ports.do(ports.facts.rejected, project, wanted)
        )
        self.timelines |= timelines
        self.refused |= refused
        self.devices |= wanted
