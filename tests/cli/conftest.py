"""Two ways to run a command: in this process against a running `up`, and as a process of its own on a folder."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer

from pipeline.cli.command import app, run
from tests.scenarios.house import EmbeddedHouse
from tests.scenarios.part import environment, finished, owed

owed |= set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


class Ended(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, str]:
        """The error that a command with --json writes to stderr."""
        found: dict[str, str] = json.loads(self.err.strip().splitlines()[-1])["error"]
        return found


Command = Callable[..., Ended]


@pytest.fixture
def wayfare(embedded: EmbeddedHouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`wayfare ARGUMENTS` in this process, against the shared `wayfare up`."""
    for name, value in environment(embedded.settings).items():
        monkeypatch.setenv(name, value)

    def command(*arguments: str) -> Ended:
        capsys.readouterr()
        code = run(list(arguments))
        return Ended(code, *capsys.readouterr())

    return command


class Folder:
    """A data folder that nobody holds between the commands."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.settings = {"data": str(path / "data")}

    def wayfare(self, *arguments: str, given: bytes | None = None, **settings: str) -> Ended:
        done = finished(arguments, environment(self.settings | settings), given or b"")
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def event(name: str, who: str = "a", number: int = 0, at: str = "2026-03-01T10:00:00Z", **more: Any) -> dict[str, Any]:
    """A track call; `page` is a page view."""
    kind = {"type": "page"} if name == "page" else {"type": "track", "event": name}
    return kind | {"anonymousId": who, "messageId": f"{name}-{who}-{number}", "timestamp": at, **more}


def lines(*events: dict[str, Any] | str) -> bytes:
    return "\n".join(each if isinstance(each, str) else json.dumps(each) for each in events).encode() + b"\n"
