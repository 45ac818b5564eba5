"""What the terminal shows of funnels with options, paths, retention and trends."""

from typing import Any

import pytest

from pipeline.cli import drawing

QUESTION: dict[str, Any] = {"from": None, "to": None, "last": None, "zone": "UTC"}
FRAME: dict[str, Any] = {"data_until": None, "warnings": []}


def test_paths_are_drawn_as_links(capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [{"id": "0:/home", "level": 0, "name": "/home"}, {"id": "1 other", "level": 1, "name": "other"}]
    links = [{"source": "0:/home", "target": "1 other", "paths": 5, "actors": 3}]
    result = {"paths": 7, "actors": 4, "nodes": nodes, "links": links}
    groups = [
        {"value": "red", "kind": "value", "paths": 6, "actors": 4},
        {"value": None, "kind": "other", "paths": 1, "actors": 1},
    ]
    question = QUESTION | {"within": "sessions", "breakdown": "color"}
    drawing.DRAWN["paths"](FRAME | {"question": question, "result": result | {"groups": groups}})
    shown = capsys.readouterr().out
    assert "7 paths of 4 sessions" in shown
    assert [line.split() for line in shown.splitlines() if "/home" in line] == [
        ["+0", "/home", "+1", "other", "5", "3"]
    ]
    assert "By color" in shown
    assert [line.split() for line in shown.splitlines() if "red" in line or "(other)" in line] == [
        ["red", "6", "4"],
        ["(other)", "1", "1"],
    ]


def test_retention_is_drawn_as_shares_of_each_cohort(capsys: pytest.CaptureFixture[str]) -> None:
    cells = [{"rate": 0.5, "unfinished": False}, {"rate": 0.25, "unfinished": True}]
    result = {
        "customers": 4,
        "cohorts": [{"period": "2025-03-03", "customers": 4, "cells": cells}],
        "curve": [{"rate": 0.5}, {"rate": None}, {"rate": None}],
        "groups": [],
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
    result = {
        "entered": 3,
        "converted": 3,
        "rate": 1.0,
        "interval": None,
        "steps": [step],
        "groups": groups,
        "periods": [],
    }
    question = QUESTION | {"count": "customers", "breakdown": "color"}
    drawing.DRAWN["funnel"](FRAME | {"question": question, "result": result})
    shown = capsys.readouterr().out
    for name in ("red", "(none)", "(not reached)", "(other)"):
        assert name in shown


def test_an_explanation_is_drawn_as_its_customers_and_the_marked_events(capsys: pytest.CaptureFixture[str]) -> None:
    event = {"at": 60_000, "event": "Paid", "channel": "web", "path": "/pay", "marks": ["step 2"]}
    row = {"id": "00000000000000aa", "kind": "user", "times": 2, "first_at": 0, "last_at": 60_000}
    cost = {"ms": 1.5, "rows_read": 1000, "bytes_read": 9, "statements": [{}]}
    result = {"count": 2, "counted": "entries", "customers": 1, "rows": [row], "events": [event], "cost": cost}
    drawing.explained(FRAME | {"question": {}, "result": result})
    shown = capsys.readouterr().out
    assert "2 entries of 1 customers" in shown
    assert ["00000000000000aa", "user", "2", "1970-01-01", "00:00:00", "1970-01-01", "00:01:00"] in [
        line.split() for line in shown.splitlines()
    ]
    assert "step 2" in shown
    assert "1,000 rows, 9 bytes" in shown


def test_a_trend_is_drawn_with_its_measure_its_groups_and_the_time_before(capsys: pytest.CaptureFixture[str]) -> None:
    numbers = {"events": 3, "devices": 1, "a": 6, "b": 2, "measured": 3.0}
    point = numbers | {"period": "2025-03-03", "unfinished": True}
    empty = point | {"measured": None, "period": "2025-03-04"}
    series = {"events": ["Added"], "measure": "sum", "property": "price"}
    question = (
        QUESTION | series | {"second": series | {"events": ["Seen [x]"]}, "formula": "A / B", "breakdown": "color"}
    )
    result = {
        "events": 3,
        "total": numbers,
        "points": [point, empty],
        "groups": [numbers | {"value": "red", "kind": "value"}, numbers | {"value": None, "kind": "other"}],
        "previous": {"total": numbers, "points": [point], "groups": [numbers | {"value": "red", "kind": "value"}]},
    }
    drawing.DRAWN["trend"](FRAME | {"question": question, "result": result})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("A / B (A = sum of price of Added; B = sum of price of Seen [x])")
    assert [line.split()[0] for line in lines if "before: " in line] == ["2025-03-03*", "2025-03-04*", "in"]
    assert lines[1].count("█") == 40
    assert lines[2].count("█") == 0
    assert [line.split() for line in lines if line.startswith(("red", "(other)"))] == [
        ["red", "3.00", "3", "3.00"],
        ["(other)", "3.00", "3", "-"],
    ]


def test_stickiness_is_drawn_as_bars_and_its_shares(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"periods": 1, "customers": 4, "rate": 0.8}, {"periods": 2, "customers": 1, "rate": 0.2}]
    result = {"customers": 5, "histogram": rows, "mean_daily_weekly": 0.5, "mean_daily_monthly": None}
    result["groups"] = [{"value": "true", "kind": "value", "customers": 5, "mean_periods": 1.2}]
    question = QUESTION | {"by": "week", "events": ["Read"], "breakdown": "$segment.payers"}
    drawing.DRAWN["stickiness"](FRAME | {"question": question, "result": result})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "5 customers did Read, all time"
    assert [(line.split()[:2], line.count("█")) for line in lines[1:3]] == [(["1", "week"], 40), (["2", "weeks"], 10)]
    assert lines[3] == "of those active in a week 50.0 % are active on a day, of those in a month -"
    assert ["true", "5", "1.20"] in [line.split() for line in lines]


def test_a_life_cycle_is_drawn_period_by_period(capsys: pytest.CaptureFixture[str]) -> None:
    point = {"period": "2025-03-03", "active": 6, "new": 3, "returning": 2, "resurrecting": 1, "dormant": 4}
    points = [point | {"unfinished": True}]
    result = {"points": points, "groups": [{"value": None, "kind": "none", "points": points}]}
    question = QUESTION | {"by": "week", "events": ["[b]"], "breakdown": "$stage_now"}
    drawing.DRAWN["lifecycle"](FRAME | {"question": question, "result": result})
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0][0] == "[b],"
    assert ["2025-03-03*", "6", "3", "2", "1", "4"] in lines
    assert ["(none)", "2025-03-03", "6", "3", "2", "1", "4"] in lines


def test_drop_points_are_drawn_as_what_was_seen_done_and_left(capsys: pytest.CaptureFixture[str]) -> None:
    result = {
        "page": {"seen": 9, "entered": 5, "bounced": 2, "bounce_rate": 0.4, "left": 3, "exit_rate": 1 / 3},
        "sessions": 2,
        "scroll": [{"from_percent": 0, "reached": 1}],
        "scroll_unknown": 1,
        "elements": [{"event": "Rage Clicked", "element": "button#buy", "kind": "value", "sessions": 2}],
        "fields": [{"form": None, "field": None, "kind": "none", "sessions": 2}],
    }
    drawing.DRAWN["drop_points"](FRAME | {"question": QUESTION | {"page": "/price", "of": "bounced"}, "result": result})
    shown = capsys.readouterr().out
    lines = [line.split() for line in shown.splitlines()]
    assert "2, 40.0 % of those that entered" in shown
    assert ["0", "%", "█" * 20, "1"] in lines
    assert ["Rage", "Clicked", "button#buy", "2"] in lines
    assert ["(none)", "-", "2"] in lines
