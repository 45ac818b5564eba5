"""`wayfare verify`: the pure core over the stored events, held against the stored facts."""

from typing import Annotated, Any

import typer

from pipeline.cli import options
from pipeline.cli.output import DIFFERENCE, as_json, err, out, table
from pipeline.errors import UserMistake

SHOWN, SHOWN_EVENTS = 20, 3


def verify(
    everything: Annotated[bool, typer.Option("--all", help="All events, not a sample.")] = False,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Devices to look at (100), and all that hangs together with them.")
    ] = None,
    customer: Annotated[
        str, typer.Option(help="Only this customer's devices: 16 hex digits, user:ID or email:ADDRESS.", metavar="ID")
    ] = "",
    repair: Annotated[
        bool, typer.Option("--repair", help="Have the agents make anew whatever differs, then look once more.")
    ] = False,
    project: options.Project = "",
    json: options.Json = False,
) -> None:
    """Recompute the facts from the events and report any difference. Exit code 3 where there is one."""
    if everything + bool(customer) + (sample is not None) > 1:
        raise UserMistake(
            "--all, --sample and --customer exclude each other", field="customer" if customer else "sample"
        )
    scope: dict[str, Any] = {"all": True} if everything else {"customer": customer} if customer else {}
    if sample is not None:
        scope = {"sample": sample}
    report = options.wait_for(_verify(project, scope, repair))
    if json:
        as_json(report)
    else:
        _show(report)
    if report["differences"]:
        raise typer.Exit(DIFFERENCE)


async def _verify(project: str, scope: dict[str, Any], repair: bool) -> Any:
    from pipeline.cli.connection import connected

    async with connected(options.settings(), "verify", project=project, agents=True) as server:
        with err.status("waiting for the agents") as status:
            await server.caught_up()
            status.update("recomputing")
            report = await server.post(f"{server.admin}/verify", scope | {"repair": repair}, patience=None)
            if not report["requests"]:
                return report
            status.update(f"the agents make {report['requests']:,} devices, customers and identifiers anew")
            await server.caught_up()
            status.update("recomputing once more")
            return await server.post(f"{server.admin}/verify", scope, patience=None)


def _show(report: dict[str, Any]) -> None:
    counted = f"{report['facts']:,} facts from {report['events']:,} events"
    if not report["differences"]:
        out.print(f"[green]No difference[/green]: {counted} of project {report['project']} are what they should be.")
        return
    found = "1 difference" if report["differences"] == 1 else f"{report['differences']:,} differences"
    out.print(f"[bold red]{found}[/bold red] in {counted}.")
    rows = [
        (each["table"], each["kind"], each["key"], _changes(each), _events(each)) for each in report["examples"][:SHOWN]
    ]
    table("", ("table", "is", "key", "stored -> expected", "events"), rows)


def _events(difference: dict[str, Any]) -> str:
    return ", ".join(f"{event['event']} {event['message_id']}" for event in difference["events"][:SHOWN_EVENTS])


def _changes(difference: dict[str, Any]) -> str:
    stored, expected = difference["stored"] or {}, difference["expected"] or {}
    if not stored or not expected:
        return ""
    return ", ".join(
        f"{name}: {stored[name]} -> {expected[name]}" for name in expected if stored.get(name) != expected[name]
    )
