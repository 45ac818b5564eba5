"""The broker and the ClickHouse endpoint that a benchmark runs against, and what processes cost (Linux's /proc)."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.store import open_store
from pipeline.store.migrations import migrate
from tests.equipment.broker import Broker
from tests.equipment.clickhouse_fixtures import Endpoint, create_database

ROOT = Path(__file__).parents[1]
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Machines:
    kafka: str  # host:port
    clickhouse: str  # URL of the server, without a database
    folder: Path
    servers: dict[str, int] = field(default_factory=dict)  # process ids of what was started here

    def log_url(self) -> str:
        return f"kafka://{self.kafka}"

    def fresh_store(self) -> str:
        """URL of a new, migrated database."""
        url = create_database(self.clickhouse)
        store = open_store(url)
        migrate(store)
        store.close()
        return url

    def server_cpu(self) -> dict[str, float]:
        return {name: cpu_seconds(pid) for name, pid in self.servers.items()}


@contextmanager
def machines(*, servers: bool = True) -> Iterator[Machines]:
    """Started for this run, unless WAYFARE_TEST_KAFKA and WAYFARE_TEST_CLICKHOUSE name some that run already.

    Without `servers` there is only a folder, which ends with the run.
    """
    if not servers:
        with tempfile.TemporaryDirectory(prefix="wayfare-bench-") as name:
            yield Machines("", "", Path(name))
        return
    with tempfile.TemporaryDirectory(prefix="wayfare-bench-") as name:
        folder = Path(name)
        kafka, clickhouse = os.environ.get("WAYFARE_TEST_KAFKA"), os.environ.get("WAYFARE_TEST_CLICKHOUSE")
        started: dict[str, int] = {}
        broker = endpoint = None
        try:
            if not kafka:
                before = children()
                broker = Broker(folder / "kafka").start()
                kafka = broker.address
                started["kafka"] = (children() - before).pop()
            if not clickhouse:
                before = children()
                endpoint = Endpoint(folder / "clickhouse").start()
                clickhouse = endpoint.url
                started["clickhouse"] = (children() - before).pop()
            yield Machines(kafka, clickhouse.rstrip("/"), folder, started)
        finally:
            if endpoint:
                endpoint.stop(9)
            if broker:
                broker.kill()


def start(
    module: str, *arguments: object, environ: dict[str, str] | None = None, **options: Any
) -> subprocess.Popen[str]:
    """A Python process of ours, from the folder of the house."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, **(environ or {})}, text=True, **options)


def children() -> set[int]:
    """Process ids of this thread's children."""
    return set(map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()))


def cpu_seconds(pid: int, task: int | None = None) -> float:
    """User and system time of a process, or of one of its threads."""
    path = f"/proc/{pid}/stat" if task is None else f"/proc/{pid}/task/{task}/stat"
    fields = Path(path).read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def busy_seconds() -> float:
    """User and system time of everything on the machine."""
    user, nice, system, _idle, _waits, *interrupts = map(
        int, Path("/proc/stat").read_text().split("\n")[0].split()[1:8]
    )
    return (user + nice + system + sum(interrupts)) / _TICKS


def rss_megabytes(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def load() -> str:
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
