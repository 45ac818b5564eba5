"""Drop points of a page: which sessions, how far they saw it, what they did last, which field they left."""

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.definitions import Goal
from tests.api.query.conftest import House
from tests.api.query.laws import laws
from tests.api.query.test_explain import count, explain
from tests.story import story

SHOP = """
    ann   09:00      page /price
    ann   09:01      track page_leave is_passive=yes path=/price scroll_percent=25
    bob   09:00      page /price
    bob   09:01      track Clicked path=/price element=a.plan
    bob   09:02      track FormAbandoned path=/price form=order last_field=phone
    bob   09:03      track page_leave is_passive=yes path=/price scroll_percent=100
    cleo  09:00      page /home
    cleo  09:01      page /price
    cleo  09:02      track Clicked path=/price element=a.plan
    dan   09:00      page /price
    dan   09:01      track Searched path=/price
    dan   09:02      page /home
    eve   09:00      page /home
    ann   +2 09:00   page /home
"""
ASKED = {"page": "/price"}


def told(house: House, text: str = SHOP, **more: Any) -> None:
    events = [
        msgspec.structs.replace(event, event="Form Abandoned") if event.event == "FormAbandoned" else event
        for event in story(text)
    ]
    house.tell(events, **more)


def rows(answer: dict[str, Any], part: str, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in (*names, "kind", "sessions")) for row in answer["result"][part]]


async def test_the_sessions_of_a_page_are_those_that_saw_it_began_bounced_and_ended_there(house: House) -> None:
    told(house)
    assert (await house.ask("drop_points", ASKED))["result"]["page"] == {
        "seen": 4, "entered": 3, "bounced": 2, "left": 3, "bounce_rate": 2 / 3, "exit_rate": 3 / 4,
    }  # fmt: skip


async def test_the_definition_decides_what_a_bounce_is_and_goals_count(house: House) -> None:
    told(house, goals=[Goal("plan", ("Clicked",), kind="micro")])
    assert (await house.ask("drop_points", ASKED))["result"]["page"]["bounced"] == 1
    answer = await house.ask("drop_points", ASKED, definition="single_page")
    assert (answer["result"]["page"]["bounced"], answer["definitions"]["bounce.single_page"]) == (1, 1)


async def test_scroll_is_told_in_steps_with_how_many_came_so_far(house: House) -> None:
    told(house)
    result = (await house.ask("drop_points", ASKED, of="seen"))["result"]
    assert {row["from_percent"]: row["sessions"] for row in result["scroll"] if row["sessions"]} == {20: 1, 100: 1}
    assert [row["reached"] for row in result["scroll"]] == [2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1]
    assert (result["scroll_unknown"], result["median_scroll_percent"]) == (2, 100)


async def test_the_median_of_scroll_is_that_of_every_other_number(house: House) -> None:
    told(house)
    scroll = (await house.ask("drop_points", ASKED, of="seen"))["result"]["median_scroll_percent"]
    trend = {"events": "page_leave", "measure": "p50", "property": "scroll_percent"}
    assert scroll == (await house.ask("trend", trend))["result"]["total"]["measured"]


async def test_the_last_act_and_the_field_left_add_up_to_the_sessions(house: House) -> None:
    told(house)
    answer = await house.ask("drop_points", ASKED, of="seen")
    assert rows(answer, "elements", "event", "element") == [
        ("Clicked", "a.plan", "value", 2),
        ("Searched", None, "value", 1),
        (None, None, "none", 1),
    ]
    assert rows(answer, "fields", "form", "field") == [("order", "phone", "value", 1), (None, None, "none", 3)]
    answer = await house.ask("drop_points", ASKED, of="seen", limit=1)
    assert rows(answer, "elements", "event", "element")[1] == (None, None, "other", 1)


async def test_a_page_that_nobody_saw_answers_0_with_similar_ones(house: House) -> None:
    told(house)
    answer = await house.ask("drop_points", page="/prices")
    assert answer["result"]["page"] == {
        "seen": 0, "entered": 0, "bounced": 0, "left": 0, "bounce_rate": None, "exit_rate": None,
    }  # fmt: skip
    assert answer["warnings"] == ["nobody saw the page '/prices' in this time; similar: '/price'"]


async def test_where_leaves_sessions_that_some_fields_have(house: House) -> None:
    told(house)
    question = ASKED | {"of": "seen", "where": [{"property": "entry_page", "operator": "is", "value": "/price"}]}
    result = (await house.ask("drop_points", question))["result"]
    assert (result["page"]["seen"], result["page"]["entered"], result["sessions"]) == (3, 3, 3)
    assert await count(house, "drop_points", question, number="seen") == 3
    nobody = ASKED | {"where": [{"property": "views", "operator": "gt", "value": 9}]}
    assert (await house.ask("drop_points", nobody))["result"]["page"]["seen"] == 0


