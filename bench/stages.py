"""Where a worker's time goes: timers put around functions from outside, so that the product carries none.

A stage's time is its own: what a timed function calls is taken off. CPU is the thread's; wall less CPU is waiting, for
a server or for the interpreter's lock. What no stage covers shows up as the rest of its thread.
"""

import importlib
import json
import os
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import Any

from bench.machines import cpu_seconds

# Turn of an agent: names the agent for all that is called in it, in other threads too.
TURNS = {
    "agents.sessions:SessionsAgent.turn": "sessions",
    "agents.journeys:JourneysAgent.turn": "journeys",
    "agents.identity:IdentityAgent.turn": "identity",
}
# Where a function is looked up -> the stage that it is. Code moves: what is not found is told, not raised.
STAGES = {
    "agents.sessions:SessionsAgent.prepare": "decode + ingest",
    "agents.sessions:sort_out": "sort by device",
    "agents.journeys:JourneysAgent.prepare": "decode marks",
    "agents.identity:IdentityAgent.prepare": "decode notes",
    "agents.sessions:SessionsAgent._cold_project": "cold: wiring",
    "agents.sessions:SessionsAgent._write_table": "write: wiring",
    "agents.journeys:JourneysAgent._customers": "customers: wiring",
    "agents.identity:IdentityAgent._decide": "decide",
    "agents.identity:customers": "decide: union",
    "pipeline.store.facts:Facts.write": "write: structs to columns",
    "pipeline.store.facts:Facts._grouped": "read: rows to structs",
    "pipeline.store.facts:Facts.named_events": "read: rows to structs",
    "pipeline.store.remote:split_blocks": "write: split",
    "pipeline.store.remote:encode_block": "write: encode",
    "pipeline.store.remote:_send_block": "write: send, await",
    "pipeline.store.remote:RemoteStore.query": "read: query",
}
# Called for every device or mark: their timers cost about a tenth of the whole, so only on demand.
DETAILS = {
    "agents.sessions:hot": "hot: one event further",
    "agents.sessions:merge": "cold: merge",
    "agents.sessions:device_facts": "cold: stitch",
    "agents.sessions:end_of": "cold: cache",
    "agents.journeys:customer_facts": "customers: stitch",
    "agents.outbox:encode": "marks: encode",
}
WAITS = {
    "agents.outbox:Outbox.send": "marks: sent and flushed",
    "agents.turns:Turns._take": "waiting for batches",
    "agents.turns:Turns._turn": "in turns",
}
_FETCH = "pipeline.log.faust_kafka:KafkaConsumer._fetch"

_agent: ContextVar[str] = ContextVar("agent", default="-")


