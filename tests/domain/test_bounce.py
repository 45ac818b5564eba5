"""The four notions of bounce, and that the columns of table `sessions` say the same."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.domain.bounce import BOUNCES
from schemas.facts import Session

TABLES = Path(__file__).parents[2] / "schemas" / "clickhouse" / "0001_facts.up.sql"


def session(
    views: int = 1, interactions: int = 0, conversions: int = 0, events: int = 1, engaged: int = 0, ms: int = 0
) -> Session:
    nothing = dict.fromkeys(Session.__struct_fields__, "")
    times = {"started_at": 1_000, "last_at": 1_000 + ms}
    counts = {"views": views, "interactions": interactions, "conversions": conversions, "events": events}
    return Session(**(nothing | times | counts | {"engaged_ms": engaged}))  # type: ignore[arg-type]


def bounces(**figures: int) -> dict[str, bool | None]:
    return {name: bounced(session(**figures)) for name, bounced in BOUNCES.items()}


def test_a_session_of_one_view_bounced_by_every_notion() -> None:
    assert bounces() == dict.fromkeys(BOUNCES, True)


def test_a_session_without_a_view_neither_bounced_nor_did_not() -> None:
    assert bounces(views=0, interactions=3, conversions=1, events=9) == dict.fromkeys(BOUNCES)


@pytest.mark.parametrize(
    ("figures", "bounced"),
    [
        ({"engaged": 9_999}, {"engaged", "no_interaction", "single_page", "single_event"}),
        ({"engaged": 10_000}, {"no_interaction", "single_page", "single_event"}),
        ({"conversions": 1}, {"no_interaction", "single_page", "single_event"}),
        ({"views": 2, "events": 2}, set()),
        ({"interactions": 1, "events": 2}, {"engaged"}),
        ({"events": 2, "ms": 9_999}, {"engaged", "no_interaction", "single_page"}),
        ({"events": 2, "ms": 10_000}, {"engaged", "single_page"}),
        ({"ms": -5}, {"engaged", "no_interaction", "single_page", "single_event"}),
    ],
)
def test_each_notion_has_its_own_limits(figures: dict[str, int], bounced: set[str]) -> None:
    assert {name for name, answer in bounces(**figures).items() if answer} == bounced


small = st.integers(0, 3)
near = st.sampled_from([0, 9_999, 10_000, 10_001])


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.builds(session, small, small, small, small, near, near), min_size=1, max_size=40))
def test_the_tables_columns_say_the_same(clickhouse: Any, sessions: list[Session]) -> None:
    columns = dict(re.findall(r"^    (bounced_\w+|duration_ms) \S+ ALIAS (.+) COMMENT", TABLES.read_text(), re.M))
    assert set(columns) == {"duration_ms"} | {f"bounced_{name}" for name in BOUNCES}
    figures = ("views", "interactions", "conversions", "events", "engaged_ms")
    given_ = [f"JSONExtractInt(line, '{name}') AS {name}" for name in figures]
    given_ += [
        f"fromUnixTimestamp64Milli(JSONExtractInt(line, '{name}')) AS {name}" for name in ("started_at", "last_at")
    ]
    asked = [f"{columns[name]} AS {name}" for name in ["duration_ms", *(f"bounced_{name}" for name in BOUNCES)]]
    rows = [json.dumps({name: getattr(one, name) for name in (*figures, "started_at", "last_at")}) for one in sessions]
    answer = clickhouse(" ".join(("WITH", ", ".join(given_), "SELECT", ", ".join(asked), "FROM asked")), rows)
    expected = [[bounced(one) for bounced in BOUNCES.values()] for one in sessions]
    assert [[None if cell is None else bool(cell) for cell in row[1:]] for row in answer] == expected
