"""Acknowledged requests/s of the collector on Kafka (acks=all), beside FastAPI and pydantic that only validate.

    python -m bench.collector --protocols [...]
    python -m bench.collector [--seconds 4] [--rounds 2] [--connections 1,64,512] [--events 1,50] [--profile FILE]

Both apps run as `wayfare serve` and as uvicorn with the same loop and parser; the same senders, in a process of their
own, take turns with them, cell by cell. With --protocols no rival runs: other trackers' protocols take turns with
/v1/batch, with the same events. Afterwards the topic is read: it fails unless the log has every event that was
acknowledged, once.
"""

import argparse
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from bench import trackers
from bench.machines import Machines, load, machines, start
from bench.system import System, cluster
from schemas.log import EVENTS
from tests.equipment.broker import free_ports

UVICORN = ("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning")
_ID = re.compile(rb'"(?:messageId|dimension1|number)":"bench-(\d{12})"')
Cell = tuple[int, int]  # connections, events a request


def cell(
    host: str, pid: int, of: Cell, seconds: float, first: int = 0, key: str = "", protocol: str = ""
) -> dict[str, Any]:
    """The figures of one run of the senders, with ids from `first` on."""
    connections, events = of
    told = [host, connections, events, seconds, first, pid, *([key] if key else []), *([protocol] if protocol else [])]
    process = start("bench.senders", *told, stdout=subprocess.PIPE)
    output, _ = process.communicate(timeout=seconds + 120)
    if process.returncode:
        raise SystemExit(f"the senders ended with {process.returncode}")
    figures: dict[str, Any] = json.loads(output)
    if figures["trouble"]:
        raise SystemExit(f"not every request was answered with 200: {figures['answers']}\n{figures['trouble']}")
    return figures


def wait_for_port(host: str, process: "subprocess.Popen[str]") -> None:
    name, _, port = host.rpartition(":")
    while True:
        if process.poll() is not None:
            raise SystemExit(f"{process.args!r} ended with {process.returncode}")
        try:
            socket.create_connection((name, int(port)), 1).close()
            return
        except OSError:
            time.sleep(0.05)


def ids(on: Machines, topic: str, partitions: int) -> Iterator[int]:
    """Numbers of the events that the topic holds, in no order."""
    consumer = KafkaConsumer(bootstrap_servers=on.kafka, enable_auto_commit=False, max_partition_fetch_bytes=1 << 22)
    try:
        all_of_it = [TopicPartition(topic, each) for each in range(partitions)]
        consumer.assign(all_of_it)
        consumer.seek_to_beginning()
        ends = consumer.end_offsets(all_of_it)
        while any(consumer.position(each) < ends[each] for each in all_of_it):
            for records in consumer.poll(timeout_ms=1000, max_records=5_000).values():
                for record in records:
                    yield from map(int, _ID.findall(record.value))
    finally:
        consumer.close()


def verify(on: Machines, system: System, acknowledged: int) -> bool:
    """The topic holds each of the numbers 0 to `acknowledged` once, and no other."""
    seen = bytearray(acknowledged)
    total = 0
    for number in ids(on, f"{system.prefix}-{EVENTS}-1", int(system.settings["partitions"])):
        total += 1
        if number < acknowledged:
            seen[number] = 1
    found = seen.count(1)
    is_right = found == total == acknowledged
    print(
        f"acknowledged {acknowledged:,} events; the topic holds {found:,} of them, {total:,} in all: "
        f"{'every one once' if is_right else 'WRONG'}"
    )
    return is_right


def measure(on: Machines, options: argparse.Namespace) -> dict[Cell, dict[str, list[dict[str, Any]]]]:
    """Runs by cell and app. Ends the process where an acknowledged event is not in the log."""
    cells = [(connections, events) for events in options.events for connections in options.connections]
    found: dict[Cell, dict[str, list[dict[str, Any]]]] = {each: {"ours": [], "rival": []} for each in cells}
    with cluster(on) as system:
        serve = system.run("serve")
        (port,) = free_ports(1)
        rival_host = f"127.0.0.1:{port}"
        rival = start("uvicorn", "bench.validating:app", "--port", port, *UVICORN)
        try:
            system.wait(serve)
            wait_for_port(rival_host, rival)
            first = 0
            with profiled(options.profile, serve.pid):
                for _ in range(options.rounds):
                    for each in cells:
                        done = cell(system.host, serve.pid, each, options.seconds, first, system.key)
                        first = done["next"]
                        found[each]["ours"].append(done)
                        if not options.only_ours:
                            found[each]["rival"].append(cell(rival_host, rival.pid, each, options.seconds))
        finally:
            rival.terminate()
            rival.wait(30)
        if not verify(on, system, first):
            raise SystemExit(1)
    return found


