"""What a turn of the sessions agent has received: sorted by device, and without what changes nothing."""

from collections import defaultdict
from collections.abc import Mapping

from agents.ports import Ports
from pipeline.domain.copies import Received, first_copies
from pipeline.domain.devices import Device, may_know
from schemas.facts import EventRow, Rejected
from schemas.log import Line

Key = tuple[str, int]  # project, device
Definition = tuple[int, str, str]  # partition, project, what changed: goals, funnels or sessions
Decoded = tuple[int, list[EventRow | Rejected | Line]]  # of one batch: its partition, one item a line


def sort_out(prepared: list[Decoded]) -> tuple[dict[Key, list[Received]], set[Key], dict[int, int], set[Definition]]:
    """(what came, by device; devices to restitch; received_at by partition; changed definitions)."""
    received: dict[Key, list[Received]] = {}
    restitch: set[Key] = set()
    reached: dict[int, int] = {}
    define: set[Definition] = set()
    for partition, items in prepared:
        latest = reached.get(partition, 0)
        for item in items:
            if isinstance(item, Line):
                latest = max(item.r, latest)
                if item.c == "restitch":
                    restitch.add((item.p, item.d))
                elif item.c == "define":
                    define.add((partition, item.p, item.w))
                continue
            if item.received_at > latest:
                latest = item.received_at
            key = item.project, item.device
            found = received.get(key)
            if found is None:
                received[key] = [item]
            else:
                found.append(item)
        reached[partition] = latest
    return received, restitch, reached, define


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
        known = [item for item in items if may_know(device, item.message_id)]
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
