"""A told answer held against the evaluator's."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from tests.evaluator.answers import Answer, Group, answer, step_rows
from tests.evaluator.asked import Asked
from tests.evaluator.happenings import Happening, Json
from tests.evaluator.made_up import Question


def is_close(told: Json, wanted: Json) -> bool:
    if told is None or wanted is None:
        return told is None and wanted is None
    if isinstance(wanted, list):
        return len(told) == len(wanted) and all(map(is_close, told, wanted))
    return bool(abs(told - wanted) < 1e-6)


def assert_steps(told: list[dict[str, Json]], wanted: list[Answer]) -> None:
    assert len(told) == len(wanted)
    for row, right in zip(told, wanted, strict=True):
        for name, value in right.items():
            assert is_close(row[name], value), (name, row, right)


def assert_histogram(bins: list[dict[str, Json]], times: list[int]) -> None:
    assert sum(one["count"] for one in bins) == len(times)
    for one in bins:
        end = one["to_ms"]
        assert one["count"] == sum(one["from_ms"] <= time and (end is None or time < end) for time in times), one
    assert all(one["to_ms"] == after["from_ms"] for one, after in pairwise(bins))
    assert not bins or (bins[0]["count"] and bins[-1]["count"])


def assert_groups(told: list[dict[str, Json]], left_out: int, wanted: Answer, question: Question, asked: Asked) -> None:
    """Those that are told have most entries, as many as `limit`; all others are in `other`, each entry once."""
    named = {(row["kind"], row["value"]): row["steps"] for row in told if row["kind"] != "other"}
    for group, rows in named.items():
        assert_steps(rows, wanted["groups"][group])
    hidden: set[Group] = wanted["groups"].keys() - named.keys()
    assert left_out == len(hidden)
    assert ("not_reached", None) not in hidden
    ranked = [group for group in named if group[0] != "not_reached"]
    assert len(ranked) <= question["limit"]
    assert not hidden or len(ranked) == question["limit"]
    sizes = [wanted["groups"][group][0]["count"] for group in ranked]
    assert sizes == sorted(sizes, reverse=True)
    assert all(wanted["groups"][group][0]["count"] <= min(sizes) for group in hidden)
    order = [{"not_reached": 1, "other": 2}.get(row["kind"], 0) for row in told]
    assert order == sorted(order)
    others = [row["steps"] for row in told if row["kind"] == "other"]
    assert len(others) == bool(hidden)
    if hidden:
        entries = {id(entry): entry for group in hidden for entry in wanted["members"][group]}
        assert_steps(others[0], step_rows(asked, list(entries.values())))


def assert_periods(told: list[dict[str, Json]], wanted: dict[str, Answer]) -> None:
    found = {row["period"]: {name: row[name] for name in ("counts", "unfinished")} for row in told}
    assert list(found) == sorted(found)
    assert {name: row for name, row in found.items() if any(row["counts"])} == wanted


def less(now: Json, before: Json) -> Json:
    return None if now is None or before is None else now - before


def assert_previous(result: dict[str, Any], question: Question, happened: list[Happening], now: int) -> None:
    """The time before, as though it were asked itself, and what is more or less since then."""
    told = result["previous"]
    bounds = Asked(question, now).before()
    assert (told["from"], told["to"]) == bounds
    start, end = (datetime.fromtimestamp(at / 1000, UTC).isoformat() for at in bounds)
    assert_told(told, question | {"from": start, "to": end}, happened, now)
    for name in ("entered", "converted", "rate"):
        assert is_close(told[f"{name}_change"], less(result[name], told[name])), name
    own = {(group["kind"], group["value"]): group["steps"] for group in result["groups"] if group["kind"] != "other"}
    for group in told["groups"]:
        now = own.get((group["kind"], group["value"]))
        ends = [
            (steps[0]["count"], steps[-1]["count"], steps[-1]["rate"]) for steps in (now or [], group["steps"]) if steps
        ]
        wanted = [less(*pair) for pair in zip(*ends, strict=True)] if now else [None] * 3
        for name, change in zip(("entered_change", "converted_change", "rate_change"), wanted, strict=True):
            assert is_close(group[name], change), (name, group)
    for row, before in zip(result["steps"], told["steps"], strict=True):
        for name in ("count", "rate", "step_rate", "median_ms", "median_step_ms"):
            assert is_close(before[f"{name}_change"], less(row[name], before[name])), name


def assert_told(result: dict[str, Any], question: Question, happened: list[Happening], now: int) -> None:
    """What a range and the one before it have in common."""
    wanted = answer(question, happened, now)
    for name in ("entered", "converted", "rate", "interval"):
        assert is_close(result[name], wanted[name]), (name, result[name], wanted[name])
    assert_steps(result["steps"], wanted["steps"])
    told, right = result["convert_ms"], wanted["convert_ms"]
    assert (told is None) == (right is None)
    for name in right or ():
        assert abs(told[name] - right[name]) <= (name == "mean") / 2, (name, told, right)
    if "histogram" in result:
        assert_histogram(result["histogram"], wanted["times"])
    if question["breakdown"] and "groups_left_out" in result:
        assert_groups(result["groups"], result["groups_left_out"], wanted, question, Asked(question, now))
    assert_periods(result["periods"], wanted["periods"])


def assert_answers(result: dict[str, Any], question: Question, happened: list[Happening], now: int) -> None:
    """The result of the question, as the API gives it, is the evaluator's answer over all events of the project."""
    assert_told(result, question, happened, now)
    if question.get("compare") and question["from"] and question["to"]:
        assert_previous(result, question, happened, now)
