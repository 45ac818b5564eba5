"""The thread that hands records to kafka-python's producer (acks=all), whose own thread sends them.

The producer is not idempotent. Once a record of an idempotent one (kafka-python 3.0) expires after it was sent, as when
the broker goes away for more than the timeout, it resets its producer id, never asks for another, and sends nothing
ever again. Without it a retry may leave a line in the log twice, which ingest counts once, as it does when a sender
tries again.
"""

import logging
import queue
import threading
import time
from functools import partial

from kafka import KafkaProducer
from kafka.errors import KafkaError, MessageSizeTooLargeError

from pipeline.errors import LogUnavailable, NotFound, UserMistake, WayfareError
from pipeline.log.group_commit import Done, Record
from pipeline.log.kafka import MAX_MESSAGE_BYTES, KafkaLog
from pipeline.log.port import Topic

log = logging.getLogger(__name__)


class KafkaSink:
    max_line_bytes = 900_000

    def __init__(self, log: KafkaLog) -> None:
        self._log, self._queue = log, queue.SimpleQueue[Record | None]()
        self._topics: dict[str, Topic] = {}
        self._producer: KafkaProducer | None = None
        self._thread: threading.Thread | None = None

    def start(self, done: Done) -> None:
        self._thread = threading.Thread(target=self._run, args=(done,), name="wayfare-log", daemon=True)
        self._thread.start()

    def put(self, record: Record) -> None:
        self._queue.put(record)

    def stop(self, timeout: float) -> None:
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self, done: Done) -> None:
        while (record := self._queue.get()) is not None:
            if record.deadline < time.monotonic():  # its senders have given up: what nobody waits for is not sent
                done([record], LogUnavailable("the log did not take the record in time"))
                continue
            try:
                self._send(record, done)
            except WayfareError as error:
                done([record], error)
        if self._producer is not None:
            try:
                self._producer.close(timeout=self._log.timeout)
            except KafkaError as error:  # no broker: what still waits was told to its senders as not acknowledged
                log.warning("the producer ends with records that no broker took: %s", error)

    def _send(self, record: Record, done: Done) -> None:
        """Raises what can be said at once; all else comes through `done`, from the producer's thread."""
        try:
            if self._producer is None:
                self._producer = self._connect()
            topic = self._topics.get(record.topic) or self._learn(record.topic)
            if not 0 <= record.partition < topic.partitions:
                last = topic.partitions - 1
                raise NotFound(f"topic {topic.name} has partitions 0 to {last}, not {record.partition}")
            # Blocks up to max_block_ms while the producer knows no broker: therefore a thread.
            future = self._producer.send(topic.name, record.value, partition=record.partition)
        except MessageSizeTooLargeError as error:
            raise UserMistake(f"the record is too large: {error}", code="line_too_large") from error
        except (KafkaError, OSError) as error:
            raise LogUnavailable(f"Kafka at {self._log.address} did not take the record: {error}") from error
        future.add_callback(lambda _: done([record], None))
        future.add_errback(partial(self._failed, record, done))

    def _failed(self, record: Record, done: Done, error: Exception) -> None:
        done([record], LogUnavailable(f"Kafka at {self._log.address} did not acknowledge the record: {error}"))

    def _learn(self, name: str) -> Topic:
        topic = self._log.topic(name)
        self._log.check_record_size(topic.name)
        self._topics[name] = topic
        return topic

    def _connect(self) -> KafkaProducer:
        self._log.reach()
        milliseconds = int(self._log.timeout * 1000)
        return KafkaProducer(
            **self._log.address.kafka_python(),
            client_id=f"{self._log.prefix}-collector",
            acks="all",
            enable_idempotence=False,
            max_request_size=MAX_MESSAGE_BYTES,
            delivery_timeout_ms=milliseconds,
            request_timeout_ms=milliseconds,
            max_block_ms=milliseconds,
            bootstrap_timeout_ms=milliseconds,
            reconnect_backoff_max_ms=1000,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )
