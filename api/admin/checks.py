"""What `wayfare doctor` looks at. Each check is a function that returns what it found and what to do about it."""

import shutil
import time
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from api.runtime import Runtime
from pipeline.errors import WayfareError
from pipeline.settings import masked, variable
from pipeline.store import migrations
from pipeline.store.sql import load
from schemas.log import TOPICS

READS = "api.admin.reads"
CLOCK_WARN_MS, CLOCK_FAIL_MS = 2_000, 60_000
FREE_WARN, FREE_FAIL = 2_000_000_000, 200_000_000  # bytes
AGENTS = ("sessions", "identity", "journeys")


class Check(NamedTuple):
    name: str
    state: Literal["ok", "warn", "fail"]
    message: str
    advice: str = ""


def examine(runtime: Runtime) -> list[Check]:
    """Every check. A part that does not answer is a failed check, never an exception."""
    checks: list[Check] = []
    for name, look in LOOKS.items():
        try:
            checks += look(runtime)
        except WayfareError as error:
            checks.append(Check(name, "fail", error.message, _ADVICE.get(name, "")))
    return checks


def _settings(runtime: Runtime) -> Iterator[Check]:
    settings = runtime.settings
    yield Check("settings", "ok", f"log {masked(settings.log)}, store {masked(settings.store)}")
    if not settings.places:
        yield Check("places", "ok", f"no look-up of places; {variable('places')} names a MaxMind-format file")


def _log(runtime: Runtime) -> Iterator[Check]:
    begun = time.monotonic()
    runtime.log.check()
    yield Check("log", "ok", f"answers in {(time.monotonic() - begun) * 1000:.0f} ms")
    counts = {name: runtime.log.topic(name).partitions for name in TOPICS}
    wanted = runtime.settings.log_partitions
    if set(counts.values()) != {wanted}:
        told = ", ".join(f"{name} {count}" for name, count in counts.items())
        yield Check(
            "topics", "fail", f"partitions are {told}; the setting says {wanted}",
            f"set {variable('partitions')} to what the topics have: another count is another generation of topics",
        )  # fmt: skip
    else:
        yield Check("topics", "ok", f"{', '.join(counts)}: {wanted} partitions each")


def _store(runtime: Runtime) -> Iterator[Check]:
    begun = time.monotonic()
    ((theirs, version),) = runtime.store.query(load(READS, "clock"))
    took = time.monotonic() - begun
    yield Check("store", "ok", f"ClickHouse {version} answers in {took * 1000:.0f} ms")
    off = abs(theirs - time.time() * 1000) - took * 1000
    state: Literal["ok", "warn", "fail"] = "fail" if off > CLOCK_FAIL_MS else "warn" if off > CLOCK_WARN_MS else "ok"
    advice = "" if state == "ok" else "synchronise the clocks of both machines (NTP)"
    yield Check("clock", state, f"the store's clock differs by {max(0.0, off) / 1000:.1f} s", advice)


def _tables(runtime: Runtime) -> Iterator[Check]:
    found = migrations.status(runtime.store)
    if found.pending:
        told = f"at {found.current} of {found.latest}"
        yield Check("tables", "fail", f"{told}: {len(found.pending)} migrations are pending", "run `wayfare migrate`")
    else:
        yield Check("tables", "ok", f"up to date, migration {found.current}")


def _agents(runtime: Runtime) -> Iterator[Check]:
    lag = runtime.log.lag()
    waiting = ", ".join(f"{count:,} in {name}" for name, count in lag.items() if count) or "none"
    rows = runtime.store.query(load(READS, "progress"))
    reached = {str(agent): (until, told_at) for agent, until, _, told_at in rows}
    silent = [name for name in AGENTS if name not in reached]
    if silent:
        state: Literal["ok", "warn"] = "warn" if any(lag.values()) else "ok"
        advice = "start `wayfare up` or `wayfare worker`" if state == "warn" else ""
        yield Check("agents", state, f"{', '.join(silent)} never ran; records that wait: {waiting}", advice)
        return
    now, slack = time.time() * 1000, 3_000 * runtime.settings.clock_seconds
    oldest = min(told_at for _, told_at in reached.values())
    behind = max(0.0, now - min(until for until, _ in reached.values())) / 1000
    told = f"data is complete up to {behind:,.0f} s ago; records that wait: {waiting}"
    if any(lag.values()) and now - oldest > slack:
        yield Check("agents", "fail", f"no sign of the agents for {(now - oldest) / 1000:,.0f} s; {told}",
                    "start `wayfare up` or `wayfare worker`, or look into its log")  # fmt: skip
    else:
        yield Check("agents", "ok", told)


def _disk(runtime: Runtime) -> Iterator[Check]:
    places = [(str(folder), shutil.disk_usage(folder).free) for folder in runtime.settings.folders if folder.exists()]
    if runtime.settings.store.startswith("clickhouse:"):
        places += [(f"ClickHouse disk {name}", free) for name, free, _ in runtime.store.query(load(READS, "disks"))]
    advice = "make room: where too little is free the store writes nothing, and what comes waits in the log"
    for name, free in places:
        state: Literal["ok", "warn", "fail"] = "fail" if free < FREE_FAIL else "warn" if free < FREE_WARN else "ok"
        yield Check("disk", state, f"{name}: {free / 1e9:,.1f} GB free", "" if state == "ok" else advice)


LOOKS: dict[str, Callable[[Runtime], Iterator[Check]]] = {
    "settings": _settings,
    "log": _log,
    "store": _store,
    "tables": _tables,
    "agents": _agents,
    "disk": _disk,
}
_ADVICE = {
    "log": f"is the address in {variable('log')} right, and does it run?",
    "store": f"is the address in {variable('store')} right, and does it run?",
}
