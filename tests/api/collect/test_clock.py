"""Clock records: time passes in every partition of every log, and a log that is away harms nobody."""

import asyncio

import msgspec
import pytest

from api.collect.clock import Clock
from api.collect.counters import Counters
from pipeline.errors import LogFull, LogUnavailable
from pipeline.log.port import Topic
from schemas.log import CHANGES, EVENTS, PAIRS, Line, Mark, PairNote
from tests.api.collect.door import NOW, MemoryLog

PARTITIONS = {EVENTS: 3, CHANGES: 2, PAIRS: 2}


def topic(name: str) -> Topic:
    return Topic(f"wayfare-{name}-1", 1, PARTITIONS[name])


async def test_a_tick_reaches_every_partition_of_each_topic_with_its_own_record() -> None:
    log = MemoryLog()
    await Clock(log, topic, now=lambda: NOW).tick()
    told = {(name, partition): line for name, partition, (line,) in log.appended}
    assert set(told) == {(name, each) for name, count in PARTITIONS.items() for each in range(count)}
    event = msgspec.json.decode(told[EVENTS, 2], type=Line)
    mark = msgspec.json.decode(told[CHANGES, 1], type=Mark)
    note = msgspec.json.decode(told[PAIRS, 1], type=PairNote)
    assert (event.c, event.r, event.d % PARTITIONS[EVENTS]) == ("clock", NOW, 2)
    assert (mark.k, mark.r, mark.c % PARTITIONS[CHANGES]) == ("clock", NOW, 1)
    assert (note.k, note.r) == ("clock", NOW)


@pytest.mark.parametrize("error", [LogFull("full"), LogUnavailable("away")])
async def test_a_log_that_takes_no_record_is_counted_and_the_other_partitions_have_theirs(error: Exception) -> None:
    log, counters = MemoryLog(), Counters()

    def fail(partition: int) -> None:
        if partition == 1:
            raise error

    log.fail = fail
    await Clock(log, topic, counters=counters).tick()
    assert counters.clock_failures == {EVENTS: 1, CHANGES: 1, PAIRS: 1}
    assert len(log.appended) == 4
    assert 'wayfare_collector_clock_failures_total{topic="events"} 1' in counters.render()


async def test_a_topic_that_is_not_there_is_counted_and_skipped() -> None:
    log, counters = MemoryLog(), Counters()

    def absent(name: str) -> Topic:
        if name == CHANGES:
            raise LogUnavailable("no topic")
        return topic(name)

    await Clock(log, absent, counters=counters).tick()
    assert counters.clock_failures == {CHANGES: 1}
    assert len(log.appended) == 5


async def test_the_clock_ticks_at_once_and_then_every_few_seconds_until_cancelled() -> None:
    log = MemoryLog()
    running = asyncio.create_task(Clock(log, topic, every_s=0.02).run())
    await asyncio.sleep(0.07)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert 14 <= len(log.appended) <= 35


async def test_another_fault_is_not_hidden() -> None:
    log = MemoryLog()

    def fail(partition: int) -> None:
        raise ValueError("a bug")

    log.fail = fail
    with pytest.raises(ValueError, match="a bug"):
        await Clock(log, topic).tick()
