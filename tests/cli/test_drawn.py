"""What the terminal shows of funnels with options, paths and retention."""

from typing import Any

import pytest

from pipeline.cli import drawing

QUESTION: dict[str, Any] = {"from": None, "to": None, "last": None, "zone": "UTC"}
FRAME: dict[str, Any] = {"data_until": None, "warnings": []}


def test_paths_are_drawn_as_links(capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [{"id": "0:/home", "level": 0, "name": "/home"}, {"id": "1 other", "level": 1, "name": "other"}]
    links = [{"source": "0:/home", "target": "1 other", "paths": 5, "actors": 3}]
    result = {"paths": 7, "actors": 4, "nodes": nodes, "links": links}
    drawing.DRAWN["paths"](FRAME | {"question": QUESTION | {"within": "sessions"}, "result": result})
    shown = capsys.readouterr().out
    assert "7 paths of 4 sessions" in shown
    assert [line.split() for line in shown.splitlines() if "/home" in line] == [
        ["+0", "/home", "+1", "other", "5", "3"]
    ]


def test_retention_is_drawn_as_shares_of_each_cohort(capsys: pytest.CaptureFixture[str]) -> None:
    cells = [{"rate": 0.5, "unfinished": False}, {"rate": 0.25, "unfinished": True}]
    result = {
        "customers": 4,
        "cohorts": [{"period": "2025-03-03", "customers": 4, "cells": cells}],
        "curve": [{"rate": 0.5}, {"rate": None}, {"rate": None}],
    }
    question = QUESTION | {"by": "week", "periods": 2}
    drawing.DRAWN["retention"](FRAME | {"question": question, "result": result})
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["2025-03-03", "4", "50.0", "%", "25.0", "%*"] in rows
    assert ["all", "4", "50.0", "%", "-", "-"] in rows


def test_groups_of_a_funnel_that_are_no_value_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    step = {"count": 3, "rate": 1.0, "label": "A", "events": ["A"], "dropped": 0, "median_step_ms": 0}
    groups = [
        {"value": "red", "kind": "value", "steps": [step]},
        *({"value": None, "kind": kind, "steps": [step]} for kind in ("none", "not_reached", "other")),
    ]
    result = {"entered": 3, "converted": 3, "rate": 1.0, "steps": [step], "groups": groups, "periods": []}
    question = QUESTION | {"count": "customers", "breakdown": "color"}
    drawing.DRAWN["funnel"](FRAME | {"question": question, "result": result})
    shown = capsys.readouterr().out
    for name in ("red", "(none)", "(not reached)", "(other)"):
        assert name in shown
