from pipeline.store.facts import Facts
from schemas.definitions import Goal
from tests.api.query.conftest import House, replaced
from tests.story import story

TWO_DAYS = """
    tablet  09:00      page /home acquisition=paid_search utm_campaign=spring
    tablet  09:01      track Clicked
    tablet  09:10      page /shop
    phone   10:00      page /home
    tablet  +1 08:00   page /shop
    tablet  +1 08:02   track Paid value_micros=5000000
"""


async def test_totals_count_sessions_and_what_is_in_them(house: House) -> None:
    house.tell(TWO_DAYS, goals=[Goal("sale", ("Paid",))])
    assert (await house.ask("sessions"))["result"]["total"] == {
        "sessions": 3,
        "customers": 2,
        "events": 6,
        "views": 4,
        "interactions": 2,
        "conversions": 1,
        "converted_sessions": 1,
        "engaged_sessions": 2,
        "single_event_sessions": 1,
        "engaged_ms": 0,
        "mean_duration_ms": (600_000 + 0 + 120_000) / 3,
        "median_duration_ms": 120_000,
        "value_micros": 5_000_000,
        "views_per_session": 4 / 3,
        "mean_engaged_ms": 0,
        "median_engaged_ms": 0,
        "new_customers": None,
        "returning_customers": None,
    }


async def test_of_nothing_every_count_is_0_and_every_mean_null(house: House) -> None:
    answer = await house.ask("sessions", by="day", breakdown="channel")
    total = answer["result"]["total"]
    assert total["sessions"] == total["customers"] == total["events"] == 0
    assert total["mean_duration_ms"] is None
    assert total["median_duration_ms"] is None
    assert answer["result"]["rows"] == []


async def test_rows_by_day_are_days_of_the_asked_zone(house: House) -> None:
    house.tell("""
        tablet  22:30  page /home
        tablet  23:30  page /home
    """)
    in_utc = await house.ask("sessions", by="day")
    assert [(row["period"], row["sessions"]) for row in in_utc["result"]["rows"]] == [("2023-11-15", 2)]
    in_berlin = await house.ask("sessions", by="day", zone="Europe/Berlin")
    assert [(row["period"], row["sessions"]) for row in in_berlin["result"]["rows"]] == [
        ("2023-11-15", 1),
        ("2023-11-16", 1),
    ]


async def test_rows_of_a_breakdown_add_up_and_no_value_is_a_row_of_its_own(house: House) -> None:
    house.tell(TWO_DAYS)
    result = (await house.ask("sessions", breakdown="campaign"))["result"]
    assert [(row["value"], row["sessions"], row["period"]) for row in result["rows"]] == [
        (None, 2, None),
        ("spring", 1, None),
    ]


async def test_a_breakdown_may_be_written_with_a_dollar_as_funnels_write_it(house: House) -> None:
    house.tell(TWO_DAYS)
    answer = await house.ask("sessions", breakdown="$utm_campaign")
    assert answer["question"]["breakdown"] == "campaign"
    assert len(answer["result"]["rows"]) == 2


async def test_every_breakdown_on_offer_can_be_asked_and_adds_up_to_the_total(house: House) -> None:
    house.tell(TWO_DAYS)
    schema = house.app.openapi()["components"]["schemas"]["SessionsQuestion"]["properties"]["breakdown"]
    names = next(part["enum"] for part in schema["anyOf"] if "enum" in part)
    assert len(names) > 10
    for name in names:
        result = (await house.ask("sessions", breakdown=name))["result"]
        assert sum(row["sessions"] for row in result["rows"]) == 3, name


async def test_beyond_the_limit_values_are_left_out_and_counted(house: House) -> None:
    house.tell("""
        a  09:00  page /1
        b  09:00  page /1
        c  09:00  page /2
        d  09:00  page /3
    """)
    result = (await house.ask("sessions", breakdown="entry_page", limit=2))["result"]
    assert [row["value"] for row in result["rows"]] == ["/1", "/2"]
    assert result["values_left_out"] == 1
    assert result["total"]["sessions"] == 4


