"""`wayfare backup` and `wayfare restore`: the embedded folder in one file, while it runs."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli import options
from pipeline.cli.output import as_json, err, out
from pipeline.errors import UserMistake


def backup(
    file: Annotated[Path, typer.Argument(help="File to write.")],
    json: options.Json = False,
) -> None:
    """Copy the embedded log and store into one file, also while `wayfare up` runs."""
    if file.exists():
        raise UserMistake(f"{file} exists: name another file", field="FILE")
    made = options.wait_for(_backup(file.absolute()))
    if json:
        as_json(made)
    else:
        out.print(f"{made['file']}: {made['bytes'] / 1e6:,.1f} MB.", soft_wrap=True)


async def _backup(file: Path) -> dict[str, Any]:
    from pipeline.cli.connection import connected

    async with connected(options.settings(), "backup") as server:
        with err.status("copying"):
            made: dict[str, Any] = await server.post("/api/v1/admin/backup", {"file": str(file)}, patience=None)
            return made


def restore(
    file: Annotated[Path, typer.Argument(help="File that `wayfare backup` wrote.")],
    json: options.Json = False,
) -> None:
    """Bring a copy back into an empty data folder. Nothing may run on it."""
    from pipeline.lock import FolderLock, Holder
    from pipeline.store import backup as copies

    if not file.is_file():
        raise UserMistake(f"there is no file {file}", field="FILE")
    settings = options.settings()
    with FolderLock(settings.folders, Holder(pid=0, command="restore")), err.status("restoring"):
        copies.restore(settings, file)
    if json:
        as_json({"file": str(file), "folders": [str(folder) for folder in settings.folders]})
    else:
        out.print(f"Restored into {', '.join(map(str, settings.folders))}.", soft_wrap=True)
