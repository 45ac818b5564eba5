"""Faust's transport on Kafka (aiokafka), with batches, a co-partitioned sticky assignor, and what stock lacks.

Each deviation mends something that was seen to go wrong:
- an idle partition's long poll keeps no other waiting (_FETCH_WAIT_MS);
- parked streams count as activity, else aiokafka leaves the group for good when ClickHouse is away for long;
- the coordinator's answers are timed, for the lease under which a worker may write;
- the producer waits for all replicas and is not idempotent (see there), and a flush without a broker ends;
- a stop without a broker ends (aiokafka lets a CancelledError escape, Faust would wait for ever).
"""

import asyncio
import math
import time
from collections.abc import Mapping
from typing import Any

from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import RebalanceInProgressError
from aiokafka.protocol.group import HeartbeatRequest, SyncGroupRequest
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode import Service

from pipeline.log.batches import Batches, Record
from pipeline.log.costicky import CoSticky
from pipeline.log.liveness import Liveness, now

_NO_ERROR = 0
# How long the broker holds a request for partitions in which nothing lies. aiokafka has one request under way to a
# broker: what comes meanwhile for a partition that is not in it, as its last records were still to be taken, waits for
# as long. Faust's 1,500 ms were the longest wait of an event on its way.
_FETCH_WAIT_MS = 100
_FLUSH_SECONDS = 2.0


class KafkaConsumerThread(driver.AIOKafkaConsumerThread):
    async def on_start(self) -> None:
        await super().on_start()
        consumer: Any = self.consumer
        time_answers(self._ensure_consumer()._coordinator, consumer.liveness)

    async def on_thread_stop(self) -> None:
        try:
            await super().on_thread_stop()
        except asyncio.CancelledError:
            # Out of aiokafka's Fetcher.close() while no broker answers, with nobody cancelling this task.
            self.log.info("the Kafka client stopped without a broker")

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Both are read by start(), which comes later.
        consumer._partition_assignment_strategy = (CoSticky(),)
        consumer._fetch_max_wait_ms = _FETCH_WAIT_MS
        return consumer

    def touch(self) -> None:
        """Tells aiokafka that the consumer is in use, as fetching would. From any thread."""
        if self._consumer is not None:
            self._consumer._subscription._last_fetch_ended = time.monotonic()

    def is_member(self) -> bool:
        return self._consumer is not None and self._consumer._coordinator.generation > 0


def time_answers(coordinator: GroupCoordinator, liveness: Liveness) -> None:
    """Notes when a request was sent that the coordinator took as a sign of life."""
    send = coordinator._send_req

    async def timed(request: Any) -> Any:
        sent_at = now()
        response = await send(request)
        if isinstance(request, HeartbeatRequest | SyncGroupRequest) and response.error_code in (
            _NO_ERROR,
            RebalanceInProgressError.errno,  # it lets us finish what we hold, and counts the time anew
        ):
            liveness.acknowledged(sent_at)
        return response

    coordinator._send_req = timed


class KafkaConsumer(Batches, driver.Consumer):
    _thread: KafkaConsumerThread

    def _new_consumer_thread(self) -> KafkaConsumerThread:
        return KafkaConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def _fetch(self, partitions: set[TP] | None, timeout: float) -> dict[TP, list[Record]]:  # noqa: ASYNC109
        fetched: Mapping[TP, list[Any]] = await self._thread.getmany(partitions, timeout)
        return {
            tp: [(record.offset, record.timestamp, record.value or b"") for record in records]
            for tp, records in fetched.items()
        }

    def heartbeat_age(self) -> float:
        """Seconds since the sending of what the group's coordinator last acknowledged; inf while not a member."""
        return self.liveness.acknowledged_age if self._thread.is_member() else math.inf

    @Service.task
    async def _stay(self) -> None:
        """While this loop turns, a stopped or parked flow is no reason to leave the group: agents retry, lag grows."""
        while not self.should_stop:
            self._thread.touch()
            await self.sleep(1.0)


class KafkaProducer(driver.Producer):
    """Not idempotent: after a broker's end aiokafka's sequence numbers may have a gap, and from then on every record is
    refused (OutOfOrderSequenceNumber) for as long as the process lives. A record that comes twice changes nothing.
    Records of a partition stay in order: one batch of it is under way, and what is tried again goes first.
    """

    async def flush(self) -> None:
        """For a bounded time: a producer keeps a record for 20 minutes, so stock waits for a broker for as long.

        Who sent a record waits for it and sends it again.
        """
        try:
            await asyncio.wait_for(super().flush(), _FLUSH_SECONDS)
        except TimeoutError:
            self.log.warning("records wait that no broker has taken")

    async def on_stop(self) -> None:
        await self.flush()
        if self._producer is not None:
            await self._producer._sender.close()  # else its own stop would flush once more, without an end
        await super().on_stop()

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all"}


class KafkaTransport(driver.Transport):
    Consumer, Producer = KafkaConsumer, KafkaProducer
