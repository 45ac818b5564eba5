"""The command line `wayfare`, whose process dies at a chosen moment, as by kill -9, or stands still as by kill -STOP.

    FAULT_FILE=FILE python -m tests.faults.faulty up --port 0

FILE, once it exists, says where: `MOMENT SUBJECT NUMBER`, as `inserted events 2`: when the second insert into events
has returned. Moments, counted from when the file is first seen; the file goes with the process:

    freezing TABLE      rows are not in the table, and will be once the process goes on
    stalling TABLE      rows are not in the table for longer than it takes to commit, and then will never be
    inserted TABLE      rows are in the table, whatever was to be written after them is not
    sending TOPIC       agents have written facts, marks or notes have not been sent
    acking TOPIC        marks have been sent, the batch has not been acknowledged
    appending events    the collector has the request, the log does not
    appended events     the log has it, the sender has no answer

The moments are found in the ports, so the product needs no hook for this. One thing more is shorter than it is: how
long a worker that asks Kafka for nothing more counts as alive (POLL_INTERVAL_S).
"""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from pipeline.cli import main as wayfare
from pipeline.log import group_commit
from pipeline.log.batches import Batches
from pipeline.log.faust_app import WayfareApp
from schemas.log import EVENTS
from tests.scenarios.forked import in_this_process

DEATH = 137  # the exit code of kill -9 in a shell
STALL_S = 1.5  # three times the interval between commits
CONTROL = b'"c":"'
POLL_INTERVAL_S = 8.0
_counts: dict[tuple[str, str], int] = {}


def _file() -> Path:
    return Path(os.environ.get("FAULT_FILE", os.devnull))


def passing(moment: str, subject: str) -> None:
    """Ends or stops the process if this is the chosen moment."""
    try:
        wanted, of, number = _file().read_text().split()
    except (FileNotFoundError, ValueError):  # not armed, or just being written
        _counts.clear()
        return
    if (moment, subject) == (wanted, of):
        _counts[moment, subject] = _counts.get((moment, subject), 0) + 1
        if _counts[moment, subject] == int(number):
            if moment == "freezing":
                _file().unlink()
                os.kill(os.getpid(), signal.SIGSTOP)
                return
            if moment == "stalling":
                time.sleep(STALL_S)
            _file().unlink()
            os._exit(DEATH)


def watch_inserts(store: type[Any]) -> None:
    insert: Callable[..., None] = store.insert

    def watched(self: Any, table: str, columns: Any) -> None:
        passing("freezing", table)
        passing("stalling", table)
        insert(self, table, columns)
        passing("inserted", table)

    store.insert = watched


def watch_marks() -> None:
    send: Callable[..., Awaitable[None]] = WayfareApp.send_records

    async def watched(self: WayfareApp, topic: str, partition: int, value: bytes) -> None:
        passing("sending", topic)
        await send(self, topic, partition, value)

    WayfareApp.send_records = watched  # type: ignore[method-assign]


def watch_acks() -> None:
    ack: Callable[..., bool] = Batches.ack

    def watched(self: Batches, message: Any) -> bool:
        passing("acking", message.value.topic)
        return ack(self, message)

    Batches.ack = watched  # type: ignore[method-assign]


def watch_appends() -> None:
    append: Callable[..., asyncio.Future[None]] = group_commit.GroupCommit.append_all

    def watched(self: Any, topic: str, lines: Mapping[int, list[bytes]]) -> "asyncio.Future[None]":
        from_a_sender = topic == EVENTS and not any(CONTROL in line for each in lines.values() for line in each)
        if from_a_sender:
            passing("appending", topic)
        done = append(self, topic, lines)
        if from_a_sender:
            done.add_done_callback(lambda _: passing("appended", topic))  # before whoever waits for it
        return done

    group_commit.GroupCommit.append_all = watched  # type: ignore[method-assign]


def shorten_polls() -> None:
    init = WayfareApp.__init__

    def shortened(self: WayfareApp, *arguments: Any, **options: Any) -> None:
        init(self, *arguments, **options | {"broker_max_poll_interval": POLL_INTERVAL_S})

    WayfareApp.__init__ = shortened  # type: ignore[method-assign]


def main() -> None:
    if "chdb:" in os.environ.get("WAYFARE_STORE", "chdb:"):
        from pipeline.store.embedded import EmbeddedStore

        watch_inserts(EmbeddedStore)
    else:
        from pipeline.store.remote import RemoteStore

        watch_inserts(RemoteStore)
    watch_marks()
    watch_acks()
    watch_appends()
    shorten_polls()
    os.execv = in_this_process
    wayfare()


if __name__ == "__main__":
    main()
