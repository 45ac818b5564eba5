"""A worker process for the tests: writes every line it gets to a file, then acknowledges.

    python -m tests.log.worker LOG_URL PREFIX SINK [SECONDS_A_BATCH]

SINK gets `offset partition line` per line, `+ topic partition` and `- topic partition` for what is assigned and
revoked, `ready` at the start. SIGTERM stops it; it then writes `stopped`.
"""

import asyncio
import contextlib
import os
import signal
import sys
from typing import Any

from pipeline.log.batches import Batch
from pipeline.log.faust_app import WayfareApp, create_app
from schemas.log import EVENTS


def make(log_url: str, prefix: str, sink: str, seconds: float = 0.0) -> WayfareApp:
    app = create_app(
        log_url, group=prefix, prefix=prefix, datadir=f"{sink}.faust", session_timeout=3, commit_interval=0.2
    )
    file = os.open(sink, os.O_WRONLY | os.O_CREAT | os.O_APPEND)  # unbuffered: a kill loses nothing written

    def say(line: str) -> None:
        os.write(file, f"{line}\n".encode())

    app.assignments.subscribe(
        on_assigned=lambda topic, partition: say(f"+ {topic} {partition}"),
        on_revoked=lambda topic, partition: say(f"- {topic} {partition}"),
    )

    @app.agent(app.batches(EVENTS))
    async def sessions(stream: Any) -> None:
        async for event in stream.noack().events():
            batch: Batch = event.value
            if seconds:
                await asyncio.sleep(seconds)
            for offset, _, value in batch.records:
                os.write(file, b"".join(b"%d %d %s\n" % (offset, batch.partition, line) for line in value.split(b"\n")))
            event.ack()

    return app


def say(sink: str, line: str) -> None:
    with open(sink, "a") as file:
        file.write(f"{line}\n")


async def main() -> None:
    log_url, prefix, sink, *seconds = sys.argv[1:]
    app = make(log_url, prefix, sink, *map(float, seconds))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await app.start()
    say(sink, "ready")
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), 300)
    await app.stop()
    say(sink, "stopped")


if __name__ == "__main__":
    asyncio.run(main())
