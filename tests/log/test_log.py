"""What every log promises, on both adapters."""

import asyncio
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pipeline.errors import InvalidSetting, LogFull, LogUnavailable, NotFound, UserMistake
from pipeline.log import LogWriter
from pipeline.log.group_commit import RECORD_BYTES
from schemas.log import EVENTS, MAX_LINES_PER_RECORD, TOPICS
from tests.equipment.broker import free_ports
from tests.log.place import Place


@asynccontextmanager
async def writing(place: Place, partitions: int = 4, **options: Any) -> AsyncIterator[LogWriter]:
    log = place.open(**options)
    await asyncio.to_thread(log.ensure_topics, partitions)
    writer = log.writer()
    try:
        yield writer
    finally:
        await writer.close()
        log.close()


def numbered(count: int) -> list[bytes]:
    return [b'{"n":%d}' % each for each in range(count)]


async def test_what_was_appended_is_read_in_order(place: Place) -> None:
    async with writing(place) as writer:
        for line in numbered(20):
            await writer.append(EVENTS, 2, [line])
        await writer.append(EVENTS, 0, [b"{}"])
    assert place.lines() == {2: numbered(20), 0: [b"{}"]}


async def test_offsets_of_a_partition_count_from_zero_without_gaps(place: Place) -> None:
    async with writing(place) as writer:
        for line in numbered(5):
            await writer.append(EVENTS, 1, [line])
    assert [offset for partition, offset, _ in place.records() if partition == 1] == [0, 1, 2, 3, 4]


async def test_appends_at_the_same_time_travel_in_few_records_and_none_is_missing(place: Place) -> None:
    async with writing(place) as writer:
        await writer.append(EVENTS, 0, [b"first"])
        await asyncio.gather(*(writer.append(EVENTS, n % 2, [b"%d" % n]) for n in range(1000)))
    found = place.lines()
    assert found[0] == [b"first", *(b"%d" % n for n in range(0, 1000, 2))]
    assert found[1] == [b"%d" % n for n in range(1, 1000, 2)]
    assert len(place.records()) < 20


async def test_a_large_append_ends_in_records_of_bounded_size_and_keeps_its_order(place: Place) -> None:
    many, large = numbered(3 * MAX_LINES_PER_RECORD), [b"%d" % n * 90_000 for n in range(10, 30)]
    async with writing(place) as writer:
        await writer.append(EVENTS, 0, many)
        await writer.append(EVENTS, 0, large)
    assert place.lines()[0] == many + large
    for _, _, value in place.records():
        assert value.count(b"\n") < MAX_LINES_PER_RECORD
        assert len(value) <= RECORD_BYTES


async def test_a_line_above_the_size_of_a_record_goes_alone(place: Place) -> None:
    line = b"x" * 850_000
    async with writing(place) as writer:
        await asyncio.gather(*(writer.append(EVENTS, 0, [each]) for each in (b"a", line, b"b")))
    assert place.lines()[0] == [b"a", line, b"b"]
    assert len(place.records()) == 3


async def test_a_line_that_no_record_holds_is_refused_and_the_next_one_is_taken(place: Place) -> None:
    async with writing(place) as writer:
        with pytest.raises(UserMistake) as refused:
            await writer.append(EVENTS, 0, [b"x" * 900_001])
        assert refused.value.code == "line_too_large"
        await writer.append(EVENTS, 0, [b"y"])
    assert place.lines() == {0: [b"y"]}


async def test_an_unknown_partition_is_an_error_of_that_append_alone(place: Place) -> None:
    async with writing(place) as writer:
        bad, good = await asyncio.gather(
            writer.append(EVENTS, 4, [b"x"]), writer.append(EVENTS, 3, [b"y"]), return_exceptions=True
        )
    assert isinstance(bad, NotFound)
    assert good is None
    assert place.lines() == {3: [b"y"]}


async def test_a_full_queue_refuses_and_takes_again_when_it_is_empty(place: Place) -> None:
    async with writing(place, queue_bytes=10_000) as writer:
        answers = await asyncio.gather(
            *(writer.append(EVENTS, 0, [b"%04d" % n + b"x" * 996]) for n in range(30)), return_exceptions=True
        )
        refused = [each for each in answers if each is not None]
        assert len(refused) == 21
        assert all(isinstance(each, LogFull) for each in refused)
        await writer.append(EVENTS, 0, [b"again"])
    assert len(place.lines()[0]) == 30 - len(refused) + 1


