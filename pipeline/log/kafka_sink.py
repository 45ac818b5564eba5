"""Hands records to aiokafka's producer (acks=all) on the writer's own loop: no thread that takes turns with it.

The producer is not idempotent: a retry may leave a line in the log twice, which ingest counts once, as it does when a
sender tries again. An idempotent one never gives up a record, so after an outage it would send what nobody waits for.
"""

import asyncio
import logging
import time
from functools import partial

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

from pipeline.errors import LogUnavailable, NotFound, UserMistake, WayfareError
from pipeline.log.group_commit import RECORD_BYTES, Done, Record
from pipeline.log.kafka import MAX_MESSAGE_BYTES, KafkaLog
from pipeline.log.port import Topic

log = logging.getLogger(__name__)


class KafkaSink:
    max_line_bytes = 900_000

    def __init__(self, log: KafkaLog) -> None:
        self._log, self._queue = log, asyncio.Queue[Record]()
        self._topics: dict[str, Topic] = {}
        self._producer: AIOKafkaProducer | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, done: Done) -> None:
        self._task = asyncio.create_task(self._run(done), name="wayfare-log")

    def put(self, record: Record) -> None:
        self._queue.put_nowait(record)

    async def stop(self, timeout: float) -> None:  # noqa: ASYNC109 - of the producer's end
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._drop(timeout)

    async def _run(self, done: Done) -> None:
        while True:
            record = await self._queue.get()
            if record.deadline < time.monotonic():  # its senders have given up: what nobody waits for is not sent
                done([record], LogUnavailable("the log did not take the record in time"))
                continue
            try:
                sent = await self._send(record)
            except WayfareError as error:
                done([record], error)
            else:
                sent.add_done_callback(partial(self._sent, record, done))

    async def _send(self, record: Record) -> "asyncio.Future[object]":
        """The record's future. Waits while the producer knows no broker or holds two full batches of the partition."""
        try:
            if self._producer is None:
                self._producer = await self._connect()
            topic = self._topics.get(record.topic) or await self._learn(record.topic)
            if not 0 <= record.partition < topic.partitions:
                last = topic.partitions - 1
                raise NotFound(f"topic {topic.name} has partitions 0 to {last}, not {record.partition}")
            sent: asyncio.Future[object] = await self._producer.send(
                topic.name, record.value, partition=record.partition
            )
            return sent
        except (KafkaError, OSError, TimeoutError) as error:
            if not isinstance(error, KafkaTimeoutError | MessageSizeTooLargeError):
                await self._drop(0)  # whatever it is, it may last: the next record finds a new one
            raise self._translated(error) from error

    def _sent(self, record: Record, done: Done, sent: "asyncio.Future[object]") -> None:
        error = None if sent.cancelled() else sent.exception()
        if sent.cancelled():
            done([record], LogUnavailable("the log's writer ended before the record was acknowledged"))
        else:
            done([record], None if error is None else self._translated(error))

    def _translated(self, error: BaseException) -> WayfareError:
        if isinstance(error, MessageSizeTooLargeError):
            return UserMistake(f"the record is too large: {error}", code="line_too_large")
        return LogUnavailable(f"Kafka at {self._log.address} did not take the record: {error!r}")

    async def _learn(self, name: str) -> Topic:
        topic = await asyncio.to_thread(self._log.topic, name)
        await asyncio.to_thread(self._log.check_record_size, topic.name)
        self._topics[name] = topic
        return topic

    async def _connect(self) -> AIOKafkaProducer:
        await asyncio.to_thread(self._log.reach)
        producer = AIOKafkaProducer(
            **self._log.address.aiokafka(),
            client_id=f"{self._log.prefix}-collector",
            acks="all",
            max_request_size=MAX_MESSAGE_BYTES,
            max_batch_size=RECORD_BYTES + 1024,
            request_timeout_ms=int(self._log.timeout * 1000),  # also after how long a record is given up
        )
        try:
            async with asyncio.timeout(self._log.timeout):
                await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return producer

    async def _drop(self, timeout: float) -> None:  # noqa: ASYNC109
        """Ends the producer; what it has not sent after `timeout` seconds fails."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        ending = asyncio.create_task(producer.stop())
        await asyncio.wait({ending}, timeout=timeout)
        if not ending.done():
            log.warning("the producer ends with records that no broker took")
            await producer.client.close()
        await asyncio.wait({ending}, timeout=self._log.timeout)
