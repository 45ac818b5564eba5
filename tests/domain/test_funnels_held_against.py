"""The core's entries against those of the evaluator, which was written from the pages by somebody else."""

import json
import os

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.domain.funnels import entries, order
from schemas.definitions import Funnel
from schemas.facts import EventRow
from tests.domain.making import PROJECT, event
from tests.evaluator.asked import Asked
from tests.evaluator.entries import Entry, opened
from tests.evaluator.happenings import Happening, property_text
from tests.evaluator.made_up import Question, followed, history

EXAMPLES = int(os.environ.get("EVALUATOR_EXAMPLES", "800"))
often = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


def definition(question: Question) -> Funnel:
    """The question's part that decides the entries, as the core takes it."""

    def names(one: Question) -> Question:
        return one | {"events": [one["events"]] if isinstance(one["events"], str) else one["events"]}

    body = {
        "name": "way",
        "steps": [names(step) for step in question["steps"]],
        "window_ms": question["window"],
        "order": question["order"],
        "exclusions": [names(one) | {"before": one["before"] or 0} for one in question["exclusions"]],
        "constant": question["constant"],
        "breakdown": question["breakdown"] or "",
    }
    return msgspec.convert(body, Funnel)


def row(happening: Happening) -> EventRow:
    return event(
        happening.name,
        happening.at,
        properties=dict(happening.properties),
        message_id=happening.message_id,
        sequence=happening.sequence,
        channel=happening.columns["$channel"],
        is_passive=happening.is_passive,
    )


def told(entry: Entry, question: Question) -> tuple[object, ...]:
    """An entry of the evaluator, as the core's rows have it."""
    fills = [entry.fills.get(step) for step in range(1, len(question["steps"]) + 1)]
    of = question["breakdown"]
    return (
        entry.first.at,
        entry.furthest,
        tuple(fill.at if fill else 0 for fill in fills),
        tuple(fill.message_id if fill else 0 for fill in fills),
        tuple((property_text(fill, of) or "") if fill else "" for fill in fills) if of else (),
    )


@often
@given(history(st.integers(1, 9)), followed(st.sampled_from([1, 2, 3, 5, 100])), st.integers(1, 5), st.integers(5, 10))
def test_the_core_opens_the_entries_that_the_pages_tell_of(
    happened: list[Happening], question: Question, start: int, end: int
) -> None:
    found = entries(
        sorted(map(row, happened), key=order),
        definition(question),
        project=PROJECT,
        customer=1,
        entered_from=start,
        entered_until=end,
    )
    zone = {"from": f"1970-01-01T00:00:00.{start:03}Z", "to": f"1970-01-01T00:00:00.{end:03}Z", "include_bots": True}
    wanted = opened(Asked(question | zone, now=0), "ann", happened)
    assert sorted((e.entered_at, e.steps, e.step_times, e.step_messages, e.step_groups) for e in found) == sorted(
        told(entry, question) for entry in wanted
    ), json.dumps(question)
