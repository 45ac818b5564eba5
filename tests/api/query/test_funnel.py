from typing import Any

import pytest

from tests.api.query.conftest import House
from tests.story import DAY

SHOP = """
    ann    09:00     page /home acquisition=email
    ann    09:05     track Added price=30 color=red
    ann    09:30     track Paid
    bob    10:00     page /home
    bob    +1 10:00  track Added price=3 color=blue
    cleo   11:00     page /home
    dan    11:00     track Added price=3
"""
STEPS = [{"events": "page"}, {"events": "Added"}, {"events": "Paid"}]


def counts(answer: dict[str, Any]) -> list[int]:
    return [step["count"] for step in answer["result"]["steps"]]


async def test_each_customer_counts_as_far_as_he_comes(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("funnel", steps=STEPS)
    assert counts(answer) == [3, 2, 1]
    result = answer["result"]
    assert (result["entered"], result["converted"], result["rate"]) == (3, 1, 1 / 3)
    assert [(step["rate"], step["step_rate"], step["dropped"]) for step in result["steps"]] == [
        (1.0, 1.0, 0),
        (2 / 3, 2 / 3, 1),
        (1 / 3, 1 / 2, 1),
    ]
    assert [step["label"] for step in result["steps"]] == ["page", "Added", "Paid"]
    assert answer["warnings"] == []


async def test_times_to_convert_are_those_of_the_counted_entries(house: House) -> None:
    house.tell(SHOP)
    result = (await house.ask("funnel", steps=STEPS))["result"]
    assert [step["median_ms"] for step in result["steps"]] == [0, DAY, 1_800_000]
    assert [step["median_step_ms"] for step in result["steps"]] == [0, DAY, 1_500_000]
    names = ("p10", "p25", "p50", "p75", "p90", "p95", "p99", "mean", "min", "max")
    assert result["convert_ms"] == dict.fromkeys(names, 1_800_000)
    assert result["histogram"] == [{"from_ms": 1_800_000, "to_ms": 3_600_000, "count": 1}]


@pytest.mark.parametrize(("window", "reached"), [("1d", [3, 2, 1]), (DAY - 1, [3, 1, 1]), ("29m", [3, 1, 0])])
async def test_the_window_is_inclusive_and_in_milliseconds(house: House, window: Any, reached: list[int]) -> None:
    house.tell(SHOP)
    assert counts(await house.ask("funnel", steps=STEPS, window=window)) == reached


async def test_filters_narrow_a_step(house: House) -> None:
    house.tell(SHOP)
    dear = {"events": "Added", "where": [{"property": "price", "operator": "gt", "value": 10}]}
    assert counts(await house.ask("funnel", steps=[STEPS[0], dear])) == [3, 1]
    by_mail = {"events": "page", "where": [{"property": "$acquisition", "value": "email"}]}
    assert counts(await house.ask("funnel", steps=[by_mail, STEPS[1]])) == [1, 1]


async def test_any_event_fills_a_step_with_a_star(house: House) -> None:
    house.tell(SHOP)
    assert counts(await house.ask("funnel", steps=[{"events": "page"}, {"events": ["*"]}])) == [3, 2]


async def test_a_breakdown_has_the_values_of_the_first_step_and_one_for_none(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("funnel", steps=[{"events": "Added"}, {"events": "Paid"}], breakdown="color")
    groups = [(group["value"], [step["count"] for step in group["steps"]]) for group in answer["result"]["groups"]]
    assert groups == [(None, [1, 0]), ("blue", [1, 0]), ("red", [1, 1])]
    answer = await house.ask("funnel", steps=STEPS, breakdown="$acquisition", limit=1)
    assert [(group["value"], group["kind"]) for group in answer["result"]["groups"]] == [
        ("direct", "value"),
        (None, "other"),
    ]
    assert answer["result"]["groups_left_out"] == 1


async def test_by_day_a_customer_counts_once_on_each_day_on_which_he_enters(house: House) -> None:
    house.tell("""
        ann  09:00     page /home
        ann  10:00     page /home
        ann  10:05     track Added
        ann  +2 09:00  page /home
    """)
    answer = await house.ask("funnel", steps=STEPS[:2], by="day", window="1h")
    assert [(one["period"], one["counts"]) for one in answer["result"]["periods"]] == [
        ("2023-11-15", [1, 1]),
        ("2023-11-16", [0, 0]),
        ("2023-11-17", [1, 0]),
    ]
    assert counts(answer) == [1, 1]


async def test_entries_begin_inside_the_range_and_may_end_after_it(house: House) -> None:
    house.tell(SHOP)
    first_day = {"from": "2023-11-15", "to": "2023-11-16"}
    assert counts(await house.ask("funnel", first_day, steps=STEPS)) == [3, 2, 1]
    second_day = {"from": "2023-11-16", "to": "2023-11-17"}
    assert counts(await house.ask("funnel", second_day, steps=[{"events": "Added"}, {"events": "Paid"}])) == [1, 0]


async def test_a_customer_is_one_over_devices_and_channels(house: House) -> None:
    house.tell("""
        phone   09:00  page /home
        phone   09:01  mail ann@example.org
        tablet  09:10  login ann email=ann@example.org
        tablet  09:20  track Added
        -       09:30  opened mail user=ann
    """)
    steps = [{"events": "page"}, {"events": "Added"}, {"events": "email opened"}]
    assert counts(await house.ask("funnel", steps=steps)) == [1, 1, 1]
    assert counts(await house.ask("funnel", steps=steps, count="sessions")) == [1, 0, 0]


async def test_after_a_change_of_owner_the_later_events_are_another_customers(house: House) -> None:
    house.tell("""
        tablet  09:00  page /home
        tablet  09:01  login ann
        tablet  09:05  login bob
        tablet  09:06  track Added
    """)
    assert counts(await house.ask("funnel", steps=STEPS[:2])) == [1, 0]
    assert counts(await house.ask("funnel", steps=[{"events": "identify"}, {"events": "Added"}])) == [2, 1]


async def test_sessions_count_each_by_its_own_events(house: House) -> None:
    house.tell("""
        ann  09:00  page /home
        ann  09:05  track Added
        ann  11:00  page /home
        ann  15:00  track Added
    """)
    assert counts(await house.ask("funnel", steps=STEPS[:2], count="sessions")) == [2, 1]
    assert counts(await house.ask("funnel", steps=STEPS[:2], window="30m")) == [1, 1]


async def test_bots_are_left_out_unless_asked_for(house: House) -> None:
    house.tell("""
        ann  09:00  page /home
        bot  09:00  page /home is_bot=yes
        bot  09:05  track Added is_bot=yes
    """)
    assert counts(await house.ask("funnel", steps=STEPS[:2])) == [1, 0]
    assert counts(await house.ask("funnel", steps=STEPS[:2], include_bots=True)) == [2, 1]


async def test_a_step_that_is_no_event_answers_0_with_a_warning_that_names_similar_ones(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("funnel", steps=[{"events": "page"}, {"events": "Aded"}])
    assert counts(answer) == [3, 0]
    assert answer["warnings"] == ["no event named 'Aded' has ever arrived; similar: 'Added'"]


async def test_of_nothing_every_count_is_0(house: House) -> None:
    result = (await house.ask("funnel", steps=STEPS, breakdown="color", by="day"))["result"]
    assert [step["count"] for step in result["steps"]] == [0, 0, 0]
    assert (result["rate"], result["convert_ms"], result["groups"], result["periods"]) == (None, None, [], [])


async def test_the_echo_has_every_default_and_gives_the_same_again(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("funnel", steps=STEPS)
    assert answer["question"] == {
        "from": None,
        "to": None,
        "last": None,
        "zone": "UTC",
        "include_bots": False,
        "segments": [],
        "steps": [
            {"events": [name], "where": [], "label": "", "goal": None, "optional": False}
            for name in ("page", "Added", "Paid")
        ],
        "saved": None,
        "window": 604_800_000,
        "order": "ordered",
        "exclusions": [],
        "constant": [],
        "within_range": False,
        "count": "customers",
        "entries": "all",
        "breakdown": None,
        "attribution": "first",
        "limit": 100,
        "convert": {"from": 1, "to": None},
        "by": None,
        "compare": None,
    }
    assert await house.ask("funnel", answer["question"]) == answer


async def test_names_and_values_with_quotes_and_newlines_stay_values(house: House) -> None:
    house.tell(SHOP)
    evil = "x' OR 1=1 --\n{project:String}\\"
    steps = [{"events": evil, "where": [{"property": evil, "value": evil}]}, {"events": "Paid"}]
    answer = await house.ask("funnel", steps=steps, breakdown=evil)
    assert counts(answer) == [0, 0]


async def test_thirty_two_steps_are_answered(house: House) -> None:
    lines = [f"ann  09:{minute:02}  track Step{minute}" for minute in range(32)]
    house.tell("\n".join(lines))
    steps = [{"events": f"Step{number}"} for number in range(32)]
    assert counts(await house.ask("funnel", steps=steps)) == [1] * 32
