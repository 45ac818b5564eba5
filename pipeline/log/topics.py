"""Names of topics in a log: `{prefix}-{topic}-{generation}`, as wayfare-events-1."""

from zlib import crc32

from pipeline.errors import InvalidSetting, UserMistake
from pipeline.log.port import Topic
from schemas.log import GENERATION_BITS, PARTITION_BITS, TOPICS

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


def generations(prefix: str, topic: str, partitions_by_name: dict[str, int]) -> dict[int, Topic]:
    """Every generation of the topic that exists, oldest first."""
    found = [
        Topic(name, split[1], partitions)
        for name, partitions in partitions_by_name.items()
        if (split := short_name(prefix, name)) and split[0] == topic
    ]
    return {each.generation: each for each in sorted(found, key=lambda each: each.generation)}


def following(prefix: str, partitions_by_name: dict[str, int], partitions: int) -> int:
    """The number of the next generation, of the three topics alike.

    Raises UserMistake where the newest has so many partitions, InvalidSetting for a count that cannot be.
    """
    if not 1 <= partitions <= MAX_PARTITIONS:
        raise InvalidSetting(f"partitions is 1 to {MAX_PARTITIONS}, not {partitions}", field="partitions")
    found = [topic for name in TOPICS if (topic := newest(prefix, name, partitions_by_name))]
    if found and all(topic.partitions == partitions for topic in found):
        raise UserMistake(f"the topics have {partitions} partitions already", field="partitions")
    number = max((topic.generation for topic in found), default=FIRST_GENERATION - 1) + 1
    if number > MAX_GENERATION:
        raise InvalidSetting(f"there were {MAX_GENERATION} generations of topics: there is no next", field="partitions")
    return number


def newest(prefix: str, topic: str, partitions_by_name: dict[str, int]) -> Topic | None:
    """The topic's highest generation among those that exist."""
    return next(reversed(generations(prefix, topic, partitions_by_name).values()), None)
