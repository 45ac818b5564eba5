"""The window `session`: every step of an entry lies in the session of its first; saved or ad hoc."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.funnels import order
from schemas.definitions import Funnel, Step
from schemas.facts import EventRow
from tests import funnel_account
from tests.api.query.conftest import House
from tests.api.query.laws import laws
from tests.api.query.test_explain import explain
from tests.api.query.test_funnel_options import counts
from tests.api.query.test_saved import put
from tests.story import story

SHOP = """
    tablet  09:00     page /home
    tablet  09:01     login ann
    tablet  10:00     track Paid
    phone   09:05     page /home user=ann
    phone   09:06     track Added
    phone   09:20     track Paid
    bob     09:00     page /home
    bob     09:10     track Added
    bob     09:50     track Paid
    -       09:15     opened mail user=ann
"""
STEPS = [{"events": "page"}, {"events": "Added"}, {"events": "Paid"}]


async def test_every_step_lies_in_the_session_of_the_first(house: House) -> None:
    house.tell(SHOP)
    assert counts(await house.ask("funnel", steps=STEPS)) == [2, 2, 2]
    answer = await house.ask("funnel", steps=STEPS, window="session")
    assert counts(answer) == [2, 2, 1]
    assert (answer["question"]["window"], answer["definitions"]["session"]) == ("session", 1)


async def test_a_customer_of_several_sessions_counts_once_with_his_furthest(house: House) -> None:
    house.tell(SHOP)
    assert counts(await house.ask("funnel", steps=STEPS, window="session", count="sessions")) == [3, 2, 1]
    assert counts(await house.ask("funnel", steps=STEPS, window="session", count="entries")) == [3, 2, 1]


async def test_what_happens_outside_sessions_fills_no_step(house: House) -> None:
    house.tell(SHOP)
    steps = [STEPS[0], {"events": "*", "where": [{"property": "$channel", "value": "email"}]}]
    assert counts(await house.ask("funnel", steps=steps)) == [2, 1]
    assert counts(await house.ask("funnel", steps=steps, window="session")) == [2, 0]


async def test_a_saved_one_gives_the_same_though_no_agent_follows_it(house: House) -> None:
    await put(house, "funnels/visit", {"steps": STEPS, "window": "session"})
    (known,) = house.definitions.funnels(house.name)
    house.tell(SHOP, funnels=[known])
    saved = await house.ask("funnel", saved="visit")
    assert counts(saved) == [2, 2, 1]
    assert saved["result"] == (await house.ask("funnel", steps=STEPS, window="session"))["result"]
    assert (await house.client.get(f"/api/v1/projects/{house.name}/funnels/visit")).json()["window"] == "session"
    assert not house.told.entries


async def test_the_customers_behind_a_step_are_told(house: House) -> None:
    house.tell(SHOP)
    question = {"steps": STEPS, "window": "session"}
    found = await explain(house, "funnel", question, cell={"step": 3}, customer="user:ann")
    marked = [(event["event"], event["marks"]) for event in reversed(found["events"]) if event["marks"]]
    assert marked == [("page", ["step 1"]), ("Added", ["step 2"]), ("Paid", ["step 3"])]


async def test_a_window_that_is_no_session_and_no_time_is_refused(house: House) -> None:
    for window in ("sesion", "Session", ["session"], True, 1.5, -1):
        error = await house.refused("funnel", {"steps": STEPS, "window": window})
        assert error["field"] == "window"
        assert "or session" in error["message"]
    error = await house.refused("paths", {"window": "session", "within": "customers", "through": {"events": "page"}})
    assert error["field"] == "window"


minutes = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 200), st.sampled_from(["A", "B", "C"])), max_size=12)


@laws(6)
@given(minutes, st.sampled_from(["ordered", "strict", "any"]), st.booleans())
async def test_it_is_the_account_of_each_session_of_a_customer(
    house: House, happened: list[tuple[str, int, str]], kind: Any, is_first: bool
) -> None:
    """Two devices of one customer, whose sessions are parted by hand: a gap of more than 30 minutes ends one."""
    house.renew()
    lines = [
        f"{device} {at // 60:02}:{at % 60:02} track {name} user=ann"
        for device, at, name in sorted(set(happened), key=lambda each: each[1])
    ]
    events = sorted(story("\n".join(lines), house.name), key=order)
    house.tell(events)
    funnel = Funnel("", (Step(("A",)), Step(("A" if is_first else "B",)), Step(("C",))), 86_400_000, kind)
    steps = [{"events": list(step.events)} for step in funnel.steps]
    sessions: list[list[EventRow]] = []
    for device in {event.device for event in events}:
        mine = [event for event in events if event.device == device]
        for before, event in zip([None, *mine], mine, strict=False):
            if before is None or event.occurred_at - before.occurred_at > 30 * 60_000:
                sessions.append([])
            sessions[-1].append(event)
    found = [entry for session in sessions for entry in funnel_account.entries(session, funnel)]
    answer = await house.ask("funnel", steps=steps, window="session", order=kind)
    assert counts(answer) == funnel_account.counts([found], funnel)
    by_session = await house.ask("funnel", steps=steps, window="session", order=kind, count="sessions")
    assert counts(by_session) == funnel_account.counts(
        [funnel_account.entries(session, funnel) for session in sessions], funnel
    )
