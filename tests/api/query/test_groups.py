"""Breakdowns of retention, paths, journeys, stickiness and life cycle: groups are what narrower questions say, add up
to the whole, and are explained."""

import json
from collections import Counter
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.identifiers import fact_id
from schemas.definitions import Goal
from schemas.facts import EventRow
from tests.api.query.conftest import House
from tests.api.query.laws import laws
from tests.api.query.test_explain import explain
from tests.api.query.test_saved import put
from tests.story import DAY, DAY_ZERO

months = count(1)
HOUR = 3_600_000
happenings = st.lists(
    st.tuples(st.integers(1, 4), st.integers(0, 5 * 24), st.sampled_from("sr"), st.sampled_from(["", "x", "y", "z"])),
    max_size=14,
    unique_by=lambda each: (each[0], each[1]),
)
few = laws(6)


def told(house: House, happened: list[tuple[int, int, str, str]]) -> int:
    """Hours of four devices with a color or none; gives when they begin."""
    begin = DAY_ZERO + next(months) * 20 * DAY
    house.tell([
        EventRow(
            project=house.name, device=begin + device, occurred_at=begin + hour * HOUR, sequence=0, log_position=number,
            message_id=fact_id(house.name, number, begin), event=name, type="track", channel="web",
            properties=json.dumps({"color": color}),
        )
        for number, (device, hour, name, color) in enumerate(happened)
    ])  # fmt: skip
    return begin


def asked_range(begin: int, days: int) -> dict[str, str]:
    return {
        name: datetime.fromtimestamp((begin + at * DAY) / 1000, UTC).date().isoformat()
        for name, at in (("from", 0), ("to", days))
    }


@few
@given(happenings, st.integers(1, 3), st.integers(1, 3))
async def test_a_customer_is_in_the_group_of_his_first_start(
    house: House, happened: list[tuple[int, int, str, str]], days: int, limit: int
) -> None:
    question = asked_range(told(house, happened), days) | {
        "starts": {"events": "s"}, "returns": {"events": "r"}, "by": "day", "periods": 2,
        "breakdown": "color", "limit": limit,
    }  # fmt: skip
    result = (await house.ask("retention", question))["result"]
    sizes: Counter[str] = Counter()
    back: Counter[tuple[str, int]] = Counter()
    for device in range(1, 5):
        starts = sorted((hour, color) for who, hour, name, color in happened if (who, name) == (device, "s"))
        if starts and starts[0][0] < days * 24:
            hour, color = starts[0]
            sizes[color] += 1
            returns = {
                at // 24 - hour // 24 for who, at, name, _ in happened if (who, name) == (device, "r") and at > hour
            }
            back.update((color, offset) for offset in returns if offset <= 2)
    ranked = sorted(sizes, key=lambda color: (-sizes[color], color))
    wanted = [[color] for color in ranked[:limit]] + ([ranked[limit:]] if len(ranked) > limit else [])
    assert [group["value"] for group in result["groups"]] == [
        (colors[0] or None) if number < limit else None for number, colors in enumerate(wanted)
    ]
    for group, colors in zip(result["groups"], wanted, strict=True):
        assert group["customers"] == sum(sizes[color] for color in colors)
        assert [one["count"] for one in group["curve"]] == [
            sum(back[color, offset] for color in colors) for offset in range(3)
        ]
    assert sum(group["customers"] for group in result["groups"]) == result["customers"]


