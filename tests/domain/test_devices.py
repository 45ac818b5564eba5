"""The hot way carries a device's end further, and gives what the cold way gives from all its events."""

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain.devices import (
    Change,
    Device,
    DeviceFacts,
    advance,
    carried,
    device_facts,
    end_of,
    is_hot,
    may_know,
    renamed,
)
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
    lines, span = [], draw(st.sampled_from([30, 200]))  # minutes
    for number in range(draw(st.sampled_from([2, 5, 9, 12]))):
        minute = draw(st.integers(0, span))
        verb = draw(
            st.sampled_from(
                ["page /", "page /a", "track Bought value_micros=5", "track Saw", "heartbeat", "opened mail"]
            )
        )
        who = draw(
            st.sampled_from([""] * 8 + ["user=ann", "user=bob", "email=a@example.com", "user=ann phone=+4912345678"])
        )
        extra = draw(st.sampled_from([""] * 4 + ["new_session=yes", "acquisition=email utm_source=news"]))
        lines.append(f"d +{minute // 1440} {20 + minute // 60:02}:{minute % 60:02} {verb} {who} {extra} id=m{number}")
    return sorted(story("\n".join(lines).replace(" 24:", " 23:")), key=order)


def hits_of(events: list[EventRow]) -> dict[int, Any]:
    return {event.message_id: GOALS.hits(event, event.properties) for event in events if event.event in GOALS.events}


def cached(taken: list[EventRow], project: Project) -> tuple[DeviceFacts, Device]:
    facts = device_facts(taken, project, hits_of(taken))
    return facts, end_of(taken, facts, project, [event.message_id for event in taken])


def rows_of(facts: DeviceFacts) -> dict[str, dict[Any, Any]]:
    return {
        "sessions": {(s.started_at, s.id): copy.copy(s) for s in facts.sessions},
        "touchpoints": {(t.started_at, t.id): t for t in facts.touchpoints},
        "ownerships": {o.owned_from: o for o in facts.ownerships},
        "pairs": {(p.identifier, p.other): p for p in facts.pairs},
    }


@settings(max_examples=250, deadline=None)
@given(histories(), st.sampled_from(OPTIONS), st.integers(1, 5), st.data())
def test_hot_events_give_what_the_cold_way_gives(
    events: list[EventRow], options: SessionOptions, known: int, data: st.DataObject
) -> None:
    project = Project(PROJECT, zone="Europe/Berlin", sessions=options)
    delays = data.draw(st.lists(st.sampled_from([0, 0, 3, 6]), min_size=len(events), max_size=len(events)))
    arriving = [event for _, event in sorted(enumerate(events), key=lambda one: one[0] + delays[one[0]])]
    known = min(known, len(events) - 1)
    taken = sorted(arriving[:known], key=order)
    facts, device = cached(taken, project)
    rows = rows_of(facts)
    for event in arriving[known:]:
        taken = sorted([*taken, event], key=order)
        facts, fresh = cached(taken, project)
        if not is_hot(device, event, project, GOALS.events):
            rows, device = rows_of(facts), fresh
            continue
        hits, twin, untouched = hits_of([event]).get(event.message_id, ()), copy.deepcopy(device), copy.deepcopy(device)
        grown = None if hits else carried(twin, event, project)
        change = advance(device, event, project, hits)
        assert (twin, change) == (device, Change(grown)) if grown is not None else twin == untouched
        if change.disowned is not None:
            owner = device.ownership.owner
            for kind in ("sessions", "touchpoints"):
                rows[kind] = dict(zip(rows[kind], renamed(rows[kind].values(), owner), strict=True))
        if change.session is not None:
            rows["sessions"][change.session.started_at, change.session.id] = copy.copy(change.session)
        if change.touchpoint is not None:
            rows["touchpoints"][change.touchpoint.started_at, change.touchpoint.id] = change.touchpoint
        rows["ownerships"].update({row.owned_from: row for row in change.ownerships})
        rows["pairs"].update({(pair.identifier, pair.other): pair for pair in change.pairs})
        assert rows == rows_of(facts)
        assert kept(device) == kept(fresh)


def test_what_only_goes_on_in_a_session_is_carried_and_what_opens_one_or_names_somebody_is_not() -> None:
    project = Project(PROJECT)
    *past, event = story("d 10:00 page /\nd 10:01 track Saw")
    assert carried(cached(past, project)[1], event, project) is not None
    for line in ("d 11:00 page /a", "d 10:01 page /a new_session=yes", "d 10:01 page / user=ann", "d 09:59 track Saw"):
        event = story(line)[0]
        assert carried(cached(past, project)[1], event, project) is None


