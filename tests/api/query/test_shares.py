"""Wilson's interval, against published values and its own definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.query.questions.shares import interval
from tests.api.query.conftest import House


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        # R. G. Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17 (1998),
        # table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_intervals_are_those_that_were_published(part: int, whole: int, low: float, high: float) -> None:
    assert interval(part, whole) == pytest.approx([low, high], abs=0.00006)


@given(st.integers(1, 10_000), st.data())
def test_the_ends_are_where_the_share_lies_just_as_many_deviations_away(whole: int, data: st.DataObject) -> None:
    part = data.draw(st.integers(0, whole))
    ends = interval(part, whole)
    assert ends is not None
    assert 0 <= ends[0] <= part / whole <= ends[1] <= 1
    for end in ends:
        if 0.001 < end < 0.999:
            away = (part / whole - end) ** 2 / (end * (1 - end) / whole)
            assert away == pytest.approx(1.959964**2, rel=0.02)


async def test_a_funnels_rate_and_that_of_each_group_have_theirs(house: House) -> None:
    house.tell("""
        ann  09:00  page /home
        ann  09:01  track Paid
        bob  09:00  page /list
    """)
    steps = [{"events": "page"}, {"events": "Paid"}]
    result = (await house.ask("funnel", steps=steps, breakdown="$path"))["result"]
    assert result["interval"] == interval(1, 2)
    assert [group["interval"] for group in result["groups"]] == [interval(1, 1), interval(0, 1)]
    assert (await house.ask("funnel", steps=[{"events": "no"}, {"events": "no"}]))["result"]["interval"] is None
