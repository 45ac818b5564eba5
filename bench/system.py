"""Wayfare as processes, on the pair that a benchmark asks for, and what a benchmark asks of it over HTTP."""

import json
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.events import PROJECT
from bench.machines import Machines, start
from pipeline.store import open_store
from pipeline.store.definitions import Definitions
from schemas.definitions import Project
from tests.equipment.broker import free_ports

START_SECONDS = 120.0


class System:
    """The settings of one installation, a write key of the project `bench`, and the processes that were started."""

    def __init__(self, settings: dict[str, str], prefix: str = "", key: str = "", url: str = "") -> None:
        self.settings = {"definitions_seconds": "1", "log_level": "warning", **settings}
        self.prefix, self.key, self.url, self.read_headers = prefix, key, url, dict[str, str]()
        self._processes: dict[str, subprocess.Popen[str]] = {}

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")

    def run(self, *arguments: str) -> "subprocess.Popen[str]":
        """A command of Wayfare's, until the system is left."""
        environ = {f"WAYFARE_{name.upper()}": value for name, value in self.settings.items()}
        process = start("pipeline.cli", *arguments, environ=environ, stdout=subprocess.DEVNULL)
        self._processes[arguments[0]] = process
        return process

    def pids(self) -> dict[str, int]:
        """Process ids by command."""
        return {name: process.pid for name, process in self._processes.items()}

    def get(self, path: str) -> Any:
        return _answer(urllib.request.Request(self.url + path, headers=self.read_headers))

    def post(self, path: str, body: Any) -> Any:
        headers = {"Content-Type": "application/json", **self.read_headers}
        return _answer(urllib.request.Request(self.url + path, json.dumps(body).encode(), headers))

    def wait(self, process: "subprocess.Popen[str]") -> None:
        """Until /readyz says yes. Raises where it never does."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if process.poll() is not None:
                raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
            try:
                if self.url and self.get("/readyz")["ready"]:
                    return
            except (OSError, urllib.error.HTTPError):
                time.sleep(0.1)
        raise TimeoutError(f"not ready after {START_SECONDS:g} s: {process.args!r}")

    def stop(self) -> None:
        for process in reversed(self._processes.values()):
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def cluster(on: Machines, partitions: int = 16) -> Iterator[System]:
    """An empty database and topics of its own; nothing runs yet, `serve` will listen at `url`."""
    prefix = f"bench{uuid.uuid4().hex[:8]}"
    store_url, key = on.fresh_store(), ""
    store = open_store(store_url)
    definitions = Definitions(store)
    definitions.save(Project(PROJECT))
    key, _ = definitions.new_key(PROJECT, "write", "write")
    admin, _ = definitions.new_key(PROJECT, "admin", "admin")
    store.close()
    (port,) = free_ports(1)
    system = System(
        {
            "log": on.log_url(),
            "store": store_url,
            "topic_prefix": prefix,
            "group": prefix,
            "partitions": str(partitions),
            "data": str(on.folder / prefix),
            "port": str(port),
        },
        prefix,
        key,
        f"http://127.0.0.1:{port}",
    )
    system.read_headers = {"Authorization": f"Bearer {admin}"}
    try:
        yield system
    finally:
        system.stop()


@contextmanager
def embedded(folder: Path) -> Iterator[System]:
    """`wayfare up` on an empty folder, running."""
    system = System({"data": str(folder), "port": "0", "project": PROJECT})
    try:
        up = system.run("up")
        holder = _holder(folder / "lock", up)
        system.url, admin = holder["url"], {"Authorization": f"Bearer {holder['token']}"}
        system.read_headers = admin
        made = system.post(f"/api/v1/admin/projects/{PROJECT}/keys", {"name": "bench", "kind": "write"})
        system.key = made["key"]
        system.wait(up)
        yield system
    finally:
        system.stop()


def _holder(lock: Path, process: "subprocess.Popen[str]") -> dict[str, str]:
    """What a running `up` tells in its folder's lock."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        text = lock.read_text() if lock.exists() else ""
        if '"url":"http' in text:
            return dict(json.loads(text))
        time.sleep(0.1)
    raise TimeoutError(f"not listening after {START_SECONDS:g} s: {process.args!r}")


def _answer(request: urllib.request.Request) -> Any:
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read())
    except urllib.error.HTTPError as error:
        error.add_note(f"{request.full_url}: {error.read().decode()}")
        raise
