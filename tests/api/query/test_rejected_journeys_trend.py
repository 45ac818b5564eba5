from typing import Any

import pytest

from schemas.definitions import Goal
from tests.api.query.conftest import House
from tests.story import DAY, DAY_ZERO


async def test_rejects_are_counted_by_reason_and_source_and_the_newest_shown(house: House) -> None:
    house.reject(received_at=1_000, reason="wrong_type", source="web", payload='{"a":1}')
    house.reject(received_at=3_000, reason="wrong_type", source="web", payload='{"a":2}', field="timestamp")
    house.reject(received_at=2_000, reason="too_large", source="app")
    result = (await house.ask("rejected", newest=2))["result"]
    assert result["count"] == 3
    assert [(one["reason"], one["source"], one["count"], one["last_at"]) for one in result["counts"]] == [
        ("wrong_type", "web", 2, 3_000),
        ("too_large", "app", 1, 2_000),
    ]
    assert [(one["received_at"], one["payload"], one["field"]) for one in result["newest"]] == [
        (3_000, '{"a":2}', "timestamp"),
        (2_000, "{}", ""),
    ]


async def test_rejects_of_one_reason_or_one_source(house: House) -> None:
    house.reject(reason="wrong_type", source="web")
    house.reject(reason="too_large", source="app")
    assert (await house.ask("rejected", reason="too_large"))["result"]["count"] == 1
    assert (await house.ask("rejected", source="web"))["result"]["counts"][0]["reason"] == "wrong_type"
    error = await house.refused("rejected", {"reason": "to_large"})
    assert error["field"] == "reason"
    assert "too_large" in error["message"]


async def test_a_source_of_which_nothing_was_rejected_is_told_with_the_nearest_that_has_rejects(house: House) -> None:
    house.reject(reason="wrong_type", source="webshop")
    assert (await house.ask("rejected", source="webshop", reason="too_large"))["warnings"] == []
    told = (await house.ask("rejected", source="wepshop"))["warnings"]
    assert told == ["nothing of a source 'wepshop' was rejected in this time; did you mean 'webshop'?"]


async def test_journeys_are_counted_by_state_and_stage(house: House) -> None:
    house.tell(
        """
        tablet  09:00     page /home acquisition=email
        tablet  +1 09:00  page /home acquisition=direct
        tablet  +1 09:01  track Paid value_micros=7000000
        phone   09:00     page /home
        """,
        goals=[Goal("sale", ("Paid",))],
    )
    result = (await house.ask("journeys"))["result"]
    assert (result["journeys"], result["converted"]) == (2, 1)
    assert {(one["state"], one["journeys"], one["touchpoints"], one["value_micros"]) for one in result["counts"]} == {
        ("converted", 1, 2, 7_000_000),
        ("ended", 1, 1, 0),
    }
    assert [(one["touchpoints"], one["journeys"], one["converted"]) for one in result["lengths"]] == [
        (1, 1, 0),
        (2, 1, 1),
    ]
    newest = result["newest"][0]
    assert newest["path"] == ["email", "direct"]
    assert newest["started_at"] == DAY_ZERO + 9 * 3_600_000
    assert newest["last_at"] == DAY_ZERO + DAY + 9 * 3_600_000
    assert len(newest["customer"]) == 16


async def test_the_newest_journeys_can_be_those_alone_that_converted(house: House) -> None:
    house.tell(
        """
        tablet  09:00  page /home
        tablet  09:01  track Paid
        phone   10:00  page /home
        """,
        goals=[Goal("sale", ("Paid",))],
    )
    result = (await house.ask("journeys", newest_converted=True))["result"]
    assert [one["state"] for one in result["newest"]] == ["converted"]
    assert result["journeys"] == 2


async def test_a_trend_has_every_period_of_the_range_and_a_0_where_nothing_happened(house: House) -> None:
    house.tell("""
        tablet  09:00     track Added
        phone   09:30     track Added
        tablet  +2 10:00  track Added
        tablet  10:00     track Other
    """)
    answer = await house.ask("trend", events="Added", **{"from": "2023-11-14", "to": "2023-11-18"})
    assert answer["question"]["events"] == ["Added"]
    assert [(one["period"], one["events"], one["devices"]) for one in answer["result"]["points"]] == [
        ("2023-11-14", 0, 0),
        ("2023-11-15", 2, 2),
        ("2023-11-16", 0, 0),
        ("2023-11-17", 1, 1),
    ]
    assert answer["result"]["events"] == 3


