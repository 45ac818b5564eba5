"""The question's answers, of steps and of a saved funnel, against those of the evaluator, written by somebody else."""

import json
import os
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from pipeline.domain.identifiers import Kind, identifier
from schemas.facts import EventRow
from tests.api.query.conftest import House
from tests.api.query.test_saved import put
from tests.domain.test_funnels_held_against import definition
from tests.evaluator.asked import milliseconds, moment
from tests.evaluator.happenings import Happening
from tests.evaluator.held_against import assert_answers
from tests.evaluator.made_up import Question, choices, followed, history, simple
from tests.evaluator.visits import with_sessions

EXAMPLES = int(os.environ.get("EVALUATOR_STORES", "6"))
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
BEGINNING = 1_711_584_000_000  # Thursday 28 March 2024, three days before Berlin's clocks go forward
SHIFTS = [0, 7 * HOUR + 1, 3 * DAY]  # each history is had by so many customers, who live later

moments = st.builds(
    lambda day, time, ms: BEGINNING + day * DAY + time + ms,
    st.sampled_from([0, 0, 1, 3]),
    st.sampled_from([0, 10 * MINUTE, 20 * MINUTE, 39 * MINUTE, 40 * MINUTE, 70 * MINUTE, 2 * HOUR, DAY - 1]),
    st.sampled_from([0, 0, 1]),
)
windows = st.sampled_from(
    [1, "1500ms", 10 * MINUTE, "30m", HOUR, 2 * HOUR, "1d", 2 * DAY, "1w", None, "366d", "session", "session"]
)
ends = [
    "2024-03-29",
    "2024-04-01",
    "2024-03-30T01:10",
    "2024-03-31T02:30",
    "2024-03-31T00:00:00.001Z",
    "2024-04-01T03:00+02:00",
]


@st.composite
def ranges(draw: Any, zone: str) -> Question:
    """From one moment to another, or open at an end."""
    start, end = sorted(
        draw(st.lists(st.sampled_from(ends), min_size=2, max_size=2, unique=True)),
        key=lambda one: moment(one, ZoneInfo(zone)) or 0,
    )
    is_open = draw(st.sampled_from([(False, False), (True, False), (False, True), (True, True)]))
    return {"from": None if is_open[0] else start, "to": None if is_open[1] else end, "last": None}


@st.composite
def questions(draw: Any) -> Question:
    """Of two, one is a plain one; some look at the segment of those who did C, some at how long the session is."""
    of = draw(st.one_of(simple(windows), followed(windows)))
    if not draw(st.integers(0, 5)):
        long = {"property": "$session.duration_ms", "operator": draw(st.sampled_from(["gte", "lt", "not_set"]))}
        of["steps"][0]["where"] = [long if long["operator"] == "not_set" else long | {"value": 20 * MINUTE}]
    if not draw(st.integers(0, 5)):
        of["breakdown"] = draw(st.sampled_from(["$session.duration_ms", ["p", "$session.duration_ms"]]))
    if not draw(st.integers(0, 5)):
        of["steps"][-1]["where"] = [{"property": "$segment.doers", "operator": "is", "value": draw(st.booleans())}]
    counted = draw(choices(of))
    asked = of | counted | draw(ranges(counted["zone"])) | {"segments": draw(st.sampled_from([[], [], ["doers"]]))}
    return asked | ({"compare": "previous"} if asked["from"] and asked["to"] and draw(st.booleans()) else {})


def lived(histories: list[list[Happening]]) -> list[Happening]:
    """The histories had by several customers, each at a time of his own; two histories are one's on two devices."""
    found = [
        replace(
            one,
            at=one.at + shift,
            customer=f"c{number // 2}.{shift}",
            device=f"d{number}.{shift}",
            message_id=100 * number + one.message_id,
        )
        for number, happened in enumerate(histories)
        for shift in SHIFTS
        for one in happened
    ]
    doers = {one.customer for one in found if one.name == "C" and not one.is_bot}
    return with_sessions(
        replace(one, columns={**one.columns, "$segment.doers": one.customer in doers}) for one in found
    )


def about(question: Question, happened: list[Happening]) -> list[Happening]:
    """What those did whom the question is about."""
    return [one for one in happened if not question.get("segments") or one.columns["$segment.doers"]]


