"""Memory of a worker on Kafka + ClickHouse that holds many open sessions.

    python -m bench.memory [--devices 100000] [--events 3] [--limit 400] [--profile FILE]

Every device has a few events within half an hour of the log's time, so that all of their sessions are open when the log
has been worked off. The log is filled before the worker starts: it works at full speed, with full turns, which is when
it needs most. RSS and PSS are read from /proc, the greatest RSS is the kernel's own (VmHWM).
"""

import argparse
import asyncio
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from bench.events import PROJECT, START, events
from bench.machines import Machines, load, machines, start
from bench.pipeline import PARTITIONS, drained, fill
from bench.system import System, cluster
from pipeline.domain.identifiers import Kind, identifier
from pipeline.log import open_log
from pipeline.store import open_store
from schemas.log import EVENTS, Line

SPAN = 25 * 60_000  # ms
LINES_A_RECORD = 50
SETTLED = 5.0  # seconds after the last record
OPEN = "SELECT count() FROM sessions FINAL WHERE toUnixTimestamp64Milli(ends_at) > {last:Int64}"


def lines(devices: int, each: int) -> Iterator[tuple[int, bytes]]:
    """(device's identifier, line), in the order of receipt: each device has its events spread over the span."""
    total, random = devices * each, Random(5)
    order = [device for device in range(devices) for _ in range(each)]
    random.shuffle(order)
    encode = msgspec.json.Encoder().encode
    for number, ((_, event), device) in enumerate(zip(events(total, devices=devices), order, strict=True)):
        name = f"{device:08x}-4d3c-4b1a-9f00-{device * 2654435761 & 0xFFFFFFFFFFFF:012x}"
        at = START + number * SPAN // total
        text = _ANONYMOUS.sub(f'"anonymousId":"{name}"'.encode(), event, count=1)
        text = _TIMES.sub(b"", text, count=1)
        key = identifier(PROJECT, Kind.device, name)
        yield key, encode(Line(PROJECT, key, at, s="web", k="browser", e=msgspec.Raw(text)))


_ANONYMOUS = re.compile(rb'"anonymousId":"[^"]*"')
_TIMES = re.compile(rb'"timestamp":"[^"]*","sentAt":"[^"]*",')


def records(devices: int, each: int) -> Iterator[tuple[int, bytes]]:
    waiting: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
    for device, line in lines(devices, each):
        partition = device % PARTITIONS
        waiting[partition].append(line)
        if len(waiting[partition]) == LINES_A_RECORD:
            yield partition, b"\n".join(waiting[partition])
            waiting[partition].clear()
    for partition, rest in enumerate(waiting):
        if rest:
            yield partition, b"\n".join(rest)


def megabytes(pid: int) -> dict[str, float]:
    """RSS, PSS and what they are made of, and the greatest RSS so far."""
    told = dict(re.findall(r"^(\w+):\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE))
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert peak
    found = {"rss": told["Rss"], "pss": told["Pss"], "anonymous": told["Anonymous"], "peak": peak[1]}
    return {name: int(kilobytes) * 1024 / 1e6 for name, kilobytes in found.items()}


def measure(on: Machines, system: System, options: argparse.Namespace) -> dict[str, Any]:
    log = open_log(on.log_url(), group=system.prefix, prefix=system.prefix, timeout=30)
    log.ensure_topics(PARTITIONS)
    asyncio.run(fill(on.kafka, log.topic(EVENTS).name, records(options.devices, options.events)))
    module, *arguments = options.worker.split()
    environ = {f"WAYFARE_{name.upper()}": value for name, value in system.settings.items()}
    worker = start(module, *arguments, environ=environ)
    try:
        began = time.time()
        _, done = drained(log, worker, options.timeout)
        time.sleep(SETTLED)
        found: dict[str, Any] = megabytes(worker.pid) | {"seconds": done - began}
    finally:
        worker.terminate()
        worker.wait(60)
        log.close()
    store = open_store(system.settings["store"])
    ((found["open_sessions"],),) = store.query(OPEN, {"last": START + SPAN})
    store.close()
    return found


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.memory")
    parser.add_argument("--devices", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=3, help="of each device")
    parser.add_argument("--limit", type=float, default=0, help="MB of the greatest RSS beyond which it fails")
    parser.add_argument("--worker", default="faust -A agents.app worker --without-web --loglevel warn")
    parser.add_argument("--timeout", type=float, default=900)
    parser.add_argument("--json", help="all figures, to this file")
    options = parser.parse_args(arguments)
    with machines() as on, cluster(on, PARTITIONS) as system:
        print(f"{load()}; {options.devices:,} devices, {options.events} events each", flush=True)
        found = measure(on, system, options)
    print(
        f"{found['open_sessions']:,} open sessions, worked off in {found['seconds']:.0f} s: RSS {found['rss']:.0f} MB, "
        f"PSS {found['pss']:.0f} MB (anonymous {found['anonymous']:.0f} MB), at most {found['peak']:.0f} MB; {load()}"
    )
    if options.json:
        Path(options.json).write_text(json.dumps(found, indent=1))
    if options.limit and found["peak"] > options.limit:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
