"""`wayfare tail`: events and rejects as they arrive."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from rich.text import Text

from pipeline.cli import options
from pipeline.cli.output import as_json, err, out
from pipeline.errors import UserMistake

EVERY_SECONDS, OVERLAP_MS, MOST_TOLD = 0.5, 10_000, 20_000


def tail(project: options.Project = "", json: options.Json = False) -> None:
    """Show events and rejects as they arrive, until Ctrl-C. `--json`: one object a line."""
    options.wait_for(_tail(project, json))


async def _tail(project: str, json: bool) -> None:
    from api.admin.arrivals import MOST
    from pipeline.cli.connection import connected

    settings = options.settings()
    async with connected(settings, "tail", project=project) as server:
        if server.is_own and settings.embedded:
            raise UserMistake("nothing arrives here: no `wayfare up` is running on this data folder")
        told: dict[str, None] = {}
        since = (await server.get("/api/v1/admin/progress"))["now"]
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            found = await server.get(f"{server.admin}/arrivals", since=since)
            _show([arrival for arrival in found["arrivals"] if arrival["id"] not in told], json, MOST)
            told |= {arrival["id"]: None for arrival in found["arrivals"]}
            # Facts come a moment after their receipt, so each look goes back over the last seconds.
            since = max(since, found["now"] - OVERLAP_MS)
            while len(told) > MOST_TOLD:
                del told[next(iter(told))]


def _show(arrivals: list[dict[str, Any]], json: bool, most: int) -> None:
    """What is new since the last look; a look sees `most` events."""
    for arrival in arrivals:
        if json:
            as_json(arrival)
        else:
            out.print(line(arrival), no_wrap=True, overflow="ellipsis")
    if len(arrivals) >= most:
        err.print("more arrive than are shown", style="dim")


def line(arrival: dict[str, Any]) -> Text:
    """One arrival on one line: time, what it is, who, where."""
    moment = datetime.fromtimestamp(arrival["received_at"] / 1000, UTC).strftime("%H:%M:%S")
    text = Text.assemble((moment, "dim"), "  ")
    if arrival["reason"]:
        text.append(f"rejected {arrival['reason']}", "bold red")
        return text.append(f"  {arrival['source']}: {arrival['message']}")
    text.append(f"{arrival['event']:<24}", "bold").append(f" {arrival['channel']:<8} ")
    text.append(f"{arrival['who'][:24]:<24} ", "cyan")
    return text.append(arrival["where"], "dim")
