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

Origin = Annotated[
    list[str] | None, typer.Option("--origin", help="Page that may send, as https://shop.example; '' = any. Several.")
]
Consent = Annotated[str | None, typer.Option(help="What counts where an event tells none: assumed or required.")]
Cookieless = Annotated[bool | None, typer.Option(help="Without consent take events, under an id of the day.")]
Purpose = Annotated[str | None, typer.Option(help="Purpose of a consent that decides.")]
Gpc = Annotated[bool | None, typer.Option("--gpc/--no-gpc", help="A browser's Sec-GPC counts as a refusal.")]
Dnt = Annotated[bool | None, typer.Option("--dnt/--no-dnt", help="A browser's DNT counts as a refusal.")]
Prefix = Annotated[bool | None, typer.Option("--ip-prefix/--no-ip-prefix", help="Keep the first part of addresses.")]
Redact = Annotated[bool | None, typer.Option("--redact-emails/--keep-emails", help="Keep no e-mail in clear.")]
Parameter = Annotated[
    list[str] | None, typer.Option("--url-parameter", help="Kept in addresses beside the known; * = all. Several.")
]
Allowed = Annotated[list[str] | None, typer.Option("--allow-property", help="Keep no others; '' = all. Several.")]
Dropped = Annotated[list[str] | None, typer.Option("--drop-property", help="Keep it not; '' = none. Several.")]
Hashed = Annotated[list[str] | None, typer.Option("--hash-property", help="Keep its hash; '' = none. Several.")]


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
    origin: Origin = None,
    consent: Consent = None,
    cookieless: Cookieless = None,
    purpose: Purpose = None,
    gpc: Gpc = None,
    dnt: Dnt = None,
    ip_prefix: Prefix = None,
    redact_emails: Redact = None,
    url_parameter: Parameter = None,
    allow_property: Allowed = None,
    drop_property: Dropped = None,
    hash_property: Hashed = None,
    json: options.Json = False,
) -> None:
    """Change what is named and keep the rest. Returns when sessions that were there are as the new rules say."""
    changes = _changes(zone, currency, gap, midnight, campaign, sender_sessions, own_domain, lateness_days)
    privacy = {
        "consent": consent,
        "cookieless": cookieless,
        "purpose": purpose,
        "honour_gpc": gpc,
        "honour_dnt": dnt,
        "keep_ip_prefix": ip_prefix,
        "redact_emails": redact_emails,
        "url_parameters": _names(url_parameter),
        "allowed_properties": _names(allow_property),
        "dropped_properties": _names(drop_property),
        "hashed_properties": _names(hash_property),
    }
    named = {name: value for name, value in privacy.items() if value is not None}
    if named:
        changes["privacy"] = named
    if origin:
        changes["origins"] = _names(origin)
    if not changes:
        raise UserMistake("name something to change; `wayfare project set --help` lists what there is")
    _show(options.wait_for(_change(name, changes)), json, "changed")


def _names(given: list[str] | None) -> list[str] | None:
    """What was named; an empty name among it takes all off."""
    return None if not given else [] if "" in given else given


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
