"""`wayfare migrate`: brings the tables to a version, the newest where none is named."""

from typing import Annotated

import typer

from pipeline.cli import options
from pipeline.cli.output import as_json, out
from pipeline.errors import UserMistake


def migrate(
    to: Annotated[int | None, typer.Option(min=0, help="Version to go to. Default: the newest.")] = None,
    down: Annotated[
        bool, typer.Option("--down", help="Allow to go back: tables, and what is in them, are dropped.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Create or change the tables. `up` does this by itself; a ClickHouse server needs it once for each new version."""
    from pipeline.lock import FolderLock, Holder
    from pipeline.store import migrations, open_store

    settings = options.settings()
    with FolderLock(settings.folders, Holder(pid=0, command="migrate")):
        store = open_store(settings.store)
        try:
            before = migrations.status(store)
            if to is not None and to < before.current and not down:
                raise UserMistake(f"version {to} is older than {before.current}: say --down, and what is newer is lost")
            done = migrations.migrate(store, to)
            after = migrations.status(store)
        finally:
            store.close()
    if json:
        as_json({"from": before.current, "to": after.current, "done": [change._asdict() for change in done]})
        return
    for change in done:
        out.print(f"{change.direction:>4}  {change.number:04} {change.name}")
    out.print(f"The tables are at version {after.current} of {after.latest}.")
