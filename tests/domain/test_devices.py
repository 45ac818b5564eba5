"""The hot way carries a device's end further, and gives what the cold way gives from all its events."""

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain.devices import advance, device_facts, end_of, is_hot, may_know
from pipeline.domain.goals import compile_goals
from pipeline.domain.owners import order
from schemas.definitions import Goal, Project, SessionOptions
from schemas.facts import EventRow
from tests.story import PROJECT, story

GOALS = compile_goals((Goal("bought", ("Bought",)),), "EUR")
OPTIONS = (
    SessionOptions(),
    SessionOptions(midnight=True, campaign=True),
    SessionOptions(gap_ms=600_000, cap_ms=3_600_000),
)


@st.composite
def histories(draw: Any) -> list[EventRow]:
    lines = []
    for number in range(draw(st.integers(2, 12))):
        minute = draw(st.integers(0, 200))
        verb = draw(
            st.sampled_from(
                ["page /", "page /a", "track Bought value_micros=5", "track Saw", "heartbeat", "opened mail"]
            )
        )
        who = draw(
            st.sampled_from([""] * 5 + ["user=ann", "user=bob", "email=a@example.com", "user=ann phone=+4912345678"])
        )
        extra = draw(st.sampled_from([""] * 4 + ["new_session=yes", "acquisition=email utm_source=news"]))
        lines.append(f"d +{minute // 1440} {20 + minute // 60:02}:{minute % 60:02} {verb} {who} {extra} id=m{number}")
    return sorted(story("\n".join(lines).replace(" 24:", " 23:")), key=order)


def hits_of(events: list[EventRow]) -> dict[int, Any]:
    return {event.message_id: GOALS.hits(event, event.properties) for event in events if event.event in GOALS.events}


@settings(max_examples=400, deadline=None)
@given(histories(), st.sampled_from(OPTIONS), st.integers(1, 11))
def test_hot_events_give_what_the_cold_way_gives(events: list[EventRow], options: SessionOptions, known: int) -> None:
    project = Project(PROJECT, zone="Europe/Berlin", sessions=options)
    past, coming = events[: min(known, len(events) - 1)], events[min(known, len(events) - 1) :]
    before = device_facts(past, project, hits_of(past))
    device = end_of(past, before, project, [event.message_id for event in past])
    rows: dict[str, dict[Any, Any]] = {
        "sessions": {(s.started_at, s.id): copy.copy(s) for s in before.sessions},
        "touchpoints": {(t.started_at, t.id): t for t in before.touchpoints},
        "ownerships": {o.owned_from: o for o in before.ownerships},
        "pairs": {(p.identifier, p.other): p for p in before.pairs},
    }
    taken = list(past)
    for event in coming:
        if not is_hot(device, event, project):
            return  # cold: the rest of the history is not the hot way's
        change = advance(device, event, project, hits_of([event]).get(event.message_id, ()))
        taken.append(event)
        if change.session is not None:
            rows["sessions"][change.session.started_at, change.session.id] = copy.copy(change.session)
        if change.touchpoint is not None:
            rows["touchpoints"][change.touchpoint.started_at, change.touchpoint.id] = change.touchpoint
        rows["ownerships"].update({row.owned_from: row for row in change.ownerships})
        rows["pairs"].update({(pair.identifier, pair.other): pair for pair in change.pairs})
        facts = device_facts(taken, project, hits_of(taken))
        assert rows["sessions"] == {(s.started_at, s.id): s for s in facts.sessions}
        assert rows["touchpoints"] == {(t.started_at, t.id): t for t in facts.touchpoints}
        assert rows["ownerships"] == {o.owned_from: o for o in facts.ownerships}
        assert rows["pairs"] == {(p.identifier, p.other): p for p in facts.pairs}


@given(histories())
def test_an_id_that_is_known_is_never_taken_for_new(events: list[EventRow]) -> None:
    facts = device_facts(events, Project(PROJECT), {})
    device = end_of(events, facts, Project(PROJECT), [event.message_id for event in events])
    assert all(may_know(device, event.message_id) for event in events)


def test_an_event_that_first_names_an_owner_is_cold() -> None:
    events = story("d 09:00 page /\nd 09:01 login ann")
    device = end_of(events[:1], device_facts(events[:1], Project(PROJECT), {}), Project(PROJECT), [])
    assert not is_hot(device, events[1], Project(PROJECT))


def test_an_event_before_the_devices_last_one_is_cold_even_where_that_one_lies_outside_any_run() -> None:
    events = story("d 09:00 page /\nd 10:00 heartbeat\nd 09:50 page /a")
    past = events[:2]
    device = end_of(past, device_facts(past, Project(PROJECT), {}), Project(PROJECT), [])
    assert not is_hot(device, events[2], Project(PROJECT))
