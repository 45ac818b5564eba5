"""Which partitions are this process's, as the agents see it.

    generation 7   [events 0, events 1]
    rebalance      revoked 0, 1                        nothing is told yet: most come back
    generation 8   [events 1, events 2]                on_revoked(events, 0)  on_assigned(events, 2)

A partition that stays across neighbouring generations was nobody else's in between, so what is cached of it holds.
After a gap in the generations (this worker was thrown out and joined again) all counts as revoked and assigned anew.
"""

from collections.abc import Callable, Iterable

Partition = tuple[str, int]  # short name of the topic, partition
Callback = Callable[[str, int], None]


class Assignments:
    """Partitions held now. Callbacks run in the app's loop, before the partition's first batch; they must not block."""

    def __init__(self) -> None:
        self._held: frozenset[Partition] = frozenset()
        self._generation = 0
        self._subscribers: list[tuple[Callback | None, Callback | None]] = []

    @property
    def held(self) -> frozenset[Partition]:
        return self._held

    @property
    def generation(self) -> int:
        """Of the consumer group; 0 before the first assignment."""
        return self._generation

    def owns(self, topic: str, partition: int) -> bool:
        return (topic, partition) in self._held

    def subscribe(self, *, on_assigned: Callback | None = None, on_revoked: Callback | None = None) -> None:
        """`on_assigned` is called at once for what is held already."""
        self._subscribers.append((on_assigned, on_revoked))
        if on_assigned is not None:
            for topic, partition in sorted(self._held):
                on_assigned(topic, partition)

    def assign(self, partitions: Iterable[Partition], generation: int) -> None:
        """All that is held from `generation` on."""
        held = frozenset(partitions)
        if generation != self._generation + 1:
            self.revoke(self._held)
        self._generation = generation
        self.revoke(self._held - held)
        new, self._held = held - self._held, held
        _tell([on_assigned for on_assigned, _ in self._subscribers], new)

    def revoke(self, partitions: Iterable[Partition]) -> None:
        lost = self._held & frozenset(partitions)
        self._held -= lost
        _tell([on_revoked for _, on_revoked in self._subscribers], lost)


def _tell(callbacks: list[Callback | None], partitions: frozenset[Partition]) -> None:
    for callback in callbacks:
        if callback is not None:
            for topic, partition in sorted(partitions):
                callback(topic, partition)
