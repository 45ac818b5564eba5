"""Appends records to Kafka (acks=all) on the writer's own loop, one request to a broker at a time.

What comes while a broker has a request is in its next one. A partition's records are sent in order: they wait while one
of them is under way, and what is tried again goes first. Not idempotent: after a lost answer a line may be in the log
twice, which ingest counts once, as it does when a sender tries again; in turn nothing is sent that nobody waits for.
aiokafka's client has the connections and knows which broker leads which partition.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Coroutine, Mapping

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, for_code
from aiokafka.structs import TopicPartition

from pipeline.errors import LogUnavailable, NotFound, WayfareError
from pipeline.log.group_commit import Done, Record
from pipeline.log.kafka import MAX_MESSAGE_BYTES, KafkaLog
from pipeline.log.kafka_produce import BATCH_OVERHEAD, RECORD_OVERHEAD, Answer, produce
from pipeline.log.port import Topic

log = logging.getLogger(__name__)

MOST_REQUEST = 16 << 20  # bytes of values; brokers take requests of 100 MB
PAUSE = 0.1  # seconds before a record is tried again
Taken = dict[TopicPartition, list[Record]]


class KafkaSink:
    max_line_bytes = 900_000

    def __init__(self, log: KafkaLog) -> None:
        self._log, self._loop = log, asyncio.get_running_loop()
        self._came, self._new = asyncio.Event(), deque[Record]()
        self._topics: dict[str, Topic] = {}
        self._client: AIOKafkaClient | None = None
        self._is_due = False  # a dispatch, with this turn of the loop
        self._pending: dict[TopicPartition, deque[Record]] = {}
        self._busy: set[int | TopicPartition] = set()  # brokers that have a request, and its partitions
        self._tasks: set[asyncio.Task[None]] = set()
        self._asking: asyncio.Task[None] | None = None

    def start(self, done: Done) -> None:
        self._done = done
        self._spawn(self._sort())

    def put(self, record: Record) -> None:
        topic = self._topics.get(record.topic)
        if topic is None or not 0 <= record.partition < topic.partitions:
            self._new.append(record)
            self._came.set()
            return
        self._pending.setdefault(TopicPartition(topic.name, record.partition), deque()).append(record)
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._dispatch)

    async def stop(self, timeout: float) -> None:  # noqa: ASYNC109
        """By now every record is done, or its senders have given up."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout)
        if self._client is not None:
            await self._client.close()

    # -- from records to requests

    async def _sort(self) -> None:
        """To their partitions, for ever, the records of topics that are not known yet; it waits until they are."""
        while True:
            await self._came.wait()
            self._came.clear()
            while self._new:
                record = self._new.popleft()
                try:
                    place = await self._place(record)
                except WayfareError as error:
                    self._done([record], error)
                else:
                    self._pending.setdefault(place, deque()).append(record)
            self._dispatch()

    async def _place(self, record: Record) -> TopicPartition:
        if record.deadline < time.monotonic():
            raise LogUnavailable("the log did not take the record in time")
        if self._client is None:
            self._client = await self._connect()
        topic = self._topics.get(record.topic) or await self._learn(self._client, record.topic)
        if not 0 <= record.partition < topic.partitions:
            last = topic.partitions - 1
            raise NotFound(f"topic {topic.name} has partitions 0 to {last}, not {record.partition}")
        return TopicPartition(topic.name, record.partition)

    def _dispatch(self) -> None:
        """A request to every broker that has none and for which something waits."""
        self._is_due = False
        if self._client is None:
            return
        requests: dict[int, Taken] = {}
        sizes: dict[int, int] = {}
        is_lost = False
        for place in list(self._pending):
            if place in self._busy:
                continue
            leader = self._client.cluster.leader_for_partition(place)
            if leader is None or leader < 0:
                is_lost = True
                self._give_up(place)
            elif leader not in self._busy and sizes.get(leader, 0) < MOST_REQUEST and (found := self._take(place)):
                requests.setdefault(leader, {})[place] = found
                sizes[leader] = sizes.get(leader, 0) + sum(record.size for record in found)
        for broker, taken in requests.items():
            self._busy |= {broker, *taken}
            self._spawn(self._produce(self._client, broker, taken))
        if is_lost and self._asking is None:
            self._asking = self._spawn(self._ask(self._client))

    def _take(self, place: TopicPartition) -> list[Record]:
        """The next records of a partition, as many as a batch holds."""
        self._give_up(place)
        waiting = self._pending.get(place, deque())
        taken: list[Record] = []
        size = BATCH_OVERHEAD
        while waiting and size + waiting[0].size + RECORD_OVERHEAD <= MAX_MESSAGE_BYTES:
            size += waiting[0].size + RECORD_OVERHEAD
            taken.append(waiting.popleft())
        if not waiting:
            self._pending.pop(place, None)
        return taken

    def _give_up(self, place: TopicPartition) -> None:
        """What nobody waits for any more is not sent. A partition's records have their deadlines in order."""
        waiting, now = self._pending[place], time.monotonic()
        late: list[Record] = []
        while waiting and waiting[0].deadline < now:
            late.append(waiting.popleft())
        if not waiting:
            del self._pending[place]
        if late:
            self._done(late, LogUnavailable("the log did not take the record in time"))

    # -- and what becomes of them

    async def _produce(self, client: AIOKafkaClient, broker: int, taken: Taken) -> None:
        values = {place: [record.value for record in records] for place, records in taken.items()}
        try:
            try:
                answer: Answer = await client.send(broker, produce(values, int(self._log.timeout * 1000)))
            except (KafkaError, OSError) as error:
                await self._failed(client, taken, dict.fromkeys(taken, error))
            else:
                codes = answer.codes
                good = [record for place, records in taken.items() if codes.get(place) == 0 for record in records]
                if good:
                    self._done(good, None)
                bad = {place: for_code(codes.get(place, -1))() for place in taken if codes.get(place) != 0}
                if bad:
                    await self._failed(client, taken, bad)
        finally:
            self._busy -= {broker, *taken}
            self._dispatch()

    async def _failed(
        self, client: AIOKafkaClient, taken: Taken, errors: Mapping[TopicPartition, KafkaError | OSError]
    ) -> None:
        """Puts back what may be tried again, and lets some time pass; the rest is told to have failed."""
        for place, error in errors.items():
            if isinstance(error, OSError) or error.retriable:
                self._pending.setdefault(place, deque()).extendleft(reversed(taken[place]))
            else:
                told = f"Kafka at {self._log.address} did not take a record for {place.topic}: {error!r}"
                log.warning("%s", told)
                self._done(taken[place], LogUnavailable(told))
        client.force_metadata_update()  # most errors mean that another broker leads now
        await asyncio.sleep(PAUSE)

    # -- the cluster

    async def _connect(self) -> AIOKafkaClient:
        await asyncio.to_thread(self._log.reach)
        client = AIOKafkaClient(
            **self._log.address.aiokafka(),
            client_id=f"{self._log.prefix}-collector",
            request_timeout_ms=int(self._log.timeout * 1000),
        )
        try:
            async with asyncio.timeout(self._log.timeout):
                await client.bootstrap()
        except (KafkaError, OSError, TimeoutError) as error:
            await client.close()
            raise LogUnavailable(f"Kafka at {self._log.address} cannot be reached: {error!r}") from error
        return client

    async def _learn(self, client: AIOKafkaClient, name: str) -> Topic:
        topic = await asyncio.to_thread(self._log.topic, name)
        await asyncio.to_thread(self._log.check_record_size, topic.name)
        await client.add_topic(topic.name)
        self._topics[name] = topic
        return topic

    async def _ask(self, client: AIOKafkaClient) -> None:
        """Has the client look again for who leads what, then sends what waited for that."""
        try:
            await client.force_metadata_update()
            await asyncio.sleep(PAUSE)
        finally:
            self._asking = None
        self._dispatch()

    def _spawn(self, work: Coroutine[object, object, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work, name="wayfare-log")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the log's writer: %r", error, exc_info=error)