async def test_a_range_is_half_open_in_the_zone(house: House) -> None:
    house.tell("""
        a  +0 23:00  page /1
        b  +1 00:00  page /1
        c  +1 22:59  page /1
        d  +1 23:00  page /1
    """)
    day = {"from": "2023-11-16", "to": "2023-11-17"}
    assert (await house.ask("sessions", day))["result"]["total"]["sessions"] == 3
    assert (await house.ask("sessions", day, zone="Europe/Berlin"))["result"]["total"]["sessions"] == 3
    hour = {"from": "2023-11-15T23:00", "to": "2023-11-16T00:00"}
    assert (await house.ask("sessions", hour))["result"]["total"]["sessions"] == 1


async def test_bots_are_left_out_unless_asked_for(house: House) -> None:
    house.tell("""
        a  09:00  page /1
        b  09:00  page /1 is_bot=yes
    """)
    assert (await house.ask("sessions"))["result"]["total"]["sessions"] == 1
    assert (await house.ask("sessions", include_bots=True))["result"]["total"]["sessions"] == 2


async def test_sessions_of_joined_identifiers_are_one_customer(house: House) -> None:
    house.tell("""
        a  09:00  page /1
        a  09:01  mail ann@example.org
        b  09:00  login ann email=ann@example.org
        c  09:00  login bob
    """)
    total = (await house.ask("sessions"))["result"]["total"]
    assert (total["sessions"], total["customers"]) == (3, 2)


async def test_a_retracted_session_does_not_count(house: House) -> None:
    house.tell("a  09:00  page /1")
    events = story("a  09:00  page /1")
    (session,) = Facts(house.store).sessions(house.name, [events[0].device])[events[0].device]
    house.write([], [session])
    assert (await house.ask("sessions"))["result"]["total"]["sessions"] == 0


async def test_another_projects_sessions_do_not_count(house: House) -> None:
    other = house.project(f"{house.name}-other")
    house.tell([replaced(event, project=other.name) for event in story("a  09:00  page /1")], project=other)
    assert (await house.ask("sessions"))["result"]["total"]["sessions"] == 0


async def test_the_answer_echoes_the_question_with_every_default_and_asking_that_gives_the_same(house: House) -> None:
    house.project(zone="Europe/Berlin")
    house.tell(TWO_DAYS, project=house.definitions.project(house.name))
    first = await house.ask("sessions", {"from": "2023-11-15"})
    assert first["question"] == {
        "from": "2023-11-15",
        "to": None,
        "last": None,
        "zone": "Europe/Berlin",
        "include_bots": False,
        "segments": [],
        "where": [],
        "by": None,
        "breakdown": None,
        "limit": 100,
        "new_and_returning": False,
    }
    assert await house.ask("sessions", first["question"]) == first


async def test_an_answer_names_the_definitions_that_decide_its_numbers(house: House) -> None:
    house.definitions.save(Goal("sale", ("Paid",)), house.name)
    house.definitions.save(Goal("sale", ("Paid", "Bought")), house.name)
    answer = await house.ask("sessions")
    assert answer["definitions"] == {"session": 1, "bounce.engaged": 1, "goal.sale": 2, "project": 1, "acquisition": 1}


def told(house: House, received: dict[tuple[str, int], int], version: int = 1) -> None:
    """What the shards of agents tell: up to which received_at their facts are written."""
    rows = [(agent, shard, at, version) for (agent, shard), at in received.items()]
    house.store.insert("progress", list(zip(*rows, strict=True)))


EVERY_SHARD = {(agent, shard): 9_000 for agent in ("sessions", "identity", "journeys") for shard in range(3)}


async def test_until_every_shard_has_told_data_until_is_null(house: House) -> None:
    house.store.command("TRUNCATE TABLE progress")
    assert (await house.ask("sessions"))["data_until"] is None
    told(house, {shard: at for shard, at in EVERY_SHARD.items() if shard != ("journeys", 2)})
    assert (await house.ask("sessions"))["data_until"] is None


async def test_data_until_is_the_least_of_all_shards(house: House) -> None:
    house.store.command("TRUNCATE TABLE progress")
    told(house, EVERY_SHARD | {("sessions", 0): 5_000, ("sessions", 1): 3_000})
    assert (await house.ask("sessions"))["data_until"] == 3_000
    told(house, {("sessions", 1): 8_000}, version=2)
    assert (await house.ask("sessions"))["data_until"] == 5_000
