"""Answers drawn for the terminal: tables, and a funnel as bars."""

from collections.abc import Callable, Mapping
from typing import Any

from rich.markup import escape
from rich.text import Text

from pipeline.cli import drawing_left, over_time
from pipeline.cli.drawing_journeys import journeys
from pipeline.cli.output import duration, out, pairs, share, table, written
from pipeline.cli.strokes import (
    BAR,
    BESIDE,
    Answer,
    bar,
    between,
    foot,
    groups_of,
    label_of,
    moment,
    money,
    named,
    path,
    range_of,
    rows_of,
)

GROUPS: Mapping[str, str] = {"none": "(none)", "not_reached": "(not reached)", "other": "(other)"}


def sessions(answer: Answer) -> None:
    result = answer["result"]
    total, tells_who = result["total"], answer["question"]["new_and_returning"]
    pairs(
        f"Sessions, {range_of(answer)}",
        [
            ("sessions", total["sessions"]),
            ("customers", total["customers"]),
            ("events", total["events"]),
            *([("new", total["new_customers"]), ("returning", total["returning_customers"])] if tells_who else []),
            ("views", total["views"]),
            ("views a session", total["views_per_session"]),
            ("one event only", total["single_event_sessions"]),
            ("engaged", total["engaged_sessions"]),
            ("with a conversion", total["converted_sessions"]),
            ("median duration", duration(total["median_duration_ms"])),
            ("mean duration", duration(total["mean_duration_ms"])),
            ("median engaged", duration(total["median_engaged_ms"])),
            ("mean engaged", duration(total["mean_engaged_ms"])),
            ("value", money(total["value_micros"], result["currency"])),
        ],
    )
    columns = ("period", "value", "sessions", "customers", "views", "engaged", "conversions", "median")
    rows_of(
        answer,
        columns,
        lambda row: (
            row["sessions"], row["customers"], row["views"], row["engaged_sessions"], row["conversions"],
            duration(row["median_duration_ms"]),
        ),
    )  # fmt: skip
    foot(answer)


def bounce(answer: Answer) -> None:
    total = answer["result"]["total"]
    pairs(
        f"Bounce ({answer['question']['definition']}), {range_of(answer)}",
        [
            ("rate", share(total["rate"])),
            ("bounced", total["bounced"]),
            ("sessions with a view", total["with_view"]),
            ("sessions", total["sessions"]),
        ],
    )
    columns = ("period", "value", "sessions", "bounced", "rate")
    rows_of(answer, columns, lambda row: (row["sessions"], row["bounced"], share(row["rate"])))
    foot(answer)


def drop_points(answer: Answer) -> None:
    """How far the page was seen as bars, then what was done last, then where forms were left."""
    result, question = answer["result"], answer["question"]
    page, of = result["page"], question["of"]
    pairs(
        f"{escape(question['page'])}, {range_of(answer)}",
        [
            ("sessions that saw it", page["seen"]),
            ("entered with it", page["entered"]),
            ("bounced", f"{written(page['bounced'])}, {share(page['bounce_rate'])} of those that entered"),
            ("left with it", f"{written(page['left'])}, {share(page['exit_rate'])} of those that saw it"),
        ],
    )
    out.print(f"[bold]Seen so far[/bold], of {written(result['sessions'])} sessions ({of})")
    for row in result["scroll"]:
        line = Text(f"{row['from_percent']:>4} %  ").append(bar(row["reached"], result["sessions"]), "cyan")
        out.print(line.append(f" {written(row['reached']):>9}"))
    if result["scroll_unknown"]:
        out.print(f"unknown: {written(result['scroll_unknown'])}")
    for title, part, names in (
        ("Done last", "elements", ("event", "element")),
        ("Form left at", "fields", ("form", "field")),
    ):
        rows = [
            (GROUPS[row["kind"]] if row["kind"] != "value" else row[names[0]], row[names[1]], row["sessions"])
            for row in result[part]
        ]
        table(title, (*names, "sessions"), rows, right=("sessions",))
    foot(answer)


def funnel(answer: Answer) -> None:
    """Each step a bar, its part of those who entered, and how many were lost before it."""
    result, question = answer["result"], answer["question"]
    out.print(f"[bold]Funnel[/bold] of {question['count']}, {range_of(answer)}")
    width = max((len(label_of(step)) for step in result["steps"]), default=0)
    room = max(8, min(BAR, out.width - width - BESIDE))
    entered = result["entered"]
    for number, step in enumerate(result["steps"], 1):
        line = Text.assemble((f"{number:>2} ", "dim"), f"{label_of(step):<{width}}  ")
        line.append(bar(step["count"], entered, room), "cyan")
        line.append(f" {written(step['count']):>9} {share(step['rate']):>8}")
        if number > 1:
            line.append(f"  -{written(step['dropped'])}", "red")
            line.append(f"  {duration(step['median_step_ms'])}", "dim")
        out.print(line)
    out.print(
        f"{written(result['converted'])} of {written(entered)} went through: [bold]{share(result['rate'])}[/bold]"
        f"{between(result['interval'])}"
    )
    if result["groups"]:
        steps = [str(number) for number in range(1, len(result["steps"]) + 1)]
        rows = [
            (
                GROUPS.get(group["kind"], group["value"]),
                *(step["count"] for step in group["steps"]),
                share(group["steps"][-1]["rate"]),
            )
            for group in result["groups"]
        ]
        table(
            f"By {named(question['breakdown']) or 'its breakdown'}",
            ("value", *steps, "rate"),
            rows,
            right=(*steps, "rate"),
        )
    if result["periods"]:
        rows = [
            (f"{period['period']}{' *' if period['unfinished'] else ''}", *period["counts"])
            for period in result["periods"]
        ]
        steps = [str(number) for number in range(1, len(result["steps"]) + 1)]
        table("By period; * is unfinished", ("period", *steps), rows, right=steps)
    drawing_left.before(answer)
    foot(answer)


