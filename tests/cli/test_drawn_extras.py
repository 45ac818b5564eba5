"""What the terminal shows of journeys, of those who left a funnel, of what divides, and of the time before."""

from typing import Any

import pytest

from pipeline.cli import drawing
from tests.cli.test_drawn import FRAME, QUESTION


def lines(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    return [line.split() for line in capsys.readouterr().out.splitlines()]


def test_journeys_are_drawn_with_bars_and_a_matrix_of_channels(capsys: pytest.CaptureFixture[str]) -> None:
    share = {"journeys": 3, "converted": 1, "rate": 1 / 3}
    channel = share | {"channel": "email"}
    result = share | {
        "interval": [0.1, 0.7], "currency": "EUR", "counts": [], "newest": [],
        "lengths": [share | {"touchpoints": 1}, share | {"touchpoints": 10}],
        "durations": [share | {"from_ms": 0, "to_ms": 1000}, share | {"from_ms": 60_000, "to_ms": None}],
        "first_channels": [channel], "last_channels": [],
        "transitions": [{"source": "email", "target": "direct", "transitions": 4}],
        "sequences": [share | {"path": ["email", "email", "direct"], "median_duration_ms": 60_000}],
    }  # fmt: skip
    groups = [share | {"value": "lead", "value_micros": 2_000_000}]
    drawing.DRAWN["journeys"](
        FRAME | {"question": QUESTION | {"breakdown": "stage"}, "result": result | {"groups": groups}}
    )
    found = lines(capsys)
    assert ["lead", "3", "1", "33.3", "%", "2.00", "EUR"] in found
    assert ["10+", "█" * 24, "3", "33.3", "%"] in found
    assert ["email", "4"] in found
    assert ["email", "x2", ">", "direct", "3", "33.3", "%", "1", "min"] in found


def test_those_who_left_are_drawn_with_what_they_did_next(capsys: pytest.CaptureFixture[str]) -> None:
    followed = [
        {"name": "/help", "kind": "event", "count": 1, "rate": 0.5, "median_ms": 60_000},
        {"name": None, "kind": "nothing", "count": 1, "rate": 0.5, "median_ms": None},
    ]
    step = {"step": 1, "label": "Seen", "reached": 4, "left": 2, "rate": 0.5, "followed": followed}
    result = {"entered": 4, "converted": 2, "steps": [step]}
    question = QUESTION | {"count": "customers"}
    drawing.DRAWN["drop_off"](FRAME | {"question": question, "result": result})
    found = lines(capsys)
    assert ["1", "Seen", "2", "of", "4", "left", "(50.0", "%)"] in found
    assert ["/help", "█" * 12, "1", "50.0", "%", "1", "min"] in found
    assert ["(nothing)", "█" * 12, "1", "50.0", "%"] in found


def test_what_divides_is_drawn_with_its_odds(capsys: pytest.CaptureFixture[str]) -> None:
    row = {
        "property": "color", "value": "red", "converted": 2, "not_converted": 2, "rate": 0.5, "others_rate": 0.25,
        "odds_ratio": 3.0, "interval": [1.5, 6.0], "adjusted": 0.01, "significant": True,
    }  # fmt: skip
    result = {"entered": 8, "converted": 3, "tested": 1, "rows": [row]}
    drawing.DRAWN["divide"](FRAME | {"question": QUESTION, "result": result})
    found = lines(capsys)
    assert [
        "color",
        "=",
        "red",
        "50.0",
        "%",
        "of",
        "4",
        "25.0",
        "%",
        "3.00",
        "(1.50",
        "to",
        "6.00)",
        "0.0100*",
    ] in found


@pytest.mark.parametrize(("change", "told"), [(2, "+2"), (-1, "-1"), (0, "+0")])
def test_a_funnel_is_drawn_with_the_time_before(capsys: pytest.CaptureFixture[str], change: int, told: str) -> None:
    step: dict[str, Any] = {
        "count": 3, "rate": 1.0, "label": "A", "events": ["A"], "dropped": 0, "median_step_ms": 0,
    }  # fmt: skip
    before = step | {"count_change": change, "rate_change": 0.125}
    previous = {"from": 0, "to": 86_400_000, "steps": [before]}
    result = {
        "entered": 3, "converted": 3, "rate": 1.0, "interval": None, "steps": [step], "groups": [], "periods": [],
        "previous": previous,
    }  # fmt: skip
    question = QUESTION | {"count": "customers", "breakdown": None}
    drawing.DRAWN["funnel"](FRAME | {"question": question, "result": result})
    assert ["A", "3", told, "100.0", "%", "+12.5"] in lines(capsys)
