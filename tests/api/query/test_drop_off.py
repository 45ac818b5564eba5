"""Who left a funnel after each step and what they did next, against an account of the words; saved equals ad hoc."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.query.questions import drop_off
from schemas.definitions import Funnel
from schemas.facts import EventRow
from tests import funnel_account
from tests.api.query.conftest import House
from tests.api.query.laws import laws
from tests.api.query.test_explain import explain, reasons
from tests.api.query.test_funnel_options import body_of, funnels, happenings, told
from tests.api.query.test_saved import put

SHOP = """
    ann    09:00     page /home
    ann    09:05     track Added
    ann    09:30     track Paid
    bob    10:00     page /home
    bob    10:01     heartbeat
    bob    10:02     page /help
    cleo   11:00     page /home
    cleo   11:10     track Added
    cleo   11:20     track Removed
    dan    11:00     page /home
    eve    11:00     page /home
    eve    11:04     page /help
    eve    11:05     track Asked
"""
STEPS = [
    {"events": "page", "where": [{"property": "$path", "value": "/home"}]},
    {"events": "Added"},
    {"events": "Paid"},
]


def followed(answer: dict[str, Any]) -> list[tuple[int, int, list[tuple[str | None, str, int]]]]:
    return [
        (step["reached"], step["left"], [(one["name"], one["kind"], one["count"]) for one in step["followed"]])
        for step in answer["result"]["steps"]
    ]


async def test_after_each_step_it_is_told_who_left_and_what_followed(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("drop_off", steps=STEPS)
    assert followed(answer) == [
        (5, 3, [("/help", "event", 2), (None, "nothing", 1)]),
        (2, 1, [("Removed", "event", 1)]),
    ]
    assert (answer["result"]["entered"], answer["result"]["converted"]) == (5, 1)
    first = answer["result"]["steps"][0]["followed"][0]
    assert (first["rate"], first["median_ms"]) == (pytest.approx(2 / 3), 4 * 60_000)
    assert answer["definitions"]["drop_off"] == 1


async def test_views_may_be_told_by_the_name_of_their_event(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("drop_off", steps=STEPS, nodes="events")
    assert followed(answer)[0][2][0] == ("page", "event", 2)


async def test_what_follows_after_the_window_does_not_count(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("drop_off", steps=STEPS, window="3m")
    assert followed(answer)[0] == (5, 5, [("/help", "event", 1), (None, "nothing", 4)])


async def test_beyond_the_top_the_rest_is_other(house: House) -> None:
    house.tell(SHOP + "fay 12:00 page /home\nfay 12:01 track Asked")
    answer = await house.ask("drop_off", steps=STEPS, top=1)
    assert followed(answer)[0][2] == [("/help", "event", 2), (None, "other", 1), (None, "nothing", 1)]


async def test_of_more_who_left_than_a_statement_is_told_the_question_is_refused(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.tell(SHOP)
    monkeypatch.setattr(drop_off, "MOST_MEMBERS", 4)
    assert (await house.ask("drop_off", steps=STEPS))["result"]["entered"] == 5  # four of them left
    monkeypatch.setattr(drop_off, "MOST_MEMBERS", 3)
    error = await house.refused("drop_off", {"steps": STEPS, "last": None})
    assert (error["code"], error["field"]) == ("question_too_large", "steps")


async def test_every_cell_has_as_many_customers_as_it_says(house: House) -> None:
    house.tell(SHOP + "fay 12:00 page /home\nfay 12:01 track Asked")
    for more in ({"count": "entries"}, {"window": "session"}):
        question: dict[str, Any] = {"steps": STEPS, "top": 1} | more
        for step in (await house.ask("drop_off", question))["result"]["steps"]:
            assert (await explain(house, "drop_off", question, cell={"step": step["step"]}))["count"] == step["left"]
            for one in step["followed"]:
                cell = {"step": step["step"], "kind": one["kind"], "name": one["name"]}
                assert (await explain(house, "drop_off", question, cell=cell))["count"] == one["count"]


async def test_of_a_customer_the_steps_and_what_followed_are_marked(house: House) -> None:
    house.tell(SHOP)
    found = await explain(house, "drop_off", {"steps": STEPS}, cell={"step": 2})
    (row,) = found["rows"]
    told_of = await explain(house, "drop_off", {"steps": STEPS}, cell={"step": 2}, customer=row["id"])
    assert reasons(told_of) == [("page", ["step 1"]), ("Added", ["step 2"]), ("Removed", ["followed"])]


async def test_within_the_session_what_follows_lies_in_it(house: House) -> None:
    house.tell("""
        ann  09:00  page /home
        ann  10:00  track Asked
        bob  09:00  page /home
        bob  09:10  track Asked
    """)
    assert followed(await house.ask("drop_off", steps=STEPS))[0][2] == [("Asked", "event", 2)]
    expected = [("Asked", "event", 1), (None, "nothing", 1)]
    assert followed(await house.ask("drop_off", steps=STEPS, window="session"))[0][2] == expected
    assert followed(await house.ask("drop_off", steps=STEPS, count="sessions"))[0][2] == expected


async def test_of_one_millisecond_what_comes_later_in_order_follows_and_no_step_of_the_entry_does(house: House) -> None:
    house.tell("""
        ann  09:00  track Asked sequence=1
        ann  09:00  track Added sequence=2
        ann  09:00  page /home sequence=3
        ann  09:00  track Removed sequence=4
        bob  09:00  track Asked sequence=1
        bob  09:00  page /home sequence=2
        bob  09:00  heartbeat sequence=3
        bob  09:05  track Asked
        bob  09:06  track Removed
    """)
    # In a millisecond the funnel takes page before Added, so Added is the last step, and page is none that follows.
    assert followed(await house.ask("drop_off", steps=STEPS)) == [
        (2, 1, [("Asked", "event", 1)]),
        (1, 1, [("Removed", "event", 1)]),
    ]
    both = await house.ask("drop_off", steps=STEPS, window="session")
    assert followed(both) == followed(await house.ask("drop_off", steps=STEPS))


async def test_a_step_that_is_no_event_is_told(house: House) -> None:
    house.tell(SHOP)
    answer = await house.ask("drop_off", steps=[{"events": "page"}, {"events": "Quux"}])
    assert answer["warnings"] == ["no event named 'Quux' has ever arrived"]


@pytest.mark.parametrize(
    ("more", "field", "hint"),
    [
        ({"top": 0}, "top", "greater than or equal to 1"),
        ({"top": 101}, "top", "less than or equal to 100"),
        ({"nodes": "pages"}, "nodes", "'both'"),
        ({"breakdown": "color"}, "breakdown", "no field here"),
        ({"count": "groups"}, "count", "'customers', 'sessions' or 'entries'"),
        ({"steps": STEPS[:1]}, "steps", "at least 2"),
        ({"window": "never"}, "window", "or session"),
    ],
)
async def test_a_question_that_is_wrong_is_refused(house: House, more: Any, field: str, hint: str) -> None:
    error = await house.refused("drop_off", {"steps": STEPS} | more)
    assert error["field"] == field
    assert hint in error["message"]


@pytest.mark.parametrize(
    ("cell", "field"),
    [
        ({"step": 3}, "cell.step"),
        ({"kind": "event"}, "cell.name"),
        ({"kind": "other", "name": "x"}, "cell.name"),
        ({"kind": "events"}, "cell.kind"),
    ],
)
async def test_a_cell_that_there_is_none_of_is_refused(house: House, cell: dict[str, Any], field: str) -> None:
    path = f"/api/v1/projects/{house.name}/questions/drop_off/explain"
    answer = await house.client.post(path, json={"question": {"steps": STEPS}, "cell": cell})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)


def account(events: list[EventRow], funnel: Funnel, counted: str) -> tuple[Counter[int], Counter[tuple[int, str]]]:
    """(how many left after each step, what they did next), one customer and one event after the other."""
    left: Counter[int] = Counter()
    then: Counter[tuple[int, str]] = Counter()
    for device in {event.device for event in events}:
        mine = sorted((event for event in events if event.device == device), key=lambda event: event.occurred_at)
        found = funnel_account.entries(mine, funnel)
        best = funnel_account.each_once(found) if counted == "entries" else [funnel_account.counted(found)]
        for filled in filter(None, best):
            last = max(filled)
            if last == len(funnel.steps):
                continue
            left[last] += 1
            later = [
                event.event
                for event in mine
                if filled[last].occurred_at < event.occurred_at <= filled[min(filled)].occurred_at + funnel.window_ms
                and not event.is_passive
            ]
            then[last, later[0] if later else ""] += 1
    return left, then


@laws(5)
@given(happenings, funnels(), st.sampled_from(["customers", "entries"]))
async def test_saved_and_ad_hoc_give_the_numbers_of_the_account(
    house: House, happened: list[tuple[int, int, str, str, bool]], funnel: Funnel, counted: str
) -> None:
    house.renew()
    events = told(house, 1, happened)
    await put(house, "funnels/random", body_of(funnel))
    (known,) = house.definitions.funnels(house.name)
    house.tell(events, funnels=[known])
    body = {name: value for name, value in body_of(funnel).items() if name != "breakdown"}
    question = {"count": counted}
    ad_hoc = await house.ask("drop_off", question | body)
    assert (await house.ask("drop_off", question, saved="random"))["result"] == ad_hoc["result"]
    left, then = account(events, funnel, counted)
    steps = ad_hoc["result"]["steps"]
    assert {step["step"]: step["left"] for step in steps if step["left"]} == dict(left)
    assert {(step["step"], one["name"] or ""): one["count"] for step in steps for one in step["followed"]} == dict(then)
    assert sum(step["left"] for step in steps) + ad_hoc["result"]["converted"] == ad_hoc["result"]["entered"]
    if not any(step.optional for step in funnel.steps):
        plain = (await house.ask("funnel", question | body))["result"]["steps"]
        assert [step["left"] for step in steps] == [step["dropped"] for step in plain[1:]]
