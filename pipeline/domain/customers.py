"""What one customer's touchpoints and events amount to: journeys, conversions, entries into saved funnels."""

from collections.abc import Sequence

import msgspec

from pipeline.domain.funnels import FunnelPlan, entries, order
from pipeline.domain.goals import GoalSet
from pipeline.domain.journeys import Senders, conversions, journeys
from pipeline.domain.rivals import with_rivals
from schemas.definitions import Project
from schemas.facts import Conversion, EventRow, FunnelEntry, Journey, Touchpoint


class CustomerFacts(msgspec.Struct):
    journeys: list[Journey] = []
    conversions: list[Conversion] = []
    entries: list[FunnelEntry] = []


def customer_facts(
    project: Project,
    customer: int,
    touchpoints: Sequence[Touchpoint],
    events: Sequence[EventRow],
    goals: GoalSet,
    funnels: Sequence[FunnelPlan],
    senders: Senders | None = None,
) -> CustomerFacts:
    """The facts of one customer from all his touchpoints and those of his events that goals and funnels name.

    Both in any order; other events may be among them. Bots make no journeys, conversions or entries. `senders` are
    those of his sessions, where the project goes by the sender's own session ids.
    """
    visited = [touchpoint for touchpoint in touchpoints if not touchpoint.is_bot]
    happened = sorted((event for event in events if not event.is_bot), key=order)
    made = journeys(visited, project=project.name, customer=customer)
    met = [
        (event, hits)
        for event in happened
        if event.event in goals.events and (hits := goals.hits(event, event.properties))
    ]
    return CustomerFacts(
        made,
        conversions(met, visited, made, project=project.name, customer=customer, senders=senders),
        [
            entry
            for plan in funnels
            if plan.is_followed
            for entry in with_rivals(entries(happened, plan, project=project.name, customer=customer))
        ],
    )
