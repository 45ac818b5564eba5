"""Processes that are forked off one that has imported everything: they start in a tenth of a process's time.

What is forked is the whole process from there on: environment, arguments, streams, signals, exit code, and a death that
takes it along. So tests can afford many starts and many deaths. What only a start from nothing can show, the console
script, the imports, the interpreter's own end, is shown by one start of each command in a run of all tests, which is
not forked: see `owed` in tests.scenarios.part.
"""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

HOUSE = Path(__file__).resolve().parents[2]
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    [
        "pytest",
        "tests.faults.faulty",
        "agents.app",
        "agents.embedded",
        "api.app",
        "faust.cli.faust",
        "uvicorn",
        "pydantic.v1",
    ]
    + ["pipeline.cli.command", "pipeline.cli.up", "pipeline.cli.serve", "pipeline.cli.connection"]
    + ["pipeline.cli.server", "pipeline.log.faust_kafka", "pipeline.log.faust_sqlite", "pipeline.log.kafka"]
    + ["pipeline.store.remote"]  # not chdb: it begins threads
)


def wayfare() -> None:
    """The command line of this process."""
    from pipeline.cli import main

    os.execv = in_this_process
    main()


def in_this_process(path: str, arguments: Sequence[str]) -> NoReturn:
    """`wayfare worker` would put a Faust that imports everything anew into this process's place: `python -m faust`."""
    from faust.cli.faust import cli as faust

    sys.argv = ["faust", *arguments[arguments.index("faust") + 1 :]]
    faust()
    raise SystemExit(0)


class Forked:
    """`wayfare ARGUMENTS`, with what subprocess.Popen tells of a process.

    `output`, `errors`: files that what it prints is appended to; `given`: the file that it reads; `main`: what it runs.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        environ: dict[str, str],
        output: Path,
        *,
        errors: Path | None = None,
        given: Path = Path(os.devnull),
        main: Callable[[], None] = wayfare,
    ) -> None:
        born = (arguments, environ, given, output, errors or output, main)
        self._process = _context.Process(target=_born, args=born, daemon=True)
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


def _born(
    arguments: Sequence[str],
    environ: dict[str, str],
    given: Path,
    output: Path,
    errors: Path,
    main: Callable[[], None],
) -> None:
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(HOUSE)
    appended = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    for number, (file, flags) in enumerate([(given, os.O_RDONLY), (output, appended), (errors, appended)]):
        os.dup2(os.open(file, flags, 0o644), number)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - the process's own; multiprocessing has put another there
    sys.argv = ["wayfare", *arguments]
    main()
