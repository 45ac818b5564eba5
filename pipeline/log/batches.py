"""One Faust event per fetched run of records of one partition, on any of the transports.

Stock Faust spends about 500 Python calls on every event and loses events in some of its ways to acknowledge. Here an
event's value is a `Batch`, an agent acknowledges it when its work is durable, and offsets are committed strictly in
order. An agent:

    async for event in stream.noack().events():
        batch: Batch = event.value
        ...                        # later, and from another task if need be:
        event.ack()

offset    0 .. 99     100 .. 180    181 .. 300
batch     [done]      [held]        [done]        committed: 100; 301 as soon as the middle one is done

The flag `done` sits on the batch, not on its offsets: an ack from before a rebalance cannot count for what is delivered
after it.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterator
from typing import Any

import msgspec
from faust import Event
from faust.serializers.schemas import Schema
from faust.transport.consumer import Consumer
from faust.types import TP, ConsumerMessage, Message

from pipeline.log.assignments import Assignments, Partition
from pipeline.log.liveness import Liveness

MAX_RECORDS = 1000
MAX_BYTES = 4 << 20
_LAST_COMMIT = 1.0  # seconds

Record = tuple[int, int, bytes]  # offset, timestamp in ms, value


class Batch(msgspec.Struct, gc=False):
    """Consecutive records of one partition. `topic` is the short name (`events`), `generation` the topic's."""

    topic: str
    partition: int
    generation: int
    records: list[Record]
    done: bool = False  # acknowledged
    revoked: bool = False  # its partition was taken away: an ack counts no more, and another worker may have it by now

    @property
    def first(self) -> int:
        return self.records[0][0]

    @property
    def last(self) -> int:
        return self.records[-1][0]


class BatchSchema(Schema[Any, Any]):
    """Hands the batch on as it is: the agent decodes."""

    def compile(self, app: Any, **_: Any) -> Any:
        async def decode(message: Message, *, propagate: bool = False) -> Event:
            return Event(app, None, message.value, None, message)

        return decode


