"""Random schedules for as long as is asked, on all processors, until one proves the stream wrong; it is then made small
and printed.

    python -m tests.simulation --minutes 10
    python -m tests.simulation --minutes 1 --seed 4711      the same schedules once more

Tests take the same way with few schedules. At the end it tells how many there were a minute.
"""

import argparse
import itertools
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from random import SystemRandom
from typing import Any

from hypothesis import HealthCheck, given, seed, settings

from tests.simulation.test_stream_equals_batch import nights, prove, proven, seeds, worlds
from tests.simulation.world import Odds, Step, drained

ROUND = 100  # schedules of one kind before the next
quick = settings(
    max_examples=ROUND,
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


def moved(steps: list[Step], number: int) -> None:
    prove(steps, number, Odds(cache_devices=2), workers=3)


def frozen(steps: list[Step], number: int) -> None:
    proven(drained(steps, number, Odds(crash=0, away=0, freeze=0.02), workers=3))


KINDS: dict[str, tuple[Any, Callable[[list[Step], int], None]]] = {
    "crashes and moves": (worlds(), moved),
    "frozen workers": (worlds(), frozen),
    "nights": (nights(), moved),
}


def tried(name: str, number: int) -> int:
    """A round of schedules of one kind; how many there were. Raises what the smallest of those that fail raises."""
    (strategy, told), count = KINDS[name], 0

    @seed(number)
    @quick
    @given(steps=strategy, order=seeds)
    def schedules(steps: list[Step], order: int) -> None:
        nonlocal count
        count += 1
        told(steps, order)

    schedules()
    return count


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description="Random schedules.")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(1 << 30))
    asked = parser.parse_args(arguments)
    logging.disable(logging.WARNING)  # of the many faults there are
    began, count = time.monotonic(), 0
    rounds = ((name, number) for number in itertools.count(asked.seed) for name in KINDS)
    with ProcessPoolExecutor() as processors:  # a round each
        under_way = {processors.submit(tried, *one): one for one in itertools.islice(rounds, os.cpu_count() or 1)}
        while under_way:
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                name, number = under_way.pop(future)
                try:
                    count += future.result()
                except Exception:  # the smallest that fails is told in its traceback
                    print(f"{name}: --seed {number}", flush=True)
                    raise
                if time.monotonic() - began < 60 * asked.minutes:
                    one = next(rounds)
                    under_way[processors.submit(tried, *one)] = one
    minutes = (time.monotonic() - began) / 60
    print(f"{count} schedules from seed {asked.seed} on, {count / minutes:.0f} a minute: stream equals batch")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
