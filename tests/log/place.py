"""A log for one test, on either adapter: where it is, and what lies in it."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from pipeline.log import Log, open_log
from pipeline.log.sqlite import SqliteLog
from schemas.log import EVENTS


@dataclass(frozen=True)
class Place:
    kind: str  # sqlite or kafka
    url: str
    prefix: str
    folder: Path

    def open(self, **options: Any) -> Log:
        return open_log(self.url, **({"group": self.prefix, "prefix": self.prefix} | options))

    def records(self, topic: str = EVENTS) -> list[tuple[int, int, bytes]]:
        """All that the topic holds: (partition, offset, value), by partition and offset."""
        log = self.open()
        name, partitions = log.topic(topic).name, range(log.topic(topic).partitions)
        try:
            if isinstance(log, SqliteLog):
                ids = log.partition_ids(name)
                return [
                    (partition, offset, value)
                    for partition in partitions
                    for offset, _, value in log.fetch(ids[partition], 0, records=1 << 30, max_bytes=1 << 40)
                ]
        finally:
            log.close()
        return read_kafka(self.url.removeprefix("kafka://"), [TopicPartition(name, each) for each in partitions])

    def lines(self, topic: str = EVENTS) -> dict[int, list[bytes]]:
        """Lines by partition, in order."""
        found: dict[int, list[bytes]] = {}
        for partition, _, value in self.records(topic):
            found.setdefault(partition, []).extend(value.split(b"\n"))
        return found


def read_kafka(address: str, partitions: list[TopicPartition]) -> list[tuple[int, int, bytes]]:
    consumer = KafkaConsumer(bootstrap_servers=address, enable_auto_commit=False)
    try:
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        ends = consumer.end_offsets(partitions)
        found = []
        while any(consumer.position(each) < ends[each] for each in partitions):
            for records in consumer.poll(timeout_ms=200).values():
                found += [(record.partition, record.offset, record.value) for record in records]
        return sorted(found)
    finally:
        consumer.close()


class Worker:
    """tests.log.worker as a process of its own, and what it wrote."""

    def __init__(self, place: Place, sink: Path, seconds: float = 0.0) -> None:
        self.sink = sink
        sink.touch()
        command = [sys.executable, "-m", "tests.log.worker", place.url, place.prefix, str(sink), str(seconds)]
        with sink.with_suffix(".log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def said(self) -> list[str]:
        return self.sink.read_text().splitlines()

    def lines(self) -> list[str]:
        """Lines that its agent got, without offset and partition."""
        return [each.split(" ", 2)[2] for each in self.said() if each[:1].isdigit()]

    def held(self) -> set[str]:
        """`topic partition` of what it was assigned last and not revoked."""
        held: set[str] = set()
        for each in self.said():
            if each.startswith("+ "):
                held.add(each[2:])
            elif each.startswith("- "):
                held.discard(each[2:])
        return held

    def stop(self) -> float:
        """SIGTERM; seconds until it is gone."""
        start = time.monotonic()
        self.process.terminate()
        self.process.wait(30)
        return time.monotonic() - start

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)


async def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Waits for a condition; its docstring or code is the assertion's message."""
    end = time.monotonic() + seconds
    while not await asyncio.to_thread(true):
        assert time.monotonic() < end, f"not within {seconds} s"
        await asyncio.sleep(0.05)
