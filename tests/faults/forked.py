"""Processes that are forked off one that has imported everything: they start in a tenth of a process's time.

What is forked is the whole process from there on: environment, arguments, signals, exit code, and a death that takes it
along. So tests can afford many deaths.
"""

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2]
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    ["pytest", "tests.faults.faulty", "agents.app", "agents.embedded", "api.app", "faust.cli.faust", "uvicorn"]
    + ["pipeline.cli.command", "pipeline.cli.up", "pipeline.cli.serve", "pipeline.log.faust_kafka"]
    + ["pipeline.log.faust_sqlite", "pipeline.log.kafka", "pipeline.store.remote"]  # not chdb: it begins threads
)


class Forked:
    """`wayfare ARGUMENTS`, faulty, with what subprocess.Popen tells of a process."""

    def __init__(self, arguments: tuple[str, ...], environ: dict[str, str], output: Path) -> None:
        self._process = _context.Process(target=_born, args=(arguments, environ, output), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()


def _born(arguments: tuple[str, ...], environ: dict[str, str], output: Path) -> None:
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(HOUSE)
    written = os.open(output, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, file in ((0, nothing), (1, written), (2, written)):
        os.dup2(file, number)
    sys.argv = ["wayfare", *arguments]
    from tests.faults.faulty import main

    main()
