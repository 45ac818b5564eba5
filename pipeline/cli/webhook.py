"""`wayfare webhook`: webhooks of one's own, by a mapping in TOML: try it, set it, list and delete."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from pipeline.cli import options
from pipeline.cli.output import as_json, out, table
from pipeline.errors import UserMistake

app = typer.Typer(help="Webhooks of one's own, by a mapping.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name in the address: /webhooks/NAME.")]
Mapping = Annotated[Path, typer.Argument(help="TOML file of the mapping.")]


@app.command("try")
def try_mapping(
    mapping: Mapping,
    payload: Annotated[Path, typer.Argument(help="File of what is posted.")],
    header: Annotated[list[str] | None, typer.Option(help="A header of the request, as 'X-Event: order'.")] = None,
    project: options.Project = "",
    json: options.Json = False,
) -> None:
    """Show which events a payload would become. Nothing is sent or stored."""
    from api.collect.senders import Sender
    from api.webhooks.mapped import vendor_of
    from api.webhooks.vendor import Posted
    from pipeline.cli.imports.judging import Judge
    from pipeline.cli.imports.plan import Planned
    from pipeline.cli.imports.preview import show, told
    from schemas.definitions import Project

    headers = dict(_named(each) for each in header or ())
    found = vendor_of(mapping.stem, _read(mapping, "MAPPING").decode("utf-8", "replace")).mapped(
        Posted(_read(payload, "PAYLOAD"), headers, 0)
    )
    planned = [Planned(number, (msgspec.json.encode(each),)) for number, each in enumerate(found.events, 1)]
    planned += [Planned(0, reason="unmapped", words=f"{each.words}: {_short(each.payload)}") for each in found.unmapped]
    of = project or options.settings().project
    show(told(planned, Judge(Project(of), Sender(of, "webhook", "vendor"))), machine=json)


@app.command("set")
def set_webhook(name: Name, mapping: Mapping, project: options.Project = "", json: options.Json = False) -> None:
    """Set the mapping of /webhooks/NAME. Senders need a key of a source of kind vendor."""
    body = {"mapping": _read(mapping, "MAPPING").decode("utf-8", "replace")}
    done = options.wait_for(_call("PUT", project, f"/{name}", body))
    if json:
        as_json(done)
        return
    out.print(f"[bold]{done['route']}[/bold] takes requests, by version {done['version']} of its mapping.")


@app.command("list")
def list_webhooks(project: options.Project = "", json: options.Json = False) -> None:
    """List the project's own webhooks."""
    found = options.wait_for(_call("GET", project, ""))
    if json:
        as_json(found)
        return
    table("Webhooks", ("name", "route", "version"), [(w["name"], w["route"], w["version"]) for w in found["webhooks"]])


@app.command("delete")
def delete(name: Name, project: options.Project = "") -> None:
    """Take a webhook back: requests to it are refused within some seconds."""
    options.wait_for(_call("DELETE", project, f"/{name}"))
    out.print(f"/webhooks/{name} is gone.")


def _named(header: str) -> tuple[str, str]:
    name, mark, value = header.partition(":")
    if not mark:
        raise UserMistake(f"{header!r} is no header: 'X-Event: order' is one", field="header")
    return name.strip().lower(), value.strip()


def _short(payload: Any) -> str:
    """Which record it is, as far as a line holds it."""
    text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else msgspec.json.encode(payload).decode()
    return text if len(text) <= 120 else f"{text[:120]}..."


def _read(file: Path, field: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserMistake(f"{file} cannot be read: {error.strerror}", field=field) from error


async def _call(method: str, project: str, path: str, body: dict[str, Any] | None = None) -> Any:
    from pipeline.cli.connection import connected

    async with connected(options.settings(), "webhook", project=project) as server:
        whole = f"{server.admin}/webhooks{path}"
        if method == "PUT":
            return await server.put(whole, body)
        return await (server.delete(whole) if method == "DELETE" else server.get(whole))
