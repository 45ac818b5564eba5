"""`wayfare goal`, `wayfare funnel` and `wayfare segment`: what is saved under a name and asked for by it."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer
from rich.progress import Progress

from pipeline.cli import options
from pipeline.cli.output import as_json, err, out, pairs, table, written
from pipeline.cli.phrases import filter_of, names_in, read_json, step_of
from pipeline.cli.strokes import moment
from pipeline.errors import UserMistake

if TYPE_CHECKING:
    from pipeline.cli.connection import Connection

Name = Annotated[str, typer.Argument(help="What it is asked for by.")]
Definition = Annotated[str, typer.Option(help="The whole as JSON, as the API takes it; - reads it.", metavar="JSON")]
Where = Annotated[
    list[str] | None, typer.Option(help="name=value of the event; also != > >= < <= ~ !~. Several: all must hold.")
]
Wait = Annotated[bool, typer.Option(help="Return when history is as the definition says, or at once.")]

goal = typer.Typer(help="Goals: what counts as a conversion.", no_args_is_help=True)
funnel = typer.Typer(help="Saved funnels: steps under a name.", no_args_is_help=True)
segment = typer.Typer(help="Saved segments: customers of whom conditions hold.", no_args_is_help=True)


@goal.command("save")
def save_goal(
    name: Name,
    events: Annotated[str, typer.Option(help="Names of events, any of which meets it, with commas.")] = "",
    where: Where = None,
    kind: Annotated[str, typer.Option(help="lead, micro or macro.")] = "",
    value: Annotated[float | None, typer.Option(help="A fixed value, instead of the event's.")] = None,
    currency: Annotated[str, typer.Option(help="ISO code, where the event has none.")] = "",
    definition: Definition = "",
    wait: Wait = True,
    project: options.Project = "",
    json: options.Json = False,
) -> None:
    """Save a goal, or change it: `wayfare goal save purchase --events "Order Completed"`."""
    given = {"events": names_in(events), "where": _filters(where), "kind": kind, "value": value, "currency": currency}
    _save("goal", name, definition, given, wait, project, json)


@funnel.command("save")
def save_funnel(
    name: Name,
    steps: Annotated[str, typer.Option(help="Names of events, or goal:NAME, in order, with commas.")] = "",
    where: Where = None,
    window: Annotated[str, typer.Option(help="Time for all steps, as 7d, or session.")] = "",
    order: Annotated[str, typer.Option(help="ordered, strict or any.")] = "",
    breakdown: Annotated[str, typer.Option(help="A property, or $channel ...; up to three, with commas.")] = "",
    definition: Definition = "",
    wait: Wait = True,
    project: options.Project = "",
    json: options.Json = False,
) -> None:
    """Save a funnel, or change it: `wayfare funnel save checkout --steps "Product Added,goal:purchase"`."""
    if where and not steps:
        raise UserMistake("filters are for the steps of --steps", field="where")
    given = {
        "steps": [step_of(one) | {"where": _filters(where)} for one in names_in(steps)],
        "window": int(window) if window.isdecimal() else window,
        "order": order,
        "breakdown": names_in(breakdown),
    }
    _save("funnel", name, definition, given, wait, project, json)


@segment.command("save")
def save_segment(name: Name, definition: Definition, project: options.Project = "", json: options.Json = False) -> None:
    """Save a segment, or change it."""
    _save("segment", name, definition, {}, False, project, json)


def _filters(where: list[str] | None) -> list[dict[str, Any]]:
    return [filter_of(each) for each in where or ()]


def _save(kind: str, name: str, definition: str, given: dict[str, Any], wait: bool, project: str, json: bool) -> None:
    body = read_json(definition, "definition") if definition else {}
    body |= {key: one for key, one in given.items() if one not in ("", [], None)}
    if not body:
        raise UserMistake(f"say what the {kind} is: by options, or whole with --definition", field="definition")
    saved = options.wait_for(_changed("PUT", kind, name, "", body, wait, project))
    if json:
        as_json(saved)
        return
    out.print(f"{kind.capitalize()} [bold]{name}[/bold] is saved, version {saved['version']}.", highlight=False)


def _listed(kind: str, app: typer.Typer) -> None:
    """The commands that every kind has."""

    def list_all(project: options.Project = "", json: options.Json = False) -> None:
        found = options.wait_for(_read(kind, "", project))
        if json:
            as_json(found)
            return
        rows = [(one["name"], one["version"], _summary(one)) for one in found[f"{kind}s"]]
        table(f"{kind.capitalize()}s", ("name", "version", "of"), rows, right=("version",))

    def show(name: Name, project: options.Project = "", json: options.Json = False) -> None:
        found = options.wait_for(_read(kind, f"/{quote(name, safe='')}", project))
        if json:
            as_json(found)
            return
        pairs("", [(key, value) for key, value in found.items() if value not in (None, "", [])])

    def remove(name: Name, wait: Wait = True, project: options.Project = "", json: options.Json = False) -> None:
        options.wait_for(_changed("DELETE", kind, name, "", None, wait and kind != "segment", project))
        if json:
            as_json({"removed": name})
            return
        out.print(f"{kind.capitalize()} [bold]{name}[/bold] is taken back.", highlight=False)

    app.command("list", help=f"List the {kind}s of a project.")(list_all)
    app.command("show", help=f"Show a {kind}.")(show)
    app.command("remove", help=f"Take a {kind} back.")(remove)


def _versioned(kind: str, app: typer.Typer) -> None:
    def versions(name: Name, project: options.Project = "", json: options.Json = False) -> None:
        found = options.wait_for(_read(kind, f"/{quote(name, safe='')}/versions", project))
        if json:
            as_json(found)
            return
        rows = [
            (str(one["version"]), moment(one["saved_at"]), _summary(one["body"]) if one["body"] else "taken back")
            for one in found["versions"]
        ]
        table("", ("version", "saved", "of"), rows, right=("version",))

    def roll_back(
        name: Name,
        version: Annotated[int, typer.Argument(min=1, help="The version to save once more, as the newest.")],
        wait: Wait = True,
        project: options.Project = "",
        json: options.Json = False,
    ) -> None:
        saved = options.wait_for(_changed("POST", kind, name, "/rollback", {"version": version}, wait, project))
        if json:
            as_json(saved)
            return
        out.print(f"{kind.capitalize()} [bold]{name}[/bold] is as in version {version}, now {saved['version']}.")

    app.command("versions", help=f"List every version of a {kind}.")(versions)
    app.command("rollback", help=f"Save an older version of a {kind} as the newest.")(roll_back)


for _kind, _app in (("goal", goal), ("funnel", funnel), ("segment", segment)):
    _listed(_kind, _app)
    if _kind != "segment":
        _versioned(_kind, _app)


def _summary(one: dict[str, Any]) -> str:
    if "steps" in one:
        return " > ".join(step["label"] or step["goal"] or " or ".join(step["events"]) for step in one["steps"])
    if "conditions" in one:
        return f" {'and' if one['match'] == 'all' else 'or'} ".join(
            f"{'not ' if each['negated'] else ''}{each['kind']}" for each in one["conditions"]
        )
    return " or ".join(one["events"]) + "".join(f", {written(each)}" for each in one["where"])


async def _read(kind: str, path: str, project: str) -> Any:
    from pipeline.cli.connection import connected

    async with connected(options.settings(), kind, project=project) as server:
        return await server.get(f"{server.base}/{kind}s{path}")


async def _changed(
    method: str, kind: str, name: str, path: str, body: dict[str, Any] | None, wait: bool, project: str
) -> Any:
    from pipeline.cli.connection import connected

    async with connected(options.settings(), kind, project=project, agents=wait) as server:
        whole = f"{server.base}/{kind}s/{quote(name, safe='')}{path}"
        if method == "DELETE":
            done = await server.delete(whole)
        else:
            done = await (server.put(whole, body) if method == "PUT" else server.post(whole, body))
        if wait:
            await _filled(server, f"{kind}.{name}")
        return done


async def _filled(server: "Connection", notion: str) -> None:
    """Waits until history is as the definition says. Whoever does not wait loses nothing: agents go on."""
    with Progress(console=err, transient=True) as bar:
        task = bar.add_task("history is filled anew", total=1.0)
        while True:
            fills = [one for one in (await server.get(f"{server.base}/fills"))["fills"] if one["notion"] == notion]
            if not fills or fills[0]["state"] == "done":
                return
            if server.agents is not None:
                server.agents.check()
            bar.update(task, completed=fills[0]["share"])
            await asyncio.sleep(0.1)
