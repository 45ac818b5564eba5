"""Stickiness and life cycle: their rules, and the numbers of a slow account."""

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.identifiers import fact_id
from schemas.facts import EventRow
from tests.api.query.conftest import House
from tests.api.query.laws import laws
from tests.api.query.test_explain import count as cases
from tests.api.query.test_explain import explain
from tests.story import DAY, DAY_ZERO

SHOP = """
    ann   09:00      track Read minutes=5
    ann   22:30      track Read minutes=1
    ann   +1 09:00   track Read minutes=5
    ann   +3 09:00   track Read minutes=5
    bob   +1 09:00   track Read minutes=1
    cleo  +3 09:00   track Read minutes=9
    cleo  +9 09:00   track Read minutes=9
    dan   +1 09:00   track Seen
"""
WEEK = {"from": "2023-11-15", "to": "2023-11-20", "events": "Read"}
ASKED = {"question": {"events": "A"}}
PHASES = ("new", "returning", "resurrecting", "dormant")


def often(answer: dict[str, Any]) -> list[int]:
    return [row["customers"] for row in answer["result"]["histogram"]]


def phases(answer: dict[str, Any]) -> dict[str, list[int]]:
    return {point["period"]: [point[phase] for phase in PHASES] for point in answer["result"]["points"]}


async def test_customers_are_counted_by_the_days_on_which_they_did_it(house: House) -> None:
    house.tell(SHOP)
    result = (await house.ask("stickiness", WEEK))["result"]
    assert [(row["periods"], row["customers"], row["at_least"]) for row in result["histogram"]] == [
        (1, 2, 3), (2, 0, 1), (3, 1, 1), (4, 0, 0), (5, 0, 0),
    ]  # fmt: skip
    assert (result["customers"], result["periods"], result["mean_periods"]) == (3, 5, 5 / 3)
    assert result["histogram"][0]["rate"] == 2 / 3


async def test_a_filter_narrows_what_counts_as_doing_it(house: House) -> None:
    house.tell(SHOP)
    assert often(await house.ask("stickiness", WEEK, where=[{"property": "minutes", "value": 5}])) == [0, 0, 1, 0, 0]


async def test_days_are_those_of_the_zone(house: House) -> None:
    house.tell("""
        ann  22:30     track Read
        ann  23:30     track Read
    """)
    assert often(await house.ask("stickiness", events="Read")) == [1]
    assert often(await house.ask("stickiness", events="Read", zone="Europe/Berlin")) == [0, 1]


async def test_weeks_and_months_are_those_of_the_calendar(house: House) -> None:
    house.tell(SHOP)
    range_ = {"from": "2023-11-13", "to": "2023-12-01", "events": "Read"}
    assert often(await house.ask("stickiness", range_, by="week")) == [2, 1, 0]
    assert often(await house.ask("stickiness", range_, by="month")) == [3]


async def test_of_each_day_the_week_and_the_month_reach_back_before_the_range(house: House) -> None:
    house.tell(SHOP)
    range_ = {"from": "2023-11-21", "to": "2023-11-26", "events": "Read"}
    result = (await house.ask("stickiness", range_))["result"]
    assert [(day["daily"], day["weekly"], day["monthly"]) for day in result["active"]] == [
        (0, 3, 3),  # the 21st: ann and cleo on the 18th, bob on the 16th
        (0, 3, 3),
        (0, 2, 3),
        (1, 2, 3),  # the 24th: cleo; ann is still inside of seven days
        (0, 1, 3),
    ]
    assert result["active"][3]["daily_weekly"] == 1 / 2
    assert result["mean_daily_weekly"] == 1 / 2 / 5
    assert result["customers"] == 1


async def test_a_day_that_has_not_ended_is_unfinished_and_in_no_mean(house: House, monkeypatch: Any) -> None:
    house.tell(SHOP)
    monkeypatch.setattr("api.query.ask.time.time_ns", lambda: (DAY_ZERO + DAY + 1) * 1_000_000)
    result = (await house.ask("stickiness", WEEK))["result"]
    assert [(day["day"], day["unfinished"]) for day in result["active"]] == [
        ("2023-11-15", False),
        ("2023-11-16", True),
    ]
    assert result["mean_daily_weekly"] == 1
    assert result["periods"] == 2


