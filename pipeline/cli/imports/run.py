"""One run of an import: files to the collector, the agents caught up, and the lines that could not be used named."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from pipeline.cli.connection import Connection
from pipeline.cli.imports import checkpoint
from pipeline.cli.imports.checkpoint import Done
from pipeline.cli.imports.files import Reading, size_of
from pipeline.cli.imports.judging import MOST_SHOWN, Judge, Named, named
from pipeline.cli.imports.plan import Plan, Planned
from pipeline.cli.imports.sending import batches, sent
from pipeline.cli.output import err
from schemas.definitions import Project

STDIN: Final = "-"


class Start(NamedTuple):
    """Where a file is begun: behind a line, which ends at a position; and when its import was begun, UTC ms."""

    line: int
    position: int
    begun: int


@dataclass
class Taken:
    """What this run has done: lines read, events sent, lines that could not be sent."""

    lines: int = 0
    events: int = 0
    not_sent: Counter[str] = field(default_factory=Counter)
    where: list[tuple[str, Named]] = field(default_factory=list)

    def leave(self, file: Path, found: Named) -> None:
        self.not_sent[found.reason] += 1
        if self.not_sent[found.reason] <= MOST_SHOWN:
            self.where.append((file.name, found))


async def run(server: Connection, files: list[tuple[Path, Plan]], *, restart: bool, quiet: bool) -> dict[str, Any]:
    """The report of an import into the connection's project."""
    begun, taken = time.monotonic(), Taken()
    since = (await server.get("/api/v1/admin/progress"))["now"]
    starts = [await _start(server, file, plan, since, restart=restart) for file, plan in files]
    with _progress(quiet) as shown:
        for (file, plan), start in zip(files, starts, strict=True):
            await _send(server, file, plan, start, taken, shown)
        task = shown.add_task("sessions, customers, journeys", total=None)
        progress = await server.caught_up(
            lambda lag: shown.update(task, description=f"sessions, customers, journeys: {sum(lag.values()):,} wait")
        )
    received = await server.get(f"{server.admin}/received", since=since, source="import")
    for (file, plan), start in zip(files, starts, strict=True):
        taken.where += [(file.name, one) for one in await _named(server, file, plan, start, received["rejected"])]
        if str(file) != STDIN:
            checkpoint.removed(file)
    return {
        "project": server.project,
        "lines": taken.lines,
        "lines_before": sum(start.line for start in starts),
        "accepted": received["accepted"],
        "rejected": received["rejected"],
        "not_sent": dict(taken.not_sent),
        "where": [
            {"file": name, "line": one.line, "reason": one.reason, "message": one.words} for name, one in taken.where
        ],
        "duplicates": max(0, taken.events - received["accepted"] - sum(received["rejected"].values())),
        "seconds": round(time.monotonic() - begun, 3),
        "data_until": progress["data_until"],
    }


async def _start(server: Connection, file: Path, plan: Plan, now: int, *, restart: bool) -> Start:
    """Where an earlier run of the same import was ended, if this log and store are those that it wrote to."""
    done = None if restart or str(file) == STDIN else checkpoint.found(file, plan.mark, server.project)
    if done is not None:
        await server.caught_up()  # what it sent may still lie before the agents
        received = await server.get(f"{server.admin}/received", since=done.begun, source="import")
        if received["accepted"] or received["rejected"]:
            return Start(done.line, done.position, done.begun)
    return Start(0, 0, now)


async def _send(server: Connection, file: Path, plan: Plan, start: Start, taken: Taken, shown: Progress) -> None:
    task = shown.add_task(f"reading {file.name}", total=size_of(file))
    identity = "" if str(file) == STDIN else checkpoint.identity_of(file)
    with Reading(file, plan.form, plan.csv) as reading:
        for batch in batches(_planned(reading, plan, start)):
            for each in batch.planned:
                if each.reason:
                    taken.leave(file, Named(each.line, each.reason, each.words))
            events = batch.events
            too_large = await sent(events, server.send)
            for one in too_large:
                taken.leave(file, one)
            taken.lines += len(batch.planned)
            taken.events += len(events) - len(too_large)
            position = reading.position
            shown.update(task, completed=position)
            if identity:
                done = Done(identity, plan.mark, server.project, start.begun, batch.line, position)
                identity = identity if checkpoint.kept(file, done) else ""


def _planned(reading: Reading, plan: Plan, start: Start) -> Iterator[Planned]:
    return (plan.planned(record) for record in reading.records(start.line, start.position))


async def _named(server: Connection, file: Path, plan: Plan, start: Start, rejected: dict[str, int]) -> list[Named]:
    """The lines that were rejected. The file is read again, only where something was, until they are found."""
    if not rejected or str(file) == STDIN:
        return []
    told = await server.get(server.admin)
    judge = Judge(Project(server.project, lateness_ms=told["lateness_ms"]))
    with Reading(file, plan.form, plan.csv) as reading:
        return list(named(_planned(reading, plan, start), judge, rejected))


def _progress(quiet: bool) -> Progress:
    return Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(),
        console=err, disable=quiet or not err.is_terminal, transient=True,
    )  # fmt: skip
