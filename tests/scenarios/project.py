"""A project in a running house: its senders, its askers, and what the tables hold of it."""

import gzip
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

if TYPE_CHECKING:
    from tests.scenarios.house import House

Event = dict[str, Any]
ALL_TIME: dict[str, Any] = {"last": None}
IMPORT_LINES = 1000


class Proof(NamedTuple):
    """How `wayfare verify` ended, and what it told."""

    exit_code: int
    report: dict[str, Any]


class Project:
    def __init__(self, house: "House", name: str, write_key: str, admin_key: str) -> None:
        self.house, self.name, self.write_key, self.admin_key = house, name, write_key, admin_key

    @property
    def admin_headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.admin_key}"}

    def is_known(self) -> bool:
        """The collector has seen both keys."""
        url = f"{self.house.url}/api/v1/admin/projects/{self.name}"
        return self.post([]).status_code == 200 == self.house.http.get(url, headers=self.admin_headers).status_code

    # -- senders

    def post(self, events: Sequence[Event]) -> httpx.Response:
        """One batch, as an SDK sends it."""
        return self.house.http.post(f"{self.house.url}/v1/batch", json={"batch": events}, auth=(self.write_key, ""))

    def deliver(self, events: Sequence[Event]) -> None:
        """A batch, again and again until it is acknowledged."""
        persist(lambda: self.post(events))

    def post_raw(self, path: str, body: bytes, **headers: str) -> httpx.Response:
        """Any bytes to a route of the collector, with the write key."""
        return self.house.http.post(f"{self.house.url}{path}", content=body, auth=(self.write_key, ""), headers=headers)

    def bring(self, lines: Iterable[bytes], told: Callable[[int], None] = lambda count: None) -> None:
        """Lines of a file over HTTP as a trusted import, again and again until acknowledged.

        `told` hears how many lines are in after each request.
        """
        source, count = iter(lines), 0
        while chunk := list(islice(source, IMPORT_LINES)):
            persist(lambda chunk=chunk: self._import(b"\n".join(chunk)))  # type: ignore[misc]
            count += len(chunk)
            told(count)

    def _import(self, body: bytes) -> httpx.Response:
        headers = self.admin_headers | {"Content-Type": "application/x-ndjson", "X-Wayfare-Project": self.name}
        return self.house.http.post(f"{self.house.url}/v1/import", content=body, headers=headers)

    def import_file(self, file: Path, *options: str) -> dict[str, Any]:
        """`wayfare import FILE --json`: its report."""
        done = self.house.command("import", str(file), "--project", self.name, "--json", *options)
        assert done.returncode == 0, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def run_client(self, command: Sequence[str], **environ: str) -> None:
        """A program that sends with somebody's client, to its end; then all it sent has been worked on."""
        done = subprocess.run(
            command, env=os.environ | {"HOST": self.house.url, "WRITE_KEY": self.write_key} | environ,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        self.house.drained()

    # -- askers

    def ask(self, name: str, **question: Any) -> dict[str, Any]:
        """The result of a question about all time, over HTTP."""
        body = question if {"last", "from", "to"} & set(question) else question | ALL_TIME
        answer = self.house.http.post(
            f"{self.house.url}/api/v1/projects/{self.name}/questions/{name}", json=body, headers=self.admin_headers
        )
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()["result"]
        return result

    def customer(self, who: str, path: str = "") -> dict[str, Any]:
        """A customer's profile, or his /identity."""
        answer = self.house.http.get(
            f"{self.house.url}/api/v1/projects/{self.name}/customers/{who}{path}", headers=self.admin_headers
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def decide(self, path: str, **body: Any) -> dict[str, Any]:
        """A decision about identifiers: POST to the path below the project."""
        answer = self.house.http.post(
            f"{self.house.url}/api/v1/projects/{self.name}{path}",
            json={"reason": "as told on the phone"} | body,
            headers=self.admin_headers,
        )
        assert answer.status_code == 200, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def save(self, kind: str, body: dict[str, Any]) -> None:
        """Saves a goal or a funnel (`kind`: goals, funnels)."""
        rest = {name: value for name, value in body.items() if name != "name"}
        answer = self.house.http.put(
            f"{self.house.url}/api/v1/projects/{self.name}/{kind}/{body['name']}", json=rest, headers=self.admin_headers
        )
        assert answer.is_success, answer.text

    def verify(self) -> Proof:
        """`wayfare verify --all`, the command itself."""
        done = self.house.command("verify", "--all", "--project", self.name, "--json")
        return Proof(done.returncode, json.loads(done.stdout) if done.stdout else {"error": done.stderr})

    def proof(self) -> dict[str, Any]:
        """The same over HTTP: sooner, by the start of a process."""
        answer = self.house.http.post(
            f"{self.house.url}/api/v1/admin/projects/{self.name}/verify", json={"all": True},
            headers=self.admin_headers, timeout=120,
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
        report: dict[str, Any] = answer.json()
        return report

    def rows(self, *statements: str) -> list[list[tuple[Any, ...]]]:
        """Rows of statements that name the project as {project:String}."""
        return self.house.read(*((statement, {"project": self.name}) for statement in statements))


def persist(send: Callable[[], httpx.Response], within_s: float = 120.0) -> None:
    """Sends as clients do: what is not answered, or answered with 503, is sent again."""
    end = time.monotonic() + within_s
    while True:
        told: object
        try:
            answer = send()
        except (httpx.TransportError, httpx.UnsupportedProtocol) as error:  # the latter: no address, it is not up
            told = error
        else:
            if answer.status_code == 200:
                return
            assert answer.status_code == 503, answer.text
            told = answer.text
        assert time.monotonic() < end, f"not acknowledged within {within_s} s: {told}"
        time.sleep(0.1)


def lines_of(file: Path) -> list[bytes]:
    """The lines of a .gz file of events."""
    with gzip.open(file, "rb") as lines:
        return lines.read().splitlines()
