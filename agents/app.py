"""The worker: `faust -A agents.app worker` (or `wayfare worker`). `app` is made when it is first asked for."""

import gc
import logging
import os
from typing import Any

from mode import Service

from agents.crew import Crew
from agents.health import HealthServer
from pipeline import allocator
from pipeline.errors import StoreUnavailable, WayfareError
from pipeline.ingest.agent import make_ready
from pipeline.log import open_log
from pipeline.log.faust_app import WayfareApp, create_app
from pipeline.settings import Settings, load
from pipeline.store import open_store
from pipeline.store.migrations import require_current

log = logging.getLogger(__name__)

_CHATTY = ("aiokafka", "clickhouse_driver")  # make a debug record of every packet where Faust has set the level


def build(settings: Settings) -> WayfareApp:
    """A Faust app on the log of the settings, without agents yet."""
    return create_app(
        settings.log,
        group=settings.group,
        prefix=settings.topic_prefix,
        datadir=os.path.join(settings.data, "faust"),
        session_timeout=settings.session_timeout_seconds,
        retention_hours=settings.log_retention_hours,
    )


def create(settings: Settings) -> WayfareApp:
    """The app of a worker process, on a log and a store of its own.

    Raises Fault where the log cannot be reached, UserMistake where `wayfare migrate` has to come first.
    """
    app = build(settings)
    log_port = open_log(
        settings.log,
        group=settings.group,
        prefix=settings.topic_prefix,
        replication=settings.replication,
        retention_hours=settings.log_retention_hours,
    )
    store = open_store(settings.store)
    try:
        require_current(store)
    except StoreUnavailable as error:  # agents wait for it; what is missing then they will tell
        log.warning("%s", error)

    def fail(error: BaseException) -> None:
        log.critical("the worker ends: %s", error)
        os._exit(1)  # the log gives its batches to another worker; a clean stop would acknowledge nothing more

    if settings.log_level != "debug":
        for name in _CHATTY:
            logging.getLogger(name).setLevel(logging.INFO)
    allocator.give_back()
    make_ready()
    # A turn makes many objects and keeps few, hardly any of them in cycles: the default collects in vain.
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
    log_port.ensure_topics(settings.log_partitions)
    crew = Crew(app, settings, log_port, store, fail)

    @app.service
    class Health(Service):
        async def on_start(self) -> None:
            self.server = HealthServer(app.conf.web_port, crew.ailments, crew.ports.counters)
            await self.server.start()

        async def on_stop(self) -> None:
            await self.server.stop()

    return app


def __getattr__(name: str) -> Any:
    if name == "app":
        try:
            globals()["app"] = create(load())
        except WayfareError as error:
            raise SystemExit(f"wayfare: {error.message}") from error
        return globals()["app"]
    raise AttributeError(name)