@few
@given(happenings, st.sampled_from(["starts_at", "ends_at", "through"]), st.integers(1, 3))
async def test_paths_of_a_value_are_those_whose_point_has_it(
    house: House, happened: list[tuple[int, int, str, str]], where: str, fan_out: int
) -> None:
    common = asked_range(told(house, happened), 6) | {"within": "customers", "depth": 3}
    whole = common | {where: {"events": "s"}, "breakdown": "color", "limit": 20}
    result = (await house.ask("paths", whole, fan_out=100))["result"]
    assert {group["value"] or "" for group in result["groups"]} == {
        color for _, _, name, color in happened if name == "s"
    }
    for group in result["groups"]:
        holds = {"property": "color", "operator": "is", "value": group["value"]}
        lacks = {"property": "color", "operator": "not_set"}
        point = {"events": "s", "where": [holds if group["value"] else lacks]}
        alone = (await house.ask("paths", common | {where: point}, fan_out=100))["result"]
        assert {name: group[name] for name in ("paths", "actors", "nodes", "links")} == {
            name: alone[name] for name in ("paths", "actors", "nodes", "links")
        }
    narrow = (await house.ask("paths", whole, fan_out=fan_out))["result"]
    summed = Counter({node["id"]: 0 for node in narrow["nodes"]})
    for group in narrow["groups"]:
        summed.update({node["id"]: node["paths"] for node in group["nodes"]})
    assert dict(summed) == {node["id"]: node["paths"] for node in narrow["nodes"]}


SHOP = """
    ann   09:00     page /home acquisition=email
    ann   09:01     login ann plan=pro
    ann   09:02     track Paid
    ann   +1 09:00  page /home acquisition=direct
    ann   +9 09:00  page /home acquisition=direct
    bob   10:00     page /home acquisition=email
    bob   10:01     login bob plan=basic
    bob   +1 10:00  page /home
    cleo  11:00     page /home
    dan   11:00     page /list acquisition=email
    dan   11:01     track Paid
"""
PAYERS = {"conditions": [{"kind": "did", "events": "Paid"}]}


@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("retention", {"starts": {"events": "page"}, "by": "day", "periods": 2}),
        ("paths", {"depth": 3, "fan_out": 100}),
        ("stickiness", {"events": "page", "by": "day"}),
        ("lifecycle", {"events": "page", "by": "day"}),
        ("journeys", {}),
    ],
)
async def test_the_group_of_a_segment_is_the_question_about_the_segment(
    house: House, name: str, question: dict[str, Any]
) -> None:
    await put(house, "segments/payers", PAYERS)
    await put(house, "segments/others", {"conditions": [{"kind": "segment", "segment": "payers", "negated": True}]})
    house.tell(SHOP, goals=[Goal("sale", ("Paid",))])
    asked = question | {"breakdown": "$segment.payers", "from": "2023-11-15", "to": "2023-11-26"}
    answer = await house.ask(name, asked)
    assert answer["definitions"]["segment.payers"] == 1
    groups = {group["value"]: group for group in answer["result"]["groups"]}
    assert set(groups) == {"true", "false"}
    for value, segment in (("true", "payers"), ("false", "others")):
        alone = (await house.ask(name, asked | {"breakdown": None, "segments": [segment]}))["result"]
        same = (set(groups[value]) & set(alone)) - {"groups"}
        assert len(same) > 0
        assert {field: groups[value][field] for field in same} == {field: alone[field] for field in same}


async def test_groups_of_the_life_cycle_add_up_to_all(house: House) -> None:
    await put(house, "segments/payers", PAYERS)
    house.tell(SHOP)
    asked = {"events": "page", "by": "day", "from": "2023-11-15", "to": "2023-11-20"}
    result = (await house.ask("lifecycle", asked, breakdown=["$segment.payers", "$customer_now.plan"]))["result"]
    assert {(*group["values"], group["points"][0]["new"]) for group in result["groups"]} == {
        ("false", None, 1), ("false", "basic", 1), ("true", None, 1), ("true", "pro", 1),
    }  # fmt: skip
    for number, point in enumerate(result["points"]):
        for phase in ("active", "new", "returning", "resurrecting", "dormant"):
            assert sum(group["points"][number][phase] for group in result["groups"]) == point[phase]