@pytest.mark.parametrize(
    ("options", "past", "line"),
    [
        (SessionOptions(cap_ms=600_000), "d 10:00 page /\nd 10:08 track Saw", "d 10:11 track Saw"),
        (SessionOptions(campaign=True), "d 10:00 page /", "d 10:02 page /a acquisition=email utm_source=news"),
        (SessionOptions(midnight=True), "d 23:59 page /", "d +1 00:01 track Saw"),
    ],
    ids=["cap", "campaign", "midnight"],
)
def test_what_an_option_cuts_off_is_not_carried(options: SessionOptions, past: str, line: str) -> None:
    *before, event = story(f"{past}\n{line}")
    cutting, plain = Project(PROJECT, sessions=options), Project(PROJECT)
    assert carried(cached(before, plain)[1], event, plain) is not None
    assert carried(cached(before, cutting)[1], event, cutting) is None
    assert len(device_facts([*before, event], cutting, {}).sessions) == 2


def kept(device: Device) -> Device:
    """What is cached, without the order in which it was learnt."""
    ids = sorted(device.ids[at : at + 4] for at in range(0, len(device.ids), 4)) if device.ids else []  # type: ignore[index]
    return msgspec.structs.replace(device, ids=ids)


@given(histories())
def test_an_id_that_is_known_is_never_taken_for_new(events: list[EventRow]) -> None:
    facts = device_facts(events, Project(PROJECT), {})
    device = end_of(events, facts, Project(PROJECT), [event.message_id for event in events])
    assert all(may_know(device, event.message_id) for event in events)


def test_an_event_that_first_names_an_owner_is_hot_but_not_within_the_millisecond_of_the_last() -> None:
    first, later, at_once = story("d 09:00 page /\nd 09:01 login ann\nd 09:00 login ann sequence=1")
    _, device = cached([first], Project(PROJECT))
    assert is_hot(device, later, Project(PROJECT))
    assert not is_hot(device, at_once, Project(PROJECT))


def test_an_event_before_the_devices_last_one_is_cold_even_where_that_one_lies_outside_any_run() -> None:
    events = story("d 09:00 page /\nd 10:00 heartbeat\nd 09:50 page /a")
    past = events[:2]
    device = end_of(past, device_facts(past, Project(PROJECT), {}), Project(PROJECT), [])
    assert not is_hot(device, events[2], Project(PROJECT))


INSIDE = """
d 09:00 track Saw
d 09:01 page /
d 09:10 track Saw
d 09:20 page /z
d 09:21 track Saw
"""


@pytest.mark.parametrize(
    ("late", "hot"),
    [
        ("09:05 page /a", True),
        ("09:05 track Saw", True),
        ("09:00:30 track Saw path=/a", True),  # the first view's page is the entry, whatever came before it
        ("09:05 heartbeat", True),
        ("09:05 track Bought", False),
        ("09:00:30 page /a", False),
        ("09:20:30 page /a", False),
        ("09:00 track Saw", False),
        ("09:21 heartbeat id=0", False),
        ("09:05 track Saw new_session=yes", False),
        ("09:05 track Saw phone=+4912345678", False),
        ("09:05 opened mail", False),
    ],
)
def test_a_late_event_is_hot_where_it_only_adds_to_the_open_session(late: str, hot: bool) -> None:
    *past, event = story(f"{INSIDE}d {late}")
    project = Project(PROJECT)
    _, device = cached(past, project)
    assert is_hot(device, event, project, GOALS.events) is hot
    if hot:
        advance(device, event, project)
        assert kept(device) == kept(cached(sorted([*past, event], key=order), project)[1])


def test_a_late_page_of_a_session_without_views_is_cold() -> None:
    *past, event = story("d 09:00 track Saw\nd 09:10 track Saw\nd 09:05 track Saw path=/a")
    assert not is_hot(cached(past, Project(PROJECT))[1], event, Project(PROJECT))


def test_a_late_event_of_the_time_in_which_another_owned_the_device_is_cold() -> None:
    *past, event = story(
        "d 09:00 page / user=ann\nd 09:10 opened mail user=bob\nd 09:20 page / user=ann\nd 09:15 track Saw"
    )
    facts, device = cached(past, Project(PROJECT))
    assert len(facts.sessions) == 1  # no event of bob's is in it
    assert not is_hot(device, event, Project(PROJECT))


def test_a_late_view_of_another_campaign_is_cold_where_campaigns_cut() -> None:
    *past, event = story(f"{INSIDE}d 09:05 page /a acquisition=email utm_source=news")
    cutting = Project(PROJECT, sessions=SessionOptions(campaign=True))
    for project, hot in ((Project(PROJECT), True), (cutting, False)):
        assert is_hot(cached(past, project)[1], event, project) is hot