class Stages:
    def __init__(self) -> None:
        self.own: list[dict[tuple[str, str], list[float]]] = []  # a thread each: calls, wall, cpu
        self.by_thread: list[list[float]] = []  # native id, cpu inside stages
        self.waits: dict[tuple[str, str], list[float]] = {}
        self.missing: list[str] = []
        self.sizes: dict[str, list[int]] = {}  # rows of inserts, by table
        self.first_work = 0.0  # time.time()
        self._threads = threading.local()
        self._cpu: dict[int, float] = {}
        self._process_cpu = 0.0

    def install(self, *, timed: bool, details: bool) -> None:
        """`timed`: timers around stages, which take a twentieth of the whole; else only the first fetch is noted."""
        self._replace(_FETCH, self._fetched)
        if not timed:
            return
        for place, name in TURNS.items():
            self._replace(place, lambda work, name=name: self._turn(name, work))
        for place, name in (STAGES | DETAILS if details else STAGES).items():
            self._replace(place, lambda work, name=name, place=place: self._timed(name, work, _home(place)))
        for place, name in WAITS.items():
            self._replace(place, lambda work, name=name: self._waited(name, work))
        self._replace("pipeline.store.remote:RemoteStore.insert", self._sized)

    def _replace(self, place: str, make: Callable[[Any], Any]) -> None:
        module, _, path = place.partition(":")
        *owners, name = path.split(".")
        target: Any = importlib.import_module(module)
        for owner in owners:
            target = getattr(target, owner, None)
        if target is None or not hasattr(target, name):
            self.missing.append(place)
            return
        setattr(target, name, make(getattr(target, name)))

    def _state(self) -> Any:
        state = self._threads
        if not hasattr(state, "stack"):
            state.stack, state.own, state.sum = [], {}, [float(threading.get_native_id()), 0.0]
            self.own.append(state.own)
            self.by_thread.append(state.sum)
        return state

    def _timed(self, name: str, work: Callable[..., Any], home: str) -> Callable[..., Any]:
        wall, cpu, agent = time.perf_counter, time.thread_time, _agent.get

        @wraps(work)
        def timed(*arguments: Any, **named: Any) -> Any:
            state = self._state()
            inner = [0.0, 0.0]
            state.stack.append(inner)
            wall_0, cpu_0 = wall(), cpu()
            try:
                return work(*arguments, **named)
            finally:
                took_cpu, took = cpu() - cpu_0, wall() - wall_0
                state.stack.pop()
                key = home or agent(), name
                total = state.own.get(key)
                if total is None:
                    total = state.own[key] = [0, 0.0, 0.0]
                total[0] += 1
                total[1] += took - inner[0]
                total[2] += took_cpu - inner[1]
                if state.stack:
                    outer = state.stack[-1]
                    outer[0] += took
                    outer[1] += took_cpu
                else:
                    state.sum[1] += took_cpu

        return timed

    def _turn(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        timed = self._waited("turn", work)

        @wraps(work)
        async def turn(*arguments: Any, **named: Any) -> Any:
            _agent.set(name)
            return await timed(*arguments, **named)

        return turn

    def _waited(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(work)
        async def waited(*arguments: Any, **named: Any) -> Any:
            started = time.perf_counter()
            try:
                return await work(*arguments, **named)
            finally:
                if self.first_work:
                    total = self.waits.setdefault((_agent.get(), name), [0, 0.0])
                    total[0] += 1
                    total[1] += time.perf_counter() - started

        return waited

    def _fetched(self, work: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(work)
        async def fetched(*arguments: Any, **named: Any) -> Any:
            found = await work(*arguments, **named)
            if found and not self.first_work:
                self.first_work = time.time()
                self._cpu, self._process_cpu = _threads_cpu(), time.process_time()
            return found

        return fetched

    def _sized(self, work: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(work)
        def insert(store: Any, table: str, columns: Any) -> Any:
            self.sizes.setdefault(table, []).append(len(columns[0]))
            return work(store, table, columns)

        return insert

    def told(self) -> dict[str, Any]:
        """All figures since the first records came, in seconds."""
        stages: dict[str, list[float]] = {}
        for own in list(self.own):
            for (agent, name), figures in list(own.items()):
                total = stages.setdefault(f"{agent} · {name}", [0, 0.0, 0.0])
                for index, figure in enumerate(figures):
                    total[index] += figure
        inside = {int(thread): cpu for thread, cpu in self.by_thread}
        names = {thread.native_id: thread.name for thread in threading.enumerate()}
        threads: dict[str, list[float]] = {}
        for task, cpu in _threads_cpu().items():
            name = names.get(task, "not Python's")
            name = "pool (asyncio.to_thread)" if name.startswith("asyncio_") else name
            total = threads.setdefault(name, [0.0, 0.0])
            total[0] += cpu - self._cpu.get(task, 0.0)
            total[1] += inside.get(task, 0.0)
        return {
            "at": time.time(),
            "first_work": self.first_work,
            "process_cpu": time.process_time() - self._process_cpu if self.first_work else 0.0,
            "stages": stages,
            "threads": threads,
            "waits": {f"{agent} · {name}": figures for (agent, name), figures in self.waits.items()},
            "inserts": {table: [len(rows), sum(rows)] for table, rows in self.sizes.items()},
            "missing": self.missing,
        }

    def keep(self, path: Path, every: float = 0.5) -> None:
        """Writes the figures to a file from a thread of its own, until the process ends."""

        def run() -> None:
            while True:
                time.sleep(every)
                unfinished = path.with_suffix(".part")
                unfinished.write_text(json.dumps(self.told()))
                unfinished.rename(path)

        threading.Thread(target=run, name="bench", daemon=True).start()


def _home(place: str) -> str:
    """The agent in whose module a function stands; none for what all of them call."""
    return next((agent for turn, agent in TURNS.items() if turn.partition(":")[0] == place.partition(":")[0]), "")


def _threads_cpu() -> dict[int, float]:
    found = {}
    for entry in os.listdir("/proc/self/task"):
        try:
            found[int(entry)] = cpu_seconds(os.getpid(), int(entry))
        except OSError:  # a thread that has just ended
            continue
    return found
