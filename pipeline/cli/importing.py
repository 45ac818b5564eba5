"""`wayfare import`: files of events into the log, then wait until the agents have caught up."""

from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from pipeline.cli import options
from pipeline.cli.imports.files import FORMS, Form, form_of
from pipeline.cli.imports.plan import Plan
from pipeline.cli.output import as_json, out, table
from pipeline.errors import UserMistake
from pipeline.ingest.exports.exports import EXPORTS
from pipeline.ingest.mapping.mapping import Csv, EventMapping, mapping

STDIN = "-"


def import_files(
    files: Annotated[
        list[Path], typer.Argument(help="Files of NDJSON, CSV (plain, .gz, .zst, .xz, .bz2) or Parquet; - is stdin.")
    ],
    project: options.Project = "",
    only: Annotated[list[str] | None, typer.Option("--type", help="Only events of this type, as page.")] = None,
    form: Annotated[str, typer.Option("--format", help=f"{', '.join(FORMS)}. Default: by the file's name.")] = "",
    mapping_file: Annotated[
        Path | None, typer.Option("--mapping", help="TOML file that says which event a record becomes.")
    ] = None,
    export: Annotated[str, typer.Option("--from", help=f"Export of another tracker: {', '.join(EXPORTS)}.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what the first records would become.")] = False,
    rows: Annotated[int, typer.Option(min=1, max=1000, help="dry run: how many records of each file.")] = 5,
    restart: Annotated[bool, typer.Option("--restart", help="Begin anew where an earlier run was killed.")] = False,
    json: options.Json = False,
) -> None:
    """Import files of events. What cannot be used is counted by its reason, with its lines, and kept in `rejected`."""
    for file in files:
        if str(file) != STDIN and not file.is_file():
            raise UserMistake(f"there is no file {file}", field="FILE")
    planned = [(file, _plan(file, form, export, mapping_file, frozenset(only or ()))) for file in files]
    if dry_run:
        from pipeline.cli.imports.preview import previewed, show

        for file, plan in planned:
            show(previewed(file, plan, rows, project or options.settings().project), machine=json)
        return
    report = options.wait_for(_import(planned, project, restart=restart, quiet=json))
    if json:
        as_json(report)
    else:
        _show(report)


def _plan(file: Path, form: str, export: str, mapping_file: Path | None, only: frozenset[str]) -> Plan:
    """Raises UserMistake naming the option that is wrong."""
    if export and mapping_file:
        raise UserMistake("--from says what records become, and so does --mapping: give one of them", field="from")
    if export and export not in EXPORTS:
        raise UserMistake(f"there is no export {export!r}; there are {', '.join(EXPORTS)}", field="from")
    if form and form not in FORMS:
        raise UserMistake(f"{form!r} is none of {', '.join(FORMS)}", field="format")
    asked: Form = next((each for each in FORMS if each == form), form_of(file))
    known, (by, text) = EXPORTS.get(export), _mapping(mapping_file)
    if known is not None and asked not in known.forms:
        asked = known.forms[0]
    if asked == "csv" and by is None and known is None:
        raise UserMistake("rows of CSV are no events yet: say by --mapping or --from what they become", field="mapping")
    if asked == "parquet" and str(file) == STDIN:
        raise UserMistake("Parquet is read from its end, so it cannot come by stdin", field="FILE")
    how = by.csv if by is not None else Csv()
    if how == Csv() and ".tsv" in file.suffixes:
        how = msgspec.structs.replace(how, delimiter="\t")
    mark = sha256("\0".join((asked, export, text, *sorted(only))).encode()).hexdigest()
    return Plan(asked, known, by, only, how, mark)


def _mapping(file: Path | None) -> tuple[EventMapping | None, str]:
    if file is None:
        return None, ""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserMistake(f"the mapping {file} cannot be read: {error}", field="mapping") from error
    return mapping(text), text


async def _import(files: list[tuple[Path, Plan]], project: str, *, restart: bool, quiet: bool) -> dict[str, Any]:
    from pipeline.cli.connection import connected
    from pipeline.cli.imports.run import run

    async with connected(options.settings(), "import", project=project, agents=True) as server:
        return await run(server, files, restart=restart, quiet=quiet)


def _show(report: dict[str, Any]) -> None:
    rejected, not_sent = sum(report["rejected"].values()), sum(report["not_sent"].values())
    out.print(
        f"Project [bold]{report['project']}[/bold]: {report['lines']:,} lines in {report['seconds']:.1f} s: "
        f"{report['accepted']:,} accepted, {rejected:,} rejected, {report['duplicates']:,} duplicates"
        + (f", {not_sent:,} not sent." if not_sent else ".")
    )
    if report["lines_before"]:
        out.print(f"It went on behind line {report['lines_before']:,}, where an earlier run was ended.")
    where: dict[str, list[str]] = {}
    for each in report["where"]:
        where.setdefault(each["reason"], []).append(f"{each['file']}:{each['line']}")
    for title, counts in (
        ("Rejected (`wayfare ask rejected` shows them)", report["rejected"]),
        ("Not sent", report["not_sent"]),
    ):
        rows = [
            (reason, count, ", ".join(where.get(reason, [])[:5]))
            for reason, count in sorted(counts.items(), key=lambda item: -item[1])
        ]
        if rows:
            table(title, ("reason", "events", "lines"), rows, right=("events",))