@pytest.mark.parametrize(
    ("breakdown", "wanted"),
    [
        ("first_channel", {"email": 3, "direct": 1}),
        ("last_channel", {"email": 2, "direct": 2}),
        ("stage", {"customer": 2, "visitor": 2, "returning": 1}),
        ("$customer_now.plan", {"pro": 2, "basic": 1, None: 2}),
    ],
)
async def test_journeys_by_what_they_are(house: House, breakdown: str, wanted: dict[str | None, int]) -> None:
    house.tell(SHOP, goals=[Goal("sale", ("Paid",))])
    counted: Counter[str | None] = Counter()
    plans = {}
    for journey in house.told.journeys:
        counted[
            {"first_channel": journey.path[0], "last_channel": journey.path[-1], "stage": journey.stage}.get(
                breakdown, ""
            )
        ] += 1
        plans[journey.customer] = journey
    result = (await house.ask("journeys", breakdown=breakdown))["result"]
    groups = {group["value"]: group["journeys"] for group in result["groups"]}
    assert (
        groups == wanted
        if breakdown.startswith("$")
        else groups == {name or None: size for name, size in counted.items()}
    )
    for group in result["groups"]:
        told = await explain(house, "journeys", {"breakdown": breakdown}, cell={"value": group["value"]})
        assert told["count"] == group["journeys"]
    one = (await house.ask("journeys", breakdown=breakdown, limit=1))["result"]
    assert (len(one["groups"]), one["groups_left_out"]) == (1, len(groups) - 1)


@pytest.mark.parametrize(
    ("name", "question", "cell", "number"),
    [
        (
            "retention", {"starts": {"events": "page"}, "by": "day", "periods": 2}, {"after": 1},
            lambda group: group["cohorts"][0]["cells"][1]["count"],
        ),
        ("paths", {"depth": 3}, {}, lambda group: group["paths"]),
        (
            "stickiness", {"events": "page", "by": "day"}, {"periods": 1},
            lambda group: group["histogram"][0]["customers"],
        ),
        (
            "lifecycle", {"events": "page", "by": "day"}, {"period": "2023-11-16", "phase": "returning"},
            lambda group: group["points"][1]["returning"],
        ),
    ],
)  # fmt: skip
async def test_numbers_of_groups_are_explained(
    house: House, name: str, question: dict[str, Any], cell: dict[str, Any], number: Any
) -> None:
    house.tell(SHOP)
    for breakdown, limit in (("$customer_now.plan", 10), ("$customer_now.plan", 1)):
        asked = question | {"breakdown": breakdown, "limit": limit, "from": "2023-11-15", "to": "2023-11-20"}
        groups = (await house.ask(name, asked))["result"]["groups"]
        assert len(groups) == (3 if limit == 10 else 2)
        for group in groups:
            of = {"kind": group["kind"]} | ({"value": group["value"]} if group["kind"] == "value" else {})
            assert (await explain(house, name, asked, cell=cell | of))["count"] == number(group)
    error = await house.client.post(
        f"/api/v1/projects/{house.name}/questions/{name}/explain",
        json={"question": question, "cell": cell | {"kind": "none"}},
    )
    assert (error.status_code, error.json()["error"]["field"]) == (422, "cell.kind")


@pytest.mark.parametrize(
    ("name", "question", "breakdown", "hint"),
    [
        ("retention", {"starts": {"events": "page"}}, "$nope", "$channel"),
        ("retention", {"starts": {"events": "page"}}, "$segment.payer", "did you mean 'payers'?"),
        ("paths", {}, "$session.acquisiton", "$session.acquisition"),
        ("stickiness", {"events": "page"}, "color", "$customer_now.NAME"),
        ("lifecycle", {"events": "page"}, "$customer.plan", "$customer_now.plan"),
        ("journeys", {}, "first_chanel", "did you mean 'first_channel'?"),
        ("journeys", {}, ["stage", "stage"], "once"),
    ],
)
async def test_a_breakdown_that_there_is_none_of_is_422_with_the_nearest(
    house: House, name: str, question: dict[str, Any], breakdown: Any, hint: str
) -> None:
    await put(house, "segments/payers", PAYERS)
    error = await house.refused(name, question | {"breakdown": breakdown})
    assert (error["field"], hint in error["message"]) == ("breakdown", True), error
