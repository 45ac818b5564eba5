"""All facts at once, from the set of accepted events: what the stream must equal once its logs are drained."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.domain.customers import customer_facts
from pipeline.domain.devices import device_facts
from pipeline.domain.funnels import FunnelPlan
from pipeline.domain.goals import GoalSet, Hit
from pipeline.domain.identity import customers
from pipeline.domain.owners import order, owners
from schemas.definitions import Decision, Project
from schemas.facts import (
    Conversion,
    EventRow,
    FunnelEntry,
    Identity,
    Journey,
    Ownership,
    Pair,
    RefusedPair,
    Session,
    Touchpoint,
)


@dataclass
class BatchFacts:
    sessions: list[Session] = field(default_factory=list)
    touchpoints: list[Touchpoint] = field(default_factory=list)
    ownerships: list[Ownership] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)  # in one direction
    refusals: list[RefusedPair] = field(default_factory=list)  # in one direction
    identities: list[Identity] = field(default_factory=list)
    journeys: list[Journey] = field(default_factory=list)
    conversions: list[Conversion] = field(default_factory=list)
    entries: list[FunnelEntry] = field(default_factory=list)


def accepted(events: Sequence[EventRow]) -> list[EventRow]:
    """Each (device, message id) once: of several copies the one with the least log position."""
    best: dict[tuple[int, int], EventRow] = {}
    for event in events:
        key = event.device, event.message_id
        if key not in best or event.log_position < best[key].log_position:
            best[key] = event
    return list(best.values())


def batch(
    events: Sequence[EventRow],
    project: Project,
    goals: GoalSet,
    funnels: Sequence[FunnelPlan],
    decisions: Sequence[Decision] = (),
) -> BatchFacts:
    """The facts of one project from all its accepted events, each once, in any order.

    `decisions` are the operators' that are in force.
    """
    out = BatchFacts()
    by_device: dict[int, list[EventRow]] = defaultdict(list)
    for event in events:
        by_device[event.device].append(event)
    owner_of: list[tuple[int, EventRow]] = []
    for of_device in by_device.values():
        of_device.sort(key=order)
        hits: dict[int, tuple[Hit, ...]] = {
            event.message_id: goals.hits(event, event.properties) for event in of_device if event.event in goals.events
        }
        found = device_facts(of_device, project, hits)
        out.sessions += found.sessions
        out.touchpoints += found.touchpoints
        out.ownerships += found.ownerships
        out.pairs += found.pairs
        owner_of += zip(owners(of_device), of_device, strict=True)
    known = customers(out.pairs, decisions)
    customer_of, out.refusals = known.customer, known.refusals
    out.identities = [Identity(project.name, identifier, customer) for identifier, customer in customer_of.items()]
    touchpoints: dict[int, list[Touchpoint]] = defaultdict(list)
    for touchpoint in out.touchpoints:
        touchpoints[customer_of.get(touchpoint.owner, touchpoint.owner)].append(touchpoint)
    happened: dict[int, list[EventRow]] = defaultdict(list)
    for owner, event in owner_of:
        happened[customer_of.get(owner, owner)].append(event)
    senders = {one.id: one.sender_session for one in out.sessions} if project.sessions.sender_sessions else None
    for customer in touchpoints.keys() | happened.keys():
        facts = customer_facts(project, customer, touchpoints[customer], happened[customer], goals, funnels, senders)
        out.journeys += facts.journeys
        out.conversions += facts.conversions
        out.entries += facts.entries
    return out