def paths(answer: Answer) -> None:
    """Links, those of most paths first."""
    result, question = answer["result"], answer["question"]
    out.print(f"[bold]{written(result['paths'])} paths[/bold] of {written(result['actors'])} {question['within']}")
    names = {node["id"]: f"{node['level']:+d} {node['name']}" for node in result["nodes"]}
    rows = [(names[each["source"]], names[each["target"]], each["paths"], each["actors"]) for each in result["links"]]
    table(f"Links, {range_of(answer)}", ("from", "to", "paths", question["within"]), rows, right=("paths",))
    groups_of(answer, ("paths", question["within"]), lambda one: (one["paths"], one["actors"]))
    foot(answer)


def rejected(answer: Answer) -> None:
    result = answer["result"]
    if not result["count"]:
        out.print(f"Nothing was rejected, {range_of(answer)}.")
    else:
        rows = [(each["reason"], each["source"], each["count"], each["meaning"]) for each in result["counts"]]
        table(f"Rejected, {range_of(answer)}", ("reason", "source", "events", "meaning"), rows, right=("events",))
        newest = [
            (moment(each["received_at"]), each["reason"], each["message"], each["payload"][:200])
            for each in result["newest"]
        ]
        table("Newest", ("received", "reason", "what is wrong", "payload"), newest)
    foot(answer)


def catalogue(answer: Answer) -> None:
    rows = [
        (event["name"], event["count"], event["devices"], ", ".join(each["name"] for each in event["properties"][:12]))
        for event in answer["result"]["events"]
    ]
    table(f"Events, {range_of(answer)}", ("event", "count", "devices", "properties"), rows, right=("count", "devices"))
    foot(answer)


def customer(profile: Answer) -> None:
    names = (
        "id", "kind", "stage", "user_ids", "traits", "first_at", "last_at",
        "events", "sessions", "views", "conversions",
    )  # fmt: skip
    pairs(f"Customer {profile['id']}", [(name.replace("_", " "), _field(name, profile[name])) for name in names])
    rows = [
        (moment(each["started_at"]), each["state"], each["stage"], path(each["path"])) for each in profile["journeys"]
    ]
    table("Journeys", ("began", "state", "stage", "path"), rows)
    events = [
        (moment(each["at"]), each["event"], each["channel"], each["host"] + each["path"])
        for each in profile["timeline"]
    ]
    table("Timeline", ("at", "event", "channel", "where"), events)


def explained(answer: Answer) -> None:
    """The customers of a cell; or the events of one, with what they are a reason for."""
    result = answer["result"]
    out.print(
        f"[bold]{written(result['count'])} {result['counted']}[/bold] of {written(result['customers'])} customers"
    )
    rows = [
        (each["id"], each["kind"], each["times"], moment(each["first_at"]), moment(each["last_at"]))
        for each in result["rows"]
    ]
    table("", ("customer", "kind", "times", "first", "last"), rows, right=("times",))
    events = [
        (moment(each["at"]), ", ".join(each["marks"]) or "-", each["event"], each["channel"], each["path"])
        for each in reversed(result["events"])
    ]
    if events:
        table("Events", ("at", "reason for", "event", "channel", "where"), events)
    cost = result["cost"]
    read = f"{written(cost['rows_read'])} rows, {written(cost['bytes_read'])} bytes"
    out.print(Text(f"{len(cost['statements'])} statements read {read} in {cost['ms']:.0f} ms", "dim"))
    foot(answer)


def _field(name: str, value: Any) -> Any:
    return moment(value) if name.endswith("_at") else value


def costs(answer: Answer) -> None:
    result = answer["result"]
    for one in result["totals"]:
        pairs(
            f"Costs in {one['currency']}, {range_of(answer)}",
            [
                ("cost", money(one["cost_micros"], one["currency"])),
                ("impressions", one["impressions"]),
                ("clicks", one["clicks"]),
                ("sessions", one["sessions"]),
                ("conversions", one["conversions"]),
                ("value", money(one["value_micros"], result["currency"])),
                ("value / cost", one["return_on_spend"]),
            ],
        )
    columns = (
        "period",
        "value",
        "cost",
        "clicks",
        "sessions",
        "a session",
        "conversions",
        "a conversion",
        "value / cost",
    )
    rows_of(
        answer,
        columns,
        lambda row: (
            money(row["cost_micros"], row["currency"]), row["clicks"], row["sessions"],
            _price(row["cost_per_session_micros"], row["currency"]), row["conversions"],
            _price(row["cost_per_conversion_micros"], row["currency"]), row["return_on_spend"],
        ),
    )  # fmt: skip
    foot(answer)


def _price(micros: int | None, currency: str) -> str:
    return "-" if micros is None else money(micros, currency)


DRAWN: dict[str, Callable[[Answer], None]] = {
    "sessions": sessions,
    "bounce": bounce,
    "drop_points": drop_points,
    "funnel": funnel,
    "drop_off": drawing_left.drop_off,
    "divide": drawing_left.divide,
    "paths": paths,
    "retention": over_time.retention,
    "journeys": journeys,
    "stickiness": over_time.stickiness,
    "lifecycle": over_time.lifecycle,
    "trend": over_time.trend,
    "costs": costs,
    "rejected": rejected,
    "catalogue": catalogue,
    "customer": customer,
}
