"""The benchmarks still run, small, and finds that nothing was lost. What it measures here means nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.conftest import CHROMIUM

HOUSE = Path(__file__).parents[2]
RUNS = {
    "pipeline": ("--events 3000 --stock 500 --timed 500", "every event once: yes"),
    "collector": ("--seconds 0.3 --rounds 1 --connections 2 --events 1,3", "every one once"),
    "stitching": (
        "--events 2000 --customers 100 --sizes 10,200 --rounds 1 --times 2 --crowd 500 --bot 2000 --followed 200",
        "everything stitched",
    ),
    "snippet": ("--rounds 1", "tracker, script"),
    "freshness": ("--rate 500 --seconds 2 --on embedded --pairs 1", "request -> visible in an answer"),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_benchmark_runs(name: str, kafka_broker: str, clickhouse_server: str, tmp_path: Path) -> None:
    arguments, told = RUNS[name]
    if name == "snippet" and not any(map(shutil.which, CHROMIUM)):
        pytest.skip("there is no Chromium on this machine")
    servers = {"WAYFARE_TEST_KAFKA": kafka_broker, "WAYFARE_TEST_CLICKHOUSE": clickhouse_server}
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{name}", *arguments.split()],
        cwd=HOUSE,
        env={**os.environ, **servers, "BENCH_FOLDER": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert told in done.stdout
