"""Events/s of one worker on Kafka + ClickHouse: raw aiokafka, stock per-event Faust, and the whole path.

    python -m bench.pipeline [--events 1000000] [--goals 1] [--funnels 0] [--profile FILE] [--json FILE]

The log is filled before the start, some dozens of lines a record, as the collector fills it. The whole path counts from
the first fetched records until nothing waits in any of the three topics: all facts are in ClickHouse, all marks are
flushed and worked off, everything is acknowledged and committed. The rows are then counted.
"""

import argparse
import asyncio
import json
import logging
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer

from bench.events import PROJECT
from bench.lines import Sample, records, sample
from bench.machines import Machines, cpu_seconds, load, machines, rss_megabytes, start
from pipeline.errors import LogUnavailable
from pipeline.log import open_log
from pipeline.store import open_store
from pipeline.store.definitions import Definitions
from schemas.definitions import Funnel, Goal, Project, Step
from schemas.log import EVENTS

PARTITIONS = 16
ROWS = (
    "events", "timeline", "sessions", "touchpoints", "owners", "pairs", "identities", "journeys", "conversions",
    "funnel_entries", "rejected",
)  # fmt: skip


@dataclass
class Whole:
    """The figures of the whole path."""

    wall: float
    cpu: float  # of the worker, from the first records on
    events_wall: float  # until the log `events` was worked off
    rss: float  # MB at the end
    servers: dict[str, float]  # CPU seconds
    rows: dict[str, int]
    stages: dict[str, Any]


