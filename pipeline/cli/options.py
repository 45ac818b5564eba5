"""Options that many commands share, and the settings that a command starts from."""

import asyncio
import logging
import re
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar

import typer

from pipeline.errors import UserMistake
from pipeline.settings import Settings, load

T = TypeVar("T")

Project = Annotated[
    str, typer.Option("--project", "-p", help="Project. Default: the setting `project`.", metavar="NAME")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON value on stdout instead of text for people.")]
Last = Annotated[str, typer.Option("--last", help="Range up to now: 30min, 12h, 7d, 4w.", metavar="SPAN")]

_SPAN = re.compile(r"(\d{1,6})\s*(min|h|d|w)")
_UNITS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def settings(*, service: bool = False) -> Settings:
    """The process's settings; logging is set up by them. What a person looks at tells warnings only."""
    read = load()
    level = "WARNING" if read.log_level == "info" and not service else read.log_level.upper()
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if read.log_level != "debug":
        for noisy in ("httpx", "httpcore", "aiokafka", "kafka"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
        logging.getLogger("clickhouse_driver").setLevel(logging.ERROR)  # it warns, with a traceback, of what it raises
    return read


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Runs a command's coroutine to its end."""
    return asyncio.run(work)


def span(text: str, now: datetime | None = None) -> tuple[int, int]:
    """[from, to) in UTC ms of 30min, 12h, 7d, 4w, up to now. Raises UserMistake."""
    found = _SPAN.fullmatch(text.strip())
    if not found or int(found[1]) == 0:
        raise UserMistake(f"{text!r} is no span: give 30min, 12h, 7d or 4w", field="last")
    until = now or datetime.now(UTC)
    return round((until - int(found[1]) * _UNITS[found[2]]).timestamp() * 1000), round(until.timestamp() * 1000)
