"""In every range an entry counts exactly where its rivals lie outside."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain.funnels import counted
from pipeline.domain.rivals import place, with_rivals
from schemas.facts import FOREVER, FOREVER_AGO, FunnelEntry


def entry(at: int, steps: int, number: int = 0, later: int = 1) -> FunnelEntry:
    times = tuple(at + later * step if step < steps else 0 for step in range(4))
    return FunnelEntry("shop", "way", 1, at, number, 1, steps, times, times, ())


def rivals(*found: tuple[int, int]) -> list[tuple[int, int]]:
    return [(one.before_at, one.after_at) for one in with_rivals(entry(at, steps) for at, steps in found)]


def test_an_entry_alone_has_none() -> None:
    assert rivals((10, 1)) == [(FOREVER_AGO, FOREVER)]


def test_before_is_the_last_that_comes_as_far_and_after_the_first_that_comes_further() -> None:
    assert rivals((10, 2), (20, 3), (30, 1), (40, 3), (50, 2), (60, 4)) == [
        (FOREVER_AGO, 20),
        (FOREVER_AGO, 60),
        (20, 40),
        (20, 60),
        (40, 60),
        (FOREVER_AGO, FOREVER),
    ]


def test_of_those_of_one_millisecond_the_one_that_gets_on_sooner_is_before() -> None:
    slow, quick = with_rivals([entry(10, 2, number=1, later=5), entry(10, 2, number=2, later=1)])[::-1]
    assert (quick.id, quick.before_at, quick.after_at) == (2, FOREVER_AGO, FOREVER)
    assert (slow.id, slow.before_at, slow.after_at) == (1, 10, FOREVER)


@st.composite
def lives(draw: Any) -> list[FunnelEntry]:
    told = draw(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 4), st.integers(1, 2)), max_size=12))
    return [entry(at, steps, number, later) for number, (at, steps, later) in enumerate(told)]


@settings(max_examples=200, deadline=None)
@given(lives())
def test_in_every_range_the_one_that_counts_is_the_one_whose_rivals_lie_outside(life: list[FunnelEntry]) -> None:
    known = with_rivals(life)
    for begin in range(10):
        for end in range(begin, 11):
            inside = [one for one in known if begin <= one.entered_at < end]
            best = counted(sorted(inside, key=place), 4)
            assert [one for one in inside if one.before_at < begin and one.after_at >= end] == ([best] if best else [])
