"""Released packages of others that tests run: installed once, beside this project's own, by their clients."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CACHE = Path.home() / ".cache" / "wayfare"
SECONDS = 180  # of an installation


def python_packages(*wanted: str) -> Path:
    """The folder for PYTHONPATH that has these (`name==version`), or the test skips."""
    folder = CACHE / f"python3.{sys.version_info.minor}-{_named(wanted)}"
    _install([sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), *wanted], folder)
    return folder


def node_packages(*wanted: str) -> Path:
    """The folder `node_modules` that has these (`name@version`), or the test skips."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: {', '.join(wanted)} run on Node.js and come through npm")
    folder = CACHE / f"npm-{_named(wanted)}"
    options = ("--no-audit", "--no-fund", "--ignore-scripts")
    _install(["npm", "install", "--prefix", str(folder), *options, *wanted], folder)
    return folder / "node_modules"


def _named(wanted: tuple[str, ...]) -> str:
    return hashlib.sha256(" ".join(wanted).encode()).hexdigest()[:12]


_SLOW: set[Path] = set()  # what could not be installed in time: it is not waited for a second time


def _install(command: list[str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    done_mark, told = folder / "installed", " ".join(command)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run side by side, and an installer wants its folder for itself
        if done_mark.exists():
            return
        if folder in _SLOW:
            pytest.fail(f"not installed within {SECONDS} s: {told}")
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            _SLOW.add(folder)
            pytest.fail(f"not installed within {SECONDS} s: {told}")
        if done.returncode:
            pytest.skip(f"could not be installed: {told}: {done.stderr[-500:]}")
        done_mark.touch()
