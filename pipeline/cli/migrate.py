"""`wayfare migrate`: brings the tables to a version, the newest where none is named."""

from typing import Annotated

import typer

from pipeline.cli import options
from pipeline.cli.output import as_json, out
from pipeline.errors import UserMistake
from pipeline.settings import Settings


def migrate(
    to: Annotated[int | None, typer.Option(min=0, help="Version to go to. Default: the newest.")] = None,
    down: Annotated[
        bool, typer.Option("--down", help="Allow to go back: tables, and what is in them, are dropped.")
    ] = False,
    partitions: Annotated[
        int | None,
        typer.Option(min=1, help="Cut the log anew: the next generation of its topics, with so many partitions."),
    ] = None,
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
        generation = _cut_anew(settings, partitions) if partitions is not None else None
    if json:
        told = {"from": before.current, "to": after.current, "done": [change._asdict() for change in done]}
        as_json(told | {"generation": generation})
        return
    for change in done:
        out.print(f"{change.direction:>4}  {change.number:04} {change.name}")
    out.print(f"The tables are at version {after.current} of {after.latest}.")
    if generation is not None:
        out.print(f"Generation {generation} of the topics has {partitions} partitions. Now set")
        out.print(
            f"WAYFARE_PARTITIONS={partitions} and restart what collects. Agents read the older topics to their end."
        )


def _cut_anew(settings: Settings, partitions: int) -> int:
    """The number of the new generation. Of an embedded log only where all is worked off: it has no other reader."""
    from pipeline.log import open_log

    log = open_log(settings.log, group=settings.group, prefix=settings.topic_prefix, replication=settings.replication)
    try:
        if settings.log.startswith("sqlite:") and any(log.lag().values()):
            told = "records wait in the log: let `wayfare up` work them off with the old partitions first"
            raise UserMistake(told, field="partitions", code="not_drained")
        return log.next_generation(partitions)
    finally:
        log.close()
