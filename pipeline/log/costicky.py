"""Who gets which partitions: partition i of every topic goes to the same worker, and workers keep what they held."""

from collections.abc import Iterable, Mapping

import msgspec
from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata


class CoSticky(AbstractPartitionAssignor):  # type: ignore[misc]
    """One object per worker: it tells the group what the worker held before."""

    name = "costicky"
    version = 0

    def __init__(self) -> None:
        self._held: list[int] = []

    def metadata(self, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        return ConsumerProtocolMemberMetadata(self.version, list(topics), msgspec.json.encode(self._held))

    def on_assignment(self, assignment: ConsumerProtocolMemberAssignment) -> None:
        self._held = sorted({partition for _, partitions in assignment.assignment for partition in partitions})

    def assign(
        self, cluster: ClusterMetadata, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        """Members that read other topics than others, of an older generation, share those among themselves."""
        alike: dict[tuple[str, ...], dict[str, ConsumerProtocolMemberMetadata]] = {}
        for name, member in members.items():
            alike.setdefault(tuple(sorted(member.subscription)), {})[name] = member
        return {name: assigned for group in alike.values() for name, assigned in self._assign(cluster, group).items()}

    def _assign(
        self, cluster: ClusterMetadata, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        topics = {topic for member in members.values() for topic in member.subscription}
        existing = {topic: cluster.partitions_for_topic(topic) or set() for topic in topics}
        count = 1 + max((partition for partitions in existing.values() for partition in partitions), default=-1)
        claims = {
            name: msgspec.json.decode(member.user_data or b"[]", type=list[int]) for name, member in members.items()
        }
        shares = shared(count, claims)
        return {
            name: ConsumerProtocolMemberAssignment(
                self.version,
                [
                    (topic, [partition for partition in shares[name] if partition in existing[topic]])
                    for topic in sorted(members[name].subscription)
                ],
                b"",
            )
            for name in members
        }


def shared(count: int, claims: Mapping[str, list[int]]) -> dict[str, list[int]]:
    """Partitions 0 .. count-1 dealt out evenly; of what a worker claims it keeps up to its fair share."""
    free = set(range(count))
    least, extra = divmod(count, len(claims))
    shares: dict[str, list[int]] = {}
    for name in sorted(claims, key=lambda each: (-len(claims[each]), each)):  # those with most keep the one more
        keep = [partition for partition in claims[name] if partition in free][: least + (extra > 0)]
        extra -= len(keep) > least
        shares[name] = keep
        free -= set(keep)
    for partition in sorted(free):
        shares[min(shares, key=lambda each: (len(shares[each]), each))].append(partition)
    return {name: sorted(partitions) for name, partitions in shares.items()}
