"""What events stand in, as filter and breakdown: session, traits then and now, segments, account; saved as ad hoc."""

from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.query import ask
from api.query.questions.ranges import Range
from api.query.questions.surroundings import Sessions
from pipeline.domain import filters
from pipeline.domain.asked import SESSION_PROPERTIES
from pipeline.domain.identifiers import fact_id
from schemas.facts import EventRow
from tests.api.query.conftest import House
from tests.api.query.laws import laws
from tests.api.query.test_funnel_options import counts, groups
from tests.api.query.test_saved import put
from tests.story import DAY, DAY_ZERO

SHOP = """
    ann    09:00     page /home acquisition=email
    ann    09:01     login ann plan=basic
    ann    09:05     track Added color=red
    ann    09:06     login ann plan=pro
    ann    09:07     track Paid
    bob    10:00     page /sale utm_source=ad acquisition=paid_search
    bob    10:01     page /home
    bob    10:02     track Added
    bob    12:00     page /home
    bob    12:10     track Paid
    bob    +1 12:00  login bob plan=basic
    cleo   11:00     page /home
    -      11:30     clicked mail user=ann id=m
"""
ADDED = [{"events": "Added"}, {"events": "Paid"}]


def where(name: str, operator: str, value: Any = None) -> dict[str, Any]:
    return {"property": name, "operator": operator, "value": value}


async def events(house: House, **question: Any) -> int:
    return int((await house.ask("trend", question))["result"]["events"])


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (where("$session.acquisition", "is", "email"), 5),
        (where("$session.entry_page", "is", "/sale"), 3),
        (where("$session.duration_ms", "gte", 420_000), 7),
        (where("$session.views", "gt", 1), 3),
        (where("$session.source", "not_set"), 10),  # the click in a mail is in no session
        (where("$session.channel", "not_set"), 1),
        (where("$session.bounced", "is", True), 8),
        (where("$customer.plan", "is", "basic"), 3),
        (where("$customer.plan", "is", "pro"), 3),
        (where("$customer.plan", "not_set"), 7),
        (where("$customer_now.plan", "is", "pro"), 6),
        (where("$customer_now.plan", "is", "basic"), 6),
    ],
)
async def test_a_filter_looks_at_the_session_and_at_the_customer_then_and_now(
    house: House, asked: dict[str, Any], expected: int
) -> None:
    house.tell(SHOP)
    assert await events(house, events="*", where=[asked]) == expected


async def test_a_funnel_filters_breaks_down_and_holds_constant_by_them_customers_and_sessions_alike(
    house: House,
) -> None:
    house.tell(SHOP)
    assert counts(await house.ask("funnel", steps=ADDED)) == [2, 2]
    assert counts(await house.ask("funnel", steps=ADDED, constant=["$session.entry_page"])) == [2, 1]
    assert counts(await house.ask("funnel", steps=ADDED, constant=["$customer.plan"])) == [2, 1]
    for counted in ("customers", "sessions"):
        told = await house.ask("funnel", steps=ADDED, count=counted, breakdown="$session.entry_page")
        assert groups(told)[0] == ("/home", "value", [1, 1])
        told = await house.ask("funnel", steps=ADDED, count=counted, breakdown="$customer.plan")
        assert [(value, kind) for value, kind, _ in groups(told)] == [(None, "none"), ("basic", "value")]
        told = await house.ask("funnel", steps=ADDED, count=counted, breakdown="$customer_now.plan")
        assert [value for value, _, _ in groups(told)] == ["basic", "pro"]


async def test_retention_paths_and_segments_look_at_them_too(house: House) -> None:
    house.tell(SHOP)
    paid = {"events": "page", "where": [where("$session.acquisition", "is", "paid_search")]}
    answer = await house.ask("retention", starts=paid, returns={"events": "Paid"}, by="day")
    assert answer["result"]["customers"] == 1
    assert answer["definitions"]["session"] == 1
    pro = {"events": "*", "where": [where("$customer.plan", "is", "pro")]}
    result = (await house.ask("paths", starts_at=pro, depth=2))["result"]
    assert (result["paths"], result["actors"]) == (2, 1)
    told = {"kind": "did", "events": "Added", "where": [where("$session.views", "gte", 2)]}
    await put(house, "segments/lookers", {"conditions": [told]})
    assert await events(house, events="*", where=[where("$segment.lookers", "is", True)]) == 6


