"""Every protocol's golden file: requests in, events out; and that ingest takes what is made of them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from api.protocols.protocols import PROTOCOLS
from schemas.facts import EventRow
from tests.api.protocols.golden import cases, door, outcome, sent
from tests.ingest.sending import accepted

CASES = [pytest.param(case, id=f"{name}: {case['says']}") for name in PROTOCOLS for case in cases(name)]


@pytest.mark.parametrize("case", CASES)
async def test_a_request_becomes_these_events_and_is_answered_so(case: dict[str, Any]) -> None:
    expected = {name: value for name, value in case.items() if name not in ("says", "request")}
    assert await outcome(case["request"]) == expected


ODD = ([1], {"a": [{}]}, "x", 5, None)


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value in a JSON value."""
    yield way
    for name, inner in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from places(inner, (*way, name))


def replaced(value: Any, way: tuple[Any, ...], other: Any) -> Any:
    if not way:
        return other
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[way[0]] = replaced(value[way[0]], way[1:], other)
    return copied


@pytest.mark.parametrize("name", PROTOCOLS)
async def test_no_value_of_another_kind_than_usual_is_a_fault_of_ours(name: str) -> None:
    for case in cases(name):
        request = case["request"]
        field = "json" if "json" in request else "text"
        told = request.get("json") if field == "json" else json_or_none(request.get("text", ""))
        for number, way in enumerate(places(told) if told is not None else ()):
            odd = replaced(told, way, ODD[number % len(ODD)])
            answer = await sent(door(), {**request, field: odd if field == "json" else json.dumps(odd)})
            assert answer.status_code < 500, (case["says"], way)


def json_or_none(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


@pytest.mark.parametrize("case", [one for one in CASES if one.values[0]["events"]])  # type: ignore[index]
def test_ingest_accepts_what_is_made_of_it(case: dict[str, Any]) -> None:
    for event in case["events"]:
        plain = {name: value for name, value in event.items() if not name.startswith("(")}
        assert isinstance(accepted(plain), EventRow)
