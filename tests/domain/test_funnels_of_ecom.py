"""The e-shop's funnels, as another library (retentioneering) counted them over the same events."""

import gzip
import json
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.domain.funnels import compile_funnel, counted, entries, order
from schemas.definitions import Funnel, Step
from schemas.facts import Event
from tests.domain.making import PROJECT, event

ECOM = Path(__file__).parents[3] / "shared" / "data" / "ecom"
HALF_A_YEAR = 200 * 86_400_000

pytestmark = pytest.mark.skipif(not ECOM.is_dir(), reason=f"the real events of {ECOM} are not here")


@pytest.fixture(scope="module")
def shop() -> tuple[dict[str, list[Event]], dict[str, list[Event]]]:
    """The events of each user, and of each session that the publisher assigned."""
    users: defaultdict[str, list[Event]] = defaultdict(list)
    sessions: defaultdict[str, list[Event]] = defaultdict(list)
    with gzip.open(ECOM / "events.ndjson.gz", "rt") as lines:
        for line in lines:
            sent = json.loads(line)
            one = event(sent["event"], round(datetime.fromisoformat(sent["timestamp"]).timestamp() * 1000))
            users[sent["anonymousId"]].append(one)
            sessions[sent["properties"]["truth_session_id"]].append(one)
    return users, sessions


def reference(name: str) -> list[tuple[str, int]]:
    outputs: dict[str, Any] = json.loads((ECOM / "reference_outputs.json").read_text())
    return [(step, count) for step, count in outputs[name]]


def count(groups: dict[str, list[Event]], steps: list[str], window_ms: int) -> list[tuple[str, int]]:
    plan = compile_funnel(Funnel("checkout", tuple(Step((step,)) for step in steps), window_ms=window_ms))
    reached = []
    for events in groups.values():
        best = counted(entries(sorted(events, key=order), plan, project=PROJECT, customer=1), len(steps))
        reached.append(best.steps if best else 0)
    return [(step, sum(steps_reached > number for steps_reached in reached)) for number, step in enumerate(steps)]


def test_users_counted_in_a_window_as_long_as_the_data_are_the_librarys(shop: Any) -> None:
    expected = reference("funnel_user_id")
    assert count(shop[0], [step for step, _ in expected], HALF_A_YEAR) == expected


def test_sessions_are_the_librarys(shop: Any) -> None:
    expected = reference("funnel_session_id")
    assert count(shop[1], [step for step, _ in expected], HALF_A_YEAR) == expected


def test_a_window_of_a_week_counts_fewer_users_but_as_many_at_the_first_step(shop: Any) -> None:
    expected = reference("funnel_user_id")
    week = count(shop[0], [step for step, _ in expected], 7 * 86_400_000)
    assert [number for _, number in week] == [598, 487, 353, 210, 109, 40]
