"""Names of topics in a log: `{prefix}-{topic}-{generation}`, as wayfare-events-1."""

from zlib import crc32

from pipeline.log.port import Topic
from schemas.log import GENERATION_BITS, PARTITION_BITS

FIRST_GENERATION = 1
MAX_PARTITIONS = 1 << PARTITION_BITS
MAX_GENERATION = (1 << GENERATION_BITS) - 1


def pairs_partition(project: str, partitions: int) -> int:
    """All pairs of a project are decided in one place."""
    return crc32(project.encode()) % partitions


def full_name(prefix: str, topic: str, generation: int = FIRST_GENERATION) -> str:
    return f"{prefix}-{topic}-{generation}"


def short_name(prefix: str, name: str) -> tuple[str, int] | None:
    """(`events`, 1) of wayfare-events-1; None where the name is not one of ours."""
    topic, _, generation = name.removeprefix(f"{prefix}-").rpartition("-")
    if not name.startswith(f"{prefix}-") or not topic or not generation.isdecimal():
        return None
    return topic, int(generation)


def newest(prefix: str, topic: str, partitions_by_name: dict[str, int]) -> Topic | None:
    """The topic's highest generation among those that exist."""
    found = [
        Topic(name, split[1], partitions)
        for name, partitions in partitions_by_name.items()
        if (split := short_name(prefix, name)) and split[0] == topic
    ]
    return max(found, key=lambda each: each.generation, default=None)
