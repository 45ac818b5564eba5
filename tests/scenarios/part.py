"""A part of the running system: one process, started, watched and ended by a test."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tests.scenarios.forked import Forked, wayfare

WAYFARE = (str(Path(sys.executable).with_name("wayfare")),)
HOUSE = Path(__file__).resolve().parents[2]
# Commands whose next start is to be a process of its own: what a fork skips is to be seen of each of them, once.
owed: set[str] = set()


class Process(Protocol):
    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float) -> int: ...
    def send_signal(self, number: int) -> None: ...
    def kill(self) -> None: ...


def launched(arguments: tuple[str, ...], environ: dict[str, str], output: Path) -> Process:
    """`wayfare ARGUMENTS`; what it prints is appended to the file."""
    with output.open("ab") as file:
        return subprocess.Popen(
            [*WAYFARE, *arguments], stdout=file, stderr=file, stdin=subprocess.DEVNULL, env=environ, cwd=HOUSE
        )


def started(arguments: tuple[str, ...], environ: dict[str, str], output: Path) -> Process:
    """The same, forked where no other start is owed: it costs a tenth."""
    return launched(arguments, environ, output) if is_owed(arguments) else Forked(arguments, environ, output)


def is_owed(arguments: tuple[str, ...]) -> bool:
    """Whether the command is to be started as a process of its own; it is owed no more then."""
    if arguments[0] not in owed:
        return False
    owed.remove(arguments[0])
    return True


def finished(
    arguments: tuple[str, ...],
    environ: dict[str, str],
    given: bytes = b"",
    within_s: float = 120.0,
    main: Callable[[], None] = wayfare,
) -> "subprocess.CompletedProcess[bytes]":
    """`wayfare ARGUMENTS` run to its end, with this as its input; forked where no other start is owed.

    `main`: another program than `wayfare`.
    """
    if is_owed(arguments):
        return subprocess.run(
            [*WAYFARE, *arguments], input=given, env=environ, cwd=HOUSE, capture_output=True, timeout=within_s,
            check=False,
        )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        read, out, err = (Path(folder) / name for name in ("in", "out", "err"))
        read.write_bytes(given)
        process = Forked(arguments, environ, out, errors=err, given=read, main=main)
        try:
            code = process.wait(within_s)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return subprocess.CompletedProcess(arguments, code, out.read_bytes(), err.read_bytes())


class Part:
    """`wayfare ARGUMENTS` with settings of its own; what it prints is appended to a file."""

    def __init__(self, name: str, arguments: tuple[str, ...], settings: dict[str, str], output: Path) -> None:
        self.name, self.arguments, self.output = name, arguments, output
        self.environ = environment(settings)
        self.fault_file: Path | None = None  # where it is to die: see tests.faults.faulty
        self.launch: Callable[[tuple[str, ...], dict[str, str], Path], Process] = started
        self._process: Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Returns at once."""
        assert not self.is_running, f"{self.name} runs already"
        environ = self.environ | ({"FAULT_FILE": str(self.fault_file)} if self.fault_file else {})
        self._process = self.launch(self.arguments, environ, self.output)

    def kill(self) -> None:
        """Kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)

    def send(self, number: int) -> None:
        """A signal; returns at once."""
        assert self._process is not None, f"{self.name} was never started"
        self._process.send_signal(number)

    def stop(self, number: int = signal.SIGTERM, within_s: float = 15.0) -> int:
        """Ends it by a signal; its exit code. Raises where it hangs, and kills it then."""
        self.send(number)
        return self.ended(within_s)

    def ended(self, within_s: float) -> int:
        """The exit code of a process that ends by itself. Raises where it does not, and kills it then."""
        assert self._process is not None, f"{self.name} was never started"
        try:
            return self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end within {within_s} s\n{self.tail()}") from None

    def arm(self, moment: str) -> None:
        """It dies, or stands still, at this moment: see tests.faults.faulty."""
        assert self.fault_file is not None, f"{self.name} is not one that can be told where to die"
        self.fault_file.write_text(moment)

    @property
    def is_frozen(self) -> bool:
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def tail(self, size: int = 4000) -> str:
        """The end of what it printed."""
        return f"--- {self.output}\n{self.output.read_text('utf-8', 'replace')[-size:]}" if self.output.exists() else ""


def environment(settings: dict[str, str]) -> dict[str, str]:
    """This process's environment with exactly these settings of Wayfare: names in lower case, as in a TOML file."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WAYFARE_")}
    return inherited | {f"WAYFARE_{name.upper()}": value for name, value in settings.items()} | {"NO_COLOR": "1"}


def until(true: Callable[[], bool], told: str, within_s: float = 30.0, every_s: float = 0.1) -> float:
    """Waits for a condition; how long it took, in seconds."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < within_s, f"not within {within_s} s: {told}"
        time.sleep(every_s)
    return time.monotonic() - begun
