"""`wayfare serve` and `wayfare worker`: the two halves of an installation on Kafka and ClickHouse."""

import asyncio
import logging
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli import options
from pipeline.errors import InvalidSetting
from pipeline.lock import Holder
from pipeline.settings import Settings, variable

if TYPE_CHECKING:
    from api.runtime import Opened
    from pipeline.cli.server import Server

log = logging.getLogger(__name__)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen at.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen at.")] = None,
) -> None:
    """Collector, API and page, without agents. The same as `uvicorn api.app:app`."""
    from pipeline.cli.server import run

    settings = options.settings(service=True)
    run(_serve(replace(settings, host=host or settings.host, port=settings.port if port is None else port)))


async def _serve(settings: Settings) -> None:
    from api.app import create
    from api.runtime import Opened
    from pipeline.cli.server import Server, listen, url_of

    opened = await asyncio.to_thread(Opened, settings, "serve")
    try:
        with listen(settings) as listening:
            server = Server(create(opened.runtime), listening)
            url = url_of(settings.host, listening)
            await server.run_with(
                [_tell(server, opened, Holder(os.getpid(), "serve", url, opened.runtime.local_token))]
            )
    finally:
        await asyncio.to_thread(opened.close)


async def _tell(server: "Server", opened: "Opened", holder: Holder) -> None:
    await server.listening.wait()
    opened.lock.tell(holder)
    log.info("listening at %s", holder.url)


def worker(
    context: typer.Context,
    health_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the worker's /readyz.")] = 6066,
) -> None:
    """Agents, without an API. The same as `faust -A agents.app worker`; more of its options may follow."""
    settings = options.settings(service=True)
    if settings.embedded:
        raise InvalidSetting(
            f"a worker of its own needs {variable('log')}=kafka://... and {variable('store')}=clickhouse://...; "
            "on the embedded pair `wayfare up` runs the agents",
            field="log",
        )
    command = [sys.executable, "-m", "faust", "-A", "agents.app", "worker", "--web-port", str(health_port)]
    level = {"warning": "warn"}.get(settings.log_level, settings.log_level)  # as Faust names it
    os.execv(sys.executable, [*command, "--loglevel", level, *context.args])
