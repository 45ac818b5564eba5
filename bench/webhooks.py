"""How soon a vendor's webhook is acknowledged by `wayfare up`, so many at once, beside /v1/track.

    python -m bench.webhooks [--seconds 5] [--rounds 3] [--connections 1,8,32]

Each connection posts one note after the other to `/webhooks/typeform`, and in turn the same senders single events. The
agents work in the same process, on what has been sent before too.
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import uvloop

from bench.machines import load
from bench.senders import Requests, send
from bench.system import PROJECT, System, embedded

FIGURES = ("requests", "seconds", "p50_ms", "p99_ms", "server_cpu")
ANSWERED = {
    "event_type": "form_response",
    "form_response": {
        "form_id": "lT4Z3j", "token": "t", "submitted_at": "2023-11-14T22:13:20Z",
        "hidden": {"user_id": "USER"},
        "definition": {"title": "How was it?", "fields": [{"id": "a", "type": "nps"}]},
        "answers": [
            {"type": "number", "number": 9, "field": {"id": "a", "ref": "how", "type": "nps"}},
            {"type": "text", "text": "It's cold there " * 8, "field": {"id": "b", "ref": "why", "type": "short_text"}},
        ],
    },
}  # fmt: skip


class Notes(Requests):
    """Webhooks of Typeform; each has an id of its own, and they tell of 500 users."""

    def __init__(self, host: str, key: str, first: int) -> None:
        self.count, self.number = 1, first
        self._host, self._key = host, key

    def __call__(self) -> bytes:
        number = self.number
        self.number += 1
        body = json.dumps({"event_id": f"bench-{number:012d}", **ANSWERED}).replace("USER", f"user-{number % 500}")
        head = f"POST /webhooks/typeform?key={self._key} HTTP/1.1\r\nHost: {self._host}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return (head + body).encode()


def vendor_key(system: System) -> str:
    """A write key of a vendor's source."""
    asked = {"name": "vendor", "kind": "write", "source": "forms", "source_kind": "vendor"}
    made: dict[str, str] = system.post(f"/api/v1/admin/projects/{PROJECT}/keys", asked)
    return made["key"]


def measure(system: System, seconds: float, rounds: int, connections: list[int]) -> None:
    (pid,) = system.pids().values()
    key, first = vendor_key(system), 0
    kinds: dict[str, Callable[[], Requests]] = {
        "webhook": lambda: Notes(system.host, key, first),
        "/v1/track": lambda: Requests(system.host, 1, first, system.key),
    }
    print(f"{'at once':>8}{'':12}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'CPU %':>8}")
    for many in connections:
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in kinds}
        for _ in range(rounds):
            for name, requests in kinds.items():
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    found: dict[str, Any] = runner.run(send(system.host, many, requests(), seconds, pid))
                if found["trouble"]:
                    raise SystemExit(f"not every request was answered with 200: {found['answers']}\n{found['trouble']}")
                first = found["next"]
                runs[name].append(found)
        for name, of_it in runs.items():
            told = {key: median(run[key] for run in of_it) for key in FIGURES}
            rate, busy = told["requests"] / told["seconds"], told["server_cpu"] / told["seconds"]
            figures = f"{rate:9,.0f}{told['p50_ms']:9.1f}{told['p99_ms']:9.1f}{busy * 100:8.0f}"
            print(f"{many:>8} {name:11}{figures}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.webhooks")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each run")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each; medians are shown")
    parser.add_argument("--connections", type=lambda text: [int(one) for one in text.split(",")], default=[1, 8, 32])
    options = parser.parse_args()
    print(f"{load()}; {options.seconds:g} s a run, {options.rounds} rounds", flush=True)
    with tempfile.TemporaryDirectory() as folder, embedded(Path(folder)) as system:
        measure(system, options.seconds, options.rounds, options.connections)
    print(load())


if __name__ == "__main__":
    main()
