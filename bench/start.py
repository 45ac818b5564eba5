"""How soon a worker that starts on a large history makes progress, on Kafka + ClickHouse.

    python -m bench.start [--devices 100000] [--customers 1000000] [--limit 10]

One worker works off the first events of the devices, so that all their sessions are open, and ends. ClickHouse then
copies their facts until there are as many customers as asked for. The next events of the same devices wait in the log
when a new worker starts: printed is how long after its start the first of them was acknowledged, how long all, and its
greatest memory.
"""

import argparse
import asyncio
import time
from typing import Any

from bench.events import START
from bench.machines import Machines, load, machines, start
from bench.memory import OPEN, SPAN, megabytes, records
from bench.pipeline import PARTITIONS, drained, fill
from bench.system import System, cluster
from pipeline.log import open_log
from pipeline.store import open_store
from schemas.log import EVENTS

EVENTS_EACH = 4  # the last of them, on average, is what the new worker has to do
COPIED = {
    "events": ("device",),
    "sessions": ("device", "owner"),
    "touchpoints": ("device", "owner"),
    "owners": ("device", "owner"),
    "owners_by_owner": ("device", "owner"),
    "journeys": ("customer",),
}


def copy_customers(store: Any, copies: int) -> int:
    """So many copies of all facts, as those of others; returns how many customers there are."""
    for table, columns in COPIED.items():
        others = ", ".join(f"bitXor({column}, bitShiftLeft(number, 40)) AS {column}" for column in columns)
        copied = f"SELECT own.* REPLACE ({others}) FROM {table} AS own, numbers(1, {{copies:UInt64}}) AS copy"  # noqa: S608
        store.command(f"INSERT INTO {table} {copied}", {"copies": copies})
    ((customers,),) = store.query("SELECT uniq(customer) FROM journeys FINAL")
    return int(customers)


def first_progress(log: Any, worker: Any, timeout: float) -> float:
    """When less waits in the log `events` than before."""
    before, end = log.lag()[EVENTS], time.monotonic() + timeout
    while time.monotonic() < end and worker.poll() is None:
        if log.lag()[EVENTS] < before:
            return time.time()
        time.sleep(0.05)
    raise SystemExit("the worker made no progress")


def measure(on: Machines, system: System, options: argparse.Namespace) -> dict[str, float]:
    log = open_log(on.log_url(), group=system.prefix, prefix=system.prefix, timeout=30)
    log.ensure_topics(PARTITIONS)
    waiting = list(records(options.devices, EVENTS_EACH))
    count, topic = len(waiting) * (EVENTS_EACH - 1) // EVENTS_EACH, log.topic(EVENTS).name
    environ = {f"WAYFARE_{name.upper()}": value for name, value in system.settings.items()}
    arguments = ("-A", "agents.app", "worker", "--without-web", "--loglevel", "warn")

    asyncio.run(fill(on.kafka, topic, waiting[:count]))
    former = start("faust", *arguments, environ=environ)
    drained(log, former, options.timeout)
    former.terminate()
    former.wait(60)
    store = open_store(system.settings["store"])
    found: dict[str, float] = {"customers": copy_customers(store, max(0, options.customers // options.devices - 1))}
    ((found["open"],),) = store.query(OPEN, {"last": START + SPAN * (EVENTS_EACH - 1) // EVENTS_EACH})
    store.close()
    asyncio.run(fill(on.kafka, topic, waiting[count:]))

    began = time.time()
    worker = start("faust", *arguments, environ=environ)
    try:
        found["first"] = first_progress(log, worker, options.timeout) - began
        found["all"] = drained(log, worker, options.timeout)[1] - began
        found["peak"] = megabytes(worker.pid)["peak"]
    finally:
        worker.terminate()
        worker.wait(60)
        log.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.start")
    parser.add_argument("--devices", type=int, default=100_000, help="with an open session")
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--limit", type=float, default=10, help="seconds to the first progress beyond which it fails")
    parser.add_argument("--timeout", type=float, default=900)
    options = parser.parse_args()
    with machines() as on, cluster(on, PARTITIONS) as system:
        found = measure(on, system, options)
    print(
        f"{found['customers']:,.0f} customers, {found['open']:,.0f} open sessions: first progress "
        f"{found['first']:.1f} s after the start, all worked off after {found['all']:.0f} s, "
        f"at most {found['peak']:.0f} MB; {load()}"
    )
    raise SystemExit(found["first"] > options.limit)


if __name__ == "__main__":
    main()
