"""The Faust app that reads the log: settings that are known to work, either transport, and what agents ask of it.

    app = create_app("sqlite:///.wayfare/log.sqlite", datadir=".wayfare/faust")

    @app.agent(app.batches(EVENTS))
    async def sessions(stream):
        async for event in stream.noack().events():
            batch = event.value
            ...
            event.ack()

It runs as `faust -A agents.app worker`, or inside another program's loop: `await app.start()`, `await app.stop()`.
The topics have to exist (`Log.ensure_topics`): Faust declares none.
"""

import asyncio
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import faust
from aiokafka.errors import KafkaError
from faust.app.base import BootStrategy
from faust.exceptions import FaustError
from faust.types import TopicT
from yarl import URL

from pipeline.errors import InvalidSetting, LogUnavailable, NotFound
from pipeline.log import open_log
from pipeline.log.assignments import Assignments
from pipeline.log.batches import Batches, BatchSchema
from pipeline.log.group_commit import RECORD_BYTES
from pipeline.log.kafka_address import KafkaAddress
from pipeline.log.sqlite import SqliteLog
from pipeline.log.topics import FIRST_GENERATION, full_name, short_name
from schemas.log import MAX_LINES_PER_RECORD, TOPICS

_FOR_EVER_MS = 1 << 60
# Bytes of a partition in one answer of Kafka's: what is fetched lies in memory three times until it is in a turn, and
# answers of several megabytes cost a quarter more. A larger record comes all the same.
MAX_FETCH = 1 << 18


class _WithoutWeb(BootStrategy):
    enable_web = False


class WayfareApp(faust.App):
    """A Faust app on our log. `assignments` tells which partitions are its own; the methods are for agents."""

    BootStrategy = _WithoutWeb

    def __init__(
        self,
        log_url: str,
        *,
        group: str,
        prefix: str,
        waits: tuple[float, float],
        keep_ms: int,
        **options: Any,
    ) -> None:
        self.log_url, self.prefix, self.waits, self.keep_ms = log_url, prefix, waits, keep_ms
        self.generation = FIRST_GENERATION  # of the topics that it reads and sends to
        self.assignments = Assignments()
        self.sqlite_log: SqliteLog | None = None
        self._short: dict[str, tuple[str, int]] = {}
        super().__init__(group, **options)

    def batches(self, topic: str) -> TopicT:
        """The topic (`events`, `changes`, `pairs`) as a channel whose events' values are `Batch`es."""
        return self.topic(full_name(self.prefix, topic, self.generation), schema=BatchSchema())

    def short_name(self, topic: str) -> tuple[str, int]:
        """(`events`, generation) of a topic's full name."""
        if topic not in self._short:
            split = short_name(self.prefix, topic)
            if split is None:
                raise NotFound(f"{topic} is no topic of ours")
            self._short[topic] = split
        return self._short[topic]

    async def send_records(self, topic: str, partition: int, value: bytes) -> None:
        """Appends newline-delimited JSON to a topic (short name), in as many records as it takes.

        Returns once the log has it durably. Raises LogUnavailable; then some of it may have been written.
        """
        try:
            async with asyncio.timeout(self.conf.producer_request_timeout):
                name = full_name(self.prefix, topic, self.generation)
                sent = [
                    await self.producer.send(name, None, record, partition, None, None) for record in records_of(value)
                ]
                for each in sent:
                    await each
        except (KafkaError, FaustError, TimeoutError) as error:
            raise LogUnavailable(f"the log did not acknowledge a record for {topic}: {error!r}") from error

    @property
    def heartbeat_age(self) -> float:
        consumer = self._batches()
        return math.inf if consumer is None else consumer.heartbeat_age()

    @property
    def poll_age(self) -> float:
        consumer = self._batches()
        return math.inf if consumer is None else consumer.poll_age

    @property
    def commit_age(self) -> float:
        consumer = self._batches()
        return math.inf if consumer is None else consumer.commit_age

    def _batches(self) -> Batches | None:
        consumer = self._consumer
        return consumer if isinstance(consumer, Batches) else None

    # -- Faust's

    async def start(self) -> None:
        await asyncio.to_thread(self._check_topics)
        await super().start()

    async def on_shutdown(self) -> None:
        await super().on_shutdown()
        if self.sqlite_log is not None:
            self.sqlite_log.close()

    def _check_topics(self) -> None:
        """Faust would wait, silent, for a topic that does not exist."""
        log = open_log(self.log_url, group=self.conf.id, prefix=self.prefix)
        try:
            for topic in TOPICS:
                log.topic(topic)
        finally:
            log.close()

    def _new_transport(self) -> Any:
        if self.log_url.startswith("sqlite:"):
            from pipeline.log.faust_sqlite import SqliteTransport

            log = open_log(self.log_url, group=self.conf.id, prefix=self.prefix)
            assert isinstance(log, SqliteLog)
            self.sqlite_log = log
            return SqliteTransport(self.conf.broker_consumer, self)
        from pipeline.log.faust_kafka import KafkaTransport

        return KafkaTransport(self.conf.broker_consumer, self)

    def _new_consumer(self) -> Any:
        consumer: Any = super()._new_consumer()
        consumer.revoke_wait, consumer.stop_wait = self.waits
        return consumer

    def _create_directories(self) -> None:
        Path(self.conf.datadir).mkdir(parents=True, exist_ok=True)
        super()._create_directories()


