"""Breakdowns by several properties together, and funnels of accounts, held against slow accounts."""

import json
from collections import Counter
from itertools import count
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.identifiers import fact_id
from schemas.definitions import Funnel, Step
from schemas.facts import EventRow
from tests import funnel_account
from tests.api.query.conftest import House
from tests.api.query.laws import laws
from tests.api.query.test_explain import explain
from tests.api.query.test_funnel_options import counts
from tests.api.query.test_saved import put
from tests.story import DAY, DAY_ZERO, story, user

SHOP = """
    ann    09:00     track Viewed color=red size=1
    ann    09:30     track Paid color=red
    bob    10:00     track Viewed color=red size=1
    cleo   11:00     track Viewed size=2
    dan    12:00     track Viewed
"""
STEPS = [{"events": "Viewed"}, {"events": "Paid"}]


def together(answer: dict[str, Any]) -> list[tuple[list[str | None], str, list[int]]]:
    found = answer["result"]["groups"]
    return [(group["values"], group["kind"], [step["count"] for step in group["steps"]]) for group in found]


async def test_a_breakdown_by_several_properties_has_a_group_for_each_combination(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("funnel", steps=STEPS, breakdown=["color", "size"])
    assert together(answer) == [
        (["red", "1"], "value", [2, 1]),
        ([None, None], "none", [1, 0]),
        ([None, "2"], "value", [1, 0]),
    ]
    assert [group["value"] for group in answer["result"]["groups"]] == ['["red","1"]', None, '[null,"2"]']
    cell = {"kind": "value", "value": '["red","1"]'}
    found = await explain(house, "funnel", {"steps": STEPS, "breakdown": ["color", "size"]}, cell=cell)
    assert (found["count"], found["customers"]) == (2, 2)
    answer = await house.ask("funnel", steps=STEPS, breakdown=["color", "size"], limit=1)
    assert together(answer) == [(["red", "1"], "value", [2, 1]), ([], "other", [2, 0])]


async def test_one_property_in_a_list_is_asked_as_by_its_name(house: House) -> None:
    house.tell(SHOP)
    listed = await house.ask("funnel", steps=STEPS, breakdown=["color"])
    assert listed == await house.ask("funnel", steps=STEPS, breakdown="color")
    assert together(listed)[1] == (["red"], "value", [2, 1])


async def test_a_saved_funnel_is_broken_down_by_several_and_followed_so(house: House) -> None:
    saved = await put(house, "funnels/buying", {"steps": STEPS, "breakdown": ["color", "size"]})
    assert saved["breakdown"] == ["color", "size"]
    house.tell(SHOP, funnels=house.definitions.refresh().funnels[house.name])
    assert house.told.entries
    answer = await house.ask("funnel", saved="buying")
    assert answer["result"] == (await house.ask("funnel", steps=STEPS, breakdown=["color", "size"]))["result"]


async def test_a_trend_is_broken_down_by_several_and_each_group_is_explained(house: House) -> None:
    house.tell(SHOP)
    question = {"events": "*", "breakdown": ["color", "$session.duration_ms"]}
    groups = (await house.ask("trend", question))["result"]["groups"]
    assert [(one["values"], one["kind"], one["events"]) for one in groups] == [
        (["red", "1800000"], "value", 2),
        ([None, "0"], "value", 2),
        (["red", "0"], "value", 1),
    ]
    for one in groups:
        cell = {"kind": one["kind"], "value": one["value"]}
        assert (await explain(house, "trend", question, cell=cell))["count"] == one["events"]
    groups = (await house.ask("trend", question, limit=1))["result"]["groups"]
    assert [(one["values"], one["kind"], one["events"]) for one in groups][1:] == [([], "other", 3)]


@pytest.mark.parametrize(
    ("breakdown", "field"),
    [
        (["a", "b", "c", "d"], "breakdown"),
        ([], "breakdown"),
        (["a", "a"], "breakdown"),
        (["a", ""], "breakdown[1]"),
        (["a", 3], "breakdown[1]"),
        (["color", "$session.entry"], "breakdown[1]"),
        (["color", "$nothing"], "breakdown[1]"),
        ("$session.entry", "breakdown"),
    ],
)
async def test_a_breakdown_that_cannot_be_is_422_with_its_field(house: House, breakdown: Any, field: str) -> None:
    error = await house.refused("funnel", {"steps": STEPS, "breakdown": breakdown})
    assert error["field"].startswith(field), error


FIRM = """
    ann    09:00     login ann group_id=acme
    ann    09:05     track Viewed
    bob    09:10     track Paid group_id=acme
    bob    09:20     track Viewed
    cleo   10:00     track Viewed group_id=zeta
    dan    11:00     track Viewed
"""


async def test_an_account_goes_through_with_the_events_of_all_its_customers(house: House) -> None:
    rows = story(FIRM, house.name)
    rows[0] = msgspec.structs.replace(rows[0], type="group", event="group")
    house.tell(rows)
    answer = await house.ask("funnel", steps=STEPS, count="groups")
    assert counts(answer) == [2, 1]
    assert answer["definitions"]["account"] == 1
    assert counts(await house.ask("funnel", steps=STEPS)) == [4, 0]
    await put(house, "funnels/buying", {"steps": STEPS})
    assert (await house.ask("funnel", saved="buying", count="groups"))["result"] == answer["result"]
    found = await explain(house, "funnel", {"steps": STEPS, "count": "groups"}, cell={"step": 2})
    assert (found["count"], found["customers"], found["counted"]) == (1, 2, "groups")
    ann = f"{user('ann', house.name):016x}"
    found = await explain(house, "funnel", {"steps": STEPS, "count": "groups"}, cell={"step": 2}, customer=ann)
    assert [(one["event"], one["marks"]) for one in found["events"]] == [("Viewed", ["step 1"])]
    inside = await house.ask("funnel", steps=STEPS, count="groups", window="session")
    assert counts(inside) == [2, 0]  # each in the session of one customer
    answer = await house.ask("funnel", steps=STEPS, breakdown="$account")
    assert [group[0] for group in together(answer)] == [[None], ["acme"], ["zeta"]]


# ---- slow accounts

months = count(1)
happenings = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.integers(0, 8),
        st.sampled_from(["a", "b", "c", "group"]),
        st.sampled_from(["x", "y", ""]),
        st.sampled_from(["x", "1", ""]),
    ),
    max_size=16,
    unique_by=lambda each: each[1],
)
Happened = list[tuple[int, int, str, str, str]]


