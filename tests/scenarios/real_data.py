"""The real events that lie beside the repository, and the ways in which a test brings them in."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.scenarios.project import Project, lines_of

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"the real events are not here: {DATA}")

Way = Callable[[list[bytes], Project], None]


def events_of(name: str, only: str = "") -> list[bytes]:
    """The lines of a file of real events; `only` keeps those of a type."""
    lines = lines_of(DATA / name / "events.ndjson.gz")
    return [line for line in lines if json.loads(line)["type"] == only] if only else lines


def as_they_are(lines: list[bytes], project: Project) -> None:
    project.bring(lines)


def twice(lines: list[bytes], project: Project) -> None:
    """Every event a second time: half of them at once, half after everything else and in another order."""
    middle = len(lines) // 2
    at_once = [copy for line in lines[:middle] for copy in (line, line)]
    late = Random(20_240_102).sample(lines[middle:], len(lines) - middle)
    project.bring(at_once + lines[middle:] + late)


def killed_in_the_middle(lines: list[bytes], project: Project) -> None:
    """Kill -9 of who runs the agents while a third is in, and once more while the rest is being done."""
    house, killed = project.house, False

    def kill(count: int) -> None:
        nonlocal killed
        if not killed and count >= len(lines) // 3:
            killed = True
            house.worker.kill()
            house.start()

    project.bring(lines, kill)
    house.worker.kill()
    house.start()
    assert killed


def shuffled_and_killed(lines: list[bytes], project: Project) -> None:
    killed_in_the_middle(Random(20_240_101).sample(lines, len(lines)), project)


def anyhow(lines: list[bytes], project: Project) -> None:
    """All of it together: every event twice, in any order, and who runs the agents killed in the middle."""
    killed_in_the_middle(Random(20_240_103).sample(lines * 2, 2 * len(lines)), project)


def sessions_by_truth(project: Project) -> tuple[set[frozenset[int]], set[frozenset[int]], list[int]]:
    """Message ids of the project's events, in groups: by our sessions, by the publisher's, and how many each of our
    session rows says it has (-1 where no or another number of events lies inside)."""
    events, sessions = project.rows(
        "SELECT device, toUnixTimestamp64Milli(occurred_at), message_id, toString(properties) FROM events FINAL "
        "WHERE project = {project:String}",
        "SELECT device, toUnixTimestamp64Milli(started_at), toUnixTimestamp64Milli(last_at), id, events "
        "FROM sessions FINAL WHERE project = {project:String}",
    )
    by_truth: defaultdict[str, set[int]] = defaultdict(set)
    by_device: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for device, at, message, properties in events:
        by_truth[json.loads(properties)["truth_session_id"]].add(message)
        by_device[device].append((at, message))
    ours: set[frozenset[int]] = set()
    counts = []
    for device, started, last, _, count in sessions:
        inside = frozenset(message for at, message in by_device[device] if started <= at <= last)
        counts.append(count if count == len(inside) else -1)
        ours.add(inside)
    return ours, {frozenset(group) for group in by_truth.values()}, counts


def funnel_of(project: Project, steps: Iterable[str], **question: Any) -> list[tuple[str, int]]:
    """(step, how many reached it) of an ordered funnel."""
    steps = list(steps)
    found = project.ask("funnel", steps=[{"events": [step]} for step in steps], **question)
    return [(step, told["count"]) for step, told in zip(steps, found["steps"], strict=True)]
