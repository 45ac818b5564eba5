"""What questions cost over 50 million events, side by side with the same question on PostHog's table.

    python -m bench.questions [--events 50000000] [--folder ~/.cache/wayfare/bench/questions] [--rounds 5]
                              [--on embedded,clickhouse] [--only plain]

The store is made once in the folder (see `data.py`; 6 GB and some minutes for 50 million), and opened in turn in the
process and by the ClickHouse endpoint over the same folder. In each round a question is asked here, then PostHog's; a
figure is the median. Every statement of ours has WAYFARE_QUERY_MEMORY_BYTES (2 GB) as its limit and fails beyond it.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from api.query.ask import limits
from api.query.questions import bounce, funnel, paths, segments
from api.query.questions.model import Asking
from bench.machines import load as machine_load
from bench.questions.data import DAY, END, LARGE, SAVED, SMALL, START, build
from pipeline.errors import WayfareError
from pipeline.store import open_store
from pipeline.store.port import Store
from pipeline.store.sql import load
from schemas.definitions import Funnel, Project, Step
from tests.equipment.clickhouse_fixtures import Endpoint

MEMORY_BYTES, ROWS = 2_000_000_000, 5_000_000
_NOW = END + 10 * DAY


class Case(NamedTuple):
    """A question, PostHog's (or the raw) statement beside it where there is one, and what is reached for."""

    name: str
    ask: Callable[[Asking], Any]
    rival: str = ""  # name of a .sql file
    parameters: Mapping[str, Any] = {}
    reach: str = ""


def _iso(ms: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ms / 1000))


def _funnel(names: tuple[str, ...], start: int, **more: Any) -> Callable[[Asking], Any]:
    body = {"from": _iso(start), "to": _iso(END), "steps": [{"events": name} for name in names], "zone": "UTC"}
    question = funnel.FunnelQuestion.model_validate(body | more)
    return lambda asking: funnel.solve(asking, question).result


def _cases() -> Iterator[Case]:
    month, week = START, END - 7 * DAY
    for name, names, start, reach in (
        ("plain 30 d of 81 %", LARGE, month, "1/2"),
        ("plain 7 d of 81 %", LARGE, week, "1/1.4"),
        ("plain 30 d of 17 %", SMALL, month, ""),
    ):
        yield Case(name, _funnel(names, start), "posthog_funnel", {"names": names, "from": start, "to": END}, reach)
    yield Case("plain 30 d by day", _funnel(LARGE, month, by="day"))
    yield Case("strict 7 d", _funnel(SMALL, week, order="strict"))
    yield Case("any order 7 d", _funnel(SMALL, week, order="any"))
    yield Case("breakdown 7 d", _funnel(SMALL, week, breakdown="$acquisition"))
    yield Case("exclusion 7 d", _funnel(SMALL, week, exclusions=[{"events": "purchase"}]))
    asked = {"from": _iso(month), "to": _iso(END), "zone": "UTC"}
    bounced = bounce.BounceQuestion.model_validate(asked | {"definition": "no_interaction"})
    yield Case(
        "bounce 30 d", lambda asking: bounce.solve(asking, bounced).result, "raw_bounce",
        {"from": month, "to": END}, "1/5",
    )  # fmt: skip
    path = paths.PathsQuestion.model_validate({"from": _iso(week), "to": _iso(END), "zone": "UTC"})
    yield Case("paths 7 d", lambda asking: paths.solve(asking, path).result, reach="1 s")
    entries = funnel.FunnelQuestion.model_validate(asked | {"saved": SAVED})
    yield Case(
        "saved funnel, an entry for five events", lambda asking: funnel.solve(asking, entries).result, reach="200 ms"
    )


def asking(store: Store) -> Asking:
    """Of the project of the benchmark, after its time."""
    saved = Funnel(SAVED, tuple(Step((name,)) for name in LARGE))
    return Asking(
        store=store, project=Project("bench"), goals=(), funnels={SAVED: saved}, now=_NOW, statements=[],
        segments={}, memberships={}, members_of=segments.members, kept=set(), notions={},
        limits=limits(240, MEMORY_BYTES, ROWS),
    )  # fmt: skip


def _measured(case: Case, store: Store, rounds: int) -> str:
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        begun = time.perf_counter()
        try:
            case.ask(asking(store))
        except WayfareError as error:
            return f"refused: {error.code}"
        ours.append(time.perf_counter() - begun)
        if case.rival:
            begun = time.perf_counter()
            store.query(load("bench.questions", case.rival), case.parameters)
            theirs.append(time.perf_counter() - begun)
        if ours[-1] > 30:
            break
    mine = statistics.median(ours)
    if not theirs:
        return f"{mine * 1000:9,.0f} ms"
    rival = statistics.median(theirs)
    return f"{mine * 1000:9,.0f} ms   beside {rival * 1000:9,.0f} ms   1/{rival / mine:.1f}"


@contextmanager
def _opened(machine: str, folder: Path) -> Iterator[Store]:
    endpoint = Endpoint(folder / "store") if machine == "clickhouse" else None
    store = open_store(endpoint.start().url + "/default" if endpoint else f"chdb:///{folder / 'store'}")
    try:
        yield store
    finally:
        store.close()
        if endpoint:
            endpoint.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.questions", description=__doc__.splitlines()[0] if __doc__ else "")
    default = Path(os.environ.get("BENCH_FOLDER", "~/.cache/wayfare/bench")) / "questions"
    parser.add_argument("--events", type=int, default=50_000_000)
    parser.add_argument("--folder", type=Path, default=default)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--on", default="embedded,clickhouse", help="machines, by commas")
    parser.add_argument("--only", default="", help="cases whose names begin so, by commas")
    options = parser.parse_args()
    folder = options.folder.expanduser().absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with _opened("embedded", folder) as store:
        build(store, options.events, folder)
    print(f"{options.events:,} events, {machine_load()}")
    wanted = tuple(options.only.split(","))
    for machine in options.on.split(","):
        with _opened(machine, folder) as store:
            for case in _cases():
                if case.name.startswith(wanted):
                    reach = f"   (reach {case.reach})" if case.reach else ""
                    print(f"{machine:11} {case.name:42} {_measured(case, store, options.rounds)}{reach}", flush=True)


if __name__ == "__main__":
    main()
