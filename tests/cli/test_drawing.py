"""What is drawn: bars, spans of time, money, filters as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli.options import span
from pipeline.cli.output import duration, share
from pipeline.cli.phrases import filter_of
from pipeline.cli.strokes import BAR, bar, moment, money, path
from pipeline.errors import UserMistake


@given(whole=st.integers(0, 10**12), part=st.integers(0, 10**12), width=st.integers(1, 60))
def test_a_bar_has_its_width_and_is_empty_for_nothing_alone(whole: int, part: int, width: int) -> None:
    drawn = bar(min(part, whole), whole, width)
    assert len(drawn) == width
    assert bool(drawn.strip()) == (min(part, whole) > 0)


def test_a_bar_grows_in_eighths() -> None:
    assert bar(1, 1) == "█" * BAR
    assert bar(1, 2, 1) == "▌"
    assert bar(1, 1_000_000, 4) == "▏   "


@pytest.mark.parametrize(("ms", "told"), [
    (None, "-"), (840, "840 ms"), (41_000, "41 s"), (200_000, "3 min 20 s"), (18_120_000, "5 h 2 min"),
    (183_600_000, "2 d 3 h"), (60_000, "1 min"),
])  # fmt: skip
def test_a_duration_is_told_in_two_units(ms: int | None, told: str) -> None:
    assert duration(ms) == told


def test_shares_money_and_moments() -> None:
    assert (share(None), share(0.12345)) == ("-", "12.3 %")
    assert money(1_234_567_890, "EUR") == "1,234.57 EUR"
    assert moment(0) == "1970-01-01 00:00:00"


def test_repeats_in_a_path_are_drawn_together() -> None:
    assert path(["direct", "email", "email", "direct"]) == "direct > email x2 > direct"


@pytest.mark.parametrize(("text", "expected"), [
    ("color=red", ("color", "is", "red")),
    ("price>=10.5", ("price", "gte", 10.5)),
    ("$channel != web", ("$channel", "is_not", "web")),
    ("title~best = so", ("title", "contains", "best = so")),
    ("x!~y", ("x", "not_contains", "y")),
    ("flag=true", ("flag", "is", True)),
    ("word=null", ("word", "is", "null")),
    ('number="7"', ("number", "is", "7")),
])  # fmt: skip
def test_filters_are_read_as_people_write_them(text: str, expected: tuple[object, ...]) -> None:
    found = filter_of(text)
    assert (found["property"], found["operator"], found["value"]) == expected


@pytest.mark.parametrize("text", ["", "0d", "7", "soon", "7 years"])
def test_what_is_no_span_is_the_users_mistake(text: str) -> None:
    with pytest.raises(UserMistake):
        span(text)
