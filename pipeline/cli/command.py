"""The command line put together: every command, and how each kind of error ends."""

import os
from importlib.metadata import version
from typing import Annotated

import typer

from pipeline.cli import (
    ask,
    backup,
    bi,
    costs,
    doctor,
    identity,
    importing,
    keys,
    link,
    migrate,
    projects,
    replay,
    saved,
    serve,
    tail,
    up,
    verify,
    webhook,
)
from pipeline.cli import settings as settings_command
from pipeline.cli.output import FAULT, INTERRUPTED, complain, err, out
from pipeline.errors import WayfareError
from pipeline.settings import CONFIG

app = typer.Typer(
    name="wayfare",
    help="Customer journeys, sessions and funnels, while they happen.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("up")(up.up)
app.command("serve")(serve.serve)
app.command("worker", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(serve.worker)
app.command("migrate")(migrate.migrate)
app.command("import")(importing.import_files)
app.command("costs")(costs.costs)
app.command("ask")(ask.ask)
app.command("tail")(tail.tail)
app.command("verify")(verify.verify)
app.command("replay")(replay.replay)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.add_typer(projects.app, name="project")
app.add_typer(keys.app, name="key")
app.add_typer(saved.goal, name="goal")
app.add_typer(saved.funnel, name="funnel")
app.add_typer(saved.segment, name="segment")
app.add_typer(link.app, name="link")
app.add_typer(identity.app, name="identity")
app.add_typer(bi.app, name="bi")
app.add_typer(webhook.app, name="webhook")
app.command("doctor")(doctor.doctor)
app.command("settings")(settings_command.settings)


def _version(asked: bool) -> None:
    if asked:
        out.print(f"wayfare {version('wayfare')}")
        raise typer.Exit


@app.callback()
def _options(
    config: Annotated[str, typer.Option(help="TOML file of settings.", metavar="FILE")] = "",
    asked: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    if config:
        os.environ[CONFIG] = os.path.abspath(config)


def run(arguments: list[str]) -> int:
    """Runs one command line; the exit code: 0 fine, 1 a fault, 2 the user's mistake, 3 a difference found."""
    try:
        app(arguments, prog_name="wayfare")
    except WayfareError as error:
        return complain(error, machine="--json" in arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output (head, less) has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return FAULT
    except SystemExit as end:
        if isinstance(end.code, str):
            err.print(end.code)
            return FAULT
        return end.code or 0
    return 0
