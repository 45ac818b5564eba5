"""The events that questions are asked about, made by ClickHouse itself from numbers and fixed hashes, and kept.

Thirty days of a shop. Of 50 million events two million customers have 25 each, in sessions of five, on 2.2 million
devices. Half of the customers are known, half of those by an e-mail; one device in eleven is a customer's second one,
and one in twenty-five changes hands. PostHog's table has the same events.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from rich.progress import Progress

from pipeline.store.migrations import migrate
from pipeline.store.port import Store
from pipeline.store.sql import load

DAY: Final = 86_400_000
START: Final = 1_780_272_000_000  # Monday 2026-06-01
DAYS: Final = 30
END: Final = START + DAYS * DAY
LARGE: Final = ("page", "product_viewed", "added_to_cart", "checkout_started", "purchase")  # 81 % of all events
SMALL: Final = ("search", "filter_used", "wishlist", "share", "review")  # 17 %
SAVED: Final = "checkout"

_A_SESSION, _A_CUSTOMER = 5, 25  # events
_TABLES = ("events", "posthog_events", "sessions", "funnel_entries", "owners", "identities")


class _Task(NamedTuple):
    name: str
    run: Callable[[Store], None]


def build(store: Store, events: int, folder: Path) -> None:
    """Makes what is not there yet; begun again it goes on where it was ended."""
    record = folder / f"made-{events}.json"
    done: list[str] = json.loads(record.read_text()) if record.exists() else []
    tasks = [task for task in _tasks(events) if task.name not in done]
    with Progress(disable=not tasks) as progress:
        row = progress.add_task(f"{events:,} events", total=len(tasks))
        for task in tasks:
            progress.update(row, description=task.name)
            task.run(store)
            done.append(task.name)
            record.write_text(json.dumps(done))
            progress.advance(row)


def _tasks(events: int) -> Iterator[_Task]:
    customers, sessions = events // _A_CUSTOMER, events // _A_SESSION
    who = {"customers": customers, "devices": customers * 11 // 10}
    yield _Task("tables", _tables)
    for day in range(DAYS):
        part = {
            "first": sessions * day // DAYS,
            "last": sessions * (day + 1) // DAYS,
            "day": START + day * DAY,
            **who,
        }
        for name in ("events", "posthog_events", "sessions"):
            yield _Task(f"{name} {day}", _filling(name, part))
    yield _Task("owners", _filling("owners", who | {"middle": START + DAYS // 2 * DAY}))
    yield _Task("identities", _filling("identities", {"customers": customers}))
    yield _Task("entries", _filling("entries", {"entries": events // 5, "day": START, "span": DAYS * DAY}))
    for table in _TABLES:
        yield _Task(f"merge {table}", _merging(table))


def _tables(store: Store) -> None:
    migrate(store)
    store.command("DROP VIEW IF EXISTS timeline_of_events")  # questions do not read the timeline
    store.command(load("bench.questions", "posthog_table"))


def _filling(name: str, parameters: dict[str, Any]) -> Callable[[Store], None]:
    return lambda store: store.command(load("bench.questions", name), parameters)


def _merging(table: str) -> Callable[[Store], None]:
    """As the engine merges by itself in time: a partition is one part. PostHog's table is treated alike."""
    return lambda store: store.command("OPTIMIZE TABLE {table:Identifier} FINAL", {"table": table})
