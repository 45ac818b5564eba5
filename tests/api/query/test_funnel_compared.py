"""A funnel beside the time before the range, and who is behind those numbers."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.definitions import Funnel, Step
from tests.api.query.conftest import House
from tests.api.query.laws import laws
from tests.api.query.test_explain import explain
from tests.api.query.test_funnel_options import body_of, happenings, told
from tests.story import DAY_ZERO

WEEKS = """
    ann    09:00     page /home
    ann    09:10     track Paid
    bob    +1 09:00  page /home
    cleo   +7 09:00  page /home
    cleo   +7 09:02  track Paid
    dan    +8 09:00  page /home
    dan    +9 10:00  track Paid
    ann    +9 11:00  page /home
"""
STEPS = [{"events": "page"}, {"events": "Paid"}]
RANGE = {"from": "2023-11-22", "to": "2023-11-29"}  # days +7 to +14


async def test_the_time_before_is_told_with_the_differences(house: House) -> None:
    house.tell(WEEKS)
    result = (await house.ask("funnel", RANGE, steps=STEPS, compare="previous"))["result"]
    before = result["previous"]
    assert (before["from"], before["to"]) == (DAY_ZERO, DAY_ZERO + 7 * 86_400_000)
    assert (result["entered"], before["entered"], before["entered_change"]) == (3, 2, 1)
    assert (result["converted"], before["converted"], before["converted_change"]) == (2, 1, 1)
    assert before["rate_change"] == pytest.approx(2 / 3 - 1 / 2)
    assert [(step["count"], step["count_change"]) for step in before["steps"]] == [(2, 1), (1, 1)]
    # Of two the upper is the median: 25 hours less ten minutes.
    assert before["steps"][1]["median_ms_change"] == 25 * 3_600_000 - 600_000
    assert before["convert_ms_change"]["min"] == 120_000 - 600_000


async def test_without_compare_nothing_is_told_of_the_time_before(house: House) -> None:
    house.tell(WEEKS)
    assert (await house.ask("funnel", RANGE, steps=STEPS))["result"]["previous"] is None


async def test_where_nobody_entered_before_there_is_no_difference_of_rates(house: House) -> None:
    house.tell(WEEKS)
    asked = {"from": "2023-11-15", "to": "2023-11-22", "steps": STEPS}
    before = (await house.ask("funnel", asked, compare="previous"))["result"]["previous"]
    assert (before["entered"], before["rate"], before["rate_change"]) == (0, None, None)
    assert before["convert_ms_change"] is None


async def test_the_time_before_has_as_many_days_of_the_zone_even_where_a_clock_changes(house: House) -> None:
    # On 26 March 2023 Berlin's clocks go forward: the week before it begins at midnight all the same.
    house.tell(WEEKS)
    asked = {"from": "2023-03-24", "to": "2023-03-28", "zone": "Europe/Berlin"}
    before = (await house.ask("funnel", asked, steps=STEPS, compare="previous"))["result"]["previous"]
    assert before["to"] - before["from"] == 4 * 86_400_000
    asked = {"from": "2023-03-28", "to": "2023-04-01", "zone": "Europe/Berlin"}
    before = (await house.ask("funnel", asked, steps=STEPS, compare="previous"))["result"]["previous"]
    assert before["to"] - before["from"] == 4 * 86_400_000 - 3_600_000


@pytest.mark.parametrize("asked", [{"last": None}, {"from": "2023-11-22"}, {"to": "2023-11-22"}])
async def test_an_open_range_has_nothing_before_it(house: House, asked: dict[str, Any]) -> None:
    error = await house.refused("funnel", asked | {"steps": STEPS, "compare": "previous"})
    assert (error["code"], error["field"]) == ("invalid_question", "compare")
    assert "name last, or from and to" in error["message"]
    error = await house.refused("funnel", RANGE | {"steps": STEPS, "compare": "before"})
    assert error["field"] == "compare"
    assert "'previous'" in error["message"]


async def test_customers_of_the_time_before_are_told(house: House) -> None:
    house.tell(WEEKS)
    question = RANGE | {"steps": STEPS, "compare": "previous"}
    assert (await explain(house, "funnel", question, cell={"step": 1, "previous": True}))["count"] == 2
    assert (await explain(house, "funnel", question, cell={"step": 2, "previous": True}))["count"] == 1
    assert (await explain(house, "funnel", question, cell={"step": 2}))["count"] == 2
    path = f"/api/v1/projects/{house.name}/questions/funnel/explain"
    body = {"question": RANGE | {"steps": STEPS}, "cell": {"previous": True}}
    answer = await house.client.post(path, json=body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "cell.previous")


async def test_every_bin_of_the_histogram_has_as_many_customers_as_it_says(house: House) -> None:
    house.tell(WEEKS)
    question = {"steps": STEPS}
    bins = (await house.ask("funnel", question))["result"]["histogram"]
    assert sum(one["count"] for one in bins) == 3
    for one in bins:
        assert (await explain(house, "funnel", question, cell={"from_ms": one["from_ms"]}))["count"] == one["count"]
    path = f"/api/v1/projects/{house.name}/questions/funnel/explain"
    for cell in ({"from_ms": 7}, {"from_ms": 0, "kind": "none"}):
        body = {"question": {"steps": STEPS, "last": None, "breakdown": "color"}, "cell": cell}
        answer = await house.client.post(path, json=body)
        assert (answer.status_code, answer.json()["error"]["field"]) == (422, "cell.from_ms")


async def test_a_period_within_the_range_is_finished_once_the_range_has_ended(house: House, monkeypatch: Any) -> None:
    house.tell(WEEKS)
    now = DAY_ZERO + 14 * 86_400_000
    monkeypatch.setattr("api.query.ask.time.time_ns", lambda: now * 1_000_000)
    asked = RANGE | {"steps": STEPS, "by": "day"}
    for within_range, unfinished in ((True, 0), (False, 7)):
        periods = (await house.ask("funnel", asked, within_range=within_range))["result"]["periods"]
        assert sum(period["unfinished"] for period in periods) == unfinished


@laws(5)
@given(happenings, st.integers(1, 7), st.sampled_from(["customers", "entries"]), st.sampled_from(["any", "ordered"]))
async def test_what_is_told_of_the_time_before_is_what_asking_about_it_tells(
    house: House, happened: Any, middle: int, counted: str, order: Any
) -> None:
    house.renew()
    house.tell(told(house, 1, happened))
    begin = DAY_ZERO + 40 * 86_400_000
    funnel = Funnel("", (Step(("a",)), Step(("b", "c"))), 3, order, "$acquisition")
    edges = [_iso(begin + at) for at in (0, middle, 2 * middle)]
    asked = body_of(funnel) | {"count": counted, "by": "hour"}
    now = (await house.ask("funnel", asked, **{"from": edges[1], "to": edges[2]}, compare="previous"))["result"]
    then = (await house.ask("funnel", asked, **{"from": edges[0], "to": edges[1]}))["result"]
    before = now.pop("previous")
    assert (before["from"], before["to"]) == (begin, begin + middle)
    for part in ("entered", "converted", "rate", "interval", "convert_ms", "periods"):
        assert before[part] == then[part]
    changes = ("entered_change", "converted_change", "rate_change")
    own = [{name: value for name, value in one.items() if name not in changes} for one in before["groups"]]
    assert own == then["groups"]
    for one, step, other in zip(now["steps"], before["steps"], then["steps"], strict=True):
        assert {name: step[name] for name in ("count", "rate", "dropped", "median_ms")}.items() <= other.items()
        assert step["count_change"] == one["count"] - other["count"]


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()


async def test_groups_tell_what_changed_where_both_times_have_them(house: House) -> None:
    house.tell("""
        ann    09:00     page /home
        ann    09:10     track Paid
        bob    +1 09:00  page /home
        cleo   +7 09:00  page /home
        dan    +8 09:00  page /sale
        dan    +8 09:10  track Paid
    """)
    asked = RANGE | {"steps": STEPS, "compare": "previous", "breakdown": "$path"}
    (home,) = (await house.ask("funnel", asked))["result"]["previous"]["groups"]
    assert (home["value"], home["entered_change"], home["converted_change"], home["rate_change"]) == (
        "/home",
        -1,
        -1,
        -0.5,
    )
    (home,) = (await house.ask("funnel", asked, segments=[], limit=1, breakdown="$event"))["result"]["previous"][
        "groups"
    ]
    assert (home["value"], home["entered_change"]) == ("page", 0)
    asked |= {"from": "2023-11-23", "to": "2023-11-30"}  # only /sale: /home has nothing to be held against
    (home,) = (await house.ask("funnel", asked))["result"]["previous"]["groups"]
    assert (home["value"], home["entered_change"], home["rate_change"]) == ("/home", None, None)
