"""`wayfare bi`: how BI tools get in."""

from typing import Annotated
from urllib.parse import urlsplit

import typer

from pipeline.cli import options
from pipeline.cli.output import as_json, out
from pipeline.errors import UserMistake
from pipeline.settings import Settings

app = typer.Typer(help="BI tools: a user of ClickHouse that may read the views.", no_args_is_help=True)

PASSWORD = "CHOOSE_A_PASSWORD"  # noqa: S105 - to be replaced by who runs the statements


@app.command("user")
def user(
    name: Annotated[str, typer.Option(help="Name of the user. Default: bi, or bi_PROJECT.")] = "",
    project: Annotated[str, typer.Option(help="The only project whose rows the user sees. Default: all.")] = "",
    seconds: Annotated[int, typer.Option(min=1, help="Most seconds of a statement.")] = 60,
    memory_bytes: Annotated[int, typer.Option(min=1_000_000, help="Most memory of a statement.")] = 2_000_000_000,
    rows: Annotated[int, typer.Option(min=1, help="Most rows of an answer.")] = 1_000_000,
    json: options.Json = False,
) -> None:
    """Print the statements that make a read-only user on a ClickHouse server. Run them as one who may make users."""
    settings = options.settings()
    if settings.store.startswith("chdb:"):
        raise UserMistake(
            "the embedded store has no users: BI tools read at /bi/ with a key, `wayfare key create NAME --kind bi`",
            field="store",
        )
    told = statements(
        name or (f"bi_{project}" if project else "bi"), views_of(settings), project, seconds, memory_bytes, rows
    )
    if json:
        as_json({"statements": told})
        return
    for statement in told:
        out.print(f"{statement};", soft_wrap=True, highlight=False, markup=False)


def views_of(settings: Settings) -> str:
    """The database of the views: as `pipeline/store/statements/bi_database.sql` has it."""
    database = urlsplit(settings.store).path[1:] or "default"
    return "bi" if database == "default" else f"bi_{database}"


def statements(name: str, database: str, project: str, seconds: int, memory_bytes: int, rows: int) -> list[str]:
    """What makes the user: limits that he cannot lift, SELECT on the views, and of one project alone where it is named.

    `changeable_in_readonly` lets tools that send a limit of their own lower it; MIN, as 0 would be none. Run again they
    give the user the limits and the project of now; the password stays.
    """
    user, views = _quoted(name), _quoted(database)
    told = [
        f"CREATE SETTINGS PROFILE OR REPLACE {user} SETTINGS readonly = 1,"
        f" max_execution_time = {seconds} MIN 1 MAX {seconds} CHANGEABLE_IN_READONLY,"
        f" max_memory_usage = {memory_bytes} CONST, max_result_rows = {rows} MIN 1 MAX {rows} CHANGEABLE_IN_READONLY,"
        " result_overflow_mode = 'throw' CONST",
        f"CREATE USER IF NOT EXISTS {user} IDENTIFIED WITH sha256_password BY '{PASSWORD}'"
        f" DEFAULT DATABASE {views} SETTINGS PROFILE {user}",
        f"GRANT SELECT ON {views}.* TO {user}",
    ]
    if project:
        text = project.replace("\\", "\\\\").replace("'", "\\'")
        told.append(f"CREATE ROW POLICY OR REPLACE {user} ON {views}.* USING project = '{text}' TO {user}")
    return told


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"
