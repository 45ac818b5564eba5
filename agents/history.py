"""What a changed definition asks of a shard of `events`: piece by piece, each as long as a turn may be.

goals       devices with an event that a goal of the project names or ever named are stitched whole
sessions    all devices are
channels    all devices are, and what brought their visits about is judged anew
funnels     whoever owned a device with an event that a funnel names is marked: events that it names were not
            marked before this worker knew of it
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from agents.fills import Fills
from agents.outbox import Outbox, encode, send_lines
from agents.ports import Ports
from agents.received import Changed, Key
from agents.rules import Rules
from schemas.log import EVENTS, Line, Piece


@dataclass
class Part:
    """One piece: its devices, and the one after which the next begins (None: there is no next)."""

    changed: Changed
    fills: set[int]
    devices: list[int]
    after: int | None
    total: int  # devices in the shard, where this is the first piece
    restitched: set[Key] = field(default_factory=set)
    rejudged: set[Key] = field(default_factory=set)  # those of them whose visits are judged anew


class History:
    """Takes the pieces that a turn asks for, and asks for the next ones."""

    def __init__(self, ports: Ports, piece: int) -> None:
        """`piece`: most devices in one."""
        self.ports, self.piece, self.fills = ports, piece, Fills("sessions", ports)

    async def pieces(self, changed: Mapping[Changed, set[int]], rules: Rules) -> list[Part]:
        """The pieces that are to be done; marks for saved funnels have been sent already."""
        parts = []
        for one, fills in changed.items():
            part = await self.ports.do(self._part, one, fills, rules)
            if part is None:
                continue
            if one.scope == "funnels":
                await self._mark(part)
            else:
                part.restitched = {(one.project, device) for device in part.devices}
                part.rejudged = part.restitched if one.scope == "channels" else set()
            parts.append(part)
        return parts

    async def go_on(self, part: Part) -> None:
        """The piece is done: asks for the next one, and then tells how far the fills have come."""
        one, fills = part.changed, sorted(part.fills)
        if part.after is not None:
            piece = msgspec.Raw(encode(Piece(tuple(fills), part.after)))
            line = Line(p=one.project, d=one.partition, r=0, c="define", w=one.scope, e=piece)
            await send_lines(self.ports, EVENTS, one.partition, [encode(line)])
        told = (one.project, one.partition, fills, len(part.devices), part.total, part.after)
        await self.ports.do(self.fills.told, *told)

    def _part(self, one: Changed, fills: set[int], rules: Rules) -> Part | None:
        if not self.fills.waiting(one.project, one.partition, fills, one.after):
            return None
        facts, partitions = self.ports.facts, self.ports.partitions(EVENTS)
        names: set[str] | None = None
        if one.scope == "goals":
            names = facts.goal_events(one.project)
        elif one.scope == "funnels":
            names = set(rules.funnel_events(one.project))
        if names is not None and not names:
            return Part(one, fills, [], None, 0)
        named = set() if names is None or "*" in names else names
        found = facts.devices_of_shard(one.project, named, one.partition, partitions, one.after)
        devices = found[: self.piece]
        after = devices[-1] if len(found) > self.piece else None
        return Part(one, fills, devices, after, 0 if one.after else len(found))

    async def _mark(self, part: Part) -> None:
        project, outbox = part.changed.project, Outbox(self.ports)
        found = await self.ports.do(self.ports.facts.ownerships, project, part.devices)
        for rows in found.values():
            for row in rows:
                outbox.mark(project, row.owner, row.owner, 0)
        await outbox.send()
