"""Paths that ClickHouse finds are those of the core, for every option that both know."""

from datetime import date, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.query import ask
from api.query.questions import paths, paths_columns, paths_plain
from schemas.definitions import SessionOptions
from tests.api.query.conftest import House
from tests.api.query.laws import laws
from tests.story import story

doings = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.integers(0, 40),
        st.sampled_from(["page /a", "page /b", "page /a", "track Added", "track Seen", "heartbeat", "server Paid"]),
    ),
    max_size=18,
)
points = st.sampled_from([
    None,
    {"events": "page"},
    {"events": "*"},
    {"events": ["Added", "heartbeat"]},
    {"events": "page", "where": [{"property": "$path", "value": "/a"}]},
    {"events": "*", "where": [{"property": "$path", "operator": "in", "value": ["/a", "/b"]}]},
])  # fmt: skip
options = st.fixed_dictionaries({
    "nodes": st.sampled_from(["both", "events", "pages"]),
    "events": st.sampled_from([None, ["page"], ["Added", "page"]]),
    "without": st.sampled_from([[], ["Seen"], ["page"]]),
    "depth": st.integers(2, 4),
    "fold": st.sampled_from(["none", "repeats"]),
    "fan_out": st.integers(1, 3),
})  # fmt: skip
trials = count(1)


@laws(6)
@given(doings, st.sampled_from(["starts_at", "ends_at", "through"]), points, options, st.booleans())
async def test_both_engines_give_one_answer(
    house: House, done: list[tuple[int, int, str]], where: str, point: Any, more: dict[str, Any], is_cut: bool
) -> None:
    day = next(trials)
    lines = [f"d{day}-{who}  +{day} 09:{minute:02}  {what}" for who, minute, what in done]
    house.tell(story("\n".join(lines), house.name))
    today, tomorrow = (date(2023, 11, 15) + timedelta(day + later) for later in (0, 1))
    question: dict[str, Any] = more | ({where: point} if point else {}) | {"to": tomorrow.isoformat()}
    question["from"] = f"{today}T09:20" if is_cut else today.isoformat()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths_plain, "is_plain", lambda asking, question: False)
        expected = await house.ask("paths", question)
    assert await house.ask("paths", question) == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths_columns, "MOST_NAMES", 0)
        assert await house.ask("paths", question) == expected, "equals that are too many to be named one by one"
        patch.setattr(paths_plain, "ROWS_OF_COLUMNS", 0)
        assert await house.ask("paths", question) == expected, "more rows than may come back"


ALIKE = "\n".join(f"t{number}  10:00  page /t{number}\nt{number}  10:01  page /z" for number in range(8))
EVERYTHING = f"""
    a  09:00     page /a sender_session=1
    a  09:00     page /b sender_session=1 sequence=3
    a  09:00     page /c sender_session=2 sequence=1
    a  09:00     page /d sender_session=1 sequence=2
    a  09:01     page /a sender_session=2
    a  09:01:01  page /b sender_session=1
    a  09:02     track Seen sender_session=1
    a  09:02:30  heartbeat sender_session=2
    a  09:04     server Paid
    a  11:00     page /b
    b  09:00     page /x is_bot=yes
    b  09:01     page /b
    b  09:40     server Paid
    -  09:00     page /q user=ann
    -  09:01     answered chat user=ann
    -  09:02     page /b user=ann
    {ALIKE}
"""  # sessions that interleave, ties in time, a bot, what lies outside of sessions, contacts, names told as often


@pytest.mark.parametrize("by_sender", [False, True])
async def test_both_engines_give_one_answer_of_a_day_that_has_everything(house: House, by_sender: bool) -> None:
    options = SessionOptions(sender_sessions=by_sender)
    house.tell(EVERYTHING, project=house.project(sessions=options))
    seen = {"events": "page", "where": [{"property": "$path", "value": "/b"}]}
    for more in (
        {"include_bots": True},
        {"fold": "repeats", "from": "2023-11-15T09:00:30"},
        {"starts_at": seen, "nodes": "events", "fold": "repeats"},
        {"ends_at": {"events": "*"}, "include_bots": True},
        {"ends_at": seen, "depth": 2},
        {"through": {"events": "page"}, "nodes": "events"},
        {"through": {"events": ["heartbeat", "Paid"]}, "without": ["Seen"]},
    ):
        question = {"depth": 4, "fan_out": 3, "from": "2023-11-15", "to": "2023-11-16"} | more
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(paths_plain, "is_plain", lambda asking, question: False)
            expected = await house.ask("paths", question)
        assert expected["result"]["paths"]
        assert await house.ask("paths", question) == expected, more


