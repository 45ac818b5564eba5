"""What must hold between the answers of one funnel, whatever happened and whichever options it has."""

import os
from itertools import cycle
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.query.conftest import House
from tests.api.query.test_funnel_held_against import lived, moments, questions, row
from tests.api.query.test_saved import put
from tests.evaluator.asked import Asked, milliseconds
from tests.evaluator.happenings import Happening
from tests.evaluator.made_up import Question, history

EXAMPLES = int(os.environ.get("EVALUATOR_STORES", "4"))
Result = dict[str, Any]
attributions = cycle(("first", "last", 1, 2))  # what a trial costs is its questions: each asks two of them


def counts(steps: list[dict[str, Any]]) -> list[int]:
    return [step["count"] for step in steps]


def summed(rows: list[list[int]], size: int) -> list[int]:
    return [sum(column) for column in zip(*rows, strict=True)] if rows else [0] * size


async def asked(house: House, question: Question, **more: Any) -> Result:
    return dict((await house.ask("funnel", question, **more))["result"])


async def groups_add_up_to_the_total(house: House, question: Question) -> None:
    for attribution in (next(attributions), next(attributions)):
        result = await asked(house, question, breakdown="p", attribution=attribution)
        groups = [counts(group["steps"]) for group in result["groups"]]
        assert summed(groups, len(question["steps"])) == counts(result["steps"])


def days_of_entries_add_up_to_the_total(entries: Result) -> None:
    days = [period["counts"] for period in entries["periods"]]
    assert summed(days, len(entries["steps"])) == counts(entries["steps"])


async def a_wider_window_lowers_no_required_step(house: House, question: Question) -> None:
    if any(one["effect"] == "remove" for one in question["exclusions"]):
        return
    narrow = await asked(house, question, entries="all")
    window = milliseconds(question["window"])
    wide = await asked(house, question, entries="all", window=min(2 * window, milliseconds("366d")))
    for before, after in zip(narrow["steps"], wide["steps"], strict=True):
        assert before["optional"] or before["count"] <= after["count"]


def conversions_never_outnumber_the_converting_events(
    entries: Result, question: Question, happened: list[Happening]
) -> None:
    asking, last = Asked(question, 0), len(question["steps"])
    fitting = [one for one in happened if last in asking.fillable(one) or asking.order == "any"]
    assert entries["converted"] <= len(fitting)


async def who_has_a_converted_entry_has_converted(house: House, question: Question) -> None:
    body = {"question": question | {"count": "entries"}, "cell": {"step": len(question["steps"])}}
    answer = await house.client.post(f"/api/v1/projects/{house.name}/questions/funnel/explain", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["result"]["customers"] == (await asked(house, question, count="customers"))["converted"]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(history(moments, most=9), min_size=2, max_size=5), st.lists(questions(), min_size=1, max_size=3))
async def test_the_laws_of_funnels_hold_between_answers(
    house: House, histories: list[list[Happening]], several: list[Question]
) -> None:
    house.renew()
    happened = lived(histories)
    house.tell([row(one, house.name) for one in happened])
    await put(house, "segments/doers", {"conditions": [{"kind": "did", "events": "C"}]})
    for question in several:
        plain = question | {"breakdown": None, "attribution": "first", "by": None}
        await groups_add_up_to_the_total(house, plain)
        entries = await asked(house, plain, count="entries", by="day")
        days_of_entries_add_up_to_the_total(entries)
        conversions_never_outnumber_the_converting_events(entries, plain, happened)
        await a_wider_window_lowers_no_required_step(house, plain)
        await who_has_a_converted_entry_has_converted(house, plain)