@pytest.mark.parametrize(
    "own",
    [
        {"breakdown": "$segment.payers"},
        {"breakdown": "$customer_now.plan"},
        {"constant": ["$session.entry_page"]},
        {"steps": [ADDED[0] | {"where": [where("$customer.plan", "set")]}, ADDED[1]]},
        {"exclusions": [{"events": "page", "where": [where("$session.views", "is", 1)]}]},
    ],
)
async def test_a_saved_funnel_that_looks_beyond_its_events_is_answered_as_its_steps_are(
    house: House, own: dict[str, Any]
) -> None:
    house.tell(SHOP)
    await put(house, "segments/payers", {"conditions": [{"kind": "did", "events": "Paid"}]})
    await put(house, "funnels/buying", {"steps": ADDED} | own)
    house.tell([], funnels=house.definitions.refresh().funnels[house.name])
    assert house.told.entries == []
    answer = await house.ask("funnel", saved="buying")
    assert answer["result"] == (await house.ask("funnel", {"steps": ADDED} | own))["result"]
    assert answer["definitions"]["funnel.buying"] == 1
    assert answer["result"]["entered"]


@pytest.mark.parametrize(
    "option",
    [
        {"count": "sessions"},
        {"include_bots": True},
        {"within_range": True, "from": "2023-11-15", "to": "2023-11-15T12:10"},
        {"breakdown": "color"},
    ],
)
async def test_a_saved_funnel_is_asked_with_every_option_that_its_steps_are(
    house: House, option: dict[str, Any]
) -> None:
    told = SHOP + "spider 09:00 track Added is_bot=yes\n spider 09:01 track Paid is_bot=yes"
    await put(house, "funnels/buying", {"steps": ADDED})
    house.tell(told, funnels=house.definitions.refresh().funnels[house.name])
    asked = await house.ask("funnel", option, steps=ADDED)
    answer = await house.ask("funnel", option, saved="buying")
    assert answer["result"] == asked["result"]
    assert (answer["definitions"]["funnel.buying"], answer["warnings"]) == (1, [])
    assert asked["result"] != (await house.ask("funnel", saved="buying"))["result"]


async def test_no_segment_is_made_of_a_funnel_that_asks_about_it_and_what_is_asked_about_stays(house: House) -> None:
    await put(house, "segments/payers", {"conditions": [{"kind": "did", "events": "Paid"}]})
    await put(house, "funnels/buying", {"steps": ADDED, "breakdown": "$segment.payers"})
    looped = {"conditions": [{"kind": "funnel", "funnel": "buying"}]}
    error = (await put(house, "segments/payers", looped, 422))["error"]
    assert (error["field"], "contains itself" in error["message"]) == ("conditions[0].funnel", True)
    await put(house, "segments/buyers", looped)
    error = (await put(house, "funnels/buying", {"steps": ADDED, "constant": ["$segment.buyers"]}, 422))["error"]
    assert "made of this funnel" in error["message"]
    error = (await put(house, "funnels/buying", {"steps": ADDED, "constant": ["$segment.payer"]}, 422))["error"]
    assert (error["field"], "did you mean 'payers'?" in error["message"]) == ("constant[0]", True)
    answer = await house.client.delete(f"/api/v1/projects/{house.name}/segments/payers")
    assert "'buying' asks about it" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("question", "field"),
    [
        (
            {"steps": [ADDED[0] | {"where": [where("$segment.payer", "is", True)]}, ADDED[1]]},
            "steps[0].where[0].property",
        ),
        ({"steps": ADDED, "breakdown": ["color", "$segment.payer"]}, "breakdown[1]"),
        ({"steps": ADDED, "constant": ["$segment.payer"]}, "constant[0]"),
    ],
)
async def test_a_segment_that_there_is_not_is_422_where_it_stands(
    house: House, question: dict[str, Any], field: str
) -> None:
    await put(house, "segments/payers", {"conditions": [{"kind": "did", "events": "Paid"}]})
    error = await house.refused("funnel", question)
    assert (error["field"], "did you mean 'payers'?" in error["message"]) == (field, True)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("$session.entry_pag", "did you mean $session.entry_page?"),
        ("$session.duration", "did you mean $session.duration_ms?"),
        ("$session.'; DROP TABLE events", "a session has no"),
        ("$session.", "missing"),
        ("$customer.", "missing"),
        ("$session", "no column $session"),
    ],
)
async def test_a_name_that_a_session_does_not_have_is_422_with_the_nearest(house: House, name: str, hint: str) -> None:
    error = await house.refused("funnel", {"steps": [ADDED[0] | {"where": [where(name, "set")]}, ADDED[1]]})
    assert (error["field"], hint in error["message"]) == ("steps[0].where[0].property", True)


# ---- a slow account

months = count(1)
GAP = 30
KINDS = ("a", "b", "identify", "group", "mail")
happenings = st.lists(
    st.tuples(st.integers(1, 2), st.integers(0, 150), st.sampled_from(KINDS), st.sampled_from(["x", "y", None])),
    max_size=16,
    unique_by=lambda each: (each[0], each[1]),
)
filters_asked = st.tuples(
    st.sampled_from(["$session.views", "$session.events", "$session.duration_ms", "$customer.t", "$customer_now.t"])
    | st.just("$account"),
    st.sampled_from(["is", "is_not", "set", "not_set", "gt"]),
    st.sampled_from(["x", "y", 1, 2, 1_200_000]),
)