def measure_protocols(on: Machines, options: argparse.Namespace) -> dict[str, dict[Cell, list[dict[str, Any]]]]:
    """Runs by protocol and cell. Ends the process where an acknowledged event is not in the log."""
    cells = [(connections, events) for events in options.events for connections in options.connections]
    found: dict[str, dict[Cell, list[dict[str, Any]]]] = {name: {} for name in trackers.PROTOCOLS}
    with cluster(on) as system:
        serve = system.run("serve")
        system.wait(serve)
        first = 0
        with profiled(options.profile, serve.pid):
            for _, each in ((turn, each) for turn in range(options.rounds) for each in cells):
                for name, runs in found.items():
                    if name in trackers.ONE_AT_A_TIME and each[1] != 1:
                        continue
                    done = cell(system.host, serve.pid, each, options.seconds, first, system.key, name)
                    first = done["next"]
                    runs.setdefault(each, []).append(done)
        if not verify(on, system, first):
            raise SystemExit(1)
    return found


def show_protocols(found: dict[str, dict[Cell, list[dict[str, Any]]]]) -> None:
    """Each beside /v1/batch with as many events."""
    print(f"\n{'connections x events':22}{'protocol':12}{'req/s':>9}{'/s CPU':>10}{'p50 ms':>9}{'clock':>9}{'CPU':>7}")
    for each, usual in found["v1"].items():
        usual_clock, usual_cpu, _, _ = rates(usual)
        for name, cells in found.items():
            if each in cells:
                clock, cpu, latency, _ = rates(cells[each])
                told = f"{each[0]:>10} x {each[1]:<9}{name:12}{clock:9,.0f}{cpu:10,.0f}{latency:9.2f}"
                print(f"{told}{clock / usual_clock:9.2f}{cpu / usual_cpu:7.2f}")


class profiled:
    """py-spy on a process, where a file is named (see bench.hotspots)."""

    def __init__(self, path: str | None, pid: int) -> None:
        self._command: list[str] = []
        if path:
            tool = str(Path(sys.executable).parent / "py-spy")
            self._command = [tool, "record", "--rate", "197", "--format", "raw", "--threads", "--gil", "-d", "3600"]
            self._command += ["-o", path, "-p", str(pid)]

    def __enter__(self) -> None:
        self._process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL) if self._command else None

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.send_signal(2)
            self._process.wait(60)


def rates(runs: list[dict[str, Any]]) -> tuple[float, float, float, float]:
    """Medians of the runs: requests/s, requests/s of server CPU, ms of the median request, share of a core busy."""
    return (
        median(run["requests"] / run["seconds"] for run in runs),
        median(run["requests"] / max(run["server_cpu"], 0.01) for run in runs),
        median(run["p50_ms"] for run in runs),
        median(run["server_cpu"] / run["seconds"] for run in runs),
    )


def show(found: dict[Cell, dict[str, list[dict[str, Any]]]]) -> None:
    print(f"\n{'':20}{'collector':^38}{'FastAPI + pydantic':^38}{'ratio':^16}")
    column = f"{'req/s':>9}{'/s CPU':>10}{'p50 ms':>9}{'busy %':>9}"
    print(f"{'connections x events':20}{column} {column} {'clock':>8}{'CPU':>8}")
    for (connections, events), runs in found.items():
        line, pairs = f"{connections:>10} x {events:<7}", []
        for name in ("ours", "rival"):
            if runs[name]:
                clock, cpu, latency, busy = rates(runs[name])
                pairs.append((clock, cpu))
                line += f"{clock:9,.0f}{cpu:10,.0f}{latency:9.2f}{busy * 100:9.0f} "
        if len(pairs) == 2:
            line += f"{pairs[0][0] / pairs[1][0]:8.2f}{pairs[0][1] / pairs[1][1]:8.2f}"
        print(line)


def _numbers(text: str) -> list[int]:
    return [int(each) for each in text.split(",")]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.collector")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each run")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each cell; medians are shown")
    parser.add_argument("--connections", type=_numbers, default=[1, 64, 512])
    parser.add_argument("--events", type=_numbers, default=[1, 50], help="events a request")
    parser.add_argument("--only-ours", action="store_true", help="leave the rival out")
    parser.add_argument("--profile", help="py-spy's stacks of the collector, to this file (see bench.hotspots)")
    parser.add_argument("--json", help="all figures, to this file")
    parser.add_argument("--protocols", action="store_true", help="other trackers' protocols instead of the rival")
    options = parser.parse_args(arguments)
    with machines() as on:
        print(f"{load()}; {options.seconds:g} s a run, {options.rounds} rounds", flush=True)
        if options.protocols:
            show_protocols(measure_protocols(on, options))
            return
        found = measure(on, options)
        print(load())
    show(found)
    if options.json:
        told = {f"{connections}x{events}": runs for (connections, events), runs in found.items()}
        Path(options.json).write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