def rows_of(house: House, month: int, happened: Happened) -> list[EventRow]:
    begin = DAY_ZERO + month * 40 * DAY
    return [
        EventRow(
            project=house.name, device=1_000 * month + who, occurred_at=begin + at,
            message_id=fact_id(house.name, number, begin), sequence=0, log_position=number, event=name,
            type="group" if name == "group" else "track", channel="web", group_id=p if name == "group" else "",
            properties="{}" if name == "group" else json.dumps({"p": p, "q": q}),
        )
        for number, (who, at, name, p, q) in enumerate(happened)
    ]  # fmt: skip


@laws(5)
@given(happenings, st.sampled_from(["ordered", "strict", "any"]), st.sampled_from(["first", "last", 1, 2, "all"]))
async def test_groups_of_a_breakdown_together_are_those_of_a_slow_account(
    house: House, happened: Happened, order: Any, attribution: Any
) -> None:
    house.renew()
    rows = rows_of(house, next(months), happened)
    house.tell(rows)
    funnel = Funnel("", (Step(("a",)), Step(("b",))), order=order)
    expected: Counter[tuple[Any, ...]] = Counter()
    for who in {row.device for row in rows}:
        best = funnel_account.counted(funnel_account.entries([row for row in rows if row.device == who], funnel))
        if best is None:
            continue
        numbers = {"first": [min(best)], "last": [max(best)], "all": sorted(best)}.get(attribution, [attribution])
        texts = {_texts(best.get(number)) for number in numbers}
        for values in texts:
            expected[values] += 1
    answer = await house.ask(
        "funnel", steps=[{"events": "a"}, {"events": "b"}], order=order, breakdown=["p", "q"], attribution=attribution
    )
    shown = {tuple(values) or ("not_reached",): numbers[0] for values, _, numbers in together(answer)}
    assert shown == dict(expected)


def _texts(event: Any) -> tuple[Any, ...]:
    if event is None:
        return ("not_reached",)
    told = json.loads(event.properties)
    return told.get("p") or None, told.get("q") or None


@laws(5)
@given(happenings, st.sampled_from(["ordered", "strict", "any"]), st.integers(1, 6))
async def test_accounts_are_those_of_a_slow_account(house: House, happened: Happened, order: Any, window: int) -> None:
    house.renew()
    rows = rows_of(house, next(months), happened)
    house.tell(rows)
    funnel = Funnel("", (Step(("a",)), Step(("b", "c"))), window, order)
    members: dict[str, list[EventRow]] = {}
    for row in rows:
        called = [one for one in rows if one.device == row.device and one.group_id]
        before = sorted((one.occurred_at, one.group_id) for one in called if one.occurred_at <= row.occurred_at)
        if before:
            members.setdefault(before[-1][1], []).append(row)
    found = [funnel_account.entries(mine, funnel) for mine in members.values()]
    answer = await house.ask(
        "funnel", steps=[{"events": "a"}, {"events": ["b", "c"]}], order=order, window=window, count="groups"
    )
    assert counts(answer) == funnel_account.counts(found, funnel)
