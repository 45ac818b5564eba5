"""Law: view = API = live. Sums of the views are the API's answers."""

from collections import defaultdict

import pytest

from pipeline.domain.bounce import BOUNCES
from tests.api.bi.conftest import Door

MILLION = 1_000_000


async def test_sessions_by_day_are_those_of_the_question(door: Door) -> None:
    answer = (await door.house.ask("sessions", by="day"))["result"]
    asked = [
        [
            row["period"],
            *(str(row[name]) for name in ("sessions", "events", "conversions", "engaged_ms", "value_micros")),
        ]
        for row in answer["rows"]
    ]
    viewed = door.rows(
        "SELECT day, count(), sum(events), sum(conversions), sum(engaged_ms), sum(value_micros) "
        "FROM sessions GROUP BY day ORDER BY day"
    )
    assert viewed == asked
    assert len(viewed) == 2  # 22:30 UTC is the next day in Zurich
    assert door.rows("SELECT uniqExact(customer_id) FROM sessions") == [[str(answer["total"]["customers"])]]


@pytest.mark.parametrize("definition", list(BOUNCES))
async def test_bounces_by_day_and_acquisition_are_those_of_the_question(door: Door, definition: str) -> None:
    answer = (await door.house.ask("bounce", definition=definition, by="day", breakdown="acquisition"))["result"]
    asked = sorted(
        [row["period"], row["value"] or "", *(str(row[name]) for name in ("sessions", "with_view", "bounced"))]
        for row in answer["rows"]
    )
    viewed = door.rows(
        "SELECT day, acquisition, sum(sessions), sum(with_view), sum(bounced) FROM bounce_daily "
        "WHERE definition = {definition:String} GROUP BY day, acquisition ORDER BY day, acquisition",
        param_definition=definition,
    )
    assert viewed == asked
    assert answer["total"]["bounced"] > 0


async def test_a_saved_funnel_by_day_is_that_of_the_question(door: Door) -> None:
    answer = (await door.house.ask("funnel", saved="order", by="day"))["result"]
    asked = [
        [period["period"], str(step), str(count)]
        for period in answer["periods"]
        for step, count in enumerate(period["counts"], 1)
        if count
    ]
    viewed = door.rows("SELECT day, step, customers FROM funnel_daily WHERE funnel = 'order' ORDER BY day, step")
    assert viewed == asked
    assert len(viewed) > 3
    furthest = door.rows("SELECT max(steps), customer_id FROM funnel_entries GROUP BY customer_id")
    assert sum(int(steps) >= 1 for steps, _ in furthest) == answer["entered"]
    assert sum(int(steps) == 3 for steps, _ in furthest) == answer["converted"]


async def test_journeys_are_those_of_the_question(door: Door) -> None:
    answer = (await door.house.ask("journeys"))["result"]
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for state, count, value in door.rows("SELECT state, count(), sum(value_micros) FROM journeys GROUP BY state"):
        sums[state] = [int(count), int(value)]
    assert sum(count for count, _ in sums.values()) == answer["journeys"]
    assert sums["converted"][0] == answer["converted"]


async def test_customers_join_everything_by_plain_keys(door: Door) -> None:
    rows = door.rows(
        "SELECT c.sessions, count() FROM customers AS c JOIN sessions AS s USING (project, customer_id) "
        "GROUP BY c.customer_id, c.sessions ORDER BY c.sessions"
    )
    assert all(told == joined for told, joined in rows)
    assert max(int(told) for told, _ in rows) > 1  # U on two devices
    assert door.rows("SELECT count() FROM conversions LEFT ANTI JOIN journeys USING (journey_id)") == [["0"]]
    assert door.rows("SELECT count() FROM conversions LEFT ANTI JOIN customers USING (customer_id)") == [["0"]]
    assert door.rows("SELECT count() FROM sessions LEFT ANTI JOIN touchpoints ON touchpoint_id = session_id") == [["0"]]


async def test_the_api_shows_a_customer_under_the_id_of_the_view(door: Door) -> None:
    ((customer,),) = door.rows("SELECT customer_id FROM customers ORDER BY sessions DESC LIMIT 1")
    found = await door.house.client.get(f"/api/v1/projects/{door.house.name}/customers/{customer}")
    assert found.status_code == 200, found.text


async def test_what_is_retracted_is_in_no_view(door: Door) -> None:
    before = door.rows("SELECT count() FROM sessions")
    door.house.write([], door.house.told.sessions)
    assert before != [["0"]]
    assert door.rows("SELECT count() FROM sessions") == [["0"]]


async def test_entries_of_an_older_version_of_a_funnel_are_in_no_view(door: Door) -> None:
    assert door.rows("SELECT count() FROM funnel_entries") != [["0"]]
    standing = door.house.definitions.funnels(door.house.name)[0]
    door.house.definitions.save(standing, door.house.name)
    assert door.rows("SELECT count() FROM funnel_entries") == [["0"]]
    assert door.rows("SELECT count() FROM funnel_daily") == [["0"]]
