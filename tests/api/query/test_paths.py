"""Paths as nodes and links: levels, fan-out, names of nodes; and they agree with strict funnels."""

from collections import Counter
from datetime import date, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.identifiers import fact_id
from schemas.definitions import Goal, SessionOptions
from schemas.facts import EventRow
from tests.api.query.conftest import House
from tests.api.query.laws import laws
from tests.api.query.test_explain import explain
from tests.story import DAY, DAY_ZERO, user

SHOP = """
    ann  09:00  page /home
    ann  09:01  page /item/1
    ann  09:02  track Added
    ann  09:03  heartbeat
    ann  09:04  page /cart
    bob  10:00  page /home
    bob  10:01  page /item/2
    bob  10:02  page /home
    bob  10:03  page /cart
    ann  12:00  page /home
"""
HOME = {"events": "page", "where": [{"property": "$path", "value": "/home"}]}
CART = {"events": "page", "where": [{"property": "$path", "value": "/cart"}]}


def nodes(answer: dict[str, Any]) -> dict[str, int]:
    return {node["id"]: node["paths"] for node in answer["result"]["nodes"]}


def links(answer: dict[str, Any]) -> dict[tuple[str, str], int]:
    return {(link["source"], link["target"]): link["paths"] for link in answer["result"]["links"]}


