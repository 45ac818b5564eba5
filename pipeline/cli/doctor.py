"""`wayfare doctor`: what could go wrong here, and what to do about it."""

import typer

from pipeline.cli import options
from pipeline.cli.output import FAULT, as_json, out
from pipeline.errors import LogUnavailable, StoreRefused, StoreUnavailable, UserMistake
from pipeline.settings import variable
from pipeline.store.migrations import PENDING

SIGNS = {"ok": "[green]ok  [/green]", "warn": "[yellow]warn[/yellow]", "fail": "[bold red]fail[/bold red]"}


def doctor(json: options.Json = False) -> None:
    """Check log, store, clock, agents, disk and settings. Exit code 1 where something fails."""
    report = options.wait_for(_examine())
    if json:
        as_json(report)
    else:
        for check in report["checks"]:
            out.print(f"{SIGNS[check['state']]}  {check['name']:<12} ", end="")
            out.print(check["message"], markup=False)
            if check["advice"]:
                out.print(f"{'':<19}{check['advice']}", style="dim", markup=False)
    if any(check["state"] == "fail" for check in report["checks"]):
        raise typer.Exit(FAULT)


async def _examine() -> dict[str, list[dict[str, str]]]:
    """Every check; where log, store or tables cannot even be opened, that alone."""
    from pipeline.cli.connection import connected

    try:
        async with connected(options.settings(), "doctor") as server:
            report: dict[str, list[dict[str, str]]] = await server.get("/api/v1/admin/doctor")
            return report
    except (LogUnavailable, StoreUnavailable, StoreRefused) as error:
        part = "log" if isinstance(error, LogUnavailable) else "store"
        return _failed(part, error.message, f"is {variable(part)} right, and does it run?")
    except UserMistake as error:
        if error.code != PENDING:
            raise
        return _failed("tables", error.message, "")


def _failed(name: str, message: str, advice: str) -> dict[str, list[dict[str, str]]]:
    return {"checks": [{"name": name, "state": "fail", "message": message, "advice": advice}]}
