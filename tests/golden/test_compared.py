"""Every line of the page that compares rules of identity is shown by a golden journey."""

import re
from pathlib import Path

import pytest

from tests.golden.test_golden import JOURNEYS, at_once

PAGE = (Path(__file__).parents[2] / "docs" / "identity_compared.md").read_text("utf-8")
LINES = [
    (part.splitlines()[0], *(cell.strip() for cell in line.strip("|").split("|")))
    for part in PAGE.split("\n## ")[1:]
    for line in part.splitlines()
    if line.startswith("|") and not re.match(r"\|---|\| there ", line)
]
KNOWN = {golden.name: golden for golden in JOURNEYS}


def test_all_five_are_compared_and_differences_are_explained() -> None:
    assert {line[0] for line in LINES} == {"Segment Unify", "PostHog", "Snowplow", "RudderStack", "Apache Unomi"}
    assert {line[2] for line in LINES} == {"agree", "differ"}
    assert [line for line in LINES if line[2] == "differ" and not line[3]] == []


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line[0]}: {line[1]}")
def test_a_line_is_shown_by_its_journey(line: tuple[str, ...]) -> None:
    golden = KNOWN[line[-1]]
    assert sorted(at_once(golden, list(golden.events))) == sorted(golden.expected)
