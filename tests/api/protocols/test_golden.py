"""Every protocol's golden file: requests in, events out; and that ingest takes what is made of them."""

from typing import Any

import pytest

from api.protocols.protocols import PROTOCOLS
from schemas.facts import EventRow
from tests.api.protocols.golden import cases, outcome
from tests.ingest.sending import accepted

CASES = [pytest.param(case, id=f"{name}: {case['says']}") for name in PROTOCOLS for case in cases(name)]


@pytest.mark.parametrize("case", CASES)
async def test_a_request_becomes_these_events_and_is_answered_so(case: dict[str, Any]) -> None:
    expected = {name: value for name, value in case.items() if name not in ("says", "request")}
    assert await outcome(case["request"]) == expected


@pytest.mark.parametrize("case", [one for one in CASES if one.values[0]["events"]])  # type: ignore[index]
def test_ingest_accepts_what_is_made_of_it(case: dict[str, Any]) -> None:
    for event in case["events"]:
        plain = {name: value for name, value in event.items() if not name.startswith("(")}
        assert isinstance(accepted(plain), EventRow)
