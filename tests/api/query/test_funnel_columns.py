"""Funnels over columns of numbers are, to the digit, those that the core finds event by event."""

from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.query import ask
from api.query.questions import funnel, funnel_columns
from api.query.questions.funnel import FunnelQuestion
from api.query.questions.funnel_numbers import tallied
from pipeline.domain import walks
from pipeline.domain.funnels import compile_funnel
from tests.api.query.conftest import House
from tests.api.query.laws import laws
from tests.api.query.test_funnel_plain import iso
from tests.story import DAY, DAY_ZERO, story

months = count(1)

# who, minute, what
doings = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.one_of(st.integers(0, 6), st.integers(0, 90)),
        st.sampled_from(["a", "b", "c", "x", "page", "heartbeat", "login"]),
        st.sampled_from(["/1", "/2", ""]),
    ),
    max_size=18,
)
ordered = st.fixed_dictionaries({
    "order": st.sampled_from(["ordered", "strict"]),
    "steps": st.sampled_from(["a b", "a a", "a b? c", "a|b c? a", "* b", "a * c", "c a? b? x", "a a b? a b", "page b"]),
    "exclusions": st.sampled_from([[], [{"events": "x"}], [{"events": ["x", "c"], "effect": "drop"}],
                                   [{"events": "x", "effect": "drop"}, {"events": "*", "after": 1, "before": 2}]]),
})  # fmt: skip
in_any_order = st.fixed_dictionaries({
    "order": st.just("any"),
    "steps": st.sampled_from(["a b", "b a|x c", "c b a x"]),
    "exclusions": st.sampled_from([[], [{"events": "page", "effect": "drop"}], [{"events": ["c", "page"]}]]),
})  # fmt: skip
options = st.fixed_dictionaries({
    "window": st.sampled_from(["1m", "3m", "30m", "7d", "366d"]),
    "count": st.sampled_from(["customers", "customers", "sessions"]),
    "entries": st.sampled_from(["all", "all", "closed", "open"]),
    "convert": st.sampled_from([{}, {"to": 2}]),
    "within_range": st.booleans(),
    "include_bots": st.booleans(),
    "by": st.sampled_from([None, "hour", "day", "week"]),
    "zone": st.sampled_from(["UTC", "Asia/Kolkata"]),
})  # fmt: skip
groups = st.one_of(
    st.just({}),
    st.fixed_dictionaries({
        "breakdown": st.sampled_from(["$path", "$event", "$type"]),
        "attribution": st.sampled_from(["first", "last", "all", 1, 2]),
        "limit": st.sampled_from([1, 2, 100]),
    }),
)  # fmt: skip


@laws(8)
@given(doings, st.one_of(ordered, in_any_order), options, groups, st.integers(0, 120))
async def test_columns_count_as_the_core_does(
    house: House, done: list[tuple[int, int, str, str]], steps: dict[str, Any], more: dict[str, Any],
    group: dict[str, Any], now: int,
) -> None:  # fmt: skip
    month = next(months)
    lines = [
        f"m{month}-{who}  +{month * 3} {9 + minute // 60:02}:{minute % 60:02}  {_line(what, path, f'm{month}')}"
        for who, minute, what, path in done
    ]
    house.tell(story("\n".join(lines), house.name))
    begin = DAY_ZERO + month * 3 * DAY + 9 * DAY // 24
    question = steps | more | group
    question["steps"] = [
        {"events": step.rstrip("?").split("|"), "optional": step.endswith("?")} for step in steps["steps"].split()
    ]
    question |= {"from": iso(begin + 60_000), "to": iso(begin + 40 * 60_000)}
    asking = ask.asking(house, house.definitions.project(house.name))._replace(now=begin + now * 60_000)
    asked = FunnelQuestion.model_validate(question)
    found, how = funnel.entered(asking, asked)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walks, "_RUN", 3)
        ours = funnel_columns.tallied(asking, asked, how)
    assert ours is not None
    assert ours == tallied(found.actors, how)


def _line(what: str, path: str, somebody: str) -> str:
    if what == "login":  # of two people, who may share a device and have several
        return f"login {somebody}-{len(path)}"
    return what if what == "heartbeat" else f"page {path or '/'}" if what == "page" else f"track {what}"


PLAIN = {"steps": [{"events": "a"}, {"events": "b"}], "last": None, "order": "any"}


@pytest.mark.parametrize(
    "other",
    [
        {"count": "entries"},
        {"count": "groups"},
        {"window": "session"},
        {"breakdown": "plan"},
        {"breakdown": ["$path", "$host"]},
        {"breakdown": "$segment.s"},
        {"constant": ["$host"]},
        {"exclusions": [{"events": "x", "where": [{"property": "n", "value": 1}]}]},
        {"steps": [{"events": "a"}, {"events": ["b", "a"]}]},
        {
            "order": "strict",
            "steps": [{"events": "a", "where": [{"property": "$host", "value": "x"}]}, {"events": "b"}],
        },
        {"steps": [{"events": "a", "where": [{"property": "n", "operator": "gt", "value": 1}]}, {"events": "b"}]},
    ],
)
def test_whatever_needs_more_of_an_event_stays_with_the_core(house: House, other: dict[str, Any]) -> None:
    asking = ask.asking(house, house.definitions.project(house.name))
    asked = FunnelQuestion.model_validate(PLAIN | other)
    known = funnel.entered(asking, asked)[0].funnel
    assert not funnel_columns.is_columnar(asking, asked, known, compile_funnel(known))


async def test_filters_on_texts_hold_over_columns_too(house: House) -> None:
    house.tell("""
        ann  09:00  track a  p=x
        ann  09:01  track b  p=y
        bob  09:00  track b  p=y
        bob  09:01  track a  p=z
        cid  09:00  track a  p=x
    """)
    steps = [{"events": "a", "where": [{"property": "p", "value": "x"}]}, {"events": "b"}]
    result = (await house.ask("funnel", steps=steps, order="any"))["result"]
    assert [step["count"] for step in result["steps"]] == [3, 1]