def account(happened: list[tuple[int, int, str, str | None]], name: str) -> list[str]:
    """By event, in the order given: the text that it has for a name, "" for none."""
    texts = []
    for who, minute, kind, told in happened:
        mine = sorted(one for one in happened if one[0] == who)
        before = [one for one in mine if one[1] <= minute]
        if name.startswith("$customer"):
            traits = [one[3] for one in (mine if "_now" in name else before) if one[2] == "identify"]
            texts.append((traits[-1] or "") if traits else "")
        elif name == "$account":
            called = [one[3] for one in before if one[2] == "group" and one[3]]
            texts.append(told or "" if kind == "group" and told else called[-1] if called else "")
        else:
            visits = [one for one in mine if one[2] != "mail"]
            session: list[tuple[int, int, str, str | None]] = []
            for one in visits:
                if session and one[1] - session[-1][1] > GAP:
                    if session[-1][1] >= minute:
                        break
                    session = []
                session.append(one)
            if kind == "mail":
                texts.append("")
                continue
            views = sum(1 for one in session if one[2] == "a")
            length = (session[-1][1] - session[0][1]) * 60_000
            told_of = {"views": views, "events": len(session), "duration_ms": length}
            texts.append(str(told_of[name.removeprefix("$session.")]))
    return texts


def holds(found: str, operator: str, value: Any) -> bool:
    if operator == "set":
        return bool(found)
    if operator == "not_set":
        return not found
    if operator == "gt":
        return bool(found) and (
            found.isdigit() and int(found) > value if isinstance(value, int) else found > str(value)
        )
    return (found == str(value)) == (operator == "is")


def rows_of(house: House, month: int, happened: list[tuple[int, int, str, str | None]]) -> list[EventRow]:
    begin = DAY_ZERO + month * 40 * DAY
    return [
        EventRow(
            project=house.name, device=1_000 * month + who, occurred_at=begin + minute * 60_000,
            message_id=fact_id(house.name, number, begin), sequence=0, log_position=number,
            event="identify" if kind == "identify" else "group" if kind == "group" else kind,
            type={"a": "page", "b": "track", "mail": "track"}.get(kind, kind),
            channel="email" if kind == "mail" else "web", contact="engagement" if kind == "mail" else "",
            group_id=(told or "") if kind == "group" else "",
            properties=filters.text({"t": told}) if kind == "identify" else "{}",
        )
        for number, (who, minute, kind, told) in enumerate(happened)
    ]  # fmt: skip


@laws(5)
@given(happenings, st.lists(filters_asked, min_size=3, max_size=3))
async def test_filters_agree_with_a_slow_account(
    house: House, happened: list[tuple[int, int, str, str | None]], asked: list[tuple[str, str, Any]]
) -> None:
    house.renew()
    house.tell(rows_of(house, next(months), happened))
    for name, operator, value in asked:
        condition = where(name, operator, None if "set" in operator else value)
        expected = sum(holds(text, operator, value) for text in account(happened, name))
        assert await events(house, events="*", where=[condition]) == expected, condition


async def test_the_statement_reads_of_sessions_what_the_core_defines(house: House) -> None:
    house.tell(SHOP + "ann +1 09:00 track Odd value=12.5\n dan 09:00 heartbeat engaged=12000\n dan 09:01 page /x")
    asking = ask.asking(house, house.definitions.project(house.name))
    names = list(SESSION_PROPERTIES)
    read = Sessions(asking, names, Range(0, 4_000_000_000_000)).by_id
    told = {
        one.id: {name: filters.text(value(one)) for name, value in SESSION_PROPERTIES.items()}
        for one in house.told.sessions
    }
    assert read == told
    assert len(told) >= 6


async def test_of_sessions_that_begin_in_one_millisecond_the_one_that_goes_on_holds_what_follows(house: House) -> None:
    """An event may open a session of its own in the very time of the one before it."""
    names = [f"d{number}" for number in range(8)]
    house.tell(
        "".join(
            f"{name}  09:00  page /a\n{name}  09:00  page /b new_session=yes sequence=1\n{name}  09:01  track Added\n"
            for name in names
        )
    )
    answer = await house.ask("trend", events="Added", breakdown="$session.entry_page")
    assert {group["value"]: group["events"] for group in answer["result"]["groups"]} == {"/b": len(names)}
    sessions = (await house.ask("sessions", breakdown="entry_page"))["result"]["rows"]
    assert {row["value"]: row["events"] for row in sessions} == {"/a": len(names), "/b": 2 * len(names)}
