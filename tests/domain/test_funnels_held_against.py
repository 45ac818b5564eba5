"""The core's entries against those of the evaluator, which was written from the pages by somebody else."""

import json
import os

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.domain.funnels import entries, order
from schemas.definitions import Funnel
from schemas.facts import EventRow
from tests.domain.making import PROJECT, event
from tests.evaluator.asked import Asked
from tests.evaluator.entries import Entry, opened
from tests.evaluator.happenings import Happening, values_text
from tests.evaluator.made_up import Question, followed, history

EXAMPLES = int(os.environ.get("EVALUATOR_EXAMPLES", "150"))
often = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


def definition(question: Question) -> Funnel:
    """The question's part that decides the entries, as the core takes it."""

    def names(one: Question) -> Question:
        return one | {"events": [one["events"]] if isinstance(one["events"], str) else one["events"]}

    body = {
        "name": "way",
        "steps": [names(step) for step in question["steps"]],
        **({"within_session": True} if question["window"] == "session" else {"window_ms": question["window"]}),
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
        tuple((values_text(fill, of) or "") if fill else "" for fill in fills) if of else (),
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


def plain(*steps: str, window: int = 100, **more: object) -> Question:
    told: Question = {"order": "ordered", "exclusions": [], "constant": [], "breakdown": None}
    return told | {"steps": [{"events": step} for step in steps], "window": window} | more


def line(events: str) -> list[Happening]:
    """One a millisecond, from 1 on."""
    columns = {"$channel": "web"}
    return [Happening(at, name, at, columns=columns) for at, name in enumerate(events.split(), 1)]


def furthest_steps(question: Question, happened: list[Happening]) -> list[int]:
    """Of each entry, the same by the core and by the evaluator."""
    wanted = [told(entry, question) for entry in opened(Asked(question, now=0), "ann", happened)]
    found = entries(sorted(map(row, happened), key=order), definition(question), project=PROJECT, customer=1)
    assert sorted((e.entered_at, e.steps, e.step_times, e.step_messages, e.step_groups) for e in found) == sorted(
        wanted
    )
    return [entry.steps for entry in found]


@pytest.mark.parametrize("effect", ["remove", "drop"])
def test_in_strict_order_nothing_is_excluded_after_the_end_of_an_entry(effect: str) -> None:
    asked = plain("A", "B", order="strict", exclusions=[{"events": "X", "before": None, "effect": effect}])
    assert furthest_steps(asked, line("A Y X")) == [1]
    assert furthest_steps(asked, line("A X Y")) == ([] if effect == "remove" else [1])


@pytest.mark.parametrize("order", ["ordered", "strict", "any"])
def test_thirty_two_steps_are_filled_one_after_the_other(order: str) -> None:
    names = [f"s{number}" for number in range(32)]
    asked = plain(*names, order=order)
    assert max(furthest_steps(asked, line(" ".join(names)))) == 32
    assert max(furthest_steps(asked, line(" ".join(reversed(names))))) == (32 if order == "any" else 1)
    assert max(furthest_steps(asked | {"window": 30}, line(" ".join(names)))) == 31


def test_a_window_of_a_millisecond_holds_both_its_ends() -> None:
    assert furthest_steps(plain("A", "B", "C", window=1), line("A B C")) == [2]
    assert furthest_steps(plain("A", "B", "C", window=2), line("A B C")) == [3]
