import pytest

from pipeline.domain.bounce import BOUNCES
from pipeline.store.facts import Facts
from schemas.definitions import Goal
from tests.api.query.conftest import House
from tests.story import device

VISITS = """
    bounced   09:00     page /home acquisition=email
    heart     09:00     page /home
    heart     09:00:12  heartbeat engaged=12000
    clicks    09:00     page /home
    clicks    09:00:05  track Clicked
    reader    09:00     page /home
    reader    09:00:05  page /shop
    buyer     09:00     page /home
    buyer     09:00:02  track Paid
    server    09:00     track Paid
"""
DEVICES = ("bounced", "heart", "clicks", "reader", "buyer", "server")


@pytest.mark.parametrize("definition", list(BOUNCES))
async def test_each_definition_counts_as_the_core_does(house: House, definition: str) -> None:
    house.tell(VISITS, goals=[Goal("sale", ("Paid",))])
    facts = Facts(house.store).sessions(house.name, map(device, DEVICES))
    verdicts = [BOUNCES[definition](session) for found in facts.values() for session in found]
    total = (await house.ask("bounce", definition=definition))["result"]["total"]
    assert total == {
        "sessions": 6,
        "with_view": 5,
        "bounced": verdicts.count(True),
        "rate": verdicts.count(True) / 5,
    }
    assert 0 < total["bounced"] < 5


async def test_the_default_is_engaged_and_a_conversion_is_no_bounce(house: House) -> None:
    house.tell(VISITS, goals=[Goal("sale", ("Paid",))])
    answer = await house.ask("bounce")
    assert answer["question"]["definition"] == "engaged"
    assert answer["definitions"]["bounce.engaged"] == 1
    assert answer["result"]["total"]["bounced"] == 2  # bounced, and clicks: GA4 does not look at clicks


async def test_without_a_view_there_is_no_rate(house: House) -> None:
    house.tell("server  09:00  track Paid")
    assert (await house.ask("bounce"))["result"]["total"] == {
        "sessions": 1,
        "with_view": 0,
        "bounced": 0,
        "rate": None,
    }


async def test_bounce_by_acquisition_and_by_day(house: House) -> None:
    house.tell(VISITS)
    by_acquisition = (await house.ask("bounce", breakdown="acquisition"))["result"]["rows"]
    assert [(row["value"], row["sessions"], row["bounced"]) for row in by_acquisition] == [
        ("direct", 5, 2),
        ("email", 1, 1),
    ]
    (day,) = (await house.ask("bounce", by="day"))["result"]["rows"]
    assert (day["period"], day["sessions"], day["bounced"]) == ("2023-11-15", 6, 3)


async def test_an_unknown_definition_is_answered_with_the_known_ones(house: House) -> None:
    error = await house.refused("bounce", {"definition": "engagd"})
    assert error["field"] == "definition"
    assert "did you mean 'engaged'?" in error["message"]
