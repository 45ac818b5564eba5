"""What advertising cost, and what it brought: sessions are those of the question `sessions`, currencies stay apart."""

from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from api.query.questions import costs
from api.query.questions.costs import CostsQuestion, days_of
from schemas.definitions import Goal
from tests.api.query.conftest import House

VISITS = """
    tablet  09:00      page /home utm_campaign=spring utm_source=google
    tablet  09:01      track Paid value_micros=5000000
    phone   10:00      page /home utm_campaign=spring utm_source=google
    laptop  11:00      page /home utm_campaign=g42 utm_source=google
    desk    +1 10:00   page /home utm_campaign=summer utm_source=bing
    other   12:00      page /home
"""
DAY, NEXT = date(2023, 11, 15), date(2023, 11, 16)


def spend(
    house: House, day: date, campaign: str, micros: int, currency: str = "EUR", *, version: int = 1, gone: int = 0,
    campaign_id: str = "", account: str = "", source: str = "google", clicks: int = 10,
) -> None:  # fmt: skip
    midnight = (day - date(1970, 1, 1)).days * 86_400_000
    key = house.name, midnight, "google_ads", account, campaign, currency
    row = *key, campaign_id, source, "cpc", 100, clicks, micros, version, gone
    house.store.insert("costs", [[value] for value in row])


def told(house: House) -> None:
    house.tell(VISITS, goals=[Goal("sale", ("Paid",))])


async def rows(house: House, **asked: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await house.ask("costs", **asked))["result"]["rows"]
    return found


async def test_a_campaign_shows_its_cost_beside_what_it_brought(house: House) -> None:
    told(house)
    spend(house, DAY, "spring", 4_000_000)
    (row,) = await rows(house)
    assert row == {
        "period": None, "value": "spring", "currency": "EUR", "cost_micros": 4_000_000, "impressions": 100,
        "clicks": 10,
        "sessions": 2, "conversions": 1, "value_micros": 5_000_000, "cost_per_click_micros": 400_000,
        "cost_per_session_micros": 2_000_000, "cost_per_conversion_micros": 4_000_000, "return_on_spend": 1.25,
    }  # fmt: skip


async def test_the_same_day_imported_again_replaces_and_can_be_taken_back(house: House) -> None:
    spend(house, DAY, "spring", 4_000_000)
    spend(house, DAY, "spring", 3_000_000, source="g", version=2)
    assert [row["cost_micros"] for row in await rows(house)] == [3_000_000]
    spend(house, DAY, "spring", 0, version=3, gone=1)
    assert await rows(house) == []


async def test_a_campaign_is_known_by_its_id_too(house: House) -> None:
    told(house)
    spend(house, DAY, "spring", 4_000_000, campaign_id="g42")
    (row,) = await rows(house)
    assert row["sessions"] == 3


async def test_currencies_are_kept_apart_and_only_the_projects_own_has_a_return(house: House) -> None:
    told(house)
    spend(house, DAY, "spring", 4_000_000)
    spend(house, DAY, "spring", 7_000_000, "USD")
    result = (await house.ask("costs"))["result"]
    assert [(one["currency"], one["cost_micros"], one["return_on_spend"]) for one in result["totals"]] == [
        ("EUR", 4_000_000, 1.25), ("USD", 7_000_000, None),
    ]  # fmt: skip
    assert {row["currency"] for row in result["rows"]} == {"EUR", "USD"}


async def test_what_nothing_came_of_has_no_price(house: House) -> None:
    told(house)
    spend(house, DAY, "winter", 1_000_000, clicks=0)
    spend(house, DAY, "", 2_000_000)
    for row in await rows(house):
        assert (row["sessions"], row["cost_per_session_micros"], row["cost_per_conversion_micros"]) == (0, None, None)


