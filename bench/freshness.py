"""How long it takes from a request to the answer of a question that shows it, at a steady load.

    python -m bench.freshness [--rate 2000] [--seconds 60] [--on embedded,cluster] [--every 0.25] [--pairs 1]
                              [--beside 100000]

Beside the load a fresh visitor opens a page every quarter of a second, with a campaign of his own; the question
`sessions`, broken down by campaign, is asked over HTTP again and again. A visit counts as visible when the answer that
shows its session has come: it went through collector, log, agents, store and question, with the owner, the session and
the touchpoint computed. On the embedded pair that is `wayfare up`, on the cluster `serve` and one `worker`.

`--pairs`: every so many seconds two strangers turn out to be one, and all that is asked about them is asked again and
again, one after the other, until it shows so (bench/pairs.py). `--beside`: a customer with so many touchpoints is
marked every second, and a bot goes on with a run of days, in the partitions of those visitors and pairs.
"""

import argparse
import http.client
import json
import subprocess
import threading
import time
from base64 import b64encode
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.events import AGENTS, PROJECT
from bench.machines import busy_seconds, cpu_seconds, load, machines, start
from bench.pairs import BOT, SELDOM, Neighbours, Pairs, named
from bench.system import System, cluster, embedded
from pipeline.domain.identifiers import Kind, identifier
from tests.equipment.broker import free_ports

POLL = 0.05  # least seconds between two questions
GRACE = 20.0  # seconds after the last visit
QUESTION = {"last": "2d", "breakdown": "campaign", "limit": 1000}


