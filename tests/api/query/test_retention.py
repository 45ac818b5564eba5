"""Retention: cohorts, periods in the zone, what is unfinished; and the numbers of a slow account."""

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
from tests.story import DAY, DAY_ZERO

SHOP = """
    ann   09:00      track Signed
    ann   10:00      track Bought price=5
    ann   +1 09:00   track Bought price=5
    ann   +3 09:00   track Bought price=1
    bob   08:00      track Bought price=5
    bob   09:00      track Signed
    bob   +2 09:00   track Bought price=5
    cleo  +1 09:00   track Signed
    cleo  +2 09:00   track Signed
"""
STARTS, RETURNS = {"events": "Signed"}, {"events": "Bought"}
RANGE = {"from": "2023-11-15", "to": "2023-11-17"}


def cells(answer: dict[str, Any]) -> dict[str, list[int]]:
    return {one["period"]: [cell["count"] for cell in one["cells"]] for one in answer["result"]["cohorts"]}


async def test_customers_are_counted_in_every_period_in_which_they_come_back(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("retention", RANGE, starts=STARTS, returns=RETURNS, by="day", periods=3)
    assert cells(answer) == {"2023-11-15": [1, 1, 1, 1], "2023-11-16": [0, 0, 0, 0]}
    assert [one["customers"] for one in answer["result"]["cohorts"]] == [2, 1]
    assert [point["rate"] for point in answer["result"]["curve"]] == [1 / 3, 1 / 3, 1 / 3, 1 / 3]


async def test_what_was_done_before_the_start_is_no_return(house: House) -> None:
    house.tell("""
        ann  09:00  track Bought
        ann  09:01  track Signed
    """)
    answer = await house.ask("retention", RANGE, starts=STARTS, returns=RETURNS, by="day", periods=1)
    assert cells(answer)["2023-11-15"] == [0, 0]


async def test_without_returns_the_same_again_is_coming_back(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("retention", RANGE, starts=STARTS, by="day", periods=1)
    assert cells(answer) == {"2023-11-15": [0, 0], "2023-11-16": [0, 1]}


async def test_on_or_after_counts_who_comes_later_too(house: House) -> None:
    house.tell(SHOP)
    question = {"starts": STARTS, "returns": RETURNS, "by": "day", "periods": 3}
    answer = await house.ask("retention", RANGE, **question, counting="on_or_after")
    assert cells(answer)["2023-11-15"] == [2, 2, 2, 1]
    answer = await house.ask("retention", RANGE, **(question | {"periods": 2}), counting="on_or_after")
    assert cells(answer)["2023-11-15"] == [2, 2, 1]


async def test_filters_narrow_what_counts(house: House) -> None:
    house.tell(SHOP)
    dear = RETURNS | {"where": [{"property": "price", "operator": "gt", "value": 2}]}
    answer = await house.ask("retention", RANGE, starts=STARTS, returns=dear, by="day", periods=3)
    assert cells(answer)["2023-11-15"] == [1, 1, 1, 0]


async def test_periods_are_of_the_zone(house: House) -> None:
    house.tell("""
        ann  22:30     track Signed
        ann  23:30     track Bought
    """)
    question = {"starts": STARTS, "returns": RETURNS, "by": "day", "periods": 1}
    assert cells(await house.ask("retention", RANGE, **question))["2023-11-15"] == [1, 0]
    assert cells(await house.ask("retention", RANGE, **question, zone="Europe/Berlin"))["2023-11-15"] == [0, 1]


async def test_weeks_and_months_are_those_of_the_calendar(house: House) -> None:
    house.tell("""
        ann  09:00       track Signed
        ann  +5 09:00    track Bought
        ann  +16 09:00   track Bought
        ann  +47 09:00   track Bought
    """)
    question = {"starts": STARTS, "returns": RETURNS, "periods": 3}
    assert cells(await house.ask("retention", RANGE, **question, by="week")) == {"2023-11-13": [0, 1, 1, 0]}
    assert cells(await house.ask("retention", RANGE, **question, by="month")) == {"2023-11-01": [1, 1, 1, 0]}


async def test_periods_from_the_start_are_so_many_hours_of_each_customer_s_own(house: House) -> None:
    house.tell("""
        ann  20:00             track Signed
        ann  +1 19:59:59.999   track Bought
        ann  +2 20:00          track Bought
        ann  +7 20:00          track Bought
        ann  +30 20:00         track Bought
        bob  09:00             track Signed
        bob  +1 09:00          track Bought
    """)
    question = {"starts": STARTS, "returns": RETURNS, "periods": 2, "periods_from": "start"}
    assert cells(await house.ask("retention", RANGE, **question, by="day"))["2023-11-15"] == [1, 1, 1]
    assert cells(await house.ask("retention", RANGE, **question, by="week")) == {"2023-11-13": [2, 1, 0]}
    assert cells(await house.ask("retention", RANGE, **question, by="month")) == {"2023-11-01": [2, 1, 0]}


async def test_periods_from_the_start_end_with_those_of_whoever_may_have_started_last(
    house: House, monkeypatch: Any
) -> None:
    house.tell(SHOP)
    question = {"starts": STARTS, "returns": RETURNS, "by": "day", "periods": 3, "periods_from": "start"}
    told = []
    for now in (2 * DAY - 2, 2 * DAY - 1, 2 * DAY):
        monkeypatch.setattr("api.query.ask.time.time_ns", lambda now=now: (DAY_ZERO + now) * 1_000_000)
        answer = await house.ask("retention", RANGE, **question)
        told.append([cell["unfinished"] for cell in answer["result"]["cohorts"][0]["cells"]])
    assert told == [[True, True], [False, True], [False, True, True]]


VISITS = [
    f"u{who}  {f'+{day} ' if day else ''}12:{who:02}  track Seen"
    for day, many in enumerate((5, 10, 15))
    for who in range(many)
]
PUBLISHED = {
    # https://docs.mixpanel.com/docs/reports/retention#calendar-retention-mode: "8pm on Monday and then 6am on Tuesday",
    # "on Friday and then Monday", "on 25th Feb and then again on 3rd March" are day 1, week 1 and month 1.
    "day": ("x  +5 20:00  track Ran \n x  +6 06:00  track Ran", "Ran", "2023-11-20", "2023-11-21", [0, 1]),
    "week": ("x  +9 12:00  track Ate \n x  +12 12:00  track Ate", "Ate", "2023-11-20", "2023-11-25", [0, 1]),
    "month": ("x  +102 12:00  track Slept \n x  +109 12:00  track Slept", "Slept", "2024-02-01", "2024-02-28", [0, 1]),
    # https://clickhouse.com/docs/sql-reference/aggregate-functions/parametric-functions#retention: of 5, 10 and 15 who
    # came on three days, r1, r2 and r3 are 5.
    "days": ("\n".join(VISITS), "Seen", "2023-11-15", "2023-11-16", [0, 5, 5]),
}


@pytest.mark.parametrize("name", PUBLISHED)
async def test_published_examples_come_out_as_their_pages_say(house: House, name: str) -> None:
    happened, event, first, last, counts = PUBLISHED[name]
    house.tell(happened)
    question = {"from": first, "to": last, "by": name.removesuffix("s"), "periods": len(counts) - 1}
    answer = await house.ask("retention", question, starts={"events": event})
    assert next(iter(cells(answer).values())) == counts


async def test_a_cohort_has_no_cells_of_the_future_and_the_curve_none_that_are_unfinished(
    house: House, monkeypatch: Any
) -> None:
    house.tell(SHOP)
    monkeypatch.setattr("api.query.ask.time.time_ns", lambda: (DAY_ZERO + 2 * DAY + 1) * 1_000_000)
    answer = await house.ask("retention", RANGE, starts=STARTS, returns=RETURNS, by="day", periods=5)
    told = [[cell["unfinished"] for cell in one["cells"]] for one in answer["result"]["cohorts"]]
    assert told == [[False, False, True], [False, True]]
    assert [point["customers"] for point in answer["result"]["curve"]] == [3, 2, 0, 0, 0, 0]
    later = await house.ask(
        "retention", RANGE, starts=STARTS, returns=RETURNS, by="day", periods=2, counting="on_or_after"
    )
    assert all(cell["unfinished"] for one in later["result"]["cohorts"] for cell in one["cells"])


async def test_a_start_that_is_no_event_answers_0_with_a_warning(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("retention", RANGE, starts={"events": "Singed"})
    assert answer["result"]["customers"] == 0
    assert answer["warnings"] == ["no event named 'Singed' has ever arrived; similar: 'Signed'"]


async def test_the_echo_has_every_default_and_gives_the_same_again(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("retention", RANGE, starts=STARTS)
    assert {name: answer["question"][name] for name in ("by", "periods", "counting", "returns")} == {
        "by": "week",
        "periods": 8,
        "counting": "on",
        "returns": None,
    }
    assert await house.ask("retention", answer["question"]) == answer


@pytest.mark.parametrize(
    ("question", "field", "hint"),
    [
        ({}, "starts", "required"),
        ({"starts": "Signed"}, "starts", "JSON object"),
        ({"starts": {"events": []}}, "starts.events", "at least 1"),
        ({"starts": STARTS | {"where": [{"property": "$nope"}]}}, "starts.where[0].property", "$channel"),
        (
            {"starts": STARTS, "returns": RETURNS | {"where": [{"property": "a", "operator": "gt"}]}},
            "returns.where[0].value",
            "number",
        ),
        ({"starts": STARTS, "return": RETURNS}, "return", "did you mean 'returns'?"),
        ({"starts": STARTS, "by": "hour"}, "by", "'day'"),
        ({"starts": STARTS, "periods": 0}, "periods", "greater than or equal to 1"),
        ({"starts": STARTS, "periods": 91}, "periods", "less than or equal to 90"),
        ({"starts": STARTS, "counting": "after"}, "counting", "'on_or_after'"),
        ({"starts": STARTS, "periods_from": "starts"}, "periods_from", "did you mean 'start'?"),
    ],
)
async def test_a_mistake_is_422_with_its_field_and_what_would_be_right(
    house: House, question: Any, field: str, hint: str
) -> None:
    error = await house.refused("retention", question)
    assert error.get("field") == field
    assert hint in error["message"]


months = count(1)
happenings = st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 6 * 24), st.sampled_from("sr")),
    max_size=16,
    unique_by=lambda each: (each[0], each[1]),
)


@laws(7)
@given(
    happenings,
    st.sampled_from(["on", "on_or_after"]),
    st.sampled_from(["calendar", "start"]),
    st.integers(1, 4),
    st.integers(1, 4),
)
async def test_cells_are_what_the_slow_account_says(
    house: House, happened: list[tuple[int, int, str]], counting: str, periods_from: str, periods: int, days: int
) -> None:
    begin = DAY_ZERO + next(months) * 12 * DAY  # no example lies in the future, of so many either
    house.tell([
        EventRow(
            project=house.name, device=begin + device, occurred_at=begin + hour * 3_600_000,
            message_id=fact_id(house.name, number, begin), sequence=0, log_position=number, event=name, type="track",
            channel="web",
        )
        for number, (device, hour, name) in enumerate(happened)
    ])  # fmt: skip
    first = datetime.fromtimestamp(begin / 1000, UTC).date()
    range_ = {"from": first.isoformat(), "to": (first + timedelta(days)).isoformat()}
    question = {"starts": {"events": "s"}, "returns": {"events": "r"}, "by": "day"}
    question |= {"periods_from": periods_from, "counting": counting}
    answer = await house.ask("retention", range_, **question, periods=periods)
    for day in range(days):
        members = []
        for device in (1, 2, 3):
            starts = sorted(hour for who, hour, name in happened if (who, name) == (device, "s") and hour < days * 24)
            if starts and starts[0] // 24 == day:
                begins = day * 24 if periods_from == "calendar" else starts[0]
                returns = {
                    (hour - begins) // 24
                    for who, hour, name in happened
                    if (who, name) == (device, "r") and hour > starts[0]
                }
                members.append(returns)
        expected = []
        for offset in range(periods + 1):
            wanted = {offset} if counting == "on" else set(range(offset, periods + 1))
            expected.append(sum(bool(wanted & returns) for returns in members))
        assert cells(answer)[_day(first, day)] == (expected if members else [])


def _day(first: date, number: int) -> str:
    return (first + timedelta(number)).isoformat()
