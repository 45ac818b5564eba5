"""`wayfare serve` and `wayfare worker`: the two halves of an installation on Kafka and ClickHouse."""

import os
import sys
from typing import Annotated

import typer

from pipeline.cli import options
from pipeline.errors import InvalidSetting
from pipeline.settings import variable


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen at.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen at.")] = None,
) -> None:
    """Collector, API and page, without agents. The same as `uvicorn api.app:app`."""
    import uvicorn

    settings = options.settings(service=True)
    uvicorn.run(
        "api.app:app",
        host=host or settings.host,
        port=settings.port if port is None else port,
        log_level=settings.log_level,
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=20,
    )


def worker(
    context: typer.Context,
    health_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the worker's /readyz.")] = 6066,
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
    os.execv(sys.executable, [*command, "--loglevel", settings.log_level, *context.args])
