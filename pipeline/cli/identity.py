"""`wayfare identity`: why a customer is one, and what operators decide about it."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from pipeline.cli import options
from pipeline.cli.output import as_json, out, table

app = typer.Typer(help="Identity: who is one customer, why, and what was decided.", no_args_is_help=True)

Customer = Annotated[str, typer.Argument(help="16 hex digits of any identifier, user:ID or email:ADDRESS.")]
Identifier = Annotated[str, typer.Argument(help="The same.")]
Decision = Annotated[str, typer.Argument(help="The decision's id.")]
Reason = Annotated[str, typer.Option(help="Why. It is kept for ever.")]


@app.command("show")
def show(customer: Customer, project: options.Project = "", json: options.Json = False) -> None:
    """Show the identifiers of a customer, the evidence that joins them, and what was refused."""
    graph = options.wait_for(_call("GET", project, f"/customers/{customer}/identity"))
    if json:
        as_json(graph)
        return
    names = {node["id"]: f"{node['kind']} {node['value'] or node['id']}" for node in graph["nodes"]}
    out.print(f"Customer [bold]{graph['id']}[/bold], {names[graph['id']]}")
    nodes = [
        (_name(names, n["id"]), n["id"], n["customer"], n["is_member"], _at(n["first_at"])) for n in graph["nodes"]
    ]
    table("", ("identifier", "id", "customer", "is his", "first seen"), nodes)
    edges = [
        (each["kind"], _name(names, each["one"]), _name(names, each["other"]), _state(each), _at(each["first_at"]))
        + (", ".join(sorted({one["source"] for one in each["evidence"]})),)
        for each in graph["edges"]
    ]
    table("", ("what", "one", "other", "state", "since", "sources"), edges)


@app.command("join")
def join(
    customer: Customer,
    identifier: Identifier,
    reason: Reason,
    project: options.Project = "",
    json: options.Json = False,
) -> None:
    """Make two identifiers one customer. One that evidence gave to another known user leaves him."""
    _decide(project, json, customer, "join", {"identifier": identifier, "reason": reason})


@app.command("split")
def split(
    customer: Customer,
    identifier: Identifier,
    reason: Reason,
    other: Annotated[str, typer.Option("--from", help="Another of the customer. Default: the customer's own.")] = "",
    project: options.Project = "",
    json: options.Json = False,
) -> None:
    """Keep an identifier of the customer apart from another of his."""
    _decide(project, json, customer, "split", {"identifier": identifier, "from": other or None, "reason": reason})


@app.command("ignore")
def ignore(
    customer: Customer,
    identifier: Identifier,
    reason: Reason,
    other: Annotated[str, typer.Option("--with", help="Only evidence of these two. Default: all evidence.")] = "",
    project: options.Project = "",
    json: options.Json = False,
) -> None:
    """Let evidence that names the identifier not count."""
    _decide(project, json, customer, "ignore", {"identifier": identifier, "other": other or None, "reason": reason})


@app.command("decisions")
def decisions(project: options.Project = "", json: options.Json = False) -> None:
    """List all decisions ever made, newest first."""
    found = options.wait_for(_call("GET", project, "/identity/decisions"))
    if json:
        as_json(found)
        return
    rows = [
        (each["id"], each["action"], _ends(each), each["state"], _at(each["decided_at"]), each["by"], _reasons(each))
        for each in found["decisions"]
    ]
    table("Decisions", ("id", "what", "identifiers", "state", "decided", "by", "why"), rows)


@app.command("revoke")
def revoke(decision: Decision, reason: Reason, project: options.Project = "", json: options.Json = False) -> None:
    """Take a decision back: the facts are again what they would be without it."""
    gone = options.wait_for(_call("POST", project, f"/identity/decisions/{decision}/revoke", {"reason": reason}))
    _told(gone, json)


@app.command("recompute")
def recompute(project: options.Project = "", json: options.Json = False) -> None:
    """Decide every identity of the project anew, as after an upgrade that changes the rules."""
    told = options.wait_for(_call("POST", project, "/identity/recompute"))
    if json:
        as_json(told)
        return
    out.print(f"{told['identifiers']:,} identifiers are decided anew.")


def _decide(project: str, json: bool, customer: str, action: str, body: dict[str, Any]) -> None:
    _told(options.wait_for(_call("POST", project, f"/customers/{customer}/identity/{action}", body)), json)


def _told(decision: dict[str, Any], json: bool) -> None:
    if json:
        as_json(decision)
        return
    out.print(f"Decision [bold]{decision['id']}[/bold]: {decision['action']} {_ends(decision)}, {decision['state']}.")
    out.print("The agents make the facts follow.")


async def _call(method: str, project: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Where no server runs, a decision's effect is waited for: else the next start would bring it about."""
    from pipeline.cli.connection import connected

    async with connected(options.settings(), "identity", project=project, agents=method == "POST") as server:
        if method == "GET":
            return await server.get(f"{server.base}{path}")
        answer = await server.post(f"{server.base}{path}", body)
        if server.is_own:
            await server.caught_up()
        return answer


def _name(names: dict[str, str], identifier: str | None) -> str:
    return "" if identifier is None else names.get(identifier, identifier)


def _state(edge: dict[str, Any]) -> str:
    return f"{edge['state']}: {edge['reason']}" if edge["reason"] else str(edge["state"])


def _ends(decision: dict[str, Any]) -> str:
    return ", ".join(f"{one['kind']} {one['id']}" for one in decision["identifiers"])


def _reasons(decision: dict[str, Any]) -> str:
    revoked = decision["revoked_reason"]
    return f"{decision['reason']}; revoked by {decision['revoked_by']}: {revoked}" if revoked else decision["reason"]


def _at(at: int | None) -> str:
    return "" if at is None else datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
