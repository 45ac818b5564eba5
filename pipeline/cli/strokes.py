"""What drawings are made of: bars, times, money, paths, and an answer's range and foot."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.text import Text

from pipeline.cli.output import out, share, table

Answer = Mapping[str, Any]
BAR, BESIDE = 40, 48  # characters of a full bar; of the numbers beside it
KINDS: Mapping[str, str] = {"none": "(none)", "other": "(other)"}  # of groups
_EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(part: int, whole: int, width: int = BAR) -> str:
    """A bar `width` characters wide, in eighths of a character; a part that is not 0 is never an empty bar."""
    if not whole or not part:
        return " " * width
    eighths = max(1, round(width * 8 * part / whole))
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def moment(ms: int | None) -> str:
    """UTC ms as 2026-03-31 08:30:05."""
    return "-" if ms is None else datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def money(micros: int, currency: str) -> str:
    return f"{micros / 1_000_000:,.2f} {currency}"


def label_of(step: Mapping[str, Any]) -> str:
    return str(step["label"] or " or ".join(step["events"]))


def path(steps: Sequence[str]) -> str:
    """direct > email x3 > direct: repeats drawn together."""
    parts: list[list[Any]] = []
    for step in steps:
        if parts and parts[-1][0] == step:
            parts[-1][1] += 1
        else:
            parts.append([step, 1])
    return " > ".join(name if count == 1 else f"{name} x{count}" for name, count in parts)


def rows_of(answer: Answer, columns: Sequence[str], numbers: Callable[[Mapping[str, Any]], tuple[Any, ...]]) -> None:
    """The rows by period and value; a column that the question did not ask for is left out."""
    rows, question = answer["result"]["rows"], answer["question"]
    if not rows:
        return
    wanted = [name for name, asked in (("period", "by"), ("value", "breakdown")) if question[asked]]
    shown = [(*(row[name] or "(none)" for name in wanted), *numbers(row)) for row in rows]
    table("", (*wanted, *columns[2:]), shown, right=columns[2:])


def range_of(answer: Answer) -> str:
    """The range that was asked about, in words."""
    question = answer["question"]
    if question["last"]:
        return f"last {question['last']}" if question["last"][0].isdigit() else str(question["last"])
    if not question["from"] and not question["to"]:
        return "all time"
    return f"{question['from'] or 'the beginning'} to {question['to'] or 'now'}"


def foot(answer: Answer) -> None:
    """Warnings, and up to when the data is complete."""
    for warning in answer["warnings"]:
        out.print(Text(f"note: {warning}", "yellow"))
    until = answer["data_until"]
    out.print(Text(f"complete up to {moment(until)} UTC" if until else "no data has been read yet", "dim"))


def between(interval: Sequence[float] | None) -> str:
    """The ends of an interval of shares."""
    return f" ({share(interval[0])} to {share(interval[1])})" if interval else ""


def named(breakdown: str | list[str] | None) -> str:
    """The properties of a breakdown."""
    return ", ".join(breakdown) if isinstance(breakdown, list) else breakdown or ""


def groups_of(answer: Answer, columns: Sequence[str], numbers: Callable[[Mapping[str, Any]], tuple[Any, ...]]) -> None:
    """A row for each group of the breakdown; nothing without one."""
    rows = [
        (KINDS.get(one.get("kind", ""), one["value"] or KINDS["none"]), *numbers(one))
        for one in answer["result"]["groups"]
    ]
    if rows:
        table(f"By {named(answer['question']['breakdown'])}", ("value", *columns), rows, right=columns)
