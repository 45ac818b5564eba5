"""What agents read back of facts is, on either engine, what the simulation's model of the store gives."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import msgspec
import pytest

from pipeline.store.facts import Facts
from pipeline.store.port import Store
from schemas.facts import (
    Conversion,
    EventRow,
    FunnelEntry,
    Identity,
    Journey,
    Ownership,
    Pair,
    Rejected,
    Session,
    Touchpoint,
)
from tests.simulation.memory import MemoryFacts
from tests.store.rows import T0

PROJECTS, IDS, NAMES = ("p", "q"), (1, 2, 3, 1 << 63), ("page", "Bought", "Signed In")
KINDS = (EventRow, Session, Touchpoint, Ownership, Pair, Identity, Journey, Conversion, FunnelEntry, Rejected)
ID_FIELDS = {"device", "owner", "customer", "identifier", "other", "message_id", "id"}


def row(kind: type[Any], random: Random) -> Any:
    """A row of few possible keys, so that rows replace each other; the rest is of any plain value."""
    made: dict[str, Any] = {field.name: value(field, random) for field in msgspec.structs.fields(kind)}
    if kind is Rejected:  # of one event one copy counts, with its time of receipt
        made["log_position"] = made["message_id"] % 7
        made["received_at"] = T0 + made["log_position"]
    if kind is Pair and made["identifier"] == made["other"]:
        made["other"] = 4
    return kind(**made)


def value(field: msgspec.structs.FieldInfo, random: Random) -> Any:
    if field.name == "project":
        return random.choice(PROJECTS)
    if field.name in ID_FIELDS:
        return random.choice(IDS)
    if field.name in ("event", "funnel", "goal"):
        return random.choice(NAMES)
    if field.name.endswith(("_at", "_from", "_until")):
        return T0 + random.choice((0, 1, 40 * 86_400_000))  # in two months
    if field.type is bool:
        return random.random() < 0.5
    if field.type is int:
        return random.randrange(3)
    if field.type is str:
        return random.choice(("", "a", "ä\n\0'\\"))
    return tuple(random.choices((0, 7), k=random.randrange(3))) if "int" in str(field.type) else ()


def worlds(seed: int, *facts: Facts) -> None:
    """The same writes to all of them: rows that come, are replaced, taken back, and come again."""
    random = Random(seed)
    for version in range(2, 40, 2):
        kind = random.choice(KINDS)
        upserts = list({key(row): row for row in (row(kind, random) for _ in range(random.randrange(1, 8)))}.values())
        retracts = [row(kind, random) for _ in range(random.randrange(4))]
        late = version - random.choice((0, 0, 0, 10))  # of a worker that was overtaken
        for each in facts:
            each.write(upserts, retracts, max(late, 1))


def key(of: Any) -> bytes:
    return msgspec.json.encode([type(of).__name__, *msgspec.structs.astuple(of)[:5]])


READS: dict[str, Callable[[Facts, str], Any]] = {
    "timelines": lambda facts, project: facts.timelines(project, IDS),
    "positions": lambda facts, project: facts.positions(project, IDS[:2], IDS[1:]),
    "sessions": lambda facts, project: facts.sessions(project, IDS[:3]),
    "touchpoints": lambda facts, project: facts.touchpoints(project, IDS),
    "ownerships": lambda facts, project: facts.ownerships(project, IDS),
    "ownerships of owners": lambda facts, project: facts.ownerships_of(project, IDS[1:]),
    "copies by owner": lambda facts, project: facts.ownership_copies(project, IDS[:3], IDS[:2]),
    "pairs of devices": lambda facts, project: facts.pairs_of_devices(project, IDS, IDS[:2]),
    "pairs": lambda facts, project: facts.pairs_of(project, IDS[:2]),
    "rejected": lambda facts, project: facts.rejected(project, IDS),
    "named events": lambda facts, project: facts.named_events(project, NAMES[:2], IDS),
    "any events": lambda facts, project: facts.named_events(project, ("*",), IDS[:2]),
    "customers": lambda facts, project: facts.customers(project, IDS),
    "members": lambda facts, project: facts.members(project, IDS),
    "journeys": lambda facts, project: facts.journeys(project, IDS),
    "conversions": lambda facts, project: facts.conversions(project, IDS),
    "entries": lambda facts, project: facts.funnel_entries(project, IDS),
    "devices of a shard": lambda facts, project: facts.devices_of_shard(project, NAMES[:1], 1, 2),
    "every device of a shard": lambda facts, project: facts.devices_of_shard(project, (), 1, 2),
    "devices written": lambda facts, project: facts.devices_written(1, 2, ((3, 9), (20, 31))),
    "customers written": lambda facts, project: facts.customers_written(1, 2, ((3, 31),)),
    "identifiers written": lambda facts, project: facts.identifiers_written(((3, 31),)),
    "customers of a shard": lambda facts, project: facts.customers_of_shard(project, 0, 2),
}


def plain(found: Any) -> Any:
    """For a comparison: lists without their order, but for timelines, whose order counts."""
    if isinstance(found, Mapping):
        return {name: plain(of) for name, of in found.items() if of or of == 0}
    if isinstance(found, set):
        return sorted(found)
    if isinstance(found, list) and not (found and type(found[0]).__name__ == "Event"):
        return sorted(map(repr, found))
    return found


@pytest.mark.parametrize("seed", range(6))
def test_every_read_gives_what_the_model_gives(store: Store, seed: int) -> None:
    engine, model = Facts(store), MemoryFacts(lambda when, what: None)
    worlds(seed, engine, model)
    for name, read in READS.items():
        for project in PROJECTS:
            assert plain(read(engine, project)) == plain(read(model, project)), (name, project)


def test_the_worlds_have_something_to_read() -> None:
    model = MemoryFacts(lambda when, what: None)
    for seed in range(6):
        worlds(seed, model)
    empty = [name for name, read in READS.items() if not any(plain(read(model, project)) for project in PROJECTS)]
    assert empty == []
