"""`wayfare import`: files of events into the log, then wait until the agents have caught up."""

import gzip
import io
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, cast

import msgspec
import typer
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from pipeline.cli import options
from pipeline.cli.output import as_json, err, out, table
from pipeline.errors import UserMistake

BATCH_BYTES, BATCH_LINES = 2_000_000, 4_000
GZIP = b"\x1f\x8b"


class _Typed(msgspec.Struct):
    type: str = ""


_type_of = msgspec.json.Decoder(_Typed).decode


def import_files(
    files: Annotated[list[Path], typer.Argument(help="Newline-delimited JSON events, plain or .gz; - is stdin.")],
    project: options.Project = "",
    only: Annotated[list[str] | None, typer.Option("--type", help="Only events of this type, as page.")] = None,
    json: options.Json = False,
) -> None:
    """Import files of events; what cannot be used is counted by its reason and kept in `rejected`."""
    for file in files:
        if str(file) != "-" and not file.is_file():
            raise UserMistake(f"there is no file {file}", field="FILE")
    report = options.wait_for(_import(files, project, frozenset(only or ()), quiet=json))
    if json:
        as_json(report)
    else:
        _show(report)


async def _import(files: list[Path], project: str, only: frozenset[str], *, quiet: bool) -> dict[str, Any]:
    from pipeline.cli.connection import connected

    begun = time.monotonic()
    lines = 0
    async with connected(options.settings(), "import", project=project, agents=True) as server:
        since = (await server.get("/api/v1/admin/progress"))["now"]
        with _progress(quiet) as shown:
            for file in files:
                task = shown.add_task(f"reading {file.name}", total=_size(file))
                for batch, count, position in batches(file, only):
                    await server.send(batch)
                    lines += count
                    shown.update(task, completed=position)
            task = shown.add_task("sessions, customers, journeys", total=None)
            progress = await server.caught_up(
                lambda lag: shown.update(task, description=f"sessions, customers, journeys: {sum(lag.values()):,} wait")
            )
        received = await server.get(f"{server.admin}/received", since=since, source="import")
    rejected = sum(received["rejected"].values())
    return {
        "project": server.project,
        "lines": lines,
        "accepted": received["accepted"],
        "rejected": received["rejected"],
        "duplicates": lines - received["accepted"] - rejected,
        "seconds": round(time.monotonic() - begun, 3),
        "data_until": progress["data_until"],
    }


def batches(file: Path, only: frozenset[str] = frozenset()) -> Iterator[tuple[bytes, int, int]]:
    """(lines, how many, position in the file as stored) of a file; `only` keeps events of these types.

    A line that is no event is passed on: the collector rejects it with a reason. Raises UserMistake for broken gzip.
    """
    with _opened(file) as (position, lines):
        batch, size = [], 0
        try:
            for line in lines:
                line = line.strip()
                if not line or (only and not _is_of(line, only)):
                    continue
                batch.append(line)
                size += len(line)
                if size >= BATCH_BYTES or len(batch) >= BATCH_LINES:
                    yield b"\n".join(batch), len(batch), position()
                    batch, size = [], 0
        except (OSError, EOFError, zlib.error) as error:
            raise UserMistake(f"{file} cannot be read to its end: {error}", field="FILE") from error
        if batch:
            yield b"\n".join(batch), len(batch), position()


@contextmanager
def _opened(file: Path) -> Iterator[tuple[Callable[[], int], Iterable[bytes]]]:
    """How to ask for the position in the file as stored, and its lines, unpacked where it is gzip."""
    with ExitStack() as stack:
        raw = sys.stdin.buffer if str(file) == "-" else stack.enter_context(file.open("rb"))
        buffered = cast(io.BufferedReader, raw)
        packed = buffered.peek(2)[:2] == GZIP
        lines: Iterable[bytes] = stack.enter_context(gzip.GzipFile(fileobj=buffered)) if packed else buffered
        yield (buffered.tell if buffered.seekable() else lambda: 0), lines


def _is_of(line: bytes, only: frozenset[str]) -> bool:
    try:
        return _type_of(line).type in only
    except msgspec.DecodeError:
        return True


def _size(file: Path) -> int | None:
    return None if str(file) == "-" else file.stat().st_size


def _progress(quiet: bool) -> Progress:
    return Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(),
        console=err, disable=quiet or not err.is_terminal, transient=True,
    )  # fmt: skip


def _show(report: dict[str, Any]) -> None:
    rejected = sum(report["rejected"].values())
    out.print(
        f"Project [bold]{report['project']}[/bold]: {report['lines']:,} lines in {report['seconds']:.1f} s: "
        f"{report['accepted']:,} accepted, {rejected:,} rejected, {report['duplicates']:,} duplicates."
    )
    if rejected:
        rows = sorted(report["rejected"].items(), key=lambda item: -item[1])
        table("Rejected (`wayfare ask rejected` shows them)", ("reason", "events"), rows, right=("events",))
