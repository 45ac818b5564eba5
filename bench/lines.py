"""Lines of the log `events`, made once and kept in a folder, and packed into records as the collector packs them."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench import events

FOLDER = Path(os.environ.get("BENCH_FOLDER") or Path.home() / ".cache" / "wayfare" / "bench")
LINES_A_RECORD = 50


class Sample(NamedTuple):
    """A file of lines, and what a correct pipeline makes of it."""

    path: Path
    lines: int
    unique: int  # distinct (device, message id): rows of `events` in the end
    devices: int

    def read(self) -> Iterator[tuple[int, bytes]]:
        """(device, line) in the order of arrival."""
        device = msgspec.json.Decoder(_Device)
        with open(self.path, "rb") as file:
            for line in file:
                yield device.decode(line).d, line[:-1]


class _Device(msgspec.Struct):
    d: int


def sample(count: int, seed: int = 1) -> Sample:
    """`count` events with 25 to each device, from the folder or made now (about 15 s a million)."""
    devices = max(count // 25, 20)
    path = FOLDER / f"lines-4-{count}-{seed}.ndjson"
    about = path.with_suffix(".json")
    if not about.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        seen: set[tuple[int, bytes]] = set()
        with open(unfinished, "wb") as file:
            for device, line in events.lines(count, devices=devices, seed=seed):
                seen.add((device, line.partition(b'"messageId":"')[2].partition(b'"')[0]))
                file.write(line + b"\n")
        unfinished.rename(path)
        about.write_text(json.dumps({"unique": len(seen), "devices": len({device for device, _ in seen})}))
    told = json.loads(about.read_text())
    return Sample(path, count, told["unique"], told["devices"])


def records(found: Sample, partitions: int, lines_a_record: int = LINES_A_RECORD) -> Iterator[tuple[int, bytes]]:
    """(partition, value): a partition's lines wait for each other until a record is full."""
    waiting: list[list[bytes]] = [[] for _ in range(partitions)]
    for device, line in found.read():
        lines = waiting[device % partitions]
        lines.append(line)
        if len(lines) == lines_a_record:
            yield device % partitions, b"\n".join(lines)
            lines.clear()
    for partition, lines in enumerate(waiting):
        if lines:
            yield partition, b"\n".join(lines)