async def test_a_customer_is_new_then_returning_dormant_once_and_resurrecting(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("lifecycle", WEEK | {"by": "day"})
    assert phases(answer) == {
        "2023-11-15": [1, 0, 0, 0],
        "2023-11-16": [1, 1, 0, 0],
        "2023-11-17": [0, 0, 0, 2],
        "2023-11-18": [1, 0, 1, 0],
        "2023-11-19": [0, 0, 0, 2],
    }
    assert [point["active"] for point in answer["result"]["points"]] == [1, 2, 0, 2, 0]


async def test_what_was_done_before_the_range_counts_and_periods_are_whole(house: House) -> None:
    house.tell(SHOP)
    late = {"from": "2023-11-16T12:00", "to": "2023-11-16T13:00", "events": "Read", "by": "day"}
    assert phases(await house.ask("lifecycle", late)) == {"2023-11-16": [1, 1, 0, 0]}
    weeks = {"from": "2023-11-20", "to": "2023-11-27", "events": "Read", "by": "week"}
    assert phases(await house.ask("lifecycle", weeks)) == {"2023-11-20": [0, 1, 0, 2]}
    assert phases(await house.ask("lifecycle", weeks, by="month")) == {"2023-11-01": [3, 0, 0, 0]}


async def test_an_open_end_is_the_period_after_the_last_in_which_somebody_did_it(house: House) -> None:
    house.tell("ann  09:00  track Read")
    assert phases(await house.ask("lifecycle", events="Read", by="day")) == {
        "2023-11-15": [1, 0, 0, 0],
        "2023-11-16": [0, 0, 0, 1],
    }
    late = {"from": "2023-11-16", "last": None, "events": "Read", "by": "day"}
    assert phases(await house.ask("lifecycle", late)) == {"2023-11-16": [0, 0, 0, 1]}


async def test_periods_that_have_not_begun_are_left_out(house: House, monkeypatch: Any) -> None:
    house.tell("ann  09:00  track Read")
    monkeypatch.setattr("api.query.ask.time.time_ns", lambda: (DAY_ZERO + DAY - 1) * 1_000_000)
    answer = await house.ask("lifecycle", WEEK | {"by": "day"})
    assert [(point["period"], point["unfinished"]) for point in answer["result"]["points"]] == [("2023-11-15", True)]


async def test_an_unknown_name_answers_0_and_is_warned_of(house: House) -> None:
    house.tell(SHOP)
    told = ["no event named 'Reed' has ever arrived; similar: 'Read'"]
    for question in ("stickiness", "lifecycle"):
        assert (await house.ask(question, events="Reed"))["warnings"] == told
        assert (await house.ask(question, events=["Read", "Reed"]))["warnings"] == told
        assert (await house.ask(question, events="Read"))["warnings"] == []
    assert (await house.ask("retention", starts={"events": ["Read", "Reed"]}))["warnings"] == told


async def test_a_segment_leaves_everybody_else_out(house: House) -> None:
    house.tell(SHOP)
    body = {"conditions": [{"kind": "did", "events": "Read", "where": [{"property": "minutes", "value": 9}]}]}
    await house.client.put(f"/api/v1/projects/{house.name}/segments/long", json=body)
    assert often(await house.ask("stickiness", WEEK, segments=["long"])) == [1, 0, 0, 0, 0]
    answer = await house.ask("lifecycle", WEEK, by="day", segments=["long"])
    assert phases(answer)["2023-11-18"] == [1, 0, 0, 0]


@pytest.mark.parametrize("where", [[], [{"property": "minutes", "operator": "lt", "value": 9}]])
async def test_every_number_has_as_many_cases_as_it_says(house: House, where: list[Any]) -> None:
    house.tell(SHOP)
    question = WEEK | {"where": where}
    result = (await house.ask("stickiness", question))["result"]
    assert await cases(house, "stickiness", question) == result["customers"]
    for row in result["histogram"]:
        assert await cases(house, "stickiness", question, periods=row["periods"]) == row["customers"]
        assert await cases(house, "stickiness", question, periods=row["periods"], at_least=True) == row["at_least"]
    for day in result["active"]:
        for active in ("daily", "weekly", "monthly"):
            assert await cases(house, "stickiness", question, day=day["day"], active=active) == day[active]
    question |= {"by": "day"}
    for point in (await house.ask("lifecycle", question))["result"]["points"]:
        for phase in (*PHASES, "active"):
            assert await cases(house, "lifecycle", question, period=point["period"], phase=phase) == point[phase]


async def test_the_events_that_make_a_customer_dormant_or_resurrecting_are_marked(house: House) -> None:
    house.tell(SHOP.replace("ann   09:00", "ann  08:59  login ann\n ann  09:00"))
    question = WEEK | {"by": "day"}
    found = await explain(
        house, "lifecycle", question, cell={"period": "2023-11-18", "phase": "resurrecting"}, customer="user:ann"
    )
    assert [event["marks"] for event in reversed(found["events"])] == [["before"], ["resurrecting"]]
    found = await explain(
        house, "lifecycle", question, cell={"period": "2023-11-17", "phase": "dormant"}, customer="user:ann"
    )
    assert [event["marks"] for event in reversed(found["events"])] == [["before"]]


@pytest.mark.parametrize(
    ("name", "question", "field", "hint"),
    [
        ("stickiness", {}, "events", "required"),
        ("stickiness", {"events": "A", "by": "hour"}, "by", "'day'"),
        ("stickiness", {"events": "A", "where": [{"property": "$nope"}]}, "where[0].property", "$channel"),
        ("stickiness", {"event": "A"}, "event", "did you mean 'events'?"),
        ("lifecycle", {"events": ""}, "events", "empty"),
        ("lifecycle", {"events": "A", "by": "year"}, "by", "'month'"),
        ("lifecycle", {"events": "A", "where": [{"property": "$nope"}]}, "where[0].property", "$channel"),
        ("stickiness/explain", ASKED | {"cell": {"day": "now"}}, "cell.day", "as 2026-03-31"),
        ("stickiness/explain", ASKED | {"cell": {"day": "x", "periods": 1}}, "cell.day", "not both"),
        ("lifecycle/explain", ASKED | {"cell": {}}, "cell.period", "required"),
        ("lifecycle/explain", ASKED | {"cell": {"period": "x", "phase": "-"}}, "cell.phase", "'new'"),
    ],
)  # fmt: skip
async def test_a_mistake_is_422_with_its_field_and_what_would_be_right(
    house: House, name: str, question: Any, field: str, hint: str
) -> None:
    error = await house.refused(name, question)
    assert error.get("field") == field
    assert hint in error["message"].lower() or hint in error["message"]


# ---- laws

trials = count(1)
happenings = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 50)), max_size=16, unique=True)