def test_acknowledged_lines_survive_kill_9_of_the_writer(place: Place) -> None:
    log = place.open()
    log.ensure_topics(4)
    log.close()
    command = [sys.executable, "-m", "tests.log.appender", place.url, place.prefix]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        acknowledged = [process.stdout.readline() for _ in range(300)]
        process.kill()
        acknowledged += process.stdout.readlines()
    complete = {int(each) for each in acknowledged if each.endswith(b"\n")}
    found = {int(line) for lines in place.lines().values() for line in lines}
    assert len(complete) >= 300
    assert complete <= found


def test_a_topic_that_was_never_created_is_named(place: Place) -> None:
    log = place.open()
    with pytest.raises(NotFound, match=f"{place.prefix}-events-1"):
        log.topic(EVENTS)
    log.close()


def test_creating_topics_again_changes_nothing_and_another_count_is_an_error_that_names_both(place: Place) -> None:
    log = place.open()
    log.ensure_topics(3)
    log.ensure_topics(3)
    assert [log.topic(each) for each in TOPICS] == [(f"{place.prefix}-{each}-1", 1, 3) for each in TOPICS]
    with pytest.raises(InvalidSetting, match=f"{place.prefix}-events-1 has 3 partitions, the setting says 8"):
        log.ensure_topics(8)
    log.close()


async def test_lag_counts_records_that_no_agent_has_committed(place: Place) -> None:
    log = place.open()
    async with writing(place) as writer:
        for partition in (0, 1, 1):
            await writer.append(EVENTS, partition, [b"{}"])
    assert log.lag() == {"events": 3, "changes": 0, "pairs": 0}
    log.check()
    log.close()


def hold_sqlite(place: Place) -> Callable[[], None]:
    """Takes the write lock of the file, as a stuck process would."""
    connection = sqlite3.connect(place.url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    return connection.close


async def test_a_locked_file_is_unavailable_in_bounded_time_and_then_works(sqlite_place: Place) -> None:
    async with writing(sqlite_place, timeout=1.0) as writer:
        release = hold_sqlite(sqlite_place)
        start = time.monotonic()
        answers = await asyncio.gather(*(writer.append(EVENTS, n, [b"lost"]) for n in range(4)), return_exceptions=True)
        assert [type(each) for each in answers] == [LogUnavailable] * 4
        assert time.monotonic() - start < 2
        log = sqlite_place.open(timeout=1.0)
        with pytest.raises(LogUnavailable):
            log.check()
        log.close()
        release()
        await writer.append(EVENTS, 0, [b"kept"])
    assert sqlite_place.lines() == {0: [b"kept"]}


def test_a_file_that_cannot_be_opened_is_unavailable(sqlite_place: Place) -> None:
    (sqlite_place.folder / "log.sqlite").mkdir()
    log = sqlite_place.open(timeout=1.0)
    with pytest.raises(LogUnavailable):
        log.ensure_topics(1)
    log.close()


async def test_no_broker_is_unavailable_in_bounded_time(tmp_path: Any) -> None:
    place = Place("kafka", f"kafka://127.0.0.1:{free_ports(1)[0]}", "wayfare", tmp_path)
    log = place.open(timeout=1.0)
    for question in (log.check, log.lag, lambda: log.topic(EVENTS), lambda: log.ensure_topics(1)):
        start = time.monotonic()
        with pytest.raises(LogUnavailable):
            await asyncio.to_thread(question)
        assert time.monotonic() - start < 2
    writer = log.writer()
    start = time.monotonic()
    answers = await asyncio.gather(*(writer.append(EVENTS, n % 4, [b"x"]) for n in range(40)), return_exceptions=True)
    assert {type(each) for each in answers} == {LogUnavailable}
    await writer.close()
    assert time.monotonic() - start < 4
    log.close()


async def test_the_next_generation_has_another_count_and_the_older_one_is_read_first(place: Place) -> None:
    old = place.open()
    async with writing(place, partitions=3) as writer:
        await writer.append(EVENTS, 1, [b"{}"])
    assert old.topic(EVENTS).generation == 1
    assert old.next_generation(5) == 2
    with pytest.raises(UserMistake, match="have 5 partitions already"):
        old.next_generation(5)
    assert old.topic(EVENTS) == (f"{place.prefix}-events-1", 1, 3)  # as long as this process lives
    new = place.open()
    assert new.topic(EVENTS) == (f"{place.prefix}-events-2", 2, 5)
    assert new.due() == 1
    assert new.lag() == {"events": 1, "changes": 0, "pairs": 0}
    new.ensure_topics(5)
    old.close()
    new.close()
