"""The running system, on either pair of log and store, as tests use it.

    embedded            one process, `wayfare up`
    kafka+clickhouse    `wayfare serve`, one or more `wayfare worker`, a broker and the ClickHouse endpoint

What a test does goes through the command line and HTTP; `rows` alone looks into the tables. Tests share a house: each
has projects of its own, and leaves every part running.
"""

import json
import subprocess
import time
import uuid
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import httpx
from kafka.admin import KafkaAdminClient, MemberToRemove

from pipeline.log import open_log
from pipeline.log.port import Log
from pipeline.store import open_store
from pipeline.store.definitions import Definitions
from pipeline.store.remote import RemoteStore
from schemas.definitions import Privacy, SessionOptions
from schemas.definitions import Project as Definition
from tests.equipment.broker import Broker, free_ports
from tests.scenarios import tables
from tests.scenarios.endpoint import Endpoint
from tests.scenarios.part import Part, environment, finished, until
from tests.scenarios.project import Project

START_SECONDS = 60.0
DRAINED_SECONDS = 180.0  # most of it a sweep after a kill, on a machine that does other things beside


class House(ABC):
    kind: str
    collector: Part  # takes events and answers questions
    worker: Part  # runs the agents; embedded: the same process

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.settings = {"definitions_seconds": "1", "log_level": "warning", **settings}
        self.http = httpx.Client(timeout=60)
        self._own: Project | None = None

    # -- its parts

    @property
    @abstractmethod
    def parts(self) -> tuple[Part, ...]:
        """Every process of Wayfare."""

    @property
    @abstractmethod
    def url(self) -> str:
        """Where the collector listens now; "" while it does not."""

    @abstractmethod
    def start(self) -> None:
        """Starts what does not run; returns when the collector answers."""

    def settle(self) -> None:
        """The same, and every part has begun to work."""
        self.start()

    def restart(self) -> None:
        """A clean end of every part, and a new start."""
        for part in self.parts:
            if part.is_running:
                part.stop()
        self.start()

    def close(self) -> None:
        """Ends every part; each must end by itself, in time."""
        hanging = []
        for part in self.parts:
            if part.is_running:
                try:
                    part.stop()
                except AssertionError as error:
                    hanging.append(str(error))
        self.http.close()
        assert not hanging, hanging

    def part(self, name: str, *arguments: str) -> Part:
        return Part(name, arguments, self.settings, self.folder / f"{name}.log")

    def answers(self) -> bool:
        try:
            return bool(self.url) and self.http.get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def wait_for_collector(self) -> None:
        def up_or_ended() -> bool:
            assert self.collector.is_running, f"{self.collector.name} has ended\n{self.collector.tail()}"
            return self.answers()

        until(up_or_ended, f"{self.collector.name} answers", START_SECONDS)

    # -- what is in it

    @abstractmethod
    def _define(self, definition: Definition) -> tuple[str, str]:
        """Saves a project; its write key (of a browser) and its admin key."""

    def project(self, *, lateness_ms: int | None = None, privacy: Privacy | None = None, **options: Any) -> Project:
        """A new project, which collector and agents know. Other options: those of SessionOptions."""
        name = f"p{uuid.uuid4().hex[:12]}"
        definition = Definition(
            name, sessions=SessionOptions(**options), lateness_ms=lateness_ms, privacy=privacy or Privacy()
        )
        made = Project(self, name, *self._define(definition))
        until(made.is_known, f"the collector knows project {name}", every_s=0.05)
        # `post` shows that the collector has looked; agents look as often, and a session's options are the project's.
        time.sleep(1.2 if options or lateness_ms else 0)
        return made

    @property
    def own(self) -> Project:
        """A project for what is about the whole house."""
        if self._own is None:
            self._own = self.project()
        return self._own

    def progress(self) -> dict[str, Any] | None:
        """None while it cannot be told."""
        try:
            answer = self.http.get(f"{self.url}/api/v1/admin/progress", headers=self.own.admin_headers)
        except httpx.TransportError:
            return None
        return answer.json() if answer.status_code == 200 else None

    def drained(self, within_s: float = DRAINED_SECONDS) -> float:
        """Waits until the agents have done all that lies in the logs; how long it took, in seconds."""
        seen: dict[str, Any] | None = None

        def done() -> bool:
            nonlocal seen
            seen = self.progress()
            return seen is not None and seen["drained"]

        try:
            return until(done, "all records are done", within_s)
        except AssertionError as error:
            told = "\n".join(part.tail() for part in self.parts)
            raise AssertionError(f"{error}: {seen}\n{told}") from None

    @abstractmethod
    def read(self, *questions: tuple[str, dict[str, Any]]) -> list[tables.Rows]:
        """Rows of statements straight from the store."""

    def command(self, *arguments: str, within_s: float = 120.0) -> "subprocess.CompletedProcess[str]":
        """Runs `wayfare ARGUMENTS` to its end."""
        done = finished(arguments, environment(self.settings), within_s=within_s)
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    def cut(self, partitions: int) -> None:
        """`wayfare migrate --partitions`; parts that are started from now on have the setting."""
        done = self.command("migrate", "--partitions", str(partitions))
        assert done.returncode == 0, done.stderr
        self.settings["partitions"] = str(partitions)
        for part in self.parts:
            part.environ["WAYFARE_PARTITIONS"] = str(partitions)


