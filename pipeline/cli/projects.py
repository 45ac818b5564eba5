"""`wayfare project`: create, list and change projects."""

from typing import Annotated, Any

import typer

from pipeline.cli import options
from pipeline.cli.output import as_json, err, out, pairs, table
from pipeline.errors import UserMistake

RESTITCHING = {"zone", "currency", "sessions"}  # a change of these changes facts that are there already

app = typer.Typer(help="Projects: everything belongs to one.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Lower-case letters, digits, - and _.")]
Zone = Annotated[str | None, typer.Option(help="Time zone of days and weeks, as Europe/Berlin.")]
Currency = Annotated[str | None, typer.Option(help="ISO code of the currency that values are summed in.")]
Gap = Annotated[int | None, typer.Option("--gap-minutes", min=1, help="Silence after which a new session begins.")]
Midnight = Annotated[bool | None, typer.Option(help="Cut sessions at midnight in the project's zone.")]
Campaign = Annotated[bool | None, typer.Option(help="Cut sessions at a change of campaign.")]
Sender = Annotated[bool | None, typer.Option(help="Take the sender's own session ids in the gap's place.")]
Domain = Annotated[list[str] | None, typer.Option("--own-domain", help="Never a referrer. May be given several times.")]
Lateness = Annotated[int | None, typer.Option("--lateness-days", min=0, help="Reject events that are older; 0: none.")]


@app.command("list")
def list_projects(json: options.Json = False) -> None:
    """List all projects."""
    found = options.wait_for(_call("GET", ""))
    if json:
        as_json(found)
        return
    rows = [(p["name"], p["zone"], p["currency"], p["sessions"]["gap_ms"] // 60_000) for p in found["projects"]]
    table("Projects", ("name", "zone", "currency", "gap, min"), rows, right=("gap, min",))


@app.command("create")
def create(
    name: Name,
    zone: Zone = None,
    currency: Currency = None,
    gap: Gap = None,
    midnight: Midnight = None,
    campaign: Campaign = None,
    sender_sessions: Sender = None,
    own_domain: Domain = None,
    lateness_days: Lateness = None,
    json: options.Json = False,
) -> None:
    """Create a project."""
    body = {"name": name} | _changes(
        zone, currency, gap, midnight, campaign, sender_sessions, own_domain, lateness_days
    )
    _show(options.wait_for(_call("POST", "", body)), json, "created")


@app.command("set")
def change(
    name: Name,
    zone: Zone = None,
    currency: Currency = None,
    gap: Gap = None,
    midnight: Midnight = None,
    campaign: Campaign = None,
    sender_sessions: Sender = None,
    own_domain: Domain = None,
    lateness_days: Lateness = None,
    json: options.Json = False,
) -> None:
    """Change what is named and keep the rest. Returns when sessions that were there are as the new rules say."""
    changes = _changes(zone, currency, gap, midnight, campaign, sender_sessions, own_domain, lateness_days)
    if not changes:
        raise UserMistake("name something to change; `wayfare project set --help` lists what there is")
    _show(options.wait_for(_change(name, changes)), json, "changed")


def _changes(
    zone: str | None,
    currency: str | None,
    gap: int | None,
    midnight: bool | None,
    campaign: bool | None,
    sender_sessions: bool | None,
    own_domain: list[str] | None,
    lateness_days: int | None,
) -> dict[str, Any]:
    sessions = {
        "gap_ms": None if gap is None else gap * 60_000,
        "midnight": midnight,
        "campaign": campaign,
        "sender_sessions": sender_sessions,
    }
    whole = {
        "zone": zone,
        "currency": currency,
        "own_domains": own_domain or None,
        "sessions": {name: value for name, value in sessions.items() if value is not None} or None,
    }
    changes: dict[str, Any] = {name: value for name, value in whole.items() if value is not None}
    if lateness_days is not None:
        changes["lateness_ms"] = lateness_days * 86_400_000 or None
    return changes


async def _call(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    from pipeline.cli.connection import connected

    path = f"/api/v1/admin/projects{path}"
    async with connected(options.settings(), "project") as server:
        return await (server.get(path) if method == "GET" else server.post(path, body))


async def _change(name: str, changes: dict[str, Any]) -> Any:
    from pipeline.cli.connection import connected

    restitches = bool(RESTITCHING & set(changes))
    async with connected(options.settings(), "project", agents=restitches) as server:
        changed = await server.put(f"/api/v1/admin/projects/{name}", changes)
        if restitches:
            with err.status("changed; now what was there before is stitched anew"):
                await server.caught_up()
        return changed


def _show(project: dict[str, Any], json: bool, done: str) -> None:
    if json:
        as_json(project)
        return
    out.print(f"Project [bold]{project['name']}[/bold] {done}.")
    pairs("", [(name, value) for name, value in project.items() if name != "name"])
