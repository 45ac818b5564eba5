"""Segments: who is in one, judged when asked; as filter and as breakdown; laws over everything that can be asked."""

from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.query import ask
from pipeline.domain.identifiers import fact_id
from schemas.facts import EventRow
from tests.api.query.conftest import House
from tests.api.query.laws import laws
from tests.api.query.test_explain import explain
from tests.api.query.test_saved import put
from tests.story import DAY, DAY_ZERO, device, user

SHOP = """
    ann    09:00     page /home
    ann    09:01     login ann plan=pro
    ann    09:05     track Added color=red
    ann    09:30     track Paid
    ann    +1 09:00  track Paid
    bob    10:00     page /home
    bob    10:01     login bob plan=basic
    bob    10:02     track Added color=blue
    bob    +1 10:00  login bob plan=pro
    cleo   11:00     page /home
    cleo   11:10     track Paid
"""
PAID = {"kind": "did", "events": "Paid"}
STEPS = [{"events": "page"}, {"events": "Added"}, {"events": "Paid"}]


async def save(house: House, name: str, *conditions: dict[str, Any], match: str = "all") -> None:
    await put(house, f"segments/{name}", {"conditions": list(conditions), "match": match})


async def members(house: House, name: str) -> set[int]:
    answer = await house.client.get(f"/api/v1/projects/{house.name}/segments/{name}/members")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["count"] == len(found["customers"])
    return {int(one, 16) for one in found["customers"]}


def names(house: House) -> dict[str, int]:
    ann, bob = user("ann", house.name), user("bob", house.name)
    return {"ann": ann, "bob": bob, "cleo": device("cleo", house.name)}


async def test_each_kind_of_condition_and_its_opposite(house: House) -> None:
    house.tell(SHOP)
    known = names(house)
    await put(house, "funnels/buying", {"steps": STEPS})
    house.tell([], funnels=list(house.definitions.funnels(house.name)))
    house.tell(SHOP, funnels=list(house.definitions.funnels(house.name)))
    pro = {"kind": "profile", "where": [{"property": "plan", "value": "pro"}]}
    told: list[tuple[dict[str, Any], set[str]]] = [
        (PAID, {"ann", "cleo"}),
        (PAID | {"at_least": 2}, {"ann"}),
        ({"kind": "did", "events": "*", "where": [{"property": "color", "value": "red"}]}, {"ann"}),
        (pro, {"ann", "bob"}),
        ({"kind": "profile", "where": [{"property": "plan", "operator": "not_set"}]}, {"cleo"}),
        ({"kind": "funnel", "funnel": "buying", "step": 2, "without_step": 3}, {"bob"}),
        ({"kind": "funnel", "funnel": "buying", "step": 3}, {"ann"}),
        ({"kind": "segment", "segment": "payers"}, {"ann", "cleo"}),
    ]
    await save(house, "payers", PAID)
    for condition, who in told:
        await save(house, "one", condition)
        assert await members(house, "one") == {known[name] for name in who}, condition
        await save(house, "one", condition | {"negated": True})
        assert await members(house, "one") == {known[name] for name in known.keys() - who}, condition
    await save(house, "both", PAID, pro)
    assert await members(house, "both") == {known["ann"]}
    await save(house, "either", PAID, pro, match="any")
    assert await members(house, "either") == set(known.values())


async def test_membership_is_judged_when_asked_to_the_millisecond(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.tell(SHOP)
    await save(house, "lately", PAID | {"within": "1d"})
    paid_again, known = DAY_ZERO + DAY + 9 * 3_600_000, names(house)
    for now, expected in ((paid_again, {"ann", "cleo"}), (paid_again + DAY, {"ann"}), (paid_again + DAY + 1, set())):
        monkeypatch.setattr(ask.time, "time_ns", lambda now=now: now * 1_000_000)
        assert await members(house, "lately") == {known[name] for name in expected}


async def test_a_segment_is_a_filter_and_a_breakdown_and_its_version_is_told(house: House) -> None:
    house.tell(SHOP)
    await save(house, "payers", PAID)
    answer = await house.ask("sessions", segments=["payers"])
    assert answer["result"]["total"]["sessions"] == 3
    assert answer["definitions"]["segment.payers"] == 1
    answer = await house.ask("funnel", steps=STEPS, breakdown="$segment.payers")
    groups = [(group["value"], [step["count"] for step in group["steps"]]) for group in answer["result"]["groups"]]
    assert groups == [("true", [2, 1, 1]), ("false", [1, 1, 0])]
    where = [{"property": "$segment.payers", "value": False}]
    steps = [STEPS[0] | {"where": where}, *STEPS[1:]]
    for counted in ("customers", "sessions"):
        answer = await house.ask("funnel", steps=steps, count=counted)
        assert [step["count"] for step in answer["result"]["steps"]] == [1, 1, 0]
    found = await explain(house, "sessions", {"segments": ["payers"]})
    assert (found["count"], found["customers"]) == (3, 2)


# ---- a slow account, and laws

months, turns = count(1), count()
NAMES = "abc"
happenings = st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 4000), st.sampled_from(NAMES)),
    max_size=14,
    unique_by=lambda each: (each[0], each[1]),
)
did = st.builds(
    lambda events, least, negated: {"kind": "did", "events": events, "at_least": least, "negated": negated},
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True),
    st.integers(1, 3),
    st.booleans(),
)


