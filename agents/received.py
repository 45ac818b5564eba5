"""What a turn of the sessions agent has received: sorted by device, and without what changes nothing."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from agents.claims import CLOCKS_APART_MS
from agents.ports import Ports
from pipeline.domain.copies import Received, first_copies
from pipeline.domain.devices import Device, may_know
from pipeline.ingest.rejudged import rejudged
from pipeline.ingest.rules import rules_of
from schemas.definitions import Project
from schemas.facts import EventRow, Rejected
from schemas.log import Line, Piece

Key = tuple[str, int]  # project, device
Projects = Mapping[str, Project]
# Of one batch: its partition, one item a line, and the projects by whose rules the items were made.
Decoded = tuple[int, list[EventRow | Rejected | Line], Projects]

_piece = msgspec.json.Decoder(Piece).decode


class Changed(NamedTuple):
    """A piece of a shard's history that a changed definition asks for."""

    partition: int
    project: str
    scope: str  # what changed: goals, funnels, sessions or channels
    after: int  # the device up to which all have been done


@dataclass
class Asked:
    """What the batches of a turn ask for."""

    received: dict[Key, list[Received]] = field(default_factory=dict)  # what came, by device
    restitch: set[Key] = field(default_factory=set)  # devices to stitch whole
    repair: set[Key] = field(default_factory=set)  # those of them of which every row is to be written again
    rejudge: set[Key] = field(default_factory=set)  # those of them whose visits are asked anew what brought them about
    reached: dict[int, int] = field(default_factory=dict)  # received_at by partition
    changed: dict[Changed, set[int]] = field(default_factory=dict)  # and the fills that each is part of


def sort_out(prepared: list[Decoded], now: int) -> Asked:
    """What the batches of a turn ask for.

    `now`: UTC ms. What bears a later time than any clock may show says nothing about how far a partition has come: it
    would stay there, for all who ask, until that time has come.
    """
    asked, end = Asked(), now + CLOCKS_APART_MS
    received = asked.received
    for partition, items, _ in prepared:
        latest = asked.reached.get(partition, 0)
        for item in items:
            if isinstance(item, Line):
                if latest < item.r <= end:
                    latest = item.r
                if item.c == "restitch":
                    asked.restitch.add((item.p, item.d))
                    if item.w == "all":
                        asked.repair.add((item.p, item.d))
                elif item.c == "define":
                    piece = _piece(item.e)
                    asked.changed.setdefault(Changed(partition, item.p, item.w, piece.a), set()).update(piece.f)
                continue
            if latest < item.received_at <= end:
                latest = item.received_at
            key = item.project, item.device
            found = received.get(key)
            if found is None:
                received[key] = [item]
            else:
                found.append(item)
        asked.reached[partition] = latest
    return asked


def rejudge_early(prepared: list[Decoded], received: dict[Key, list[Received]], now: Projects) -> None:
    """What was decoded before a project's rules of origin changed and is worked on after is judged by those of now."""
    early = [projects for _, _, projects in prepared if projects is not now]
    for key, items in received.items() if early else ():
        project = now.get(key[0])
        if project is not None and any(_judges(each.get(key[0])) != _judges(project) for each in early):
            rules = rules_of(project)
            received[key] = [rejudged(item, rules) if isinstance(item, EventRow) else item for item in items]


def _judges(project: Project | None) -> tuple[tuple[str, ...], ...]:
    return () if project is None else (project.own_domains, project.payment_providers)


async def without_duplicates(
    received: dict[Key, list[Received]], cache: Mapping[Key, Device], ports: Ports
) -> set[Key]:
    """Drops, of cached devices, copies of what came or is stored from an earlier position: they change nothing.

    Returns the devices of which something else may be stored; they must go the cold way.
    """
    doubtful: dict[str, dict[int, list[Received]]] = defaultdict(dict)
    for key, items in received.items():
        device = cache.get(key)
        if device is None:
            continue
        if len(items) > 1 and len({item.message_id for item in items}) < len(items):
            received[key] = first_copies(items)
            ports.counters.add("duplicates", len(items) - len(received[key]))
            items = received[key]
        if len(items) > 1:
            known = [item for item in items if may_know(device, item.message_id)]
        else:  # most devices of a turn
            known = items if may_know(device, items[0].message_id) else []
        if known:
            doubtful[key[0]][key[1]] = known
    cold: set[Key] = set()
    for project, known_of in doubtful.items():
        ids = {item.message_id for known in known_of.values() for item in known}
        stored = await ports.do(ports.facts.positions, project, known_of, ids)
        for number, known in known_of.items():
            later = {
                item.log_position
                for item in known
                if item.log_position > stored.get((number, item.message_id), item.log_position)
            }
            key = project, number
            received[key] = [item for item in received[key] if item.log_position not in later]
            ports.counters.add("duplicates", len(later))
            if len(later) < len(known):
                cold.add(key)
    return cold