async def fill(server: str, topic: str, values: Iterable[tuple[int, bytes]]) -> None:
    """Sends records to a topic that exists."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a fresh topic has no leader yet: it tries again
    producer = AIOKafkaProducer(
        bootstrap_servers=server, acks=1, max_batch_size=1 << 19, max_request_size=1_048_588, linger_ms=5
    )
    await producer.start()
    waiting: list[asyncio.Future[Any]] = []
    for partition, value in values:
        waiting.append(await producer.send(topic, value, partition=partition))
        if len(waiting) == 2_000:
            await asyncio.gather(*waiting)
            waiting.clear()
    await asyncio.gather(*waiting)
    await producer.stop()


def topic(on: Machines, found: Sample, lines_a_record: int) -> str:
    """A prefix whose topic `events` is filled."""
    prefix = f"bench{uuid.uuid4().hex[:8]}"
    log = open_log(on.log_url(), group=prefix, prefix=prefix, timeout=30)
    log.ensure_topics(PARTITIONS)
    asyncio.run(fill(on.kafka, log.topic(EVENTS).name, records(found, PARTITIONS, lines_a_record)))
    log.close()
    return prefix


def rival(way: str, on: Machines, prefix: str, lines: int) -> dict[str, float]:
    figures = on.folder / f"{way}.json"
    process = start("bench.rivals", way, on.kafka, f"{prefix}-{EVENTS}-1", lines, figures, stdout=subprocess.DEVNULL)
    try:
        process.wait(300)
    finally:
        process.kill()
    return _read(figures)


def define(store_url: str, goals: int, funnels: int) -> None:
    store = open_store(store_url)
    definitions = Definitions(store)
    definitions.save(Project(PROJECT))
    for name, events in (("order", "Order Completed"), ("added", "Product Added"), ("signed-in", "Signed In"))[:goals]:
        definitions.save(Goal(name, (events,), kind="macro" if name == "order" else "micro"), PROJECT)
    steps = tuple(Step((name,)) for name in ("Product Added", "Checkout Started", "Order Completed"))
    for number in range(funnels):
        definitions.save(Funnel(f"checkout-{number}", steps), PROJECT)
    store.close()


def whole(on: Machines, prefix: str, options: argparse.Namespace, *timers: str) -> Whole:
    """The whole path over what the topic holds; with timers in the worker where they are named."""
    store_url = on.fresh_store()
    define(store_url, options.goals, options.funnels)
    figures = on.folder / f"{prefix}.json"
    environ = {
        "WAYFARE_LOG": on.log_url(),
        "WAYFARE_STORE": store_url,
        "WAYFARE_TOPIC_PREFIX": prefix,
        "WAYFARE_GROUP": prefix,
        "WAYFARE_PARTITIONS": str(PARTITIONS),
        "WAYFARE_DATA": str(on.folder / prefix),
    }
    log = open_log(on.log_url(), group=prefix, prefix=prefix, timeout=30)
    before = on.server_cpu()
    worker = start("bench.worker", figures, *timers, environ=environ, stdout=subprocess.DEVNULL)
    profiler = None
    try:
        if options.profile and not timers:
            tool = str(Path(sys.executable).parent / "py-spy")
            command = [tool, "record", "--rate", "97", "--format", "raw", "--threads", "--gil", "-d", "3600"]
            while not _read(figures).get("first_work"):
                time.sleep(0.1)
            profiler = subprocess.Popen(
                [*command, "-o", options.profile, "-p", str(worker.pid)], stderr=subprocess.DEVNULL
            )
        events_done, all_done = drained(log, worker, options.timeout)
        cpu, rss = cpu_seconds(worker.pid), rss_megabytes(worker.pid)
        servers = {name: now - before[name] for name, now in on.server_cpu().items()}
        time.sleep(0.7)
        told = _read(figures)
        cpu -= cpu_seconds(worker.pid) - told["process_cpu"]  # less what the start took, within the half second
        if profiler:
            profiler.send_signal(2)
            profiler.wait(60)
    finally:
        worker.terminate()
        worker.wait(60)
        log.close()
    first = told["first_work"]
    return Whole(all_done - first, cpu, events_done - first, rss, servers, _count(store_url), told)


def drained(log: Any, worker: "subprocess.Popen[str]", timeout: float) -> tuple[float, float]:
    """When `events`, and when all three topics, were worked off and committed."""
    end = time.monotonic() + timeout
    events_done = all_done = 0.0
    while time.monotonic() < end:
        if worker.poll() is not None:
            raise SystemExit(f"the worker ended with {worker.returncode}")
        try:
            lag = log.lag()
        except LogUnavailable as error:  # no group yet
            print(f"  {error}", file=sys.stderr)
            lag = {EVENTS: 1}
        now = time.time()
        if not lag[EVENTS]:
            events_done = events_done or now
        if any(lag.values()):
            all_done = 0.0
        else:  # asked once more: a mark may have been sent between two of its questions
            if all_done:
                return events_done, all_done
            all_done = now
        time.sleep(0.2)
    raise SystemExit(f"not worked off after {timeout:.0f} s: {lag}")


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _count(store_url: str) -> dict[str, int]:
    store = open_store(store_url)
    rows = {table: int(store.query(f"SELECT count() FROM {table} FINAL")[0][0]) for table in ROWS}  # noqa: S608
    store.close()
    return rows


def table(lines: int, told: dict[str, Any], wall: float) -> str:
    """Stages by CPU, in µs an event."""
    out = [f"{'stage':44}{'calls':>9}{'cpu s':>8}{'wall s':>8}{'cpu us/event':>14}"]
    for name, (calls, took, cpu) in sorted(told["stages"].items(), key=lambda item: -item[1][2]):
        out.append(f"{name:44}{calls:9.0f}{cpu:8.2f}{took:8.2f}{cpu / lines * 1e6:14.2f}")
    out.append(f"\n{'thread':44}{'':9}{'cpu s':>8}{'':8}{'cpu us/event':>14}   outside all stages")
    for name, (cpu, inside) in sorted(told["threads"].items(), key=lambda item: -item[1][0]):
        if cpu >= 0.05:
            out.append(f"{name:44}{'':9}{cpu:8.2f}{'':8}{cpu / lines * 1e6:14.2f}{(cpu - inside) / lines * 1e6:14.2f}")
    out.append(f"\n{'waiting':44}{'calls':>9}{'':8}{'wall s':>8}   of {wall:.1f} s")
    for name, (calls, took) in sorted(told["waits"].items(), key=lambda item: -item[1][1]):
        out.append(f"{name:44}{calls:9.0f}{'':8}{took:8.2f}")
    out.append(f"\n{'inserts':44}{'inserts':>9}{'rows':>10}{'rows each':>10}")
    for name, (inserts, rows) in sorted(told["inserts"].items(), key=lambda item: -item[1][1]):
        out.append(f"{name:44}{inserts:9}{rows:10}{rows / inserts:10.0f}")
    if told["missing"]:
        out.append(f"\nnot found, so not timed: {', '.join(told['missing'])}")
    return "\n".join(out)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pipeline")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--stock", type=int, default=100_000, help="events for the stock agent")
    parser.add_argument("--lines", type=int, default=50, help="lines a record")
    parser.add_argument("--goals", type=int, default=1)
    parser.add_argument("--funnels", type=int, default=0)
    parser.add_argument("--timed", type=int, default=200_000, help="events of a second run, for the stages; 0 = none")
    parser.add_argument("--details", action="store_true", help="timers for each device and mark too: costs a tenth")
    parser.add_argument("--profile", help="py-spy's stacks of the worker, to this file (see bench.hotspots)")
    parser.add_argument("--json", help="all figures, to this file")
    parser.add_argument("--timeout", type=float, default=900)
    parser.add_argument("--only-whole", action="store_true", help="leave the rivals out")
    options = parser.parse_args()
    found, few = sample(options.events), sample(options.stock)
    with machines() as on:
        size = found.path.stat().st_size / found.lines
        print(f"{load()}; {found.lines:,} events of {size:.0f} B, {found.devices:,} devices")
        prefix = topic(on, found, options.lines)
        figures: dict[str, Any] = {"load": load(), "events": found.lines}
        if not options.only_whole:
            figures["raw"] = rival("raw", on, prefix, found.lines)
            figures["stock"] = rival("stock", on, topic(on, few, 1), few.lines)
        done = whole(on, prefix, options)
        figures["whole"] = done.__dict__
        timed = None
        if options.timed:
            part = sample(min(options.timed, options.events))
            timers = ["timed", "details"] if options.details else ["timed"]
            timed = whole(on, topic(on, part, options.lines), options, *timers)
            figures["timed"] = timed.__dict__
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=1))
    show(found, figures, done)
    if timed is not None:
        print(
            f"\nwhere the time goes, with timers, {part.lines:,} events:\n{table(part.lines, timed.stages, timed.wall)}"
        )
    if not is_right(found, done):
        raise SystemExit(1)


def is_right(found: Sample, done: Whole) -> bool:
    return done.rows["events"] == done.rows["timeline"] == found.unique


def show(found: Sample, figures: dict[str, Any], done: Whole) -> None:
    print(f"\n{'':34}{'events/s':>12}{'events/s of worker CPU':>26}")
    rates: dict[str, tuple[float, float]] = {}
    for name in ("raw", "stock"):
        if name in figures:
            one = figures[name]
            rates[name] = one["events"] / one["wall"], one["events"] / one["cpu"]
    rates["whole"] = found.lines / done.wall, found.lines / done.cpu
    names = {"raw": "(a) aiokafka getmany, raw", "stock": "(b) stock Faust, decodes", "whole": "(c) whole path"}
    for name, (wall, cpu) in rates.items():
        print(f"{names[name]:34}{wall:12,.0f}{cpu:26,.0f}")
    print(f"{'    of it until `events` is done':34}{found.lines / done.events_wall:12,.0f}")
    if "stock" in rates:
        clock, cpu = (ours / theirs for ours, theirs in zip(rates["whole"], rates["stock"], strict=True))
        print(f"(c) / (b): {clock:.2f} by the clock, {cpu:.2f} by CPU")
    print(
        f"worker: {done.wall:.1f} s, CPU {done.cpu:.1f} s, RSS {done.rss:.0f} MB; servers' CPU "
        + ", ".join(f"{n} {c:.1f} s" for n, c in done.servers.items())
    )
    print("rows: " + ", ".join(f"{name} {count:,}" for name, count in done.rows.items()))
    print("every event once: " + ("yes" if is_right(found, done) else f"NO, {found.unique:,} are right"))


if __name__ == "__main__":
    main()