class Batches(Consumer):
    """Mixin in front of a transport's consumer. The transport gives `_fetch` and calls nothing of this."""

    app: Any  # a WayfareApp

    revoke_wait: float = 10.0  # seconds that a revocation waits for the batches that agents hold
    stop_wait: float = 2.0  # the same when the app stops

    def __init__(self, *args: Any, **options: Any) -> None:
        self.liveness = Liveness()
        self.assignments: Assignments = args[0].app.assignments
        super().__init__(*args, **options)
        self._delivered: defaultdict[TP, deque[Batch]] = defaultdict(deque)
        self._callback, self.callback = self.callback, self._deliver
        self._delivering = False

    def short(self, tp: TP) -> Partition:
        return self.app.short_name(tp.topic)[0], tp.partition

    # -- delivery

    def heartbeat_age(self) -> float:
        """Seconds since the group last took a sign of life of this worker; inf while it is no member."""
        raise NotImplementedError

    async def _fetch(self, partitions: set[TP] | None, timeout: float) -> dict[TP, list[Record]]:  # noqa: ASYNC109
        """What lies in the partitions, or waits for something to come."""
        raise NotImplementedError

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> dict[TP, list[Batch]]:  # noqa: ASYNC109
        if self._buffered_partitions:
            timeout = 0.02  # stock waits up to a second on idle partitions while the busy ones are parked
        fetched = await self._fetch(active_partitions, timeout)
        self.liveness.polled()
        return {tp: list(self._batches(tp, records)) for tp, records in fetched.items() if records}

    def _batches(self, tp: TP, records: list[Record]) -> Iterator[Batch]:
        topic, generation = self.app.short_name(tp.topic)
        start = size = 0
        for index, record in enumerate(records):
            if index > start and (index - start == MAX_RECORDS or size + len(record[2]) > MAX_BYTES):
                yield Batch(topic, tp.partition, generation, records[start:index])
                start, size = index, 0
            size += len(record[2])
        yield Batch(topic, tp.partition, generation, records[start:])

    async def _deliver(self, message: Message) -> None:
        """Into the streams' buffers; waits while they are full, and then nothing is polled."""
        self._delivering = True
        try:
            await self._callback(message)
        finally:
            self._delivering = False
            self.liveness.polled()

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        batch: Batch = record
        self._delivered[tp].append(batch)
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            batch.last,
            batch.records[-1][1] / 1000.0,
            0,
            [],
            None,
            batch,  # type: ignore[arg-type]  # BatchSchema passes it on
            None,
            0,
            0,
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109
        if self.flow_active and not self._get_active_partitions() and not self.app.client_only:
            self.liveness.polled()  # every stream's buffer is full: that is no idleness
            await self.sleep(0.01)  # stock sleeps a whole second
            return {}, self._get_active_partitions()
        return await super()._wait_next_records(timeout)

    # -- acknowledging and committing

    def ack(self, message: Message) -> bool:
        """Marks the batch as done, once. A message that no agent got (skipped after a rebalance) is no ack."""
        batch: Any = message.value
        if batch.done or not message.tracked:
            return False
        message.acked = batch.done = True
        self._unacked_messages.discard(message)
        if self._waiting_for_ack is not None and not self._waiting_for_ack.done():
            self._waiting_for_ack.set_result(None)
        return True

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        for tp in list(self._delivered):
            if topics is None or tp in topics or tp.topic in topics:
                yield tp

    def _new_offset(self, tp: TP) -> int | None:
        """The next offset to commit: behind the leading run of batches that are done."""
        delivered, committed, offset = self._delivered[tp], self._committed_offset[tp], None
        while delivered and (delivered[0].done or (committed is not None and delivered[0].last < committed)):
            offset = delivered.popleft().last + 1  # of what was delivered twice around a seek: committed already
        return offset

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Gaps between offsets mean nothing here: batches are counted, not offsets."""

    async def _commit_offsets(self, offsets: Any, start_new_transaction: bool = True) -> bool:
        did_commit = await super()._commit_offsets(offsets, start_new_transaction)
        if did_commit:
            self.liveness.committed()
        return did_commit

    @property
    def poll_age(self) -> float:
        """Seconds since the log was last asked for records; 0 while what it gave waits in front of busy agents."""
        return 0.0 if self._delivering and self.flow_active else self.liveness.poll_age

    @property
    def commit_age(self) -> float:
        """Seconds since the last commit or assignment; 0 while nothing is delivered that waits for a commit."""
        return self.liveness.commit_age if any(self._delivered.values()) else 0.0

    # -- rebalances and the end

    async def wait_empty(self) -> None:
        """Waits for the batches that agents hold and for the commit, a bounded time; stock waits for ever for both."""
        loop = asyncio.get_running_loop()
        end, is_stopping = loop.time() + self.revoke_wait, False
        while self._unacked_messages and loop.time() < end:
            if self.app.should_stop and not is_stopping:  # from now on; a revocation may wait already
                is_stopping, end = True, min(end, loop.time() + self.stop_wait)
            self._waiting_for_ack = loop.create_future()
            await asyncio.wait({self._waiting_for_ack}, timeout=max(0.0, min(end - loop.time(), 0.2)))
        self._waiting_for_ack = None
        held = {message.tp for message in self._unacked_messages}
        if held:
            self.log.warning("gave up waiting for agents: what they hold of %s will be delivered again", sorted(held))
            self._unacked_messages.clear()
            self.assignments.revoke(map(self.short, held))  # agents may still be at work on these
        # Not wait_for: stock swallows the cancellation in places.
        commit = asyncio.ensure_future(self.commit_and_end_transactions())
        _, pending = await asyncio.wait({commit}, timeout=_LAST_COMMIT)
        if pending:
            commit.cancel()
            self.log.warning("gave up the last commit: acknowledged batches will be delivered again")

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        await super().on_partitions_revoked(revoked)  # stops the flow, waits for agents, commits
        for tp in revoked:
            for batch in self._delivered.pop(tp, ()):
                batch.revoked = True

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        self.liveness.committed()
        self.assignments.assign(map(self.short, assigned), generation_id)
        await super().on_partitions_assigned(assigned, generation_id)

    async def perform_seek(self) -> None:
        """Called after every assignment, and by getmany whenever records arrive while the flow is stopped."""
        if any(delivered and delivered[0].done for delivered in self._delivered.values()):
            await self.force_commit()
        held = {id(message.value) for message in self._unacked_messages}
        for tp, delivered in self._delivered.items():
            # Agents hold some; the rest sat in buffers that Faust has cleared, and comes again.
            kept = deque[Batch]()
            for batch in delivered:
                if not batch.done and id(batch) not in held:
                    break
                kept.append(batch)
            self._delivered[tp] = kept
        await super().perform_seek()

    async def on_stop(self) -> None:
        await super().on_stop()
        self.assignments.revoke(self.assignments.held)
