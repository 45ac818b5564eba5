"""Faults that are planted on purpose, one at a time, in a copy of the source: the tests must notice every one.

    python -m tests.mutations                 all of them
    python -m tests.mutations retract cap     those whose name holds one of the words

A fault (`planted_faults.toml`) replaces one exact piece of source. Where that piece is no longer there exactly once, it
fails: a fault that is not planted proves nothing. The tests of the core, the golden journeys and the simulation run
against each copy, the fault's own suspects first, until one fails. Tests that cannot be run at all are a mistake here.

As many copies are tried at once as there are processors. On two of them all faults have to be tried within five minutes
(SECONDS), else it fails: what takes longer is not run.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue

import pytest

SECONDS = 300.0
HOUSE = Path(__file__).parents[1]
COPIED = ("schemas", "pipeline", "agents", "api", "tests", "pyproject.toml")
SIMULATION = ("interleaved", "zombies", "broken_off", "definitions_seen_late", "stream_equals_batch")
STREAM = ("golden/test_golden", *(f"simulation/test_{each}" for each in SIMULATION))


@dataclass(frozen=True)
class Fault:
    name: str
    file: str
    there: str  # exactly once in the file
    instead: str
    suspects: tuple[str, ...]  # test files without tests/ and .py, those first that should notice it


def _read() -> list[Fault]:
    found = tomllib.loads((HOUSE / "tests" / "planted_faults.toml").read_text("utf-8"))["fault"]
    return [Fault(**each | {"suspects": tuple(dict.fromkeys((*each["suspects"], *STREAM)))}) for each in found]


FAULTS = _read()


def planted(fault: Fault, source: str) -> str:
    """The source with the fault; raises ValueError where its place is not there exactly once."""
    count = source.count(fault.there)
    if count != 1:
        raise ValueError(f"{fault.name}: its place in {fault.file} is there {count} times:\n{fault.there}")
    return source.replace(fault.there, fault.instead)


def notice(fault: Fault | None, house: "House") -> str:
    """The test that notices the fault in a copy of the house; "" where none does. Without a fault: whatever fails."""
    suspects = tuple(dict.fromkeys(test for each in FAULTS for test in each.suspects))
    for tests in [(each,) for each in fault.suspects] if fault else [suspects]:
        code, told = house.run([f"tests/{each}.py" for each in tests])
        failed = [line for line in told.splitlines() if line.startswith("FAILED ")]
        if code == pytest.ExitCode.TESTS_FAILED and failed:
            return failed[0].removeprefix("FAILED ")
        if code:
            raise RuntimeError(f"{fault and fault.name}: the tests do not run\n{told[-3000:]}")
    return ""


def copied(to: Path) -> Path:
    """A copy of the source in that folder."""
    for name in COPIED:
        if (HOUSE / name).is_dir():
            shutil.copytree(HOUSE / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(HOUSE / name, to / name)
    return to


class _Examples:
    """A plugin of pytest: always the same examples, which are not made small."""

    def pytest_configure(self) -> None:
        from hypothesis import HealthCheck, Phase, settings  # not before pytest has begun

        phases, checks = [Phase.explicit, Phase.generate], list(HealthCheck)
        settings.register_profile(
            "mutations", phases=phases, derandomize=True, database=None, deadline=None, suppress_health_check=checks
        )
        settings.load_profile("mutations")


def _run(tests: Sequence[str]) -> int:
    """In the copy: the tests, until one fails."""
    without = ["-k", "not window_funnel"]  # it asks ClickHouse, by a fixture that is not loaded
    imported = [
        "-W",
        "ignore::pytest.PytestAssertRewriteWarning",
    ]  # they are in the server
    bare = [] if any(test.startswith("tests/api/query/") for test in tests) else ["--noconftest"]  # it is sooner begun
    arguments = ["-x", "-q", *bare, "-p", "no:cacheprovider", *imported, *without, *tests]
    return pytest.main(arguments, plugins=[_Examples()])


def _serve() -> int:
    """In the copy: of each line's tests the exit code, in a process that is forked off this one.

    It has imported what all tests need, and nothing of the copy: that would be half of what a run costs.
    """
    import_module("hypothesis.strategies")
    import_module("pytest_asyncio.plugin")
    for line in sys.stdin:
        told, *tests = json.loads(line)
        if (child := os.fork()) == 0:
            for stream in (1, 2):
                os.dup2(os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
            code = int(pytest.ExitCode.INTERNAL_ERROR)
            try:
                code = _run(tests)
            except BaseException:  # noqa: BLE001 - told, and the end of this process alone
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                os._exit(code)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    return 0


class House:
    """A copy of the source in a folder, and the process in it that tests are forked off."""

    def __init__(self, folder: Path) -> None:
        self.folder = copied(folder)
        self._told = folder / "told"
        command = [sys.executable, "-m", "tests.mutations", "--serve"]
        environ = {**os.environ, "PYTHONPATH": str(folder)}
        pipe = subprocess.PIPE
        self._server = subprocess.Popen(command, cwd=folder, stdin=pipe, stdout=pipe, text=True, env=environ)

    def run(self, files: Sequence[str]) -> tuple[int, str]:
        """The exit code of pytest over those files, and what it told."""
        self._told.write_text("")
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.write(json.dumps([str(self._told), *files]) + "\n")
        self._server.stdin.flush()
        code = self._server.stdout.readline()
        return int(code) if code else 1, self._told.read_text("utf-8")

    def tried(self, fault: Fault | None) -> str:
        """What `notice` says of the copy with the fault."""
        if fault is None:
            return notice(None, self)
        file = self.folder / fault.file
        source = file.read_text("utf-8")
        file.write_text(planted(fault, source), "utf-8")
        try:
            return notice(fault, self)
        finally:
            file.write_text(source, "utf-8")

    def close(self) -> None:
        with self._server:
            self._server.kill()


class Houses:
    """Copies of the source, one for each that is tried at a time."""

    def __init__(self, folder: Path, count: int) -> None:
        self._free: SimpleQueue[House] = SimpleQueue()
        for number in range(count):
            self._free.put(House(folder / str(number)))

    def tried(self, fault: Fault | None) -> tuple[str, float]:
        """What `notice` says of a copy with the fault, and how many seconds it took."""
        house, at = self._free.get(), time.monotonic()
        try:
            return house.tried(fault), time.monotonic() - at
        finally:
            self._free.put(house)

    def close(self) -> None:
        while not self._free.empty():
            self._free.get().close()


def main(words: Sequence[str]) -> int:
    chosen = [fault for fault in FAULTS if not words or any(word in fault.name for word in words)]
    missed, began, count = 0, time.monotonic(), os.cpu_count() or 1
    with (
        tempfile.TemporaryDirectory(prefix="mutations-") as folder,
        closing(Houses(Path(folder), count)) as houses,
        ThreadPoolExecutor(count) as pool,
    ):
        without = pool.submit(houses.tried, None)
        for fault, (found, seconds) in zip(chosen, pool.map(houses.tried, chosen), strict=True):
            print(f"{seconds:5.1f} s  {fault.name}: {found or 'NOBODY NOTICED'}", flush=True)
            missed += not found
        failing, _ = without.result()
    took = time.monotonic() - began
    print(f"{len(chosen) - missed} of {len(chosen)} faults noticed in {took:.0f} s")
    if failing:
        print(f"without any fault: {failing}")
    if took > SECONDS:
        print(f"that is more than {SECONDS:.0f} s")
    return 1 if missed or failing or took > SECONDS else 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    os.environ.setdefault("SIMULATION_EXAMPLES", "150")
    os.environ.setdefault("QUERY_EXAMPLES", "2")
    sys.exit(_serve() if sys.argv[1:] == ["--serve"] else main(sys.argv[1:]))
