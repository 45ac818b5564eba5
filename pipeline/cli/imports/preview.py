"""`wayfare import --dry-run`: what the first records of a file would become. Nothing is sent, no data is opened."""

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from rich.markup import escape

from pipeline.cli.imports.files import Reading
from pipeline.cli.imports.judging import Judge
from pipeline.cli.imports.plan import Plan, Planned
from pipeline.cli.output import as_json, out
from schemas.definitions import Project
from schemas.facts import Rejected


def previewed(file: Path, plan: Plan, rows: int, project: str) -> list[dict[str, Any]]:
    """Of each of the first records: its line and events, or why there is none."""
    with Reading(file, plan.form, plan.csv) as reading:
        return told([plan.planned(record) for record in islice(reading.records(), rows)], Judge(Project(project)))


def told(planned: Iterable[Planned], judge: Judge) -> list[dict[str, Any]]:
    return [
        {
            "line": each.line,
            "reason": each.reason,
            "message": each.words,
            "events": [_told(event, judge) for event in each.events],
        }
        for each in planned
    ]


def _told(event: bytes, judge: Judge) -> dict[str, Any]:
    found = judge.judged(event)
    made: Any = event.decode("utf-8", "replace")
    if isinstance(found, Rejected):
        return {"event": _json(event, made), "reason": found.reason, "field": found.field, "message": found.message}
    at = datetime.fromtimestamp(found.occurred_at / 1000, UTC).isoformat(timespec="milliseconds")
    becomes = {
        "event": found.event, "type": found.type, "occurred_at": at, "device": found.device_id, "user": found.user_id,
        "email": bool(found.email), "phone": bool(found.phone), "channel": found.channel, "contact": found.contact,
        "acquisition": found.acquisition, "path": found.path, "is_bot": found.is_bot, "is_passive": found.is_passive,
        "value_micros": found.value_micros,
    }  # fmt: skip
    return {"event": _json(event, made), "reason": "", "becomes": becomes}


def _json(event: bytes, text: str) -> Any:
    try:
        return msgspec.json.decode(event)
    except msgspec.DecodeError:
        return text


def show(records: list[dict[str, Any]], *, machine: bool) -> None:
    if machine:
        as_json({"records": records})
        return
    for each in records:
        if each["reason"]:
            told = escape(f"{each['reason']}: {each['message']}")
            out.print(f"[bold]{each['line']}[/bold]: {told}", soft_wrap=True)
        elif not each["events"]:
            out.print(f"[bold]{each['line']}[/bold]: nothing")
        for event in each["events"]:
            _show(each["line"], event)


def _show(line: int, event: dict[str, Any]) -> None:
    if event["reason"]:
        out.print(f"[bold]{line}[/bold]: rejected as {event['reason']}: {escape(event['message'])}", soft_wrap=True)
    else:
        is_there = {name: one for name, one in event["becomes"].items() if one not in ("", False, None)}
        told = "  ".join(f"{field}={one}" for field, one in is_there.items() if field != "event")
        name = event["becomes"]["event"]
        out.print(f"[bold]{line}[/bold]: {escape(name)}  {escape(told)}", soft_wrap=True, highlight=False)
    out.print(f"   {msgspec.json.encode(event['event']).decode()}", soft_wrap=True, highlight=False, markup=False)
