"""History filled anew after a changed definition: piece by piece, between the events that come meanwhile.

    events 0     e e define   e e e define(after d7)   e e define(after d19)   e ...
    turn             d1 .. d7          d8 .. d19               d20 .. end: done

A piece's turn sends the next piece to the end of its own partition before it is acknowledged, so a fill goes on where
it was, whichever worker has the shard by then. How far it has come is told in the table `fills`, behind everything that
a piece has written and sent: a piece that comes again after that is left out, as the next one is in the log already.
"""

from collections.abc import Collection
from typing import Any

from agents.ports import Ports
from pipeline.store.sql import load


class Fills:
    """How far the fills have come in the shards of one agent. Synchronous, like the store."""

    def __init__(self, agent: str, ports: Ports) -> None:
        self.agent, self.ports = agent, ports

    def waiting(self, project: str, shard: int, fills: Collection[int], after: int) -> bool:
        """Whether the piece of a shard that begins after that key is still to be done; one without fills always is."""
        told = self._told(project, shard, fills)
        return not fills or any(one not in told or (told[one][0] <= after and not told[one][2]) for one in fills)

    def told(self, project: str, shard: int, fills: Collection[int], done: int, total: int, after: int | None) -> None:
        """A piece is done, with everything that it had to send: keys in it, keys in all, the last one (None: no more).

        `total` counts at the first piece only.
        """
        if not fills:
            return
        told, now = self._told(project, shard, fills), self.ports.now()
        rows: list[list[Any]] = []
        for one in sorted(fills):
            _, so_far, _, whole, told_at = told.get(one, (0, 0, False, total, 0))
            rows.append([project, one, self.agent, shard, "", 0, 0])
            rows[-1] += [so_far + done, max(whole, so_far + done), after or 0, int(after is None)]
            rows[-1].append(max(now, told_at + 1))  # a clock that was set back makes no row older than the one before
        self.ports.facts.store.insert("fills", list(zip(*rows, strict=True)))

    def _told(self, project: str, shard: int, fills: Collection[int]) -> dict[int, tuple[int, int, bool, int, int]]:
        """fill -> up to which key, how many are done, whether all are, how many there are, when it was told."""
        if not fills:
            return {}
        parameters = {"project": project, "agent": self.agent, "shard": shard, "fills": sorted(fills)}
        rows = self.ports.facts.store.query(load("pipeline.store.reads", "fills_of_shard"), parameters)
        return {one: (after, done, bool(is_done), total, at) for one, after, done, is_done, total, at in rows}
