"""New and returning customers of sessions, and how engaged sessions are."""

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.api.query.conftest import House
from tests.api.query.laws import laws
from tests.api.query.test_explain import count, explain
from tests.story import story

SHOP = """
    tablet  09:00      page /home acquisition=email
    tablet  09:01      login ann
    phone   +1 09:00   page /home user=ann acquisition=direct
    phone   +1 15:00   page /home user=ann acquisition=direct
    bob     +1 09:00   page /home acquisition=direct
    bot     09:00      page /home is_bot=yes
"""
DAY_TWO = {"from": "2023-11-16", "to": "2023-11-17", "new_and_returning": True}


def who(numbers: dict[str, Any]) -> tuple[int, int]:
    return numbers["new_customers"], numbers["returning_customers"]


async def test_a_customer_is_new_in_his_first_session_ever_on_whatever_device(house: House) -> None:
    house.tell(SHOP)
    assert who((await house.ask("sessions", DAY_TWO))["result"]["total"]) == (1, 1)
    result = (await house.ask("sessions", new_and_returning=True, by="day"))["result"]
    assert who(result["total"]) == (2, 1)
    assert [(row["period"], *who(row)) for row in result["rows"]] == [("2023-11-15", 1, 0), ("2023-11-16", 1, 1)]


async def test_new_and_returning_are_told_of_each_value_of_a_breakdown(house: House) -> None:
    house.tell(SHOP)
    rows = (await house.ask("sessions", new_and_returning=True, breakdown="acquisition"))["result"]["rows"]
    assert {row["value"]: who(row) for row in rows} == {"email": (1, 0), "direct": (1, 1)}


async def test_a_bots_session_is_nobodys_first_unless_bots_count(house: House) -> None:
    house.tell("""
        ann  09:00  page /home is_bot=yes
        ann  12:00  page /home
    """)
    assert who((await house.ask("sessions", new_and_returning=True))["result"]["total"]) == (1, 0)
    with_bots = await house.ask("sessions", new_and_returning=True, include_bots=True)
    assert who(with_bots["result"]["total"]) == (1, 1)


async def test_views_and_engagement_are_told_of_a_session(house: House) -> None:
    house.tell("""
        ann  09:00     page /home
        ann  09:00:05  heartbeat engaged=5000
        ann  09:01     page /list
        bob  09:00     page /home
        bob  09:00:20  heartbeat engaged=20000
        cem  09:00     page /home
    """)
    total = (await house.ask("sessions"))["result"]["total"]
    assert (total["views_per_session"], total["mean_engaged_ms"], total["median_engaged_ms"]) == (
        4 / 3,
        25_000 / 3,
        5_000,
    )


async def test_new_and_returning_customers_are_explained_by_the_sessions_that_make_them_so(house: House) -> None:
    house.tell(SHOP)
    question = {"new_and_returning": True, "by": "day"}
    result = (await house.ask("sessions", question))["result"]
    for number in ("new_customers", "returning_customers"):
        assert await count(house, "sessions", question, number=number) == result["total"][number]
        for row in result["rows"]:
            assert await count(house, "sessions", question, number=number, period=row["period"]) == row[number]
    found = await explain(house, "sessions", question, cell={"number": "returning_customers"}, customer="user:ann")
    assert {mark for event in found["events"] for mark in event["marks"]} == {"a later session"}
    error = await house.refused("sessions/explain", {"question": {}, "cell": {"number": "new_customers"}})
    assert error["field"] == "cell.number"


visits = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3), st.sampled_from([9, 14])), max_size=10, unique=True)


@laws(5)
@given(visits, st.lists(st.integers(1, 3), max_size=2, unique=True))
async def test_numbers_are_what_the_slow_account_says(
    house: House, happened: list[tuple[int, int, int]], joined: list[int]
) -> None:
    house.renew()
    lines = [
        f"{device}  +{day} {hour:02}:00  page /x" + (" user=ann" if device in joined else "")
        for device, day, hour in happened
    ]
    house.tell(story("\n".join(lines), house.name))
    sessions = [("ann" if device in joined else device, day * 24 + hour) for device, day, hour in happened]
    # of two sessions that begin at once one is the first; which one the ids decide
    firsts = Counter(
        min(at for one, at in sessions if one == customer) // 24 for customer in {who for who, _ in sessions}
    )
    result = (await house.ask("sessions", new_and_returning=True, by="day"))["result"]
    assert result["total"]["new_customers"] == len({who for who, _ in sessions})
    counts = Counter(who for who, _ in sessions)
    assert result["total"]["returning_customers"] == sum(times > 1 for times in counts.values())
    for row in result["rows"]:
        day = int(row["period"][-2:]) - 15
        of_day = Counter(customer for customer, at in sessions if at // 24 == day)
        later = 0
        for customer, times in of_day.items():
            first = min(at for one, at in sessions if one == customer)
            later += times - (first // 24 == day) > 0
        assert who(row) == (firsts[day], later)