async def test_every_number_has_as_many_cases_as_it_says(house: House) -> None:
    told(house)
    question = ASKED | {"of": "seen", "limit": 1}
    result = (await house.ask("drop_points", question))["result"]
    assert await count(house, "drop_points", question) == result["sessions"]
    for number in ("seen", "entered", "bounced", "left"):
        assert await count(house, "drop_points", question, number=number) == result["page"][number]
    for row in result["scroll"]:
        assert await count(house, "drop_points", question, scroll=row["from_percent"]) == row["sessions"]
    for part in ("elements", "fields"):
        for row in result[part]:
            cell = {name: value for name, value in row.items() if name != "sessions"} | {"part": part}
            assert await count(house, "drop_points", question, **cell) == row["sessions"]


async def test_the_event_that_tells_is_marked(house: House) -> None:
    told(house, SHOP.replace("bob   09:03", "bob 09:02:30 login bob\n bob   09:03"))
    cells = [
        ({"scroll": 100}, "page_leave", "seen to 100 %"),
        ({"part": "elements", "event": "Clicked", "element": "a.plan"}, "Clicked", "last done on the page"),
        ({"part": "fields", "form": "order", "field": "phone"}, "Form Abandoned", "form left at phone"),
    ]
    for cell, event, why in cells:
        found = await explain(house, "drop_points", ASKED | {"of": "seen"}, cell=cell, customer="user:bob")
        assert [(one["event"], one["marks"]) for one in found["events"] if one["marks"]] == [(event, [why])]


@pytest.mark.parametrize(
    ("name", "question", "field", "hint"),
    [
        ("drop_points", {}, "page", "required"),
        ("drop_points", {"page": ""}, "page", "at least 1"),
        ("drop_points", ASKED | {"of": "bounce"}, "of", "did you mean 'bounced'?"),
        ("drop_points", ASKED | {"definition": "none"}, "definition", "'engaged'"),
        ("drop_points", ASKED | {"pages": "/x"}, "pages", "did you mean 'page'?"),
        ("drop_points", ASKED | {"limit": 0}, "limit", "greater than"),
        ("drop_points/explain", {"question": ASKED, "cell": {"scroll": 0, "number": "left"}}, "cell", "name one"),
        ("drop_points/explain", {"question": ASKED, "cell": {"part": "element"}}, "cell.part", "'elements'"),
    ],
)
async def test_a_mistake_is_422_with_its_field_and_what_would_be_right(
    house: House, name: str, question: Any, field: str, hint: str
) -> None:
    error = await house.refused(name, question)
    assert error.get("field") == field
    assert hint in error["message"]


acts = st.tuples(
    st.integers(1, 3), st.sampled_from(["page", "leave", "Clicked"]), st.sampled_from(["/a", "/b"]), st.integers(0, 100)
)


@laws(5)
@given(st.lists(acts, max_size=12), st.sampled_from(["seen", "entered", "bounced", "left"]))
async def test_numbers_are_what_the_slow_account_says(
    house: House, happened: list[tuple[int, str, str, int]], of: str
) -> None:
    house.renew()
    lines, sessions = [], {1: [], 2: [], 3: []}  # type: ignore[var-annotated]
    for minute, (who, kind, page, number) in enumerate(happened):
        if kind == "page" or sessions[who]:  # what begins a session is a view
            sessions[who].append((kind, page, number))
            lines.append(
                f"{who}  09:{minute:02}  "
                + {
                    "page": f"page {page}",
                    "leave": f"track page_leave is_passive=yes path={page} scroll_percent={number}",
                    "Clicked": f"track Clicked path={page} element=e{number % 3}",
                }[kind]
            )
    house.tell(story("\n".join(lines), house.name))
    result = (await house.ask("drop_points", page="/a", of=of, limit=1000))["result"]
    chosen = []
    counts: Counter[str] = Counter()
    for acts in filter(None, sessions.values()):
        views = [page for kind, page, _ in acts if kind == "page"]
        if "/a" in views:
            is_entry = views[0] == "/a"
            parts = {
                "seen": True,
                "entered": is_entry,
                "bounced": is_entry and len(views) == 1,
                "left": views[-1] == "/a",
            }
            counts.update(name for name, holds in parts.items() if holds)
            if parts[of]:
                chosen.append([act for act in acts if act[1] == "/a"])
    assert {name: result["page"][name] for name in ("seen", "entered", "bounced", "left")} == {
        name: counts[name] for name in ("seen", "entered", "bounced", "left")
    }
    scrolls = [max(told) for acts in chosen if (told := [number for kind, _, number in acts if kind == "leave"])]
    assert [row["sessions"] for row in result["scroll"]] == [
        sum(number // 10 == step for number in scrolls) for step in range(11)
    ]
    last = Counter(
        clicks[-1] if (clicks := [number % 3 for kind, _, number in acts if kind == "Clicked"]) else None
        for acts in chosen
    )
    assert {row["element"]: row["sessions"] for row in result["elements"]} == {
        None if number is None else f"e{number}": times for number, times in last.items()
    }
