"""What the agents keep of a saved funnel, through late events, copies, merges, splits, crashes and moves, against the
evaluator's entries of the same events."""

import json
import os
from collections import defaultdict
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.facts import EventRow, FunnelEntry
from tests.domain.test_funnels_held_against import definition, told
from tests.evaluator.asked import Asked
from tests.evaluator.entries import opened
from tests.evaluator.happenings import Happening
from tests.evaluator.made_up import Question, followed
from tests.simulation.test_stream_equals_batch import SHOP, decisions, people, seeds, somebody
from tests.simulation.world import Change, Odds, Step, World, drained
from tests.story import story

EXAMPLES = int(os.environ.get("EVALUATOR_WORLDS", "40"))
MINUTE = 60_000
windows = st.sampled_from([1, 10 * MINUTE, 30 * MINUTE, 100 * MINUTE, 86_400_000, 7 * 86_400_000])
verbs = st.sampled_from(
    ["track A", "track B", "track C", "track A p=1", "track B p=1", "track C p=b", "track X", "heartbeat", "page /a"]
)


@st.composite
def received(draw: Any, number: int) -> EventRow:
    """An event of somebody on one of two devices or on none, in any order, or another copy of an earlier one."""
    name = f"m{number}" if number == 0 or draw(st.integers(0, 6)) else f"m{draw(st.integers(0, number - 1))}"
    where = draw(st.sampled_from(["d", "d", "d", "e", "e", "-"]))
    minute = draw(st.integers(0, 12)) * 10
    person = draw(somebody if where == "-" else people)
    verb = draw(st.sampled_from(["opened mail", "clicked sms"]) if where == "-" else verbs)
    extra = draw(st.sampled_from([""] * 8 + ["sequence=1", "is_bot=yes"]))
    time = f"+{draw(st.sampled_from([0, 0, 0, 1]))} {minute // 60:02}:{minute % 60:02}"
    return story(f"{where} {time} {verb} {person} {extra} id={name}", SHOP)[0]


@st.composite
def lives(draw: Any) -> tuple[Question, list[Step]]:
    """A funnel, saved at some time between the events, perhaps in place of another; and what operators decide."""
    question, before = draw(followed(windows)), draw(followed(windows))
    steps: list[Step] = []
    for number in range(draw(st.integers(2, 14))):
        if not draw(st.integers(0, 7)):
            steps.append(Change(SHOP, draw(decisions(SHOP)), is_taken_back=not draw(st.integers(0, 3))))
        steps.append(draw(received(number)))
    at = draw(st.integers(0, len(steps)))
    steps.insert(at, Change(SHOP, definition(question)))
    if draw(st.booleans()):
        steps.insert(draw(st.integers(0, at)), Change(SHOP, definition(before)))
    return question, steps


def happened(world: World) -> dict[int, list[Happening]]:
    """By customer: the events that count, each of whom the facts say it is."""
    facts = world.expected()
    customers = {row.identifier: row.customer for row in facts.identities}
    found = defaultdict(list)
    for event in world.accepted():
        (owner,) = {
            row.owner
            for row in facts.ownerships
            if row.device == event.device and row.owned_from <= event.occurred_at < row.owned_until
        }
        customer = customers.get(owner, owner)
        found[customer].append(
            Happening(
                at=event.occurred_at,
                name=event.event,
                message_id=event.message_id,
                customer=str(customer),
                device=f"{event.device:016x}",
                sequence=event.sequence,
                properties=json.loads(event.properties),
                columns={"$channel": event.channel, "$path": event.path},
                is_passive=event.is_passive,
                is_bot=event.is_bot,
            )
        )
    return found


def kept(entry: FunnelEntry) -> tuple[object, ...]:
    return (
        entry.customer,
        entry.entered_at,
        entry.steps,
        entry.step_times,
        entry.step_messages,
        entry.step_groups,
    )


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(lives(), seeds, st.integers(1, 3))
def test_the_agents_keep_the_entries_that_the_pages_tell_of(
    life: tuple[Question, list[Step]], seed: int, workers: int
) -> None:
    question, steps = life
    world = drained(steps, seed, Odds(cache_devices=2), workers)
    asked = Asked(question, now=0)
    wanted = [
        (customer, *told(entry, question))
        for customer, events in happened(world).items()
        for entry in opened(asked, str(customer), events)
    ]
    assert sorted(map(kept, world.facts.live("funnel_entries"))) == sorted(wanted), json.dumps(question)