def row(one: Happening, project: str) -> EventRow:
    return EventRow(
        project=project,
        device=identifier(project, Kind.device, one.device),
        occurred_at=one.at,
        message_id=one.message_id,
        sequence=one.sequence,
        log_position=one.message_id,
        event=one.name,
        type="group" if one.name == "group" else "track",
        group_id=one.group,
        channel=one.columns["$channel"],
        user=identifier(project, Kind.user, one.customer),
        is_bot=one.is_bot,
        is_passive=one.is_passive,
        received_at=one.at,
        properties=json.dumps(one.properties),
    )


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The moment at which questions are asked, to be set."""
    asked = SimpleNamespace(now=0)
    monkeypatch.setattr("api.query.ask.time", SimpleNamespace(time_ns=lambda: asked.now * 1_000_000))
    return asked


stores = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


@stores
@given(
    st.lists(history(moments, most=9), min_size=1, max_size=5),
    st.lists(questions(), min_size=1, max_size=5),
    st.sampled_from([2, 4, 6, 60, 600]),
)
async def test_every_option_gives_the_answer_that_the_pages_tell_of(
    house: House, clock: SimpleNamespace, histories: list[list[Happening]], asked: list[Question], days: int
) -> None:
    house.renew()
    happened = lived(histories)
    clock.now = BEGINNING + days * DAY
    house.tell([row(one, house.name) for one in happened])
    await put(house, "segments/doers", {"conditions": [{"kind": "did", "events": "C"}]})
    for question in asked:
        note(json.dumps(question))
        told = await house.ask("funnel", question)
        assert_answers(told["result"], question, about(question, happened), clock.now)


@st.composite
def saved_questions(draw: Any) -> tuple[Question, list[Question]]:
    """What is saved, and what is asked about it."""
    of = draw(followed(windows))
    of |= {"window": of["window"] if of["window"] == "session" else milliseconds(of["window"])}
    many = draw(st.lists(choices(of, is_saved=True), min_size=1, max_size=4))
    return of, [one | draw(ranges(one["zone"])) for one in many]


@stores
@given(
    st.lists(history(moments, most=9), min_size=1, max_size=5), saved_questions(), st.sampled_from([2, 4, 6, 60, 600])
)
async def test_a_saved_funnel_gives_the_answer_that_the_pages_tell_of(
    house: House,
    clock: SimpleNamespace,
    histories: list[list[Happening]],
    asked: tuple[Question, list[Question]],
    days: int,
) -> None:
    house.renew()
    happened, (saved, many) = lived(histories), asked
    clock.now = BEGINNING + days * DAY
    known = house.definitions.save(definition(saved), house.name)
    house.tell([row(one, house.name) for one in happened], funnels=[] if known.within_session else [known])
    for choice in many:
        told = await house.ask("funnel", {"saved": "way"} | choice)
        right = saved | choice
        note(json.dumps(right))
        assert_answers(told["result"], right, happened, clock.now)


async def test_of_entries_of_one_millisecond_the_one_that_would_count_last_keeps_the_step(
    house: House, clock: SimpleNamespace
) -> None:
    """The client's counter is not kept with an entry, so it can't be what decides."""
    clock.now = BEGINNING + DAY
    told = [("A", 2, 0, "sent first"), ("A", 1, 1, "sent second"), ("B", 3, 2, "")]
    happened = [
        Happening(BEGINNING, name, number, sequence=sequence, properties={"p": value}, columns={"$channel": "web"})
        for name, number, sequence, value in told
    ]
    house.tell([row(one, house.name) for one in happened])
    question: Question = {"steps": [{"events": "A"}, {"events": "B"}], "breakdown": "p", "count": "entries"}
    question |= {"from": None, "to": None, "limit": 100}
    result = (await house.ask("funnel", question))["result"]
    counts = {group["value"]: [step["count"] for step in group["steps"]] for group in result["groups"]}
    assert counts == {"sent first": [1, 1], "sent second": [1, 0]}
    assert_answers(result, question, happened, clock.now)


async def test_a_period_that_the_range_cuts_is_finished_when_the_windows_of_its_part_have_ended(
    house: House, clock: SimpleNamespace
) -> None:
    clock.now = BEGINNING + 3 * HOUR
    happened = [Happening(BEGINNING + HOUR, "A", 1, columns={"$channel": "web"})]
    house.tell([row(one, house.name) for one in happened])
    question: Question = {"steps": [{"events": "A"}, {"events": "B"}], "by": "day", "window": "1h", "breakdown": None}
    question |= {"from": "2024-03-28"}
    for end, unfinished in (("2024-03-29", True), ("2024-03-28T02:00:00.001", True), ("2024-03-28T02:00", False)):
        asked = question | {"to": end}
        result = (await house.ask("funnel", asked))["result"]
        assert [period["unfinished"] for period in result["periods"]] == [unfinished]
        assert_answers(result, asked, happened, clock.now)


async def test_a_passive_event_in_the_millisecond_in_which_a_session_begins_is_one_of_the_sessions(
    house: House, clock: SimpleNamespace
) -> None:
    clock.now = BEGINNING + DAY
    beat = Happening(BEGINNING, "heartbeat", 1, is_passive=True, columns={"$channel": "web"})
    happened = with_sessions([beat, Happening(BEGINNING, "A", 2, columns={"$channel": "web"})])
    house.tell([row(one, house.name) for one in happened])
    question: Question = {"steps": [{"events": "heartbeat"}, {"events": "A"}], "breakdown": None, "count": "sessions"}
    result = (await house.ask("funnel", question))["result"]
    assert (result["entered"], result["converted"]) == (1, 1)
    assert_answers(result, question, happened, clock.now)