async def test_only_days_that_begin_in_the_range_count(house: House) -> None:
    for day, micros in ((DAY, 1), (NEXT, 2)):
        spend(house, day, "spring", micros)
    for asked, expected in (
        ({"from": "2023-11-15", "to": "2023-11-16"}, [1]),
        ({"from": "2023-11-15T00:01", "to": "2023-11-17"}, [2]),
        ({"from": "2023-11-16", "to": "2023-11-16T01:00"}, [2]),
        ({"from": "2023-11-15T01:00", "to": "2023-11-15T02:00"}, []),
        ({"from": "2023-11-15", "to": "2023-11-16", "zone": "Asia/Kolkata"}, [1]),
    ):
        assert [row["cost_micros"] for row in await rows(house, **asked)] == expected, asked


async def test_periods_are_those_of_sessions(house: House) -> None:
    told(house)
    spend(house, DAY, "spring", 1)
    spend(house, NEXT, "summer", 2)
    by_day = await rows(house, by="day")
    assert [(row["period"], row["value"], row["sessions"]) for row in by_day] == [
        ("2023-11-15", "spring", 2), ("2023-11-16", "summer", 1),
    ]  # fmt: skip
    assert {row["period"] for row in await rows(house, by="week")} == {"2023-11-13"}
    assert {row["period"] for row in await rows(house, by="month")} == {"2023-11-01"}


async def test_the_dearest_come_first_and_the_rest_is_counted(house: House) -> None:
    for number in range(3):
        spend(house, DAY, f"c{number}", number)
    result = (await house.ask("costs", limit=2))["result"]
    assert [row["value"] for row in result["rows"]] == ["c2", "c1"]
    assert result["rows_left_out"] == 1


async def test_totals_are_of_all_rows_or_there_is_no_answer(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    told(house)
    for number in range(3):
        spend(house, DAY, f"c{number}", number)
    monkeypatch.setattr(costs, "MOST_ROWS", 4)  # as many as the campaigns of the sessions, none included
    assert (await house.ask("costs"))["result"]["totals"][0]["cost_micros"] == 3
    for most, of in ((3, "sessions"), (2, "costs")):
        monkeypatch.setattr(costs, "MOST_ROWS", most)
        error = await house.refused("costs", {"last": None})
        assert (error["code"], error["field"]) == ("invalid_question", "by")
        assert f"more than {most} rows of {of}" in error["message"]


@pytest.mark.parametrize("zone", ["America/Santiago", "America/Havana", "Asia/Beirut", "Africa/Cairo", "UTC"])
def test_a_days_costs_are_in_the_range_of_that_day_also_where_it_has_no_midnight(zone: str) -> None:
    for number in range(366):
        day = date(2024, 1, 1) + timedelta(days=number)
        asked = CostsQuestion.model_validate(
            {"from": str(day), "to": str(day + timedelta(days=1)), "last": None, "zone": zone}
        ).range(0)
        midnight = (day - date(1970, 1, 1)).days * 86_400_000
        assert days_of(asked, zone) == (midnight, midnight), day


async def test_a_project_sees_its_own_costs_alone(house: House) -> None:
    spend(house, DAY, "spring", 1)
    house.renew()
    assert await rows(house) == []


@pytest.mark.parametrize("breakdown", ["campaign", "source"])
async def test_sums_are_those_of_a_slow_count(house: House, breakdown: str) -> None:
    random, newest = Random(7), {}
    for version in range(60):
        day, account = random.choice((DAY, NEXT)), random.choice(("a", "b"))
        campaign, currency = random.choice(("spring", "summer", "x")), random.choice(("EUR", "USD"))
        micros, source, gone = random.randrange(1000), random.choice(("google", "bing")), int(random.random() < 0.2)
        spend(house, day, campaign, micros, currency, version=version + 1, gone=gone, account=account, source=source)
        newest[day, account, campaign, currency] = (gone, source if breakdown == "source" else campaign, micros)
    expected: dict[tuple[str, str], int] = {}
    for (_, _, _, currency), (gone, value, micros) in newest.items():
        if not gone:
            expected[value, currency] = expected.get((value, currency), 0) + micros
    found = {(row["value"], row["currency"]): row["cost_micros"] for row in await rows(house, breakdown=breakdown)}
    assert found == expected