class EmbeddedHouse(House):
    kind = "embedded"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, {"data": str(folder / "data")})
        self.collector = self.worker = self.part("up", "up", "--port", "0")

    @property
    def parts(self) -> tuple[Part, ...]:
        return (self.collector,)

    @property
    def url(self) -> str:
        return self.holder.get("url", "")

    @property
    def holder(self) -> dict[str, Any]:
        """What the running `up` wrote into its lock file; nothing while it does not listen."""
        try:
            found: dict[str, Any] = json.loads((self.folder / "data" / "lock").read_bytes())
        except (OSError, ValueError):
            return {}
        return found if self.collector.is_running and found["pid"] == self.collector.pid else {}

    def start(self) -> None:
        if not self.collector.is_running:
            self.collector.start()
        self.wait_for_collector()

    def _define(self, definition: Definition) -> tuple[str, str]:
        headers, base = {"Authorization": f"Bearer {self.holder['token']}"}, f"{self.url}/api/v1/admin/projects"
        options = {name: getattr(definition.sessions, name) for name in SessionOptions.__struct_fields__}
        body = {"name": definition.name, "sessions": options, "lateness_ms": definition.lateness_ms}
        body["privacy"] = {name: getattr(definition.privacy, name) for name in Privacy.__struct_fields__}
        made = self.http.post(base, json=body, headers=headers)
        assert made.status_code == 201, made.text
        keys = []
        for kind in ("write", "admin"):
            key = self.http.post(f"{base}/{definition.name}/keys", json={"name": kind, "kind": kind}, headers=headers)
            assert key.status_code == 201, key.text
            keys.append(key.json()["key"])
        return keys[0], keys[1]

    def read(self, *questions: tuple[str, dict[str, Any]]) -> list[tables.Rows]:
        """Only the holder of the folder can read it: `up` ends, and is started again."""
        self.collector.stop()
        found = tables.in_folder(self.folder / "data" / "store", questions)
        self.start()
        return found


class ClusterHouse(House):
    kind = "kafka+clickhouse"

    def __init__(self, folder: Path, kafka: str, endpoint: Endpoint, broker: Broker | None = None) -> None:
        """`broker`: what listens at `kafka`, where the tests may stop it."""
        unique = f"t{uuid.uuid4().hex[:12]}"
        port, health, second_health = free_ports(3)
        self.kafka, self.broker, self.endpoint, self.database = kafka, broker, endpoint, unique
        self._url = f"http://127.0.0.1:{port}"
        super().__init__(folder, {
            "data": str(folder / "data"), "log": f"kafka://{kafka}", "store": endpoint.url(unique),
            "topic_prefix": unique, "group": unique, "partitions": "4", "session_timeout_seconds": "6",
        })  # fmt: skip
        self.collector = self.part("serve", "serve", "--port", str(port))
        self.worker = self.part("worker", "worker", "--health-port", str(health))
        # Runs only where a test starts it.
        self.second = self.part("second", "worker", "--health-port", str(second_health))
        self._store: RemoteStore | None = None

    @property
    def parts(self) -> tuple[Part, ...]:
        return self.collector, self.worker, self.second

    @property
    def url(self) -> str:
        return self._url if self.collector.is_running else ""

    @property
    def store(self) -> RemoteStore:
        """The tests' own connection."""
        if self._store is None:
            found = open_store(self.settings["store"])
            assert isinstance(found, RemoteStore)
            self._store = found
        return self._store

    def migrate(self) -> None:
        """An empty database with all tables."""
        anywhere = open_store(self.endpoint.url("default"))
        anywhere.command(f"CREATE DATABASE {self.database}")  # a name of our own making
        anywhere.close()
        done = self.command("migrate")
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        for part in (self.collector, self.worker):
            if not part.is_running:
                part.start()
        self.wait_for_collector()

    def settle(self) -> None:
        self.start()
        self.working(self.worker)

    def working(self, part: Part) -> None:
        """Starts a worker that does not run, and waits until Kafka has given it its shards."""
        if not part.is_running:
            part.start()
        port = part.arguments[part.arguments.index("--health-port") + 1]

        def is_ready() -> bool:
            assert part.is_running, part.tail()
            try:
                return self.http.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
            except httpx.TransportError:
                return False

        until(is_ready, f"{part.name} is a member of the group", START_SECONDS)

    def log(self) -> Log:
        """The tests' own look at the log."""
        return open_log(self.settings["log"], group=self.settings["group"], prefix=self.settings["topic_prefix"])

    def bury(self) -> None:
        """Tells Kafka that all workers are dead: it would find that out itself, a session timeout later."""
        with KafkaAdminClient(bootstrap_servers=self.kafka) as admin:
            members = admin.describe_groups([self.settings["group"]])[self.settings["group"]]["members"]
            admin.remove_group_members(
                self.settings["group"], [MemberToRemove(member_id=each["member_id"]) for each in members]
            )

    def close(self) -> None:
        super().close()
        if self._store is not None:
            self._store.close()

    def _define(self, definition: Definition) -> tuple[str, str]:
        definitions = Definitions(self.store)
        definitions.save(definition)
        write, _ = definitions.new_key(definition.name, "write", "write")
        admin, _ = definitions.new_key(definition.name, "admin", "admin")
        return write, admin

    def read(self, *questions: tuple[str, dict[str, Any]]) -> list[tables.Rows]:
        return [tables.run(self.store, sql, parameters) for sql, parameters in questions]
