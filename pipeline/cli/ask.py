"""`wayfare ask`: any question from the terminal, as tables and drawings, or its answer as JSON."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli import drawing, options
from pipeline.cli.output import as_json
from pipeline.cli.phrases import filter_of, names_in, read_json, step_of
from pipeline.errors import InvalidQuestion

if TYPE_CHECKING:
    from pipeline.cli.connection import Connection

QUESTIONS = (
    *(
        "sessions",
        "bounce",
        "drop_points",
        "funnel",
        "drop_off",
        "divide",
        "paths",
        "retention",
        "stickiness",
        "lifecycle",
        "journeys",
        "trend",
    ),
    *("costs", "rejected", "catalogue", "customer"),
)
EXPLAINED = (
    *(
        "sessions",
        "bounce",
        "drop_points",
        "funnel",
        "drop_off",
        "divide",
        "paths",
        "retention",
        "stickiness",
        "lifecycle",
        "journeys",
        "trend",
    ),
)
FILTERED = ("sessions", "bounce")  # as a whole
FORMATS = {"csv": "text/csv", "jsonl": "application/x-ndjson", "parquet": "application/vnd.apache.parquet"}
MOST_EXPLAINED = 1000  # customers that are listed


def ask(
    question: Annotated[str, typer.Argument(help=", ".join(QUESTIONS), metavar="QUESTION")],
    about: Annotated[
        str,
        typer.Argument(
            help="customer, or one whom --explain finds: an id, user:ID or an e-mail address.", metavar="[ID]"
        ),
    ] = "",
    whole: Annotated[
        str, typer.Option("--question", help="The question as JSON, as the API takes it; - reads it.")
    ] = "",
    last: Annotated[str, typer.Option(help="Range up to now: 24h, 7d, 4w, today. Default: all time.")] = "",
    begin: Annotated[str, typer.Option("--from", help="Begin of the range: 2026-03-01, or a time.")] = "",
    end: Annotated[str, typer.Option("--to", help="End of the range, exclusive.")] = "",
    by: Annotated[str, typer.Option(help="hour, day, week or month: a row each.")] = "",
    breakdown: Annotated[
        str,
        typer.Option(help="A field of the session's entry, or a property: a row each value; up to three, with commas."),
    ] = "",
    steps: Annotated[
        str, typer.Option(help="funnel: names of events, or goal:NAME, in order, with commas between them.")
    ] = "",
    saved: Annotated[str, typer.Option(help="funnel: a saved one.")] = "",
    window: Annotated[str, typer.Option(help="funnel: time for all steps, as 7d.")] = "",
    count: Annotated[str, typer.Option(help="funnel: customers, sessions, entries or groups.")] = "",
    where: Annotated[
        list[str] | None,
        typer.Option(
            help="sessions, bounce: name=value of the session; funnel, trend: on every step; also != > >= < <= ~ !~."
        ),
    ] = None,
    segment: Annotated[
        list[str] | None, typer.Option(help="Only customers of this saved segment; again for more: of all of them.")
    ] = None,
    events: Annotated[str, typer.Option(help="trend: names of events, with commas between them.")] = "",
    measure: Annotated[str, typer.Option(help="trend: count, unique, sum, average, min, max, p50 ... p99.")] = "",
    measured: Annotated[str, typer.Option("--property", help="trend: what --measure is of, as price.")] = "",
    page: Annotated[str, typer.Option(help="drop_points: path of the page, as /pricing.")] = "",
    definition: Annotated[
        str, typer.Option(help="bounce, drop_points: engaged, no_interaction, single_page or single_event.")
    ] = "",
    reason: Annotated[str, typer.Option(help="rejected: only this reason.")] = "",
    explain: Annotated[
        str, typer.Option(help='Who is behind a number: its cell as JSON, {"step": 2}; {} is the total.')
    ] = "",
    form: Annotated[
        str, typer.Option("--format", help="csv, jsonl or parquet: the answer's rows, or --explain's customers.")
    ] = "",
    part: Annotated[str, typer.Option(help="Which rows --format writes: groups, periods, nodes ...")] = "",
    include_bots: Annotated[bool, typer.Option("--include-bots", help="Count known bots too.")] = False,
    project: options.Project = "",
    json: options.Json = False,
) -> None:
    """Ask a question. Without a range it is about all time."""
    if question not in QUESTIONS:
        raise InvalidQuestion(f"there is no question {question!r}; there are {', '.join(QUESTIONS)}", field="QUESTION")
    body: dict[str, Any] = read_json(whole) if whole else {}
    given: dict[str, Any] = {
        "last": last, "from": begin, "to": end, "by": by, "breakdown": breakdown, "saved": saved, "window": window,
        "count": count, "definition": definition, "reason": reason, "include_bots": include_bots,
        "measure": measure, "property": measured, "page": page,
    }  # fmt: skip
    given |= {"segments": segment or ()}
    body |= {name: value for name, value in given.items() if value}
    if "," in breakdown:
        body["breakdown"] = names_in(breakdown)
    if window.isdecimal():
        body["window"] = int(window)
    if where and not (steps or events or question in FILTERED):
        raise InvalidQuestion(
            f"filters are for {', '.join(FILTERED)}, for the steps of --steps and for --events", field="where"
        )
    if about and question != "customer" and not explain:
        raise InvalidQuestion(f"{question} takes no ID; it is a customer's", field="ID")
    if explain and question not in EXPLAINED:
        raise InvalidQuestion(f"there is no cell to explain; {', '.join(EXPLAINED)} have some", field="explain")
    filters = [filter_of(each) for each in where or ()]
    if steps:
        body["steps"] = [step_of(name) | {"where": filters} for name in names_in(steps)]
    if filters and question in FILTERED:
        body["where"] = filters
    if events:
        body |= {"events": names_in(events), "where": filters}
    if not {"last", "from", "to"} & set(body):
        body["last"] = None
    if explain:
        body = {"question": body, "cell": read_json(explain, "explain"), "limit": MOST_EXPLAINED}
    if form:
        if form not in FORMATS or question in ("customer", "catalogue"):
            raise InvalidQuestion("questions are written as csv, jsonl or parquet", field="format")
        written = options.wait_for(_written(question, body, project, FORMATS[form], part, is_explained=bool(explain)))
        sys.stdout.flush()
        sys.stdout.buffer.write(written)
        return
    answer = options.wait_for(_asked(question, about, body, project, is_explained=bool(explain)))
    if json:
        as_json(answer)
    elif explain:
        drawing.explained(answer)
    else:
        drawing.DRAWN[question](answer)


async def _asked(question: str, about: str, body: dict[str, Any], project: str, *, is_explained: bool) -> Any:
    from pipeline.cli.connection import connected

    async with connected(options.settings(), "ask", project=project) as server:
        if question == "catalogue":
            whole = {"from": "1970-01-01"} if body == {"last": None} else body
            return await server.get(f"{server.base}/catalogue", **whole)
        if is_explained:
            who = {"customer": await _customer(server, about)} if about else {}
            return await server.post(f"{server.base}/questions/{question}/explain", body | who)
        if question != "customer":
            return await server.post(f"{server.base}/questions/{question}", body)
        if named := [name for name, value in body.items() if value is not None]:
            raise InvalidQuestion("a customer is asked for by the ID alone, without a range", field=named[0])
        if not about:
            raise InvalidQuestion("name the customer: an id, user:ID or an e-mail address", field="ID")
        return await server.get(f"{server.base}/customers/{await _customer(server, about)}")


async def _written(
    question: str, body: dict[str, Any], project: str, media: str, part: str, *, is_explained: bool
) -> bytes:
    from pipeline.cli.connection import connected

    async with connected(options.settings(), "ask", project=project) as server:
        path = f"{server.base}/questions/{question}{'/explain' if is_explained else ''}"
        return await server.file(path, body, media, **({"part": part} if part else {}))


async def _customer(server: "Connection", about: str) -> str:
    """The id of a customer who may be named by an e-mail address."""
    if "@" not in about or about.startswith("user:"):
        return about
    found = (await server.get(f"{server.base}/customers", email=about))["customers"]
    if not found:
        raise InvalidQuestion(f"nobody is known by {about}", field="ID")
    return str(found[0]["id"])