def create_app(
    log_url: str,
    *,
    group: str = "wayfare",
    prefix: str = "wayfare",
    datadir: str | Path,
    session_timeout: float = 30.0,
    commit_interval: float = 0.5,
    revoke_wait: float = 10.0,
    stop_wait: float = 2.0,
    send_timeout: float = 10.0,
    buffered_batches: int = 4,
    retention_hours: float = 168,
) -> WayfareApp:
    """An app without agents yet, that has touched nothing.

    group: Kafka's consumer group, and whose commits the SQLite log keeps. datadir: folder for Faust's own files.
    session_timeout: seconds after which the group gives a silent worker's partitions to others.
    commit_interval: seconds between commits; a killed worker's successor gets that much again.
    revoke_wait, stop_wait: seconds that a rebalance, and a stop, wait for batches that agents hold.
    buffered_batches: batches that wait in front of an agent.
    retention_hours: how long the SQLite log keeps what is committed; 0 = for ever.
    """
    broker, credentials = _broker(log_url)
    return WayfareApp(
        log_url,
        group=group,
        prefix=prefix,
        waits=(revoke_wait, stop_wait),
        keep_ms=int(retention_hours * 3_600_000) or _FOR_EVER_MS,
        broker=broker,
        broker_credentials=credentials,
        datadir=str(datadir),
        autodiscover=False,
        web_enabled=False,
        store="memory://",
        processing_guarantee="at_least_once",
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_buffer_maxsize=buffered_batches,
        stream_recovery_delay=0,
        stream_wait_empty=True,
        broker_commit_interval=commit_interval,
        broker_session_timeout=session_timeout,
        broker_heartbeat_interval=min(session_timeout / 5, 3.0),
        broker_rebalance_timeout=max(revoke_wait * 3, session_timeout),
        broker_request_timeout=max(60.0, session_timeout),
        broker_max_poll_interval=max(300.0, revoke_wait * 6),
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=MAX_FETCH,
        producer_acks=-1,
        producer_request_timeout=send_timeout,
        producer_max_request_size=1_048_588,
    )


def _broker(log_url: str) -> tuple[list[URL], Any]:
    """What Faust is told of the log, and credentials where there are any."""
    if log_url.startswith("sqlite:"):
        return [URL("sqlite://localhost")], None  # for its banner only: our transport opens the file
    if not log_url.startswith("kafka:"):
        raise InvalidSetting(f"log is sqlite:///FILE or kafka://host:port, not {log_url!r}", field="log")
    address = KafkaAddress.of(log_url)
    credentials: Any = None
    if address.user:
        credentials = faust.SASLCredentials(username=address.user, password=address.password, mechanism="PLAIN")
        credentials.protocol = faust.types.auth.AuthProtocol(address.protocol)
    elif address.secure:
        credentials = faust.SSLCredentials()
    return [URL(f"kafka://{server}") for server in address.servers], credentials


def records_of(value: bytes) -> Iterator[bytes]:
    """Newline-delimited JSON, in pieces that a record holds."""
    if len(value) <= RECORD_BYTES and value.count(b"\n") < MAX_LINES_PER_RECORD:
        yield value
        return
    lines: list[bytes] = []
    size = 0
    for line in value.split(b"\n"):
        if lines and (size + len(line) >= RECORD_BYTES or len(lines) == MAX_LINES_PER_RECORD):
            yield b"\n".join(lines)
            lines, size = [], 0
        lines.append(line)
        size += len(line) + 1
    yield b"\n".join(lines)


async def send(app: WayfareApp, topic: str, partition: int, value: bytes) -> None:
    """See WayfareApp.send_records."""
    await app.send_records(topic, partition, value)


def last_heartbeat_age(app: WayfareApp) -> float:
    """Seconds since the group's coordinator last acknowledged this worker; inf while it is no member, 0 on SQLite."""
    return app.heartbeat_age


def last_poll_age(app: WayfareApp) -> float:
    """Seconds since the log was last asked for records; 0 while what it gave waits in front of busy agents.

    It grows when a rebalance hangs or the worker was dropped.
    """
    return app.poll_age


def last_commit_age(app: WayfareApp) -> float:
    """Seconds since the last commit or assignment; 0 while nothing is delivered that waits for a commit."""
    return app.commit_age
