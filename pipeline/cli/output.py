"""What the command line prints: tables and drawings for people, one JSON value for machines, errors with an exit code.

Exit codes: 0 fine, 1 a fault, 2 the user's mistake, 3 `verify` found a difference.
"""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.errors import UserMistake, WayfareError

FINE, FAULT, MISTAKE, DIFFERENCE = 0, 1, 2, 3
INTERRUPTED: Final = 130

PIPED_WIDTH = 240  # nothing is cut or wrapped for a screen where there is none

out = Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)
err = Console(stderr=True, highlight=False)


def as_json(value: Any) -> None:
    """One JSON value on stdout, nothing around it."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None) + "\n")
    sys.stdout.flush()


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Sequence[str] = ()) -> None:
    """A table; the columns named in `right` hold numbers. Markup in values is text."""
    shown = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False)
    for name in columns:
        shown.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(Text(written(value)) for value in row))
    out.print(shown)


def pairs(title: str, values: Iterable[tuple[str, Any]]) -> None:
    """Names and values, one a line."""
    table(title, ("", " "), values)


def written(value: Any) -> str:
    """Numbers with thin grouping, nothing for none."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def share(part: float | None) -> str:
    """0.1234 as 12.3 %."""
    return "-" if part is None else f"{part * 100:.1f} %"


def duration(ms: float | None) -> str:
    """Milliseconds as 840 ms, 41 s, 3 min 20 s, 5 h 2 min, 2 d 3 h."""
    if ms is None:
        return "-"
    if ms < 1000:
        return f"{ms:.0f} ms"
    seconds = round(ms / 1000)
    for unit, name, small, small_name in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= unit:
            rest = seconds % unit // small
            return f"{seconds // unit} {name}" + (f" {rest} {small_name}" if rest else "")
    return f"{seconds} s"


def complain(error: WayfareError, *, machine: bool) -> int:
    """Says what is wrong on stderr; the exit code."""
    others = error.others if isinstance(error, UserMistake) else ()
    if machine:
        told: dict[str, Any] = {"code": error.code, "message": error.message}
        told |= {"field": error.field} if error.field else {}
        told |= {"others": [{"field": field, "message": message} for field, message in others]} if others else {}
        sys.stderr.write(json.dumps({"error": told}, ensure_ascii=False) + "\n")
    else:
        for field, message in ((error.field, error.message), *others):
            where = f" ({field})" if field and field not in message else ""
            err.print(Text.assemble(("wayfare: ", "bold red"), f"{message}{where}"))
    return MISTAKE if isinstance(error, UserMistake) else FAULT


def leave(code: int) -> None:
    """Ends the process without waiting for threads of libraries that never end; what is open was closed before."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
