"""Trend: what is measured, of which groups, of two series; and the numbers of a slow account."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count
from statistics import mean
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.identifiers import fact_id
from schemas.facts import EventRow
from tests.api.query.conftest import House
from tests.api.query.laws import laws
from tests.api.query.test_explain import explain
from tests.story import DAY, DAY_ZERO

SHOP = """
    ann  09:00     track Added price=3 color=red
    ann  09:01     track Added price=5 color=blue
    bob  10:00     track Added price=12.5 color=red
    bob  10:01     track Added price=dear
    bob  11:00     track Seen
    ann  +1 09:00  track Added price=4 color=red
    ann  +1 09:30  track Seen
    cleo +3 09:00  track Seen
"""
RANGE = {"from": "2023-11-15", "to": "2023-11-19"}
SUM = {"measure": "sum", "property": "price"}


def measured(answer: dict[str, Any]) -> list[Any]:
    return [point["measured"] for point in answer["result"]["points"]]


@pytest.mark.parametrize(
    ("measure", "points", "total"),
    [
        ("count", [4, 1, 0, 0], 5),
        ("unique", [2, 1, 0, 0], 2),
        ("sum", [20.5, 4, 0, 0], 24.5),
        ("average", [20.5 / 3, 4, None, None], 24.5 / 4),
        ("min", [3, 4, None, None], 3),
        ("max", [12.5, 4, None, None], 12.5),
        ("p50", [5, 4, None, None], 5),
        ("p99", [12.5, 4, None, None], 12.5),
    ],
)
async def test_each_measure_by_day_and_of_all_days(
    house: House, measure: str, points: list[float | None], total: float
) -> None:
    house.tell(SHOP)
    of = {} if measure in ("count", "unique") else {"property": "price"}
    answer = await house.ask("trend", RANGE, events="Added", measure=measure, **of)
    assert (measured(answer), answer["result"]["total"]["measured"]) == (points, total)


async def test_unique_customers_are_those_of_joined_devices_in_the_store_and_in_the_core(house: House) -> None:
    house.tell("""
        tablet  09:00  track Added price=1
        tablet  09:01  login ann
        phone   10:00  login ann
        phone   10:01  track Added price=1
        bob     11:00  track Added price=1
    """)
    question: dict[str, Any] = {"events": "Added", "measure": "unique"}
    assert (await house.ask("trend", question))["result"]["total"]["measured"] == 2
    where = [{"property": "price", "value": 1}]
    assert (await house.ask("trend", question, where=where))["result"]["total"]["measured"] == 2


async def test_values_of_another_currency_are_left_out_with_a_warning(house: House) -> None:
    house.tell("""
        ann  09:00  track Paid value_micros=5000000 currency=EUR
        ann  09:01  track Paid value_micros=2000000
        ann  09:02  track Paid value_micros=9000000 currency=USD
    """)
    answer = await house.ask("trend", events="Paid", measure="sum", property="$value")
    assert answer["result"]["total"]["measured"] == 7
    assert answer["warnings"] == ["1 events have a value in USD: it is left out, as it cannot be added to EUR"]


@pytest.mark.parametrize(("measure", "number"), [("average", 2.0), ("p50", 1.0), ("min", 0.0), ("sum", 6.0)])
async def test_an_event_that_tells_no_value_has_no_number_and_one_that_tells_0_has(
    house: House, measure: str, number: float
) -> None:
    house.tell("""
        ann  09:00  track Paid revenue=5 value_micros=5000000 currency=EUR
        ann  09:01  track Paid total=1 value_micros=1000000
        ann  09:02  track Paid revenue=0
        bob  09:03  track Paid revenue=much
        bob  09:04  track Paid
        bob  09:05  page /home
    """)
    total = (await house.ask("trend", events="*", measure=measure, property="$value"))["result"]["total"]
    assert (total["events"], total["measured"]) == (6, number)


async def test_a_breakdown_has_its_most_frequent_values_none_and_other_and_they_add_up(house: House) -> None:
    house.tell(SHOP)
    result = (await house.ask("trend", RANGE, events="Added", breakdown="color", limit=2))["result"]
    assert [(one["value"], one["kind"], one["measured"]) for one in result["groups"]] == [
        ("red", "value", 3),
        (None, "none", 1),
        (None, "other", 1),
    ]
    for place, point in enumerate(result["points"]):
        assert sum(one["points"][place]["events"] for one in result["groups"]) == point["events"]
    unique = (await house.ask("trend", RANGE, events="Added", breakdown="color", measure="unique"))["result"]
    assert [(one["value"], one["measured"]) for one in unique["groups"]] == [("red", 2), (None, 1), ("blue", 1)]


async def test_a_formula_of_two_series_is_computed_in_every_period_and_of_all(house: House) -> None:
    house.tell(SHOP)
    second = {"events": "Seen", "measure": "unique"}
    answer = await house.ask("trend", RANGE, events="Added", second=second, formula="A / B")
    assert measured(answer) == [4, 1, None, 0]
    assert [(point["a"], point["b"]) for point in answer["result"]["points"]] == [(4, 1), (1, 1), (0, 0), (0, 1)]
    assert answer["result"]["total"]["measured"] == 5 / 3
    grouped = await house.ask("trend", RANGE, events="Added", second=second, formula="A - B", breakdown="color")
    assert [(one["value"], one["measured"]) for one in grouped["result"]["groups"]] == [
        (None, 1 - 3),
        ("red", 3),
        ("blue", 1),
    ]


async def test_the_time_before_is_as_long_and_ends_where_the_range_begins(house: House) -> None:
    house.tell(SHOP)
    range_ = {"from": "2023-11-16", "to": "2023-11-17"}
    before = (await house.ask("trend", range_, events="Added", compare=True, **SUM))["result"]["previous"]
    assert (before["from"], before["to"]) == (DAY_ZERO, DAY_ZERO + DAY)
    assert before["measured_change"] == 4 - 20.5
    assert (before["total"]["measured"], [point["period"] for point in before["points"]]) == (20.5, ["2023-11-15"])
    assert (await house.ask("trend", range_, events="Added"))["result"]["previous"] is None


async def test_the_time_before_has_its_own_groups_and_their_changes(house: House) -> None:
    house.tell(SHOP)
    range_: dict[str, Any] = {"from": "2023-11-16", "to": "2023-11-17", "events": "Added", "breakdown": "color"}
    alone = await house.ask("trend", range_ | {"from": "2023-11-15", "to": "2023-11-16"}, **SUM)
    result = (await house.ask("trend", range_, compare=True, **SUM))["result"]
    before = result["previous"]["groups"]
    changes = [one.pop("measured_change") for one in before]
    assert before == alone["result"]["groups"]
    assert [(one["value"], one["measured"]) for one in before] == [("red", 15.5), (None, 0), ("blue", 5)]
    assert changes == [4 - 15.5, None, None]  # nobody added blue in the range
    first = (await house.ask("trend", range_, compare=True, limit=1, **SUM))["result"]["previous"]["groups"]
    assert [(one["kind"], one["measured"], one["measured_change"]) for one in first] == [
        ("value", 15.5, 4 - 15.5),
        ("other", 5, None),
    ]


async def test_days_before_a_change_of_clocks_are_whole_days_too(house: House) -> None:
    question = {"events": "Added", "compare": True, "zone": "Europe/Berlin", "from": "2023-03-26", "to": "2023-03-28"}
    before = (await house.ask("trend", question))["result"]["previous"]
    assert [point["period"] for point in before["points"]] == ["2023-03-24", "2023-03-25"]
    assert before["to"] - before["from"] == 2 * DAY


async def test_periods_that_have_not_ended_are_marked(house: House, monkeypatch: Any) -> None:
    house.tell(SHOP)
    monkeypatch.setattr("api.query.ask.time.time_ns", lambda: (DAY_ZERO + DAY + 1) * 1_000_000)
    points = (await house.ask("trend", RANGE, events="Added"))["result"]["points"]
    assert [point["unfinished"] for point in points] == [False, True, True, True]


async def test_names_that_never_arrived_are_warned_of_beside_those_that_did(house: House) -> None:
    house.tell(SHOP)
    told = ["no event named 'added' has ever arrived; similar: 'Added'"]
    assert (await house.ask("trend", events=["Added", "added"]))["warnings"] == told
    second = {"events": "added", "where": [{"property": "color", "operator": "set"}]}
    assert (await house.ask("trend", events="Added", second=second, formula="A + B"))["warnings"] == told
    assert (await house.ask("trend", events=["Added", "Seen"]))["warnings"] == []


@pytest.mark.parametrize("measure", ["count", "unique", "sum"])
async def test_every_number_has_as_many_cases_as_it_measures(house: House, measure: str) -> None:
    house.tell(SHOP)
    question = RANGE | {"events": "Added", "measure": measure, "breakdown": "color", "limit": 1, "compare": True}
    question |= {"property": "price"} if measure == "sum" else {}
    question |= {"second": {"events": "Seen"}, "from": "2023-11-16"}
    result = (await house.ask("trend", question))["result"]

    async def cases(**cell: Any) -> float:
        found = await explain(house, "trend", question, cell=cell)
        if measure == "sum" and cell.get("series") != "b":
            assert found["counted"] == "events"
            return {1: 4.0, 0: 0, 3: 20.5}[found["count"]]
        return float(found["count"])

    assert await cases() == result["total"]["a"]
    assert await cases(series="b") == result["total"]["b"]
    assert await cases(previous=True) == result["previous"]["total"]["a"]
    for group in result["previous"]["groups"]:
        cell = {"kind": group["kind"]} | ({"value": group["value"]} if group["kind"] == "value" else {})
        assert await cases(**cell, previous=True) == group["a"]
    for group in result["groups"]:
        cell = {"kind": group["kind"]} | ({"value": group["value"]} if group["kind"] == "value" else {})
        assert await cases(**cell) == group["a"]
        for point in group["points"]:
            assert await cases(**cell, period=point["period"], series="b") == point["b"]


async def test_the_number_that_an_event_brings_is_in_its_mark(house: House) -> None:
    house.tell(SHOP.replace("bob  10:00", "bob  10:00  login bob\n    bob  10:00"))
    found = await explain(house, "trend", RANGE | {"events": "Added"} | SUM, customer="user:bob")
    assert [told for event in found["events"] for told in event["marks"]] == ["counted: 12.5"]


@pytest.mark.parametrize(
    ("question", "field", "hint"),
    [
        ({"events": "A", "measure": "sum"}, "property", "name the property"),
        ({"events": "A", "property": "price"}, "property", "leave property out"),
        ({"events": "A", "measure": "media"}, "measure", "'count'"),
        ({"events": "A", "measure": "sum", "property": "$nope"}, "property", "$channel"),
        ({"events": "A", "second": {"events": "B", "measure": "p90"}}, "second.property", "name the property"),
        ({"events": "A", "second": {"event": "B"}}, "second.event", "did you mean 'events'?"),
        (
            {"events": "A", "second": {"events": "B", "where": [{"property": "$x"}]}},
            "second.where[0].property",
            "$channel",
        ),
        ({"events": "A", "formula": "A / B"}, "formula", "second"),
        ({"events": "A", "formula": "A /"}, "formula", "the end"),
        ({"events": "A", "breakdown": "$nope"}, "breakdown", "$channel"),
        ({"events": "A", "limit": 0}, "limit", "greater than or equal to 1"),
        ({"events": "A", "compare": True, "last": None}, "compare", "open end"),
        ({"events": "A", "compare": "yes"}, "compare", "boolean"),
    ],
)
async def test_a_mistake_is_422_with_its_field_and_what_would_be_right(
    house: House, question: Any, field: str, hint: str
) -> None:
    error = await house.refused("trend", question)
    assert error.get("field") == field
    assert hint in error["message"]


@pytest.mark.parametrize("breakdown", [None, "color"])
async def test_an_answer_of_too_many_rows_is_refused(
    house: House, monkeypatch: pytest.MonkeyPatch, breakdown: str | None
) -> None:
    house.tell(SHOP)
    module = "trend" if breakdown else "trend_lines"
    monkeypatch.setattr(f"api.query.questions.{module}.MOST_ROWS", 7 if breakdown else 1)
    error = await house.refused("trend", RANGE | {"events": "Added", "breakdown": breakdown})
    assert (error["code"], error["field"]) == ("question_too_large", "by")


@pytest.mark.parametrize(
    ("cell", "field"),
    [
        ({"series": "b"}, "cell.series"),
        ({"kind": "none"}, "cell.kind"),
        ({"previous": True}, "cell.previous"),
        ({"kind": "value"}, "cell.kind"),
    ],
)
async def test_a_cell_that_the_answer_does_not_have_is_refused(house: House, cell: dict[str, Any], field: str) -> None:
    error = await house.refused("trend/explain", {"question": {"events": "A"}, "cell": cell})
    assert error["field"] == field


# ---- laws

months = count(1)
happenings = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.integers(0, 3 * 24 * 60),
        st.sampled_from("ab"),
        st.sampled_from([None, 1, 2, 0.1, "3", "x"]),
        st.sampled_from(["", "red", "blue"]),
    ),
    max_size=14,
    unique_by=lambda each: (each[0], each[1]),
)


def account(numbers: list[float], measure: str) -> float | None:
    ordered = sorted(numbers)
    if measure == "sum":
        return float(sum(ordered))
    if not ordered:
        return None
    if measure == "average":
        return mean(ordered)
    if measure.startswith("p"):
        return ordered[len(ordered) * int(measure[1:]) // 100]
    return {"min": ordered[0], "max": ordered[-1]}[measure]


@laws(6)
@given(
    happenings,
    st.sampled_from(["count", "unique", "sum", "average", "min", "max", "p50", "p75", "p90", "p95", "p99"]),
    st.sampled_from(["UTC", "Europe/Berlin"]),
    st.sampled_from([None, "color"]),
)
async def test_every_number_is_what_the_slow_account_says(
    house: House, happened: list[tuple[Any, ...]], measure: str, zone: str, breakdown: str | None
) -> None:
    begin = DAY_ZERO + next(months) * 20 * DAY
    house.tell([
        EventRow(
            project=house.name, device=begin + device, occurred_at=begin + minute * 60_000,
            message_id=fact_id(house.name, number, begin), sequence=0, log_position=number, event=name, type="track",
            channel="web", properties=json.dumps({"price": price, "color": color}),
        )
        for number, (device, minute, name, price, color) in enumerate(happened)
    ])  # fmt: skip
    first = datetime.fromtimestamp(begin / 1000, UTC).date()
    question = {"from": first.isoformat(), "to": (first + timedelta(3)).isoformat(), "zone": zone, "events": "a"}
    question |= {"measure": measure, "breakdown": breakdown, "limit": 1}
    question |= {} if measure in ("count", "unique") else {"property": "price"}
    result = (await house.ask("trend", question))["result"]
    inside = ZoneInfo(zone)

    def day_of(each: tuple[Any, ...]) -> int:
        return (datetime.fromtimestamp((begin + each[1] * 60_000) / 1000, inside).date() - first).days

    mine = [each for each in happened if each[2] == "a" and 0 <= day_of(each) < 3]

    def number(some: list[tuple[Any, ...]]) -> float | None:
        if measure in ("count", "unique"):
            return len(some) if measure == "count" else len({each[0] for each in some})
        return account([float(each[3]) for each in some if each[3] not in (None, "x")], measure)

    for day, point in enumerate(result["points"]):
        expected = number([each for each in mine if day_of(each) == day])
        assert point["measured"] == pytest.approx(expected), point
    assert result["total"]["measured"] == pytest.approx(number(mine))
    if breakdown:
        counts = Counter(each[4] for each in mine)
        rank = sorted(counts, key=lambda value: (-counts[value], value))
        wanted = [[each for each in mine if each[4] == value] for value in rank[:1]]
        wanted += [[each for each in mine if each[4] in rank[1:]]] if rank[1:] else []
        assert [one["measured"] for one in result["groups"]] == [pytest.approx(number(some)) for some in wanted]