@laws(6)
@given(happenings, st.sampled_from(["day", "week", "month"]), st.integers(0, 40), st.integers(1, 11), st.booleans())
async def test_numbers_are_what_the_slow_account_says(
    house: House, happened: list[tuple[int, int]], by: str, skipped: int, length: int, is_filtered: bool
) -> None:
    trial, begin = next(trials), DAY_ZERO
    name = f"Read {trial}"
    house.tell([
        EventRow(
            project=house.name, device=trial * 10 + who, occurred_at=begin + day * DAY + 3_600_000,
            message_id=fact_id(house.name, number, trial), sequence=0, log_position=number,
            event=name, type="track", channel="web",
        )
        for number, (who, day) in enumerate(happened)
    ])  # fmt: skip
    first = datetime.fromtimestamp(begin / 1000, UTC).date()
    start = first + timedelta(skipped)
    range_ = {"from": start.isoformat(), "to": (start + timedelta(length)).isoformat()}
    where = [{"property": "$channel", "value": "web"}] if is_filtered else []
    question = range_ | {"events": name, "by": by, "where": where}
    days = {who: {first + timedelta(day) for one, day in happened if one == who} for who in (1, 2, 3)}
    inside = [start + timedelta(day) for day in range(length)]

    result = (await house.ask("stickiness", question))["result"]
    periods = [len({_period(day, by) for day in mine & set(inside)}) for mine in days.values()]
    assert [row["customers"] for row in result["histogram"]] == [
        periods.count(number) for number in range(1, len({_period(day, by) for day in inside}) + 1)
    ]
    for told, day in zip(result["active"], inside, strict=True):
        reached = [
            sum(any(day - timedelta(back) in mine for back in range(span)) for mine in days.values())
            for span in (1, 7, 30)
        ]
        assert [told["daily"], told["weekly"], told["monthly"]] == reached

    unique = (await house.ask("trend", question, measure="unique"))["result"]
    assert result["customers"] == unique["total"]["measured"]
    if by == "day":
        lively = (await house.ask("lifecycle", question))["result"]["points"]
        assert [point["active"] for point in lively] == [point["measured"] for point in unique["points"]]

    found = phases(await house.ask("lifecycle", question))
    assert list(found) == sorted({_period(day, by).isoformat() for day in inside})
    for period, told in found.items():
        expected = [0, 0, 0, 0]
        for mine in days.values():
            done = {_period(day, by) for day in mine}
            this = date.fromisoformat(period)
            last = _period(this - timedelta(1), by)
            earlier = any(one < last for one in done)
            if this in done:
                expected[1 if last in done else 2 if earlier else 0] += 1
            elif last in done:
                expected[3] += 1
        assert told == expected, period


def _period(day: date, by: str) -> date:
    if by == "month":
        return day.replace(day=1)
    return day - timedelta(day.weekday()) if by == "week" else day
