"""What a pipeline on Kafka in Python can be held against. Each is a process that writes its figures to a JSON file.

python -m bench.rivals raw HOST:PORT TOPIC LINES FILE      aiokafka's getmany, values untouched
python -m bench.rivals stock HOST:PORT TOPIC EVENTS FILE   a stock Faust agent, one event a record, that decodes JSON
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import faust
from aiokafka import AIOKafkaConsumer


class Meter:
    """From the first records to the last."""

    def __init__(self, events: int, file: Path) -> None:
        self.wanted, self.seen, self.file = events, 0, file
        self.wall = self.cpu = 0.0

    def add(self, count: int) -> bool:
        """True once all have come."""
        if not self.seen:
            self.wall, self.cpu = time.perf_counter(), time.process_time()
        self.seen += count
        return self.seen >= self.wanted

    def tell(self) -> None:
        figures = {"events": self.seen, "wall": time.perf_counter() - self.wall, "cpu": time.process_time() - self.cpu}
        self.file.write_text(json.dumps(figures))


async def raw(server: str, topic: str, meter: Meter) -> None:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=server, group_id=None, auto_offset_reset="earliest", enable_auto_commit=False,
        max_partition_fetch_bytes=1 << 20,
    )  # fmt: skip
    await consumer.start()
    while True:
        fetched = await consumer.getmany(timeout_ms=1000)
        count = sum(record.value.count(b"\n") + 1 for records in fetched.values() for record in records)
        if count and meter.add(count):
            meter.tell()
            break
    await consumer.stop()


def stock(server: str, topic: str, meter: Meter) -> None:
    app = faust.App(
        f"stock-{os.getpid()}",
        broker=f"kafka://{server}",
        datadir=str(meter.file.with_suffix(".faust")),
        autodiscover=False,
        web_enabled=False,
        store="memory://",
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        stream_recovery_delay=0,
        value_serializer="json",
    )

    @app.agent(app.topic(topic))
    async def decode(stream: Any) -> None:
        async for _ in stream:
            if meter.add(1):
                meter.tell()
                os._exit(0)

    sys.argv = ["faust", "worker", "--without-web", "--loglevel", "warn"]
    app.main()


def main() -> None:
    way, server, topic, events, file = sys.argv[1:]
    meter = Meter(int(events), Path(file))
    if way == "raw":
        asyncio.run(raw(server, topic, meter))
    else:
        stock(server, topic, meter)


if __name__ == "__main__":
    main()
