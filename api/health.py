"""/healthz, /readyz and /metrics: is the process alive, may it be asked, and how far behind is it."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse

from api.collect.counters import Counters
from api.runtime import Runtime
from pipeline.errors import WayfareError
from pipeline.store.sql import load

Labels = tuple[tuple[str, str], ...]
Gauge = tuple[str, Labels, float]

HELP = {
    "wayfare_up": "1 where the part answers",
    "wayfare_log_lag_records": "Records that wait for their agent, by topic",
    "wayfare_data_age_seconds": "Age of the youngest moment up to which all facts are written",
    "wayfare_rejected_events": "Events kept as rejected, by project, source and reason",
    "wayfare_agent_age_seconds": "Age of what an agent has reached, its slowest shard",
    "wayfare_filling_share": "How much of history is filled anew after a changed definition, 0 to 1, by project",
}


def router(runtime: Runtime, counters: Counters) -> APIRouter:
    routes = APIRouter(tags=["operations"])

    @routes.get("/healthz", summary="The process lives")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @routes.get("/readyz", summary="Log and store answer", responses={503: {"description": "one does not"}})
    async def readyz() -> JSONResponse:
        parts = await asyncio.to_thread(answers, runtime)
        ready = all(word == "ok" for word in parts.values())
        return JSONResponse({"ready": ready, **parts}, 200 if ready else 503)

    @routes.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
    async def metrics() -> PlainTextResponse:
        gauges = await asyncio.to_thread(measured, runtime)
        more = "".join(render() for render in runtime.metrics)
        return PlainTextResponse(counters.render() + more + text(gauges), media_type="text/plain; version=0.0.4")

    return routes


def answers(runtime: Runtime) -> dict[str, str]:
    """`ok` or what is wrong, by part. Calls log and store: not on an event loop."""
    return {
        "log": _tried(runtime.log.check),
        "store": _tried(lambda: runtime.store.query(load("api.admin.reads", "alive"))),
        **{name: _tried(check) for name, check in runtime.checks.items()},
    }


def measured(runtime: Runtime) -> list[Gauge]:
    """Gauges of log and store; those of a part that does not answer are left out, and wayfare_up says 0."""
    parts = answers(runtime)
    gauges: list[Gauge] = [("wayfare_up", (("part", part),), float(word == "ok")) for part, word in parts.items()]
    if parts["log"] == "ok":
        gauges += [("wayfare_log_lag_records", (("topic", name),), n) for name, n in runtime.log.lag().items()]
    if parts["store"] == "ok":
        now = time.time() * 1000
        ages = [
            (str(agent), (now - reached) / 1000)
            for agent, reached, _, _ in runtime.store.query(load("api.admin.reads", "progress"))
        ]
        gauges += [("wayfare_agent_age_seconds", (("agent", agent),), age) for agent, age in ages]
        gauges += [("wayfare_data_age_seconds", (), max(age for _, age in ages))] if ages else []
        for project, share in runtime.store.query(load("api.admin.reads", "filling")):
            gauges.append(("wayfare_filling_share", (("project", project),), share))
        for project, source, reason, count in runtime.store.query(load("api.admin.reads", "rejected_counts")):
            labels = (("project", project), ("source", source), ("reason", reason))
            gauges.append(("wayfare_rejected_events", labels, count))
    return gauges


def text(gauges: list[Gauge]) -> str:
    """Gauges in Prometheus' text format, version 0.0.4."""
    lines: list[str] = []
    for name in dict.fromkeys(name for name, _, _ in gauges):
        lines += [f"# HELP {name} {HELP[name]}", f"# TYPE {name} gauge"]
        for _, labels, value in (gauge for gauge in gauges if gauge[0] == name):
            inner = ",".join(f'{key}="{_escaped(word)}"' for key, word in labels)
            lines.append(f"{name}{{{inner}}} {value:g}" if inner else f"{name} {value:g}")
    return "\n".join(lines) + "\n"


def _tried(check: Callable[[], Any]) -> str:
    try:
        check()
    except WayfareError as error:
        return error.message
    return "ok"


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
