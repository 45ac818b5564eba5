"""What agents read back of facts is, on either engine, what the simulation's model of the store gives."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import msgspec
import pytest

from pipeline.store.facts import Facts
from pipeline.store.late import Late
from pipeline.store.port import Store
from pipeline.store.refused_pairs import RefusedPairs
from pipeline.store.sql import load
from schemas.facts import (
    Conversion,
    EventRow,
    FunnelEntry,
    Identity,
    Journey,
    Ownership,
    Pair,
    RefusedPair,
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
    if kind in (Pair, RefusedPair) and made["identifier"] == made["other"]:
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
    "devices written": lambda facts, project: facts.devices_written(1, 2, Late(((3, 9), (20, 31)), 100)),
    "customers written": lambda facts, project: facts.customers_written(1, 2, Late(((3, 31),), 100)),
    "identifiers written": lambda facts, project: facts.identifiers_written(Late(((3, 31),), 100)),
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
            found, least = plain(read(engine, project)), plain(read(model, project))
            if name.endswith(" written"):  # a replaced row is there until the engine merges it; the model has none
                assert set(least) <= set(found), (name, project)
            else:
                assert found == least, (name, project)


def test_the_worlds_have_something_to_read() -> None:
    model = MemoryFacts(lambda when, what: None)
    for seed in range(6):
        worlds(seed, model)
    empty = [name for name, read in READS.items() if not any(plain(read(model, project)) for project in PROJECTS)]
    assert empty == []


# ---- claims, progress, fills and refusals, which the model keeps beside the facts

AGENTS, SHARDS = ("sessions", "journeys"), range(3)


def bookkeeping(random: Random, version: int, model: MemoryFacts) -> tuple[str, list[tuple[Any, ...]]]:
    """A table and some rows of it, as agents write them: fills and progress by the time, claims before sweeps."""
    agent, shard = random.choice(AGENTS), random.choice(SHARDS)
    what = random.choice(("claims", "swept", "progress", "fills", "fills"))
    if what == "claims":
        return what, [(agent, shard, version, T0 + version, "w", 0, 1)]
    if what == "swept":  # or a claim that comes late, after its sweep
        done = [name for name in model.memory.claims if name[:2] == (agent, shard)]
        swept = random.choice((1, 1, 0))
        return "claims", [(*name, T0 + name[2], "v", swept, 1 + swept) for name in done]
    if what == "progress":
        at = T0 + version - random.choice((0, 0, 5))
        return what, [(agent, shard, at, at)]
    fill = random.randrange(2)
    if random.random() < 0.5:
        return what, [(PROJECTS[0], fill, "", len(SHARDS), "goal.x", version, version + 1, 0, 0, 0, 0, version)]
    numbers = [random.randrange(9) for _ in range(3)]
    return what, [(random.choice(PROJECTS), fill, agent, shard, "", 0, 0, *numbers, random.randrange(2), version)]


ASKED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "terms": ("pipeline.store.reads", "terms", {"agent": "sessions"}),
    "claims": ("pipeline.store.reads", "claims", {"agent": "journeys"}),
    "fills of a shard": (
        "pipeline.store.reads",
        "fills_of_shard",
        {"project": PROJECTS[0], "agent": "sessions", "shard": 1, "fills": [0, 1]},
    ),
    "fills": ("api.query.questions", "fills", {"project": PROJECTS[0]}),
}


def both_told(seed: int, *facts: Facts) -> None:
    """The same bookkeeping and refusals to all; the last of them is the model."""
    random, model = Random(seed), facts[-1]
    assert isinstance(model, MemoryFacts)
    for version in range(2, 60, 2):
        model.memory.tick = lambda version=version: version  # type: ignore[misc]
        table, rows = bookkeeping(random, version, model)
        upserts = [row(RefusedPair, random) for _ in range(random.randrange(3))]
        unlike = {(one.identifier, one.other): one for one in upserts if one.identifier < one.other}
        gone = [row(RefusedPair, random) for _ in range(random.randrange(2))]
        late = version - random.choice((0, 0, 10))  # of a worker that was overtaken
        for each in facts:
            if rows:
                each.store.insert(table, list(zip(*rows, strict=True)))
            RefusedPairs(each.store).write(list(unlike.values()), gone, max(late, 1))


@pytest.mark.parametrize("seed", range(6))
def test_what_agents_keep_beside_the_facts_is_read_as_the_model_gives_it(store: Store, seed: int) -> None:
    engine, model = Facts(store), MemoryFacts(lambda when, what: None)
    both_told(seed, engine, model)
    for name, (package, statement, parameters) in ASKED.items():
        found = [sorted(each.store.query(load(package, statement), parameters)) for each in (engine, model)]
        assert found[0] == found[1], name
    until = {"shards": len(model.memory.progress), "first": 0, "after": len(SHARDS)}
    ((told,),) = store.query(load("api.query.questions", "data_until"), until)
    assert told == model.memory.data_until(until["shards"])
    for project in PROJECTS:
        refused = [RefusedPairs(each.store).of(project, IDS) for each in (engine, model)]
        assert plain(refused[0]) == plain(refused[1])


def test_there_is_bookkeeping_to_read() -> None:
    model = MemoryFacts(lambda when, what: None)
    for seed in range(6):
        both_told(seed, model)
    read = {name: model.store.query(load(package, one), asked) for name, (package, one, asked) in ASKED.items()}
    assert all(read.values()), read
    assert any(RefusedPairs(model.store).of(project, IDS) for project in PROJECTS)