async def test_paths_from_a_page_are_nodes_by_level_and_links(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("paths", starts_at=HOME, depth=3)
    assert nodes(answer) == {
        "0:/home": 4,
        "1:/cart": 1,
        "1:/item/1": 1,
        "1:/item/2": 1,
        "2:/home": 1,
        "2:Added": 1,
    }
    assert links(answer)["0:/home", "1:/item/1"] == 1
    assert (answer["result"]["paths"], answer["result"]["actors"]) == (4, 3)
    ends = {node["id"]: node["ends"] for node in answer["result"]["nodes"] if node["ends"]}
    assert ends == {"0:/home": 1, "1:/cart": 1}


async def test_paths_to_a_page_come_from_further_back(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("paths", ends_at=CART, depth=3)
    assert nodes(answer) == {"-2:/item/1": 1, "-2:/item/2": 1, "-1:/home": 1, "-1:Added": 1, "0:/cart": 2}


async def test_paths_through_a_page_have_both_sides(house: House) -> None:
    house.tell(SHOP)
    through = {"events": "Added"}
    assert links(await house.ask("paths", through=through, depth=2)) == {
        ("-1:/item/1", "0:Added"): 1,
        ("0:Added", "1:/cart"): 1,
    }


async def test_without_a_point_a_session_has_one_path(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("paths", depth=2)
    assert nodes(answer) == {"0:/home": 3, "1:/item/1": 1, "1:/item/2": 1}


async def test_pages_are_grouped_by_patterns(house: House) -> None:
    house.tell(SHOP)
    pages = [{"pattern": "^/item/", "name": "an item"}]
    assert nodes(await house.ask("paths", depth=2, pages=pages)) == {"0:/home": 3, "1:an item": 2}


async def test_nodes_are_pages_or_events_by_choice(house: House) -> None:
    house.tell(SHOP)
    question = {"starts_at": HOME, "depth": 3}
    assert "2:/cart" in nodes(await house.ask("paths", question, nodes="pages"))
    assert nodes(await house.ask("paths", question, nodes="events", depth=2)) == {"0:page": 4, "1:page": 3}
    assert "2:/cart" in nodes(await house.ask("paths", question, without=["Added"]))
    assert nodes(await house.ask("paths", starts_at=CART, events=["Added"])) == {"0:/cart": 2}


async def test_nodes_beyond_the_fan_out_are_other_and_nothing_is_lost(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("paths", starts_at=HOME, depth=3, fan_out=1)
    assert nodes(answer) == {"0:/home": 4, "1:/cart": 1, "1 other": 2, "2:/home": 1, "2 other": 1}
    assert [node["kind"] for node in answer["result"]["nodes"]] == ["value", "value", "other", "value", "other"]


async def test_loops_are_folded_by_choice(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("paths", {"from": "2023-11-15T10:00", "to": "2023-11-15T11:00"}, depth=4)
    assert "2:/home" in nodes(answer)
    answer = await house.ask("paths", {"from": "2023-11-15T10:00", "to": "2023-11-15T11:00"}, depth=4, fold="loops")
    assert links(answer) == {("0:/home", "1:/cart"): 1}


async def test_within_customers_a_path_goes_on_over_sessions_and_ends_with_its_window(house: House) -> None:
    house.tell(SHOP)
    question = {"starts_at": CART, "within": "customers"}
    assert links(await house.ask("paths", question)) == {("0:/cart", "1:/home"): 1}
    assert links(await house.ask("paths", question, window="1h")) == {}


async def test_a_session_that_began_before_the_range_is_read_whole(house: House) -> None:
    house.tell(SHOP)
    range_ = {"from": "2023-11-15T09:02", "to": "2023-11-15T10:00"}
    assert nodes(await house.ask("paths", range_, ends_at=CART, depth=4)) == {
        "-3:/home": 1,
        "-2:/item/1": 1,
        "-1:Added": 1,
        "0:/cart": 1,
    }
    assert nodes(await house.ask("paths", range_)) == {}


async def test_a_point_that_is_no_event_answers_0_with_a_warning(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("paths", starts_at={"events": "Aded"})
    assert answer["result"] == {"paths": 0, "actors": 0, "nodes": [], "links": [], "groups": []}
    assert answer["warnings"] == ["no event named 'Aded' has ever arrived; similar: 'Added'"]


async def test_the_echo_has_every_default_and_gives_the_same_again(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("paths", starts_at=HOME, within="customers")
    assert answer["question"]["window"] == 7 * DAY
    assert await house.ask("paths", answer["question"]) == answer


POINT = {"events": ["page"]}


@pytest.mark.parametrize(
    ("question", "field", "hint"),
    [
        ({"starts_at": POINT, "ends_at": POINT}, "ends_at", "not both"),
        ({"starts_at": "page"}, "starts_at", "JSON object"),
        ({"starts_at": {}}, "starts_at.events", "required"),
        ({"through": {"events": []}}, "through.events", "at least 1"),
        ({"ends_at": POINT | {"where": [{"property": "$nope", "value": 1}]}}, "ends_at.where[0].property", "$channel"),
        ({"within": "customers"}, "within", "need a point"),
        ({"within": "session"}, "within", "did you mean 'sessions'?"),
        ({"window": "7d"}, "window", "own end"),
        ({"starts_at": POINT, "within": "customers", "window": 0}, "window", "more than 0"),
        ({"nodes": "page"}, "nodes", "did you mean 'pages'?"),
        ({"events": [""]}, "events[0]", "must not be empty"),
        ({"without": "page"}, "without", "list"),
        ({"pages": [{"pattern": "(", "name": "x"}]}, "pages[0].pattern", "RE2"),
        ({"pages": [{"pattern": "a", "name": ""}]}, "pages[0].name", "at least 1"),
        ({"depth": 1}, "depth", "greater than or equal to 2"),
        ({"depth": 11}, "depth", "less than or equal to 10"),
        ({"fan_out": 0}, "fan_out", "greater than or equal to 1"),
        ({"fold": "loop"}, "fold", "did you mean 'loops'?"),
        ({"start_at": POINT}, "start_at", "did you mean 'starts_at'?"),
    ],
)
async def test_a_mistake_is_422_with_its_field_and_what_would_be_right(
    house: House, question: Any, field: str, hint: str
) -> None:
    error = await house.refused("paths", question)
    assert error.get("field") == field
    assert hint in error["message"]


# ---- laws

months = count(1)
happenings = st.lists(
    st.tuples(st.integers(1, 2), st.integers(0, 200), st.sampled_from("abc")),
    max_size=14,
    unique_by=lambda each: (each[0], each[1]),
)


def told(house: House, happened: list[tuple[int, int, str]]) -> dict[str, str]:
    """Minutes of two devices, in a month of its own; gives the month as a range."""
    month = next(months)
    begin = DAY_ZERO + month * 40 * DAY
    house.tell([
        EventRow(
            project=house.name, device=1_000 * month + device, occurred_at=begin + minute * 60_000,
            message_id=fact_id(house.name, number, begin), sequence=0, log_position=number, event=name, type="track",
            channel="web",
        )
        for number, (device, minute, name) in enumerate(happened)
    ])  # fmt: skip
    day = DAY_ZERO // DAY + month * 40
    return {"from": _date(day), "to": _date(day + 2)}


def _date(days: int) -> str:
    return (date(1970, 1, 1) + timedelta(days)).isoformat()


@laws(5)
@given(happenings, st.sampled_from("abc"), st.sampled_from("abc"))
async def test_a_strict_funnel_of_two_steps_in_one_session_is_the_paths_count(
    house: House, happened: list[tuple[int, int, str]], first: str, second: str
) -> None:
    range_ = told(house, happened)
    answer = await house.ask("paths", range_, starts_at={"events": first}, depth=2)
    steps = [{"events": first}, {"events": second}]
    funnel = await house.ask("funnel", range_, steps=steps, order="strict", count="sessions", window="1d")
    actors = {(link["source"], link["target"]): link["actors"] for link in answer["result"]["links"]}
    assert actors.get((f"0:{first}", f"1:{second}"), 0) == funnel["result"]["converted"]
    assert answer["result"]["actors"] == funnel["result"]["entered"]


@laws(4)
@given(happenings, st.sampled_from(["starts_at", "ends_at", "through", ""]), st.integers(1, 3), st.integers(2, 4))
async def test_what_comes_into_a_node_goes_on_or_ends_there(
    house: House, happened: list[tuple[int, int, str]], where: str, fan_out: int, depth: int
) -> None:
    range_ = told(house, happened)
    point = {where: {"events": "a"}} if where else {}
    result = (await house.ask("paths", range_ | point, fan_out=fan_out, depth=depth))["result"]
    out: Counter[str] = Counter()
    into: Counter[str] = Counter()
    for link in result["links"]:
        out[link["source"]] += link["paths"]
        into[link["target"]] += link["paths"]
    levels = [node["level"] for node in result["nodes"]]
    for node in result["nodes"]:
        if node["level"] < depth - 1 and where != "ends_at":
            assert out[node["id"]] + node["ends"] == node["paths"]
        if 1 - depth < node["level"] and where in ("ends_at", "through"):
            assert into[node["id"]] + node["begins"] == node["paths"]
    assert all(levels.count(level) <= fan_out + 1 for level in levels)
    assert sum(node["paths"] for node in result["nodes"] if node["level"] == 0) == result["paths"]


# ---- within journeys

LONG = """
    ann   09:00      page /home user=ann
    ann   09:01      track Added
    -     +1 09:00   opened mail user=ann
    ann   +2 09:00   page /cart user=ann
    ann   +2 09:01   track Paid
    ann   +2 09:02   page /thanks
    phone +2 09:10   page /home user=ann
    -     +60 09:00  opened mail user=ann
"""


async def test_within_journeys_a_path_goes_over_sessions_and_channels_and_ends_with_its_journey(house: House) -> None:
    house.tell(LONG, goals=[Goal("sale", ("Paid",))])
    answer = await house.ask("paths", within="journeys", depth=9)
    assert (answer["result"]["paths"], answer["result"]["actors"]) == (3, 3)
    ways = [node["name"] for node in answer["result"]["nodes"] if node["paths"] == 1 and node["level"] > 0]
    assert ways == ["Added", "email opened", "/cart", "Paid", "/thanks"]
    assert nodes(answer) | {"0:/home": 2, "0:email opened": 1} == nodes(answer)
    assert {"journey", "session"} <= set(answer["definitions"])


async def test_a_point_in_a_journey_leads_back_to_its_beginning_or_as_far_as_the_window(house: House) -> None:
    house.tell(LONG, goals=[Goal("sale", ("Paid",))])
    paid = {"ends_at": {"events": "Paid"}, "within": "journeys", "from": "2023-11-17", "to": "2023-11-18"}
    answer = await house.ask("paths", paid)
    assert list(nodes(answer)) == ["-4:/home", "-3:Added", "-2:email opened", "-1:/cart", "0:Paid"]
    assert list(nodes(await house.ask("paths", paid, window="1d"))) == ["-1:/cart", "0:Paid"]


async def test_of_visits_that_interleave_a_purchase_is_in_the_journey_of_its_own(house: House) -> None:
    house.tell(
        """
        laptop  09:00  page /one  sender_session=1
        laptop  09:01  page /two  sender_session=2
        laptop  09:02  track Paid  sender_session=1
        """,
        project=house.project(sessions=SessionOptions(sender_sessions=True)),
        goals=[Goal("sale", ("Paid",))],
    )
    answer = await house.ask("paths", within="journeys", depth=9)
    assert links(answer) == {("0:/one", "1:Paid"): 1}


async def test_paths_within_journeys_are_explained_by_their_customers(house: House) -> None:
    house.tell(LONG, goals=[Goal("sale", ("Paid",))])
    found = await explain(house, "paths", {"within": "journeys", "depth": 9}, cell={"node": "4:Paid"})
    assert (found["count"], found["rows"][0]["id"]) == (1, f"{user('ann', house.name):016x}")


async def test_names_that_never_arrived_are_warned_of_wherever_they_stand(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("paths", starts_at={"events": ["Added", "added"]}, without=["heartbeet"])
    assert answer["warnings"] == [
        "no event named 'added' has ever arrived; similar: 'Added'",
        "no event named 'heartbeet' has ever arrived; similar: 'heartbeat'",
    ]
