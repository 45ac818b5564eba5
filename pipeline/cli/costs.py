"""`wayfare costs`: what advertising cost, from the files that the networks export."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from pipeline.cli import options
from pipeline.cli.output import as_json, out, table
from pipeline.cli.strokes import money
from pipeline.errors import UserMistake
from pipeline.ingest.costs.networks import NETWORKS
from pipeline.ingest.costs.reading import Cost, Costs, Said

MOST_SHOWN = 20
AT_ONCE = 2_000  # rows in a request


def costs(
    files: Annotated[list[Path], typer.Argument(help="CSV as exported, a row for each day and campaign, or finer.")],
    network: Annotated[str, typer.Option(help=f"{', '.join(NETWORKS)}. Default: by the columns.")] = "",
    source: Annotated[str, typer.Option(help="utm_source of the visits. Default: the network's, as google.")] = "",
    medium: Annotated[str, typer.Option(help="utm_medium of the visits. Default: the network's, as cpc.")] = "",
    currency: Annotated[str, typer.Option(help="Currency, where the file names none: EUR.")] = "",
    account: Annotated[str, typer.Option(help="The network's account, where the file names none.")] = "",
    decimal: Annotated[str, typer.Option(help="Decimal mark: . or ,; left out: as the file's numbers look.")] = "",
    dates: Annotated[str, typer.Option(help="How days are written, by the signs of strptime: %d.%m.%Y")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be stored.")] = False,
    take_back: Annotated[bool, typer.Option("--take-back", help="Take back what these files brought.")] = False,
    project: options.Project = "",
    json: options.Json = False,
) -> None:
    """Import costs of advertising. A day and campaign that comes again replaces what was there."""
    if network and network not in NETWORKS:
        raise UserMistake(f"{network!r} is none of {', '.join(NETWORKS)}", field="network")
    if decimal not in ("", ".", ","):
        raise UserMistake("the decimal mark is . or ,", field="decimal")
    found, wrong = _read(files, network, Said(source, medium, currency, account, decimal, dates))
    if wrong and not json:
        table("Not used", ("line", "why"), [(each["line"], each["words"]) for each in wrong[:MOST_SHOWN]])
    if not dry_run:
        options.wait_for(_send(project, list(found.by_key.values()), is_taken_back=take_back))
    report = _report(found, wrong, is_stored=not dry_run)
    if json:
        as_json(report)
        return
    done = "would be stored" if dry_run else "taken back" if take_back else "stored"
    out.print(f"{report['stored']:,} days of campaigns {done}, of {report['rows']:,} rows; {len(wrong):,} not used.")
    rows = [
        (one["network"], one["days"], one["clicks"], money(one["cost_micros"], one["currency"]))
        for one in report["sums"]
    ]
    table("Costs", ("network", "days", "clicks", "cost"), rows, right=("days", "clicks", "cost"))


def _read(files: list[Path], network: str, said: Said) -> tuple[Costs, list[dict[str, str]]]:
    from pipeline.cli.imports.tables import table_of

    found, wrong = Costs(), []
    for file in files:
        columns, rows = table_of(file, network)
        before = len(found.wrong)
        found.add(columns, rows, said)
        wrong += [{"line": f"{file.name}:{each.line}", "words": each.words} for each in found.wrong[before:]]
    return found, wrong


def _report(found: Costs, wrong: list[dict[str, str]], *, is_stored: bool) -> dict[str, Any]:
    sums: dict[tuple[str, str], Counter[str]] = {}
    days: dict[tuple[str, str], set[str]] = {}
    for one in found.by_key.values():
        place = one.network, one.currency
        sums.setdefault(place, Counter()).update(
            impressions=one.impressions, clicks=one.clicks, cost_micros=one.cost_micros
        )
        days.setdefault(place, set()).add(one.day)
    return {
        "rows": found.rows,
        "stored": len(found.by_key),
        "is_stored": is_stored,
        "sums_left_out": found.totals,
        "not_used": wrong,
        "sums": [
            {"network": network, "currency": currency, "days": len(days[network, currency]), **counts}
            for (network, currency), counts in sorted(sums.items())
        ],
    }


async def _send(project: str, rows: list[Cost], *, is_taken_back: bool) -> None:
    from pipeline.cli.connection import connected

    async with connected(options.settings(), "costs", project=project) as server:
        for start in range(0, len(rows), AT_ONCE):
            told = msgspec.to_builtins(rows[start : start + AT_ONCE])
            await server.put(f"{server.admin}/costs", {"rows": told, "is_taken_back": is_taken_back})