@laws(3)
@given(happenings, st.lists(did, min_size=1, max_size=3), st.sampled_from(["all", "any"]), st.data())
async def test_members_are_those_of_a_slow_account_and_with_the_others_make_every_total(
    house: House, happened: list[tuple[int, int, str]], conditions: list[dict[str, Any]], match: str, data: Any
) -> None:
    house.renew()
    month = next(months)
    begin = DAY_ZERO + month * 40 * DAY
    house.tell([
        EventRow(
            project=house.name, device=1_000 * month + who, occurred_at=begin + minute * 60_000,
            message_id=fact_id(house.name, number, begin), sequence=0, log_position=number, event=name,
            type="page" if name == "a" else "track", channel="web",
        )
        for number, (who, minute, name) in enumerate(happened)
    ])  # fmt: skip
    await save(house, "inside", *conditions, match=match)
    await save(house, "outside", {"kind": "segment", "segment": "inside", "negated": True})
    expected = set()
    for who in {who for who, _, _ in happened}:
        held = []
        for condition in conditions:
            times = sum(1 for one, _, name in happened if one == who and name in condition["events"])
            held.append((times >= condition["at_least"]) != condition["negated"])
        if (all if match == "all" else any)(held):
            expected.add(1_000 * month + who)
    assert await members(house, "inside") == expected
    ways, counted = [{"events": "a"}, {"events": "*"}], data.draw(st.sampled_from(["customers", "sessions", "entries"]))
    numbers: list[tuple[str, dict[str, Any], Any]] = [
        ("sessions", {}, lambda result: [result["total"]["sessions"], result["total"]["events"]]),
        ("bounce", {}, lambda result: [result["total"]["sessions"], result["total"]["bounced"]]),
        ("trend", {"events": "*"}, lambda result: [result["events"]]),
        ("paths", {"starts_at": {"events": "a"}}, lambda result: [result["paths"], result["actors"]]),
        ("funnel", {"steps": ways, "count": counted}, lambda result: [step["count"] for step in result["steps"]]),
        ("retention", {"starts": {"events": "a"}, "by": "day"}, lambda result: [result["customers"]]),
    ]
    # Each trial asks every second of them: what a trial costs is its questions.
    for name, question, read in numbers[next(turns) % 2 :: 2]:
        whole = read((await house.ask(name, question))["result"])
        inside = read((await house.ask(name, question, segments=["inside"]))["result"])
        outside = read((await house.ask(name, question, segments=["outside"]))["result"])
        assert [one + other for one, other in zip(inside, outside, strict=True)] == whole, name


@pytest.mark.parametrize(
    ("body", "field", "hint"),
    [
        ({"conditions": []}, "conditions", "at least 1"),
        ({"conditions": [{"kind": "do"}]}, "conditions[0].kind", "must be 'profile', 'did'"),
        ({"conditions": [{"kind": "did"}]}, "conditions[0].events", "needs events"),
        ({"conditions": [PAID | {"step": 2}]}, "conditions[0].step", "takes no step"),
        ({"conditions": [PAID | {"within": "0d"}]}, "conditions[0].within", "more than 0"),
        ({"conditions": [{"kind": "funnel", "funnel": "buyng"}]}, "conditions[0].funnel", "did you mean 'buying'?"),
        ({"conditions": [{"kind": "funnel", "funnel": "buying", "step": 4}]}, "conditions[0].step", "3 steps"),
        ({"conditions": [{"kind": "segment", "segment": "self"}]}, "conditions[0].segment", "contains itself"),
        ({"conditions": [{"kind": "segment", "segment": "b"}]}, "conditions[0].segment", "no segment"),
        (
            {"conditions": [{"kind": "profile", "where": [{"property": "$path", "value": "/"}]}]},
            "conditions[0].where[0].property", "traits",
        ),
    ],
)  # fmt: skip
async def test_a_segment_that_cannot_be_is_refused_with_its_field(
    house: House, body: dict[str, Any], field: str, hint: str
) -> None:
    await put(house, "funnels/buying", {"steps": STEPS})
    answer = await house.client.put(f"/api/v1/projects/{house.name}/segments/self", json=body)
    assert 400 <= answer.status_code < 500
    assert answer.json()["error"].get("field") == field
    assert hint in answer.json()["error"]["message"]


async def test_an_unknown_segment_is_422_with_the_nearest_and_no_goal_asks_about_one(house: House) -> None:
    await save(house, "payers", PAID)
    error = await house.refused("sessions", {"segments": ["payer"]})
    assert (error["field"], "did you mean 'payers'?" in error["message"]) == ("segments", True)
    told = [{"where": [{"property": "$segment.payers", "value": True}]}, {"value_property": "$session.value"}]
    for body in told:
        answer = await house.client.put(f"/api/v1/projects/{house.name}/goals/g", json={"events": "Paid"} | body)
        assert 400 <= answer.status_code < 500, answer.text
        assert "its event alone" in answer.json()["error"]["message"]
    assert (await house.client.delete(f"/api/v1/projects/{house.name}/segments/payers")).status_code == 204
