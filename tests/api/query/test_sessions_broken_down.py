"""Sessions and bounce by several fields, segments and traits together, held against a slow account."""

import json
from collections import Counter
from typing import Any

import pytest

from tests.api.query.conftest import House
from tests.api.query.test_explain import explain
from tests.api.query.test_saved import put
from tests.story import device, user

SHOP = """
    ann    09:00     page /home acquisition=email
    ann    09:01     login ann plan=basic
    ann    09:06     login ann plan=pro
    ann    09:07     track Paid
    ann    +1 09:00  page /home acquisition=email
    ann    +2 09:00  page /sale acquisition=email
    bob    10:00     page /sale acquisition=paid_search
    bob    10:01     page /home
    bob    +1 12:00  page /home
    bob    +1 12:01  login bob plan=basic
    cleo   11:00     page /home
    dan    11:00     track Paid
"""
# Whose session it is: in `payers` or not, and the plan now.
KNOWN = {"ann": ("true", "pro"), "bob": ("false", "basic"), "cleo": ("false", None), "dan": ("true", None)}
NAMES = ["acquisition", "entry_page", "$segment.payers", "$customer_now.plan"]


def expected(house: House, names: list[str]) -> Counter[tuple[Any, ...]]:
    """How many sessions there are for each combination."""
    of = {user(who, house.name): told for who, told in KNOWN.items()}
    of |= {device(who, house.name): told for who, told in KNOWN.items()}
    found: Counter[tuple[Any, ...]] = Counter()
    for session in house.told.sessions:
        in_segment, plan = of[session.owner]
        values = {
            "acquisition": session.acquisition,
            "entry_page": session.entry_path or None,
            "$segment.payers": in_segment,
            "$customer_now.plan": plan,
        }
        found[tuple(values[name] for name in names)] += 1
    return found


@pytest.mark.parametrize(
    "names",
    [
        ["$segment.payers"],
        ["$customer_now.plan"],
        ["acquisition", "entry_page"],
        ["$segment.payers", "acquisition"],
        ["entry_page", "$customer_now.plan", "$segment.payers"],
    ],
)
async def test_rows_are_the_combinations_of_a_slow_account_and_each_is_explained(
    house: House, names: list[str]
) -> None:
    await put(house, "segments/payers", {"conditions": [{"kind": "did", "events": "Paid"}]})
    house.tell(SHOP)
    wanted = expected(house, names)
    assert len(wanted) > 1
    for question in ("sessions", "bounce"):
        rows = (await house.ask(question, breakdown=names))["result"]["rows"]
        assert {tuple(row["values"]): row["sessions"] for row in rows} == dict(wanted)
        for row in rows:
            values = row["values"]
            written = json.dumps(values, separators=(",", ":")) if len(values) > 1 and any(values) else values[0]
            assert row["value"] == written
            cell = {"number": "sessions", "value": row["value"]}
            told = await explain(house, question, {"breakdown": names}, cell=cell)
            assert told["count"] == row["sessions"]


async def test_values_beyond_the_limit_are_left_out_and_counted_together(house: House) -> None:
    house.tell(SHOP)
    result = (await house.ask("sessions", breakdown=["acquisition", "entry_page"], limit=2))["result"]
    assert len(result["rows"]) == 2
    assert result["values_left_out"] == len(expected(house, ["acquisition", "entry_page"])) - 2


async def test_a_segment_and_a_period_break_sessions_down_together(house: House) -> None:
    await put(house, "segments/payers", {"conditions": [{"kind": "did", "events": "Paid"}]})
    house.tell(SHOP)
    rows = (await house.ask("sessions", breakdown="$segment.payers", by="day"))["result"]["rows"]
    assert [(row["period"], row["value"], row["sessions"]) for row in rows] == [
        ("2023-11-15", "false", 2),
        ("2023-11-15", "true", 2),
        ("2023-11-16", "false", 1),
        ("2023-11-16", "true", 1),
        ("2023-11-17", "true", 1),
    ]


@pytest.mark.parametrize(
    ("breakdown", "field", "hint"),
    [
        (["channel", "chanel"], "breakdown[1]", "did you mean 'channel'?"),
        (["channel", "$session.acquisiton"], "breakdown[1]", "did you mean 'acquisition'?"),
        (["a", "b", "c", "d"], "breakdown", ""),
        (["channel", "$channel"], "breakdown", "once"),
        ("$segment.payer", "breakdown", "did you mean 'payers'?"),
        ("$segment.", "breakdown", "missing"),
        ("$customer.plan", "breakdown", "$customer_now.plan"),
        ("channel') OR (1", "breakdown", "no field"),
        ([], "breakdown", "at least 1"),
        (3, "breakdown", ""),
    ],
)
async def test_what_sessions_cannot_be_broken_down_by_is_422_with_the_nearest(
    house: House, breakdown: Any, field: str, hint: str
) -> None:
    await put(house, "segments/payers", {"conditions": [{"kind": "did", "events": "Paid"}]})
    for question in ("sessions", "bounce"):
        error = await house.refused(question, {"breakdown": breakdown})
        assert (error["field"], hint in error["message"]) == (field, True), error