async def test_a_trend_of_all_time_goes_from_the_first_event_to_the_last(house: House) -> None:
    house.tell("""
        tablet  09:00     track Added
        tablet  +2 10:00  track Added
    """)
    points = (await house.ask("trend", events=["Added"]))["result"]["points"]
    assert [one["period"] for one in points] == ["2023-11-15", "2023-11-16", "2023-11-17"]


async def test_hours_carry_their_offset(house: House) -> None:
    house.tell("""
        tablet  09:10  track Added
        tablet  11:50  track Added
    """)
    points = (await house.ask("trend", events=["Added"], by="hour", zone="Asia/Kolkata"))["result"]["points"]
    assert [(one["period"], one["events"]) for one in points] == [
        ("2023-11-15T14:00:00+0530", 1),
        ("2023-11-15T15:00:00+0530", 0),
        ("2023-11-15T16:00:00+0530", 0),
        ("2023-11-15T17:00:00+0530", 1),
    ]


async def test_hours_of_a_day_with_a_change_by_half_an_hour_are_the_same_in_every_question(house: House) -> None:
    """7 April 2024 in Lord Howe: at 02:00+11:00 the clocks go back to 01:30+10:30."""
    house.tell("""
        d1  +143 14:40  page /home
        d2  +143 14:59  page /home
        d3  +143 15:10  page /home
        d4  +143 15:40  page /home
        d5  +143 20:10  page /home
        d6  +143 20:40  page /home
    """)
    hours = {
        "2024-04-07T01:00:00+1100": 2, "2024-04-07T01:30:00+1030": 1, "2024-04-07T02:00:00+1030": 1,
        "2024-04-07T06:00:00+1030": 1, "2024-04-07T07:00:00+1030": 1,
    }  # fmt: skip
    asked = {"by": "hour", "zone": "Australia/Lord_Howe"}
    steps = [{"events": "page"}, {"events": "page"}]
    for name, question, part, number in (
        ("sessions", {}, "rows", lambda row: row["sessions"]),
        ("bounce", {}, "rows", lambda row: row["with_view"]),
        ("trend", {"events": "page"}, "points", lambda row: row["events"]),
        ("trend", {"events": "page", "measure": "unique"}, "points", lambda row: row["a"]),
        ("trend", {"events": "page", "breakdown": "$path"}, "points", lambda row: row["events"]),
        ("funnel", {"steps": steps}, "periods", lambda row: row["counts"][0]),
        ("funnel", {"steps": [{"events": "page"}, {"events": "Paid"}]}, "periods", lambda row: row["counts"][0]),
        ("funnel", {"steps": steps, "count": "entries"}, "periods", lambda row: row["counts"][0]),
    ):
        rows = (await house.ask(name, question, **asked))["result"][part]
        assert {row["period"]: number(row) for row in rows if number(row)} == hours, (name, question)


@pytest.mark.parametrize("by", ["hour", "day", "week", "month"])
async def test_a_filter_that_holds_for_all_changes_nothing(house: House, by: str) -> None:
    house.tell("""
        tablet  09:10     track Added price=3
        tablet  23:50     track Added price=4
        tablet  +5 00:10  track Added price=5
    """)
    asked: dict[str, Any] = {"events": ["Added"], "by": by, "zone": "America/St_Johns"}
    plain = (await house.ask("trend", asked))["result"]
    filtered = (await house.ask("trend", asked, where=[{"property": "price", "operator": "set"}]))["result"]
    assert filtered == plain
    assert plain["events"] == 3


async def test_a_filter_leaves_out_what_it_does_not_hold_for(house: House) -> None:
    house.tell("""
        tablet  09:10  track Added price=3
        tablet  09:11  track Added price=30
        tablet  09:12  track Added
    """)
    where = [{"property": "price", "operator": "gte", "value": 10}]
    assert (await house.ask("trend", events=["Added"], where=where))["result"]["events"] == 1


async def test_a_name_that_never_arrived_counts_0_with_a_warning_that_tells_similar_ones(house: House) -> None:
    house.tell("tablet  09:10  track Added")
    answer = await house.ask("trend", events=["added", "Quux"])
    assert answer["result"]["events"] == 0
    assert answer["warnings"] == [
        "no event named 'Quux' has ever arrived",
        "no event named 'added' has ever arrived; similar: 'Added'",
    ]
