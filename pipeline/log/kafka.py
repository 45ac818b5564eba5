"""The log on Apache Kafka: topics and lag through kafka-python's admin, appends through its producer.

Topics are `{prefix}-{topic}-{generation}`. A topic keeps the partition count that it was created with.
"""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.admin._partitions import OffsetSpec
from kafka.errors import KafkaError, TopicAlreadyExistsError
from kafka.net.compat import KafkaNetClient

from pipeline.errors import InvalidSetting, LogUnavailable, NotFound
from pipeline.log.kafka_address import KafkaAddress
from pipeline.log.port import LogWriter, Topic
from pipeline.log.topics import FIRST_GENERATION, MAX_PARTITIONS, following, full_name, generations, newest
from schemas.log import TOPICS

Answer = TypeVar("Answer")
MAX_MESSAGE_BYTES: Final = 1_048_588  # Kafka's own default, made explicit on our topics


class KafkaLog:
    """Log of the port. Thread-safe; connects at first use, and again after a failure."""

    def __init__(
        self,
        address: KafkaAddress,
        *,
        group: str = "wayfare",
        prefix: str = "wayfare",
        timeout: float = 5.0,
        queue_bytes: int = 64_000_000,
        replication: int = 0,
        retention_hours: int = 168,
    ) -> None:
        self.address, self.group, self.prefix, self.timeout = address, group, prefix, timeout
        self._queue_bytes, self._replication, self._retention_hours = queue_bytes, replication, retention_hours
        self._lock = threading.Lock()
        self._admin: KafkaAdminClient | None = None
        self._generation = 0  # that this process has to do with; 0 = not looked at yet

    def topic(self, name: str) -> Topic:
        """Raises NotFound where the topic was never created."""
        found = generations(self.prefix, name, self._ask(self._topics))
        if not found:
            raise NotFound(f"topic {full_name(self.prefix, name)} does not exist on {self.address}", field="log")
        self._generation = self._generation or max(found)
        if self._generation not in found:
            raise NotFound(f"topic {full_name(self.prefix, name, self._generation)} does not exist", field="log")
        return found[self._generation]

    def ensure_topics(self, partitions: int) -> None:
        """Raises InvalidSetting where a topic exists with another partition count."""
        if not 1 <= partitions <= MAX_PARTITIONS:
            raise InvalidSetting(f"partitions is 1 to {MAX_PARTITIONS}, not {partitions}", field="partitions")
        existing = self._ask(self._topics)
        missing = []
        for name in TOPICS:
            found = newest(self.prefix, name, existing)
            if found is None:
                missing.append(full_name(self.prefix, name, FIRST_GENERATION))
            elif found.partitions != partitions:
                raise InvalidSetting(
                    f"topic {found.name} has {found.partitions} partitions, the setting says {partitions}: "
                    f"`wayfare migrate --partitions {partitions}` makes topics that have them",
                    field="partitions",
                )
        if missing:
            self._ask(lambda admin: self._create(admin, missing, partitions))
        for name in TOPICS:
            self.check_record_size(self.topic(name).name)

    def next_generation(self, partitions: int) -> int:
        """Raises UserMistake where the newest has so many partitions, InvalidSetting for a count that cannot be."""
        existing = self._ask(self._topics)
        number = following(self.prefix, existing, partitions)
        names = [full_name(self.prefix, name, number) for name in TOPICS]
        self._ask(lambda admin: self._create(admin, names, partitions))
        return number

    def reading(self) -> int:
        self._generation = self.due()
        return self._generation

    def due(self) -> int:
        waiting = self._ask(self._lags)
        return min((number for number, lags in waiting.items() if any(lags.values())), default=max(waiting))

    def writer(self) -> LogWriter:
        from pipeline.log.group_commit import GroupCommit
        from pipeline.log.kafka_sink import KafkaSink

        return GroupCommit(KafkaSink(self), timeout=self.timeout, queue_bytes=self._queue_bytes)

    def lag(self) -> dict[str, int]:
        found = self._ask(self._lags).values()
        return {name: sum(lags.get(name, 0) for lags in found) for name in TOPICS}

    def check(self) -> None:
        self._ask(lambda admin: admin.describe_cluster())

    def close(self) -> None:
        with self._lock:
            self._drop()

    def check_record_size(self, topic: str) -> None:
        """Raises InvalidSetting where a topic (full name) takes smaller records than we send.

        A record that only the broker refuses would be sent again and again, and its shard would stand still.
        """

        def ask(admin: KafkaAdminClient) -> int:
            resource = ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": None})
            configs = admin.describe_configs([resource], config_filter="all")
            return int(configs["topic"][topic]["max.message.bytes"]["value"])

        if (most := self._ask(ask)) < MAX_MESSAGE_BYTES:
            raise InvalidSetting(
                f"topic {topic} takes records of {most} bytes at most (max.message.bytes); "
                f"it has to be {MAX_MESSAGE_BYTES} or more",
                field="log",
            )

    # -- with an admin client

    def _topics(self, admin: KafkaAdminClient) -> dict[str, int]:
        topics = admin.describe_topics()
        return {each["name"]: len(each["partitions"]) for each in topics if each["name"].startswith(f"{self.prefix}-")}

    def _create(self, admin: KafkaAdminClient, names: list[str], partitions: int) -> None:
        brokers = len(admin.describe_cluster()["brokers"])
        configs = {"cleanup.policy": "delete", "max.message.bytes": str(MAX_MESSAGE_BYTES)}
        configs["retention.ms"] = str(self._retention_hours * 3_600_000 or -1)
        if brokers >= 3 and self._replication in (0, 3):
            # An acknowledged record is on two brokers at least, and one of three may be away.
            configs["min.insync.replicas"] = "2"
        replication = self._replication or (3 if brokers >= 3 else -1)
        new = {
            name: {"num_partitions": partitions, "replication_factor": replication, "configs": configs}
            for name in names
        }
        with suppress(TopicAlreadyExistsError):  # another process was first
            admin.create_topics(new, timeout_ms=int(self.timeout * 1000))
        admin.wait_for_topics(names, timeout_ms=int(self.timeout * 1000))

    def _lags(self, admin: KafkaAdminClient) -> dict[int, dict[str, int]]:
        """Records that wait, by generation and topic.

        The broker forgets the offsets of a topic that nobody reads any more. Where a newer generation has some and the
        older one none at all it has long been worked off: that came first.
        """
        existing = self._topics(admin)
        committed = admin.list_group_offsets({self.group: None}).get(self.group, {})
        found: dict[int, dict[str, int]] = {}
        for name in TOPICS:
            topics = generations(self.prefix, name, existing)
            for number, topic in topics.items():
                lags = found.setdefault(number, {})
                partitions = [TopicPartition(topic.name, each) for each in range(topic.partitions)]
                newer = {each.name for each in topics.values() if each.generation > number}
                is_newer_read = any(each.topic in newer for each in committed)
                if is_newer_read and not any(each in committed for each in partitions):
                    continue
                ends = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
                starts = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.EARLIEST))
                for each in partitions:
                    done = max(committed[each].offset if each in committed else 0, starts[each].offset)
                    lags[name] = lags.get(name, 0) + max(ends[each].offset - done, 0)
        return found or {FIRST_GENERATION: {}}

    def _ask(self, question: Callable[[KafkaAdminClient], Answer]) -> Answer:
        """The answer to a question, within the timeout: what can be tried again (no coordinator yet ...) is."""
        end = time.monotonic() + self.timeout
        with self._lock:
            while True:
                try:
                    if self._admin is None:
                        self._admin = self._connect()
                    return question(self._admin)
                except (KafkaError, OSError, TimeoutError) as error:
                    self._drop()
                    if time.monotonic() >= end or not getattr(error, "retriable", False):
                        raise LogUnavailable(f"Kafka at {self.address} does not answer: {error}") from error
                time.sleep(0.1)

    def _connect(self) -> KafkaAdminClient:
        self.reach()
        made: list[KafkaNetClient] = []

        def client(**settings: Any) -> KafkaNetClient:
            made.append(KafkaNetClient(**settings))
            return made[-1]

        milliseconds = int(self.timeout * 1000)
        try:
            return KafkaAdminClient(
                **self.address.kafka_python(),
                client_id=f"{self.prefix}-admin",
                kafka_client=client,
                request_timeout_ms=milliseconds,
                bootstrap_timeout_ms=milliseconds,
                reconnect_backoff_max_ms=1000,
            )
        except KafkaError:
            for each in made:  # the constructor leaves its thread and sockets behind
                each.close()
                each._manager._net.stop()
            raise

    def reach(self) -> None:
        """Raises LogUnavailable where no server takes a connection: sooner, and cheaper, than a client would say so."""
        problem = "no address"
        for server in self.address.servers:
            host, _, port = server.rpartition(":")
            try:
                socket.create_connection(
                    (host.strip("[]"), int(port)), self.timeout / len(self.address.servers)
                ).close()
            except OSError as error:
                problem = str(error)
            else:
                return
        raise LogUnavailable(f"Kafka at {self.address} cannot be reached: {problem}")

    def _drop(self) -> None:
        if self._admin is not None:
            self._admin.close()
            self._admin = None