def test_no_more_rows_come_than_were_reckoned_with(house: House) -> None:
    """Of a device without a session none at all."""
    house.tell("ann  09:00  page /a\n" + "\n".join(f"shop{number}  09:00  server Paid" for number in range(9)))
    asking = ask.asking(house, house.definitions.project(house.name))
    paths.solve(asking, paths.PathsQuestion.model_validate({"last": None, "zone": "UTC"}))
    size, columns, *_ = asking.statements
    assert (size.name, columns.name) == ("paths_size", "paths_columns")
    assert columns.rows == 3  # the device, its session, a visit
    assert columns.rows <= house.store.query(size.sql, size.parameters)[0][0]


async def test_a_session_that_the_range_cuts_is_seen_whole(house: House) -> None:
    house.tell("""
        ann  23:50      page /a
        ann  +1 00:05   page /b
        ann  +1 00:10   page /a
    """)
    question = {"from": "2023-11-16", "to": "2023-11-17", "ends_at": {"events": "page"}, "depth": 3}
    result = (await house.ask("paths", question))["result"]
    assert {node["id"]: node["paths"] for node in result["nodes"]} == {
        "-2:/a": 1,
        "-1:/a": 1,
        "-1:/b": 1,
        "0:/a": 1,
        "0:/b": 1,
    }


@pytest.mark.parametrize(
    "question",
    [
        {"starts_at": {"events": "page", "where": [{"property": "$path", "operator": "is", "value": ["/a"]}]}},
        {"starts_at": {"events": "page", "where": [{"property": "$path", "operator": "in", "value": "/a"}]}},
        {"starts_at": {"events": "page", "where": [{"property": "$path", "value": None}]}},
    ],
)
async def test_what_a_filter_cannot_be_is_refused_by_both(house: House, question: dict[str, Any]) -> None:
    assert (await house.refused("paths", question))["field"].startswith("starts_at.where[0].value")


async def test_only_questions_that_need_no_other_filter_are_plain(house: House) -> None:
    house.tell("ann  09:00  page /a")
    told = []
    for question in ({}, {"fold": "loops"}, {"pages": [{"pattern": "a", "name": "A"}]}, {"within": "journeys"}):
        found = await explained_by(house, question)
        told.append(found)
    assert told == [True, False, False, False]


async def explained_by(house: House, question: dict[str, Any]) -> bool:
    """Whether the plain statement answers."""
    with pytest.MonkeyPatch.context() as patch:
        asked: list[bool] = []
        real = paths_plain.told
        patch.setattr(paths_plain, "told", lambda *given: (asked.append(True), real(*given))[1])
        result = (await house.ask("paths", question))["result"]
    assert result["paths"] == 1
    return bool(asked)


async def test_of_two_sessions_that_begin_in_one_millisecond_the_later_keeps_its_events(house: House) -> None:
    """An event that opens a session of its own may bear the very time of the one before it."""
    names = [f"d{number}" for number in range(8)]
    house.tell(
        "\n".join(
            f"{name}  09:00  page /a\n{name}  09:00  page /b new_session=yes\n{name}  09:01  page /c" for name in names
        )
    )
    question = {"ends_at": {"events": "page", "where": [{"property": "$path", "value": "/c"}]}, "depth": 2}
    told = await house.ask("paths", question)
    assert told["result"]["paths"] == len(names)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths_plain, "ROWS_OF_COLUMNS", 0)
        assert await house.ask("paths", question) == told
        patch.setattr(paths_plain, "is_plain", lambda asking, question: False)
        assert await house.ask("paths", question) == told
