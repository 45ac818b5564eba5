"""Journeys drawn for the terminal: how long they are, where they begin and end, and from which channel to which."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.text import Text

from pipeline.cli.output import duration, out, share, table, written
from pipeline.cli.strokes import Answer, bar, between, foot, groups_of, moment, money, path, range_of

MOST_CHANNELS = 8  # rows and columns of the matrix
SHOWN = 10  # sequences
BAR = 24


def journeys(answer: Answer) -> None:
    result = answer["result"]
    converted = f"{written(result['converted'])} converted"
    rate = f"{share(result['rate'])}{between(result['interval'])}"
    out.print(f"[bold]{written(result['journeys'])} journeys[/bold], {converted}: {rate}, {range_of(answer)}")
    rows = [
        (
            each["state"],
            each["stage"],
            each["journeys"],
            each["touchpoints"],
            money(each["value_micros"], result["currency"]),
        )
        for each in result["counts"]
    ]
    table("", ("state", "stage", "journeys", "touchpoints", "value"), rows, right=("journeys", "touchpoints", "value"))
    _bars("Touchpoints", result["lengths"], lambda each: f"{each['touchpoints']}{'+' * (each['touchpoints'] == 10)}")
    _bars("From the first to the last", result["durations"], _time)
    for name in ("first", "last"):
        _bars(f"The {name} channel", result[f"{name}_channels"], lambda each: str(each["channel"]))
    _matrix(result["transitions"])
    _sequences(result["sequences"][:SHOWN])
    groups_of(
        answer,
        ("journeys", "converted", "rate", "value"),
        lambda one: (
            one["journeys"], one["converted"], share(one["rate"]), money(one["value_micros"], result["currency"]),
        ),
    )  # fmt: skip
    newest = [
        (moment(each["last_at"]), each["state"], each["customer"], path(each["path"])) for each in result["newest"]
    ]
    table("Newest", ("last", "state", "customer", "path"), newest)
    foot(answer)


def _sequences(found: Sequence[Mapping[str, Any]]) -> None:
    rows = [
        (path(each["path"]), each["journeys"], share(each["rate"]), duration(each["median_duration_ms"]))
        for each in found
    ]
    if rows:
        table("Sequences", ("channels", "journeys", "converted", "median"), rows, right=("journeys", "converted"))


def _bars(title: str, rows: Sequence[Mapping[str, Any]], name: Callable[[Mapping[str, Any]], str]) -> None:
    """A bar for each row's journeys, and the share of them that converted."""
    if not rows:
        return
    most = max(each["journeys"] for each in rows)
    width = max(len(name(each)) for each in rows)
    out.print(f"\n{title}", style="bold")
    for each in rows:
        line = Text(f" {name(each):<{width}} ").append(bar(each["journeys"], most, BAR), "cyan")
        rate = share(each["rate"]) if each["rate"] is not None else "-"
        out.print(line.append(f" {written(each['journeys']):>9}").append(f" {rate:>8}", "dim"))


def _time(each: Mapping[str, Any]) -> str:
    end = f"to {duration(each['to_ms'])}" if each["to_ms"] is not None else "and more"
    return f"{duration(each['from_ms'])} {end}"


def _matrix(found: Sequence[Mapping[str, Any]]) -> None:
    """From the channel of a row to that of a column: how often. Those with most transitions; the rest is left out."""
    if not found:
        return
    times: Counter[str] = Counter()
    for each in found:
        times[each["source"]] += each["transitions"]
        times[each["target"]] += each["transitions"]
    channels = [channel for channel, _ in sorted(times.items(), key=lambda one: (-one[1], one[0]))[:MOST_CHANNELS]]
    cells = {(each["source"], each["target"]): each["transitions"] for each in found}
    rows = [(source, *(cells.get((source, target), "") for target in channels)) for source in channels]
    left_out = len(times) - len(channels)
    more = f"; {left_out} channels are left out" if left_out else ""
    columns = [escape(channel) for channel in channels]  # a channel is the sender's word
    table(f"From a channel to the next{more}", ("from \\ to", *columns), rows, right=columns)
