"""Paths from, to and through a point, their folds, depth and window."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.paths import Path, PathRules, Visit, paths

FOREVER = 1_000


def visits(text: str, point: str = "P") -> list[Visit]:
    """ "A P B7": names at 0, 1, 2 ... or at the time told."""
    told = [(word[0], int(word[1:] or number)) for number, word in enumerate(text.split())]
    return [Visit(at, name, name == point) for name, at in told]


def found(text: str, direction: Any = "from", depth: int = 3, **more: Any) -> list[str]:
    """Each path as level of its first name and names: "-1 A P"."""
    rules = PathRules(direction, depth, **more)
    return [f"{path.level} {' '.join(path.names)}" for path in paths(visits(text), rules, 0, FOREVER)]


def test_a_path_from_a_point_goes_on_for_its_depth() -> None:
    assert found("A P B C D") == ["0 P B C"]


def test_a_path_to_a_point_comes_from_as_far_back() -> None:
    assert found("A B C P D", "to") == ["-2 B C P"]
    assert found("C P", "to") == ["-1 C P"]


def test_a_path_through_a_point_has_both_sides() -> None:
    assert found("A B C P D E F", "through") == ["-2 B C P D E"]


def test_every_visit_at_the_point_makes_a_path() -> None:
    assert found("P A P B") == ["0 P A P", "0 P B"]


def test_without_a_point_there_is_one_path_from_the_beginning() -> None:
    assert found("A P B C", "begin") == ["0 A P B"]
    assert found("", "begin") == []


def test_repeats_are_folded_before_paths_begin() -> None:
    assert found("P P A A B", fold="repeats") == ["0 P A B"]


def test_a_repeat_is_at_the_point_where_one_of_them_is() -> None:
    rows = [Visit(0, "A", False), Visit(1, "A", True), Visit(2, "B", False)]
    assert paths(rows, PathRules("from", 3, "repeats"), 0, FOREVER) == [Path(0, ("A", "B"))]


def test_a_loop_is_folded_to_where_the_path_was() -> None:
    assert found("P A B A C", depth=4, fold="loops") == ["0 P A C"]
    assert found("C A B A P", "to", depth=4, fold="loops") == ["-2 C A P"]


def test_only_points_in_the_range_make_paths() -> None:
    rules = PathRules("from", 2)
    assert paths(visits("P0 A1 P5 B6 P9"), rules, 5, 9) == [Path(0, ("P", "B"))]


def test_the_window_is_held_from_the_point_and_is_inclusive() -> None:
    assert found("P0 A10 B11", window_ms=10) == ["0 P A"]
    assert found("A0 B5 P15", "to", window_ms=10) == ["-1 B P"]


happened = st.lists(st.sampled_from("PAB"), max_size=8)


@given(happened, st.sampled_from(["from", "to", "through"]), st.integers(2, 5))
def test_unfolded_paths_are_cut_out_of_the_visits(names: list[str], direction: Any, depth: int) -> None:
    rows = [Visit(at, name, name == "P") for at, name in enumerate(names)]
    expected = []
    for place, name in enumerate(names):
        first = max(0, place - depth + 1) if direction in ("to", "through") else place
        last = place + depth if direction in ("from", "through") else place + 1
        if name == "P":
            expected.append(Path(first - place, tuple(names[first:last])))
    assert paths(rows, PathRules(direction, depth), 0, FOREVER) == expected


@pytest.mark.parametrize("fold", ["repeats", "loops"])
@given(names=happened)
def test_a_folded_path_has_no_name_twice_on_end_and_with_loops_none_twice(fold: Any, names: list[str]) -> None:
    rows = [Visit(at, name, name == "P") for at, name in enumerate(names)]
    for path in paths(rows, PathRules("from", 5, fold), 0, FOREVER):
        assert all(one != other for one, other in zip(path.names, path.names[1:], strict=False))
        assert fold == "repeats" or len(set(path.names)) == len(path.names)
