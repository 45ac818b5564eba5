"""What the routes of one process stand on: settings, log, store, definitions, and who may ask for what."""

import asyncio
import hashlib
import logging
import secrets
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from api.query import fills
from pipeline.errors import Fault, LogUnavailable, NotFound
from pipeline.ingest.place import Place, Places
from pipeline.ingest.remembered import remembered
from pipeline.lock import FolderLock, Holder
from pipeline.log import open_log
from pipeline.log.port import Log, LogWriter, Topic
from pipeline.settings import Settings
from pipeline.store import open_store
from pipeline.store.definitions import Definitions
from pipeline.store.migrations import migrate, require_current
from pipeline.store.port import Store
from pipeline.store.salts import Salts
from schemas.definitions import Key, Project
from schemas.log import EVENTS, TOPICS

log = logging.getLogger(__name__)


class Runtime:
    """Settings, log, store and definitions of this process.

    `local_token` opens every project to the command line of this machine; it stands in the lock file (0600) only.
    """

    def __init__(self, settings: Settings, log: Log, store: Store, *, local_token: str = "") -> None:
        self.settings, self.log, self.store = settings, log, store
        self.local_token = local_token or secrets.token_urlsafe(24)
        self.started_at = time.time()
        self.definitions = Definitions(store)
        self._salts = Salts(store, lambda: time.time_ns() // 1_000_000)
        self._places = Places(settings.places or None)
        self.checks: dict[str, Callable[[], None]] = {}  # what else /readyz asks; each raises a WayfareError
        self.metrics: list[Callable[[], str]] = []  # what else /metrics shows, in Prometheus' text format
        self._topics: dict[str, Topic] = {}
        self._writer: LogWriter | None = None
        self._stop = threading.Event()
        self._refresher = threading.Thread(target=self._refresh, name="definitions", daemon=True)

    @property
    def writer(self) -> LogWriter:
        """Appends to the log; there from `start` to `stop`, on that event loop."""
        if self._writer is None:
            raise RuntimeError("the runtime has not been started")
        return self._writer

    async def start(self) -> None:
        await asyncio.to_thread(self.look_around)
        self._writer = self.log.writer()
        self._refresher.start()

    async def stop(self) -> None:
        """Waits for what is on its way to the log; log and store stay open for who opened them."""
        self._stop.set()
        if self._writer is not None:
            await self._writer.close()
            self._writer = None
        await asyncio.to_thread(self._refresher.join)
        self._places.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Runtime"]:
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    def key(self, secret: str) -> Key | None:
        """The key that this secret is, or an alias of it, if it is one and not revoked.

        The local token is an admin key of every project.
        """
        if secrets.compare_digest(secret.encode(), self.local_token.encode()):
            return Key(name="local", project="", kind="admin", hash="")
        snapshot = self.definitions.snapshot()
        key = snapshot.keys.get(hashed(secret)) or snapshot.aliases.get(secret)
        return key if key and not key.revoked else None

    def place(self, address: str) -> Place | None:
        """Country, region and city of an IP address, by the file of the setting `places`."""
        return self._places.lookup(address)

    def topic(self, name: str = EVENTS) -> Topic:
        """The topic as it was a moment ago, without asking the log. Raises LogUnavailable before it was ever seen."""
        found = self._topics.get(name)
        if found is None:
            raise LogUnavailable(f"topic {name} has not been seen yet")
        return found

    def salt(self, day: int) -> bytes:
        """Of the day (days since 1970), for visitors without ids. Raises LogUnavailable where there is none now."""
        return self._salts.of(day)

    def look_around(self) -> None:
        """Reads definitions, salts and topics again. Raises Fault where store or log do not answer. Blocks."""
        self.definitions.refresh()
        self._salts.refresh()  # any tracker may send without ids
        self._topics = {name: self.log.topic(name) for name in TOPICS}

    def _refresh(self) -> None:
        while not self._stop.wait(self.settings.definitions_seconds):
            try:
                self.look_around()
            except (Fault, NotFound) as error:  # what was known stays valid, and /readyz tells
                log.warning("definitions and topics stay as they were: %s", error)


@remembered(1024)
def hashed(secret: str) -> str:
    """SHA-256 of a key, hex: the only form in which keys are stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


def log_of(settings: Settings) -> Log:
    """The log of the settings, not touched yet."""
    return open_log(
        settings.log,
        group=settings.group,
        prefix=settings.topic_prefix,
        queue_bytes=settings.queue_bytes,
        replication=settings.replication,
        retention_hours=settings.log_retention_hours,
    )


class Opened:
    """The runtime of a process together with what it must give back: the folder's lock, the store, the log."""

    def __init__(self, settings: Settings, command: str) -> None:
        """Takes the folder, opens log and store and brings the tables up to date (embedded only; else `migrate` does).

        Raises InUse, InvalidSetting, LogUnavailable, StoreUnavailable; UserMistake where `migrate` has to come first.
        """
        self.settings, self.command = settings, command
        self.lock = FolderLock(settings.folders, Holder(pid=0, command=command))
        try:
            self.store = open_store(settings.store)
            self.log = log_of(settings)
            if settings.embedded:
                migrate(self.store)
            else:
                require_current(self.store)
            self.log.ensure_topics(settings.log_partitions)
            self.runtime = Runtime(settings, self.log, self.store)
            if not self.runtime.definitions.projects():
                self.runtime.definitions.save(Project(settings.project))
                fills.judged_first(self.store, settings.project)
        except BaseException:
            self.lock.release()
            raise

    def close(self) -> None:
        self.log.close()
        self.store.close()
        self.lock.release()
