"""`wayfare key`: write keys for senders, read keys for questions, admin keys, bi keys for BI tools."""

from typing import Annotated, Any

import typer

from pipeline.cli import options
from pipeline.cli.output import as_json, out, table
from pipeline.lock import holder_of

app = typer.Typer(help="Keys: who may send, ask and administer.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the key; for a write key also of its source, unless --source says.")]


@app.command("list")
def list_keys(project: options.Project = "", json: options.Json = False) -> None:
    """List the keys of a project. The keys themselves are not stored."""
    found = options.wait_for(_call("GET", project, ""))
    if json:
        as_json(found)
        return
    rows = [(k["name"], k["kind"], k["source"], k["source_kind"], k["revoked"]) for k in found["keys"]]
    table("Keys", ("name", "kind", "source", "kind of source", "revoked"), rows)


@app.command("create")
def create(
    name: Name,
    kind: Annotated[str, typer.Option(help="write, read, admin or bi.")] = "write",
    source: Annotated[str, typer.Option(help="Name of the site, app, server or vendor that sends with it.")] = "",
    source_kind: Annotated[str, typer.Option(help="browser, app, server, vendor or import.")] = "browser",
    origin: Annotated[
        list[str] | None, typer.Option(help="Page that may send with it, as https://shop.example. Several.")
    ] = None,
    project: options.Project = "",
    json: options.Json = False,
) -> None:
    """Create a key and show it, once."""
    body: dict[str, Any] = {"name": name, "kind": kind, "source": source or name, "source_kind": source_kind}
    if origin:
        body["origins"] = origin
    made = options.wait_for(_call("POST", project, "", body))
    if json:
        as_json(made)
        return
    out.print(f"{made['kind']} key [bold]{name}[/bold] of project {made['project']}; it is shown this once:")
    out.print(f"  [bold]{made['key']}[/bold]", soft_wrap=True)
    if kind == "write" and source_kind == "browser":
        from api.snippet import line

        out.print("A site sends with one line in its HTML:")
        out.print(f"  {line(running_url(), made['key'])}", soft_wrap=True, highlight=False, markup=False)


@app.command("secret")
def secret(
    name: Name,
    value: Annotated[
        str,
        typer.Option(
            "--value",
            prompt="Signing secret (empty takes it off)",
            prompt_required=True,
            hide_input=True,
            help="What the vendor signs with; asked for where it is not given.",
        ),
    ] = "",
    project: options.Project = "",
    json: options.Json = False,
) -> None:
    """Set what a vendor signs its webhooks with; from then on they must be signed."""
    done = options.wait_for(_call("PUT", project, f"/{name}/secret", {"signing_secret": value}))
    if json:
        as_json(done)
        return
    state = "must be signed" if done["is_signed"] else "need not be signed"
    out.print(f"Webhooks with key [bold]{name}[/bold] {state}.")


@app.command("alias")
def alias(
    name: Name,
    aliases: Annotated[
        list[str] | None, typer.Argument(help="What other trackers' clients call the site: matomo:1 plausible:shop.com")
    ] = None,
    project: options.Project = "",
    json: options.Json = False,
) -> None:
    """Set under which other names other trackers' clients send with a key; none takes them off."""
    done = options.wait_for(_call("PUT", project, f"/{name}/aliases", {"aliases": aliases or []}))
    if json:
        as_json(done)
        return
    told = ", ".join(done["aliases"]) or "no other name"
    out.print(f"Key [bold]{name}[/bold] also answers to: {told}.", highlight=False)


@app.command("revoke")
def revoke(name: Name, project: options.Project = "", json: options.Json = False) -> None:
    """Revoke a key: collectors refuse it within some seconds."""
    gone = options.wait_for(_call("DELETE", project, f"/{name}"))
    if json:
        as_json(gone)
        return
    out.print(f"Key [bold]{name}[/bold] is revoked.")


def running_url() -> str:
    """Where the running server listens; with none running, where it will."""
    settings = options.settings()
    holder = holder_of(settings.folders)
    return holder.url if holder is not None and holder.url else f"http://{settings.host}:{settings.port}"


async def _call(method: str, project: str, path: str, body: dict[str, Any] | None = None) -> Any:
    from pipeline.cli.connection import connected

    async with connected(options.settings(), "key", project=project) as server:
        whole = f"{server.admin}/keys{path}"
        if method == "GET":
            return await server.get(whole)
        if method == "DELETE":
            return await server.delete(whole)
        return await (server.put(whole, body) if method == "PUT" else server.post(whole, body))
