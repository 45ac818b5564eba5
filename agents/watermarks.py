"""How far time has come in the logs behind `events`.

    events ──sessions──> pairs ──identity──> changes ──journeys──> changes (marks that go on)

What lies in such a log was sent by many shards, each as far as it is itself, and the collector's own clock record may
stand in front of what they still have to send. So a shard that has come to a received_at says so in every partition
that it sends to, behind all that it has sent: a clock line with its number. A reader has come as far as the least that
all of its senders have said, and nowhere before it has heard each of them.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

import msgspec

from agents.ports import Ports
from schemas.log import CHANGES, EVENTS, PAIRS, TOPICS, Mark, PairNote

# What each agent reads, and where a shard says how far it has come when it tells so. A shard of journeys has forwarded
# its marks before it has come to an end itself, and says so by the way.
READS = {"sessions": EVENTS, "identity": PAIRS, "journeys": CHANGES}
SAYS = {"sessions": (PAIRS, CHANGES), "identity": (CHANGES,), "journeys": ()}

_encode = msgspec.json.Encoder().encode


def speaker(topic: str, partition: int) -> int:
    """Number of the shard that reads a partition, as clock lines name it; 0 is nobody's: the collector's clock."""
    return 1 + TOPICS.index(topic) + len(TOPICS) * partition


class Watermarks:
    """What the shards that read some topics have said, by the partition in which they did.

    It is lost with the process and soon said again: every shard speaks whenever a clock record has come to it.
    """

    def __init__(self, partitions: Callable[[str], int], *topics: str) -> None:
        self._partitions, self._topics = partitions, topics
        self._said: dict[int, dict[int, int]] = defaultdict(dict)

    def hear(self, partition: int, speaker: int, received_at: int) -> None:
        """To be called once all that stands before the line is done."""
        said = self._said[partition]
        said[speaker] = max(received_at, said.get(speaker, 0))

    def reached(self, partition: int) -> int:
        """Up to which received_at all has come, UTC ms; 0 while some shard has not been heard."""
        said = self._said[partition]
        return min(
            said.get(speaker(topic, shard), 0) for topic in self._topics for shard in range(self._partitions(topic))
        )


async def say(ports: Ports, read: str, reached: Mapping[int, int], to: Iterable[str]) -> None:
    """Tells every partition of the logs `to` how far the shards that read the log `read` have come.

    Returns once the logs have it. What the shards have sent before must be there already.
    """
    sends = [
        ports.send(
            topic, partition, b"\n".join(_line(topic, partition, speaker(read, at), r) for at, r in reached.items())
        )
        for topic in to
        for partition in range(ports.partitions(topic))
    ]
    await asyncio.gather(*sends)


def _line(topic: str, partition: int, speaker: int, received_at: int) -> bytes:
    if topic == PAIRS:
        return _encode(PairNote(p="", a=speaker, b=0, r=received_at, k="clock"))
    return _encode(Mark(p="", c=partition, i=speaker, r=received_at, k="clock"))
