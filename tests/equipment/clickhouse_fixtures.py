"""Stores for tests: `from tests.equipment.clickhouse_fixtures import *` in a conftest.

WAYFARE_TEST_CLICKHOUSE=clickhouse://user:password@host:port names a server that runs already (its user must be able
to create databases); else the endpoint over chdb is started, in a process of its own.
"""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.store import open_store
from pipeline.store.migrations import migrate
from pipeline.store.port import Store

__all__ = [
    "asked_store", "clickhouse_server", "empty_store", "fresh_database", "kept", "own_clickhouse", "own_store", "store",
]  # fmt: skip

STARTS_WITHIN = 60  # seconds: the first load of chdb's library from a cold disk takes eleven


class Endpoint:
    """The endpoint as a process, to stop, freeze and start again on the same folder and port."""

    def __init__(self, folder: Path, password: str = "") -> None:
        self.folder, self.password = folder, password
        self.port = self.http_port = 0  # any free one; the same again after a restart
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"clickhouse://default:{self.password}@127.0.0.1:{self.port}".replace(":@", "@")

    def start(self) -> "Endpoint":
        ports = ["--tcp", str(self.port), "--http", str(self.http_port), "--password", self.password]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.equipment.clickhouse_endpoint", str(self.folder), *ports],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert self._process.stdout
        for line in self._process.stdout:
            if line.startswith("ready "):
                told = dict(word.split("=") for word in line.split()[1:])
                self.port, self.http_port = int(told["tcp"]), int(told["http"])
                return self
        raise RuntimeError(f"the endpoint ended with {self._process.wait()} before it was ready")

    def send_signal(self, number: int) -> None:
        assert self._process
        self._process.send_signal(number)

    def stop(self, number: int = 15) -> None:
        if self._process:
            self._process.send_signal(number)
            try:
                self._process.wait(STARTS_WITHIN)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                raise
            assert self._process.stdout
            self._process.stdout.close()
            self._process = None


@pytest.fixture(scope="session")
def clickhouse_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """clickhouse://user:password@host:port of a server that all tests share: use a database of your own."""
    if given := os.environ.get("WAYFARE_TEST_CLICKHOUSE"):
        yield given.rstrip("/")
        return
    endpoint = Endpoint(tmp_path_factory.mktemp("clickhouse")).start()
    yield endpoint.url
    endpoint.stop()


@pytest.fixture
def own_clickhouse(tmp_path: Path) -> Iterator[Endpoint]:
    """A server of the test's own, to stop, kill, freeze and start again."""
    endpoint = Endpoint(tmp_path / "clickhouse").start()
    yield endpoint
    endpoint.stop(9)


_numbers = itertools.count(1)


def create_database(server: str) -> str:
    """A new database on a server -> its URL."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    administrator = open_store(server)
    administrator.command("CREATE DATABASE {name:Identifier}", {"name": name})
    administrator.close()
    return f"{server}/{name}"


def drop_database(url: str) -> None:
    server, _, name = url.rpartition("/")
    administrator = open_store(server)
    administrator.command("DROP DATABASE {name:Identifier} SYNC", {"name": name})
    administrator.close()


@pytest.fixture
def fresh_database(clickhouse_server: str) -> Iterator[Callable[[], str]]:
    """Makes databases, without tables, that end with the test; each call gives the URL of another one."""
    made: list[str] = []

    def make() -> str:
        made.append(create_database(clickhouse_server))
        return made[-1]

    yield make
    for url in made:
        drop_database(url)


@pytest.fixture(scope="module", params=["embedded", "clickhouse"])
def asked_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store for tests that write nothing: one for a whole module, where `empty_store` and `store` are then not used
    (a process has one embedded store)."""
    if request.param == "embedded":
        url = f"chdb:///{tmp_path_factory.mktemp('store')}"
    else:
        url = request.getfixturevalue("clickhouse_server")
    opened = open_store(url)
    yield opened
    opened.close()


class Kept:
    """The stores that the tests of a module share, each with all tables; emptied after each test, which costs a tenth
    of making them."""

    def __init__(self, folder: Path, database: Callable[[], str]) -> None:
        self._folder, self._database = folder, database
        self._opened: dict[str, Store] = {}

    def store(self, kind: str) -> Store:
        if kind not in self._opened:
            self._opened[kind] = opened = open_store(self._url(kind))
            migrate(opened)
        return self._opened[kind]

    def empty(self, kind: str) -> None:
        for (table,) in self._opened[kind].query(FILLED):
            self._opened[kind].command("TRUNCATE TABLE {table:Identifier}", {"table": table})

    def close(self, kind: str) -> None:
        """A process has one embedded store: a test that opens its own needs this one closed."""
        if kind in self._opened:
            self._opened.pop(kind).close()

    def _url(self, kind: str) -> str:
        return f"chdb:///{self._folder}" if kind == "embedded" else self._database()


FILLED = """SELECT name FROM system.tables
WHERE database = currentDatabase() AND total_rows > 0 AND name NOT IN ('migrations', 'pending_migrations')"""


@pytest.fixture(scope="module")
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    made: list[str] = []

    def database() -> str:
        made.append(create_database(request.getfixturevalue("clickhouse_server")))
        return made[-1]

    stores = Kept(tmp_path_factory.mktemp("store"), database)
    yield stores
    for kind in ("embedded", "clickhouse"):
        stores.close(kind)
    for url in made:
        drop_database(url)


@pytest.fixture(params=["embedded", "clickhouse"])
def empty_store(request: pytest.FixtureRequest, tmp_path: Path, kept: Kept) -> Iterator[Store]:
    """A store of the test's own without tables, in turn on chdb and on ClickHouse."""
    if request.param == "embedded":
        kept.close("embedded")
        url = f"chdb:///{tmp_path / 'store'}"
    else:
        url = request.getfixturevalue("fresh_database")()
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def own_store(empty_store: Store) -> Store:
    """The same with all tables, for tests that change them."""
    migrate(empty_store)
    return empty_store


@pytest.fixture(params=["embedded", "clickhouse"])
def store(request: pytest.FixtureRequest, kept: Kept) -> Iterator[Store]:
    """A store with all tables, empty, in turn on chdb and on ClickHouse; a test leaves the tables as they are."""
    yield kept.store(request.param)
    kept.empty(request.param)