class Visits:
    """Opens a page as a new visitor, every so often, and keeps when: in a thread."""

    def __init__(self, system: System, every: float, seconds: float) -> None:
        self._system, self._every, self._count = system, every, int(seconds / every)
        self.sent: dict[str, float] = {}  # campaign -> time.perf_counter() before its request
        self.acknowledged: dict[str, float] = {}
        self.is_done = False
        self.thread = threading.Thread(target=self._run, name="visits")

    def start(self) -> None:
        self.thread.start()

    def _run(self) -> None:
        connection = http.client.HTTPConnection(self._system.host, timeout=30)
        basic = b64encode(f"{self._system.key}:".encode()).decode()
        started = time.perf_counter()
        for number in range(self._count):
            time.sleep(max(0.0, started + number * self._every - time.perf_counter()))
            campaign = f"visit-{number}"
            self.sent[campaign] = time.perf_counter()
            connection.request("POST", "/v1/page", _visit(campaign), {"Authorization": f"Basic {basic}"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"a visit was answered with {answer.status}")
            self.acknowledged[campaign] = time.perf_counter()
        connection.close()
        self.is_done = True


def _visit(campaign: str) -> bytes:
    url = f"https://shop.example/?utm_source=bench&utm_campaign={campaign}"
    device = named(Kind.device, campaign, identifier(PROJECT, Kind.device, BOT))
    event = {
        "type": "page", "anonymousId": device, "messageId": campaign, "name": "Home",
        "context": {"userAgent": AGENTS[0], "page": {"url": url, "path": "/"}},
    }  # fmt: skip
    return json.dumps(event).encode()


def measured(system: System, options: argparse.Namespace, processes: dict[str, int]) -> dict[str, Any]:
    """Milliseconds of every visit and pair, what the questions took, and the cores that the processes kept busy."""
    rate, seconds, every = options.rate, options.seconds, options.every
    pairs = Pairs(system, options.pairs, seconds) if options.pairs else None
    neighbours = Neighbours(system, options.beside) if options.beside else None
    for each in filter(None, (neighbours, pairs)):
        each.prepare()
    paced = start("bench.paced", system.host, system.key, rate, seconds + 5, stdout=subprocess.PIPE)
    assert paced.stdout
    paced.stdout.readline()
    time.sleep(5)  # the load has settled
    visits = Visits(system, every, seconds)
    for each in filter(None, (visits, pairs, neighbours)):
        each.start()
    seen: dict[str, float] = {}
    asked: list[float] = []
    began_at, before, busy = (
        time.perf_counter(),
        {name: cpu_seconds(pid) for name, pid in processes.items()},
        busy_seconds(),
    )
    end = time.perf_counter() + seconds + GRACE
    path = f"/api/v1/projects/{PROJECT}/questions/sessions"
    while time.perf_counter() < end and not (
        visits.is_done and len(seen) == len(visits.sent) and (pairs is None or pairs.is_done)
    ):
        began = time.perf_counter()
        rows = system.post(path, QUESTION)["result"]["rows"]
        now = time.perf_counter()
        asked.append(now - began)
        for row in rows:
            if row["value"] in visits.sent:
                seen.setdefault(row["value"], now)
        if pairs is not None:
            pairs.look(rows)
        time.sleep(max(0.0, POLL - asked[-1]) if pairs is None else SELDOM)
    took = time.perf_counter() - began_at
    cores = {name: (cpu_seconds(pid) - before[name]) / took for name, pid in processes.items()}
    cores["all of the machine"] = (busy_seconds() - busy) / took
    visits.thread.join()
    for stopped in filter(None, (pairs, neighbours)):
        stopped.stop()
    output, _ = paced.communicate(timeout=60)
    told: dict[str, Any] = json.loads(output)
    if set(told["answers"]) != {"200"} or len(seen) < len(visits.sent):
        raise SystemExit(f"{len(visits.sent) - len(seen)} visits were never seen; answers {told['answers']}")
    if pairs is not None and not pairs.is_done:
        missing = {answer: pairs.count - len(found) for answer, found in pairs.seen.items()}
        raise SystemExit(f"pairs that were never seen: {missing}")
    return {
        "visible_ms": sorted((seen[each] - visits.sent[each]) * 1000 for each in seen),
        "acknowledged_ms": sorted((visits.acknowledged[each] - visits.sent[each]) * 1000 for each in seen),
        "question_ms": sorted(each * 1000 for each in asked),
        "late_p99_ms": told["late_p99_ms"],
        "cores": cores,
        "pairs_ms": {} if pairs is None else pairs.milliseconds(),
        "asked_ms": {}
        if pairs is None
        else {each: sorted(s * 1000 for s in took) for each, took in pairs.took.items()},
    }


def at(values: list[float], share: float) -> float:
    return values[min(int(share * len(values)), len(values) - 1)]


def run(name: str, options: argparse.Namespace) -> dict[str, Any]:
    with ExitStack() as stack:
        on = stack.enter_context(machines(servers=name == "cluster"))
        if name == "embedded":
            system = stack.enter_context(embedded(on.folder / "data"))
        else:
            system = stack.enter_context(cluster(on))
            serve = system.run("serve")
            system.run("worker", "--health-port", str(free_ports(1)[0]))
            system.wait(serve)
        return measured(system, options, {**system.pids(), **on.servers})


def show(name: str, rate: float, found: dict[str, Any]) -> None:
    told = ", ".join(f"{each} {share:.2f}" for each, share in found["cores"].items())
    print(f"\n{name}, {rate:,.0f} events/s: {len(found['visible_ms'])} visits; cores busy: {told}; {load()}")
    print(f"{'ms':34}{'p50':>9}{'p95':>9}{'p99':>9}")
    labels = {
        "visible_ms": "request -> visible in an answer",
        "acknowledged_ms": "    of it until acknowledged",
        "question_ms": "    a question takes",
    }
    times = {label: found[key] for key, label in labels.items()}
    times |= {f"a new pair -> {answer}": values for answer, values in found["pairs_ms"].items()}
    times |= {f"    {answer}: a question takes": values for answer, values in found["asked_ms"].items()}
    for label, values in times.items():
        print(f"{label:34}" + "".join(f"{at(values, share):9.0f}" for share in (0.5, 0.95, 0.99)))
    if found["pairs_ms"]:
        last = found["pairs_ms"]["in all of them"]
        print(f"{sum(ms <= 5000 for ms in last)} of {len(last)} pairs are in all of them within 5 s")
    if found["late_p99_ms"] > 100:
        print(f"the load could not be sent in time: p99 {found['late_p99_ms']:.0f} ms late")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.freshness")
    parser.add_argument("--rate", type=float, default=2000, help="events a second")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--every", type=float, default=0.25, help="seconds between visits")
    parser.add_argument("--pairs", type=float, default=0, help="seconds between new pairs; 0: none")
    parser.add_argument("--beside", type=int, default=0, help="touchpoints of a customer, events of a bot; 0: none")
    parser.add_argument("--on", default="embedded,cluster")
    parser.add_argument("--json", help="all figures, to this file")
    options = parser.parse_args(arguments)
    figures: dict[str, Any] = {}
    for name in options.on.split(","):
        figures[name] = run(name, options)
        show(name, options.rate, figures[name])
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
