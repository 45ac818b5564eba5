"""Batches through Faust, on both logs: delivered in order, committed in order, nothing lost."""

import asyncio
import contextlib
import math
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import faust
import pytest

from pipeline.errors import InUse, LogUnavailable, NotFound
from pipeline.log.batches import Batch
from pipeline.log.faust_app import (
    WayfareApp,
    create_app,
    last_commit_age,
    last_heartbeat_age,
    last_poll_age,
    records_of,
    send,
)
from schemas.log import CHANGES, EVENTS, MAX_LINES_PER_RECORD
from tests.equipment.broker import Broker
from tests.log.place import Place, Worker, until

Event = faust.events.EventT[Any]


def app_at(place: Place, **options: Any) -> WayfareApp:
    settings = {"session_timeout": 6, "commit_interval": 0.1, "stop_wait": 0.5} | options
    return create_app(
        place.url, group=place.prefix, prefix=place.prefix, datadir=place.folder / "deep" / "faust", **settings
    )


def collecting(app: WayfareApp, topic: str = EVENTS) -> list[Event]:
    """An agent that keeps its events, for the test to acknowledge."""
    events: list[Event] = []

    @app.agent(app.batches(topic))
    async def agent(stream: Any) -> None:
        async for event in stream.noack().events():
            events.append(event)

    return events


@contextlib.asynccontextmanager
async def running(app: WayfareApp) -> AsyncIterator[WayfareApp]:
    await app.start()
    try:
        yield app
    finally:
        await app.stop()


async def create(place: Place, partitions: int = 2) -> None:
    log = place.open()
    await asyncio.to_thread(log.ensure_topics, partitions)
    log.close()


async def append(place: Place, *lines: bytes, partition: int = 0) -> None:
    log = place.open()
    writer = log.writer()
    for line in lines:
        await writer.append(EVENTS, partition, [line])
    await writer.close()
    log.close()


def lag(place: Place) -> int:
    log = place.open()
    try:
        return log.lag()[EVENTS]
    finally:
        log.close()


def lines_of(events: list[Event]) -> list[bytes]:
    return [line for event in events for _, _, value in event.value.records for line in value.split(b"\n")]


async def test_a_batch_says_where_its_records_come_from(place: Place) -> None:
    await create(place)
    await append(place, b"a", b"b", partition=1)
    app = app_at(place)
    events = collecting(app)
    async with running(app):
        await until(lambda: len(lines_of(events)) == 2)
    batch: Batch = events[0].value
    assert (batch.topic, batch.partition, batch.generation) == (EVENTS, 1, 1)
    assert [(offset, value) for event in events for offset, _, value in event.value.records] == [(0, b"a"), (1, b"b")]
    assert abs(batch.records[0][1] / 1000 - time.time()) < 60


async def test_offsets_are_committed_in_order_however_acks_come(place: Place) -> None:
    await create(place)
    app = app_at(place)
    events = collecting(app)
    async with running(app):
        for number, line in enumerate([b"a", b"b", b"c"]):
            await append(place, line)
            await until(lambda number=number: len(events) == number + 1)  # type: ignore[misc]
        assert events[1].ack()
        assert events[2].ack()
        await asyncio.sleep(0.4)
        assert await asyncio.to_thread(lag, place) == 3
        assert last_commit_age(app) > 0
        assert events[0].ack()
        await until(lambda: lag(place) == 0)
        assert not events[0].ack()
        assert last_commit_age(app) == 0


async def test_what_was_not_acknowledged_comes_again_to_the_next_process(place: Place) -> None:
    await create(place)
    await append(place, b"a", b"b")
    app = app_at(place)
    events = collecting(app)
    async with running(app):
        await until(lambda: lines_of(events) == [b"a", b"b"])
        await append(place, b"c")
        await until(lambda: lines_of(events) == [b"a", b"b", b"c"])
        for event in events[:-1]:
            event.ack()
    app = app_at(place)
    again = collecting(app)
    async with running(app):
        await until(lambda: len(again) > 0)
        assert lines_of(again) == [b"c"]


async def test_a_stop_waits_for_an_agent_that_never_acknowledges_only_so_long(place: Place) -> None:
    await create(place)
    await append(place, b"a")
    app = app_at(place, stop_wait=0.5)
    events = collecting(app)
    await app.start()
    await until(lambda: len(events) == 1)
    start = time.monotonic()
    await app.stop()
    assert time.monotonic() - start < 2.5
    assert app.assignments.held == frozenset()


async def test_it_runs_inside_a_loop_of_another_thread(place: Place) -> None:
    await create(place)
    await append(place, b"a")
    app = app_at(place)  # made in this thread, as a module would
    events = collecting(app)
    took: list[float] = []

    async def life() -> None:
        async with running(app):
            await until(lambda: len(events) == 1)
            events[0].ack()
            start = time.monotonic()
        took.append(time.monotonic() - start)

    thread = threading.Thread(target=asyncio.run, args=(life(),))
    thread.start()
    await asyncio.to_thread(thread.join, 20)
    assert not thread.is_alive()
    assert took[0] < 2
    assert await asyncio.to_thread(lag, place) == 0


async def test_records_sent_through_faust_are_durable_when_it_returns(place: Place) -> None:
    await create(place)
    app = app_at(place)
    collecting(app)
    async with running(app):
        await asyncio.gather(*(send(app, CHANGES, n % 2, b'{"n":%d}' % n) for n in range(50)))
        found = await asyncio.to_thread(place.lines, CHANGES)
    assert sorted(found[0] + found[1]) == sorted(b'{"n":%d}' % n for n in range(50))


async def test_a_missing_topic_ends_the_start(place: Place) -> None:
    app = app_at(place)
    collecting(app)
    with pytest.raises(NotFound, match="does not exist"):
        await app.start()
    await app.stop()


async def test_ages_tell_a_working_consumer(place: Place) -> None:
    await create(place)
    app = app_at(place)
    collecting(app)
    assert last_heartbeat_age(app) == last_poll_age(app) == math.inf
    async with running(app):
        await until(lambda: last_poll_age(app) < 2)
        assert last_heartbeat_age(app) < 3
        assert app.assignments.held == {(EVENTS, 0), (EVENTS, 1)}


async def test_what_comes_waits_no_second_behind_a_question_for_idle_partitions(kafka_place: Place) -> None:
    """While a worker's records lie untaken for a moment, aiokafka asks the broker for the other partitions alone."""
    await create(kafka_place)
    app = app_at(kafka_place)
    events = collecting(app)

    def lines(event: Event) -> int:
        return len(event.value.records)

    async with running(app):
        took: list[float] = []
        for number in range(1, 4):
            appending = threading.Thread(target=lambda: asyncio.run(append(kafka_place, b"taken", b"left")))
            appending.start()
            appending.join()  # the loop is busy: the fetch under way takes the first, and the other one lies there
            time.sleep(0.3)  # noqa: ASYNC251
            await until(lambda number=number: sum(map(lines, events)) == 3 * number - 1)  # type: ignore[misc]
            began = time.monotonic()
            await append(kafka_place, b"next")
            await until(lambda number=number: sum(map(lines, events)) == 3 * number)  # type: ignore[misc]
            took.append(time.monotonic() - began)
        assert sorted(took)[1] < 0.8


async def test_full_buffers_are_no_idleness(place: Place) -> None:
    await create(place)
    app = app_at(place, buffered_batches=2)
    app.conf.broker_max_poll_interval = 2.0
    gate = asyncio.Event()
    got: list[bytes] = []

    @app.agent(app.batches(EVENTS))
    async def slow(stream: Any) -> None:
        async for event in stream.noack().events():
            await gate.wait()
            got.extend(lines_of([event]))
            event.ack()

    log = place.open()
    writer = log.writer()
    async with running(app):
        for number in range(40):
            await writer.append(EVENTS, number % 2, [b"%d" % number])
            await asyncio.sleep(0.01)
        await asyncio.sleep(4)
        assert last_poll_age(app) < 0.5
        assert last_commit_age(app) > 3
        assert last_heartbeat_age(app) < 3
        gate.set()
        await until(lambda: len(got) == 40)
        assert {int(line) for line in got} == set(range(40))
    await writer.close()
    log.close()


async def test_nothing_is_lost_when_a_worker_is_killed_and_started_again(place: Place, workers: list[Worker]) -> None:
    await create(place)
    log = place.open()
    writer = log.writer()
    workers.append(Worker(place, place.folder / "sink", seconds=0.02))
    await until(lambda: "ready" in workers[-1].said())
    sent = 0
    for _ in range(2):
        for _ in range(150):
            await writer.append(EVENTS, sent % 2, [b"%d" % sent])
            sent += 1
            await asyncio.sleep(0.005)
        workers[-1].kill()
        workers.append(Worker(place, place.folder / "sink", seconds=0.02))
    await until(lambda: lag(place) == 0)
    assert workers[-1].stop() < 3
    lines = workers[-1].lines()
    assert {int(line) for line in lines} == set(range(sent))
    assert workers[-1].said()[-1] == "stopped"
    await writer.close()
    log.close()


async def test_the_faust_command_runs_it_and_sigterm_ends_it(place: Place) -> None:
    await create(place)
    await append(place, b"a", b"b")
    (place.folder / "someapp.py").write_text(
        "from tests.log.worker import make\n"
        f"app = make({place.url!r}, {place.prefix!r}, {str(place.folder / 'sink')!r})\n"
    )
    command = [sys.executable, "-m", "faust", "-A", "someapp", "worker", "-l", "info"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), str(place.folder)])}
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, cwd=place.folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        await until(lambda: lag(place) == 0)
        start = time.monotonic()
        process.terminate()
        output, _ = await asyncio.wait_for(process.communicate(), 20)
        assert time.monotonic() - start < 3
        assert process.returncode == 0, output.decode()
    finally:
        if process.returncode is None:
            process.kill()


# -- the embedded log alone


async def test_a_second_process_on_the_embedded_log_is_refused(sqlite_place: Place) -> None:
    await create(sqlite_place)
    first, second = app_at(sqlite_place), app_at(sqlite_place)
    collecting(first), collecting(second)
    async with running(first):
        with pytest.raises(InUse):
            await second.start()
        await second.stop()


async def test_an_ack_from_before_a_revocation_counts_no_more(sqlite_place: Place) -> None:
    await create(sqlite_place)
    await append(sqlite_place, b"a")
    app = app_at(sqlite_place, revoke_wait=0.2)
    events = collecting(app)
    async with running(app):
        await until(lambda: len(events) == 1)
        consumer: Any = app.consumer
        await consumer._assign(dict(consumer._ids))
        await until(lambda: len(events) == 2)
        assert events[0].value.revoked
        events[0].ack()
        await asyncio.sleep(0.4)
        assert await asyncio.to_thread(lag, sqlite_place) == 1
        assert lines_of(events) == [b"a", b"a"]
        events[1].ack()
        await until(lambda: lag(sqlite_place) == 0)


async def test_a_stop_in_the_midst_of_a_revocation_waits_no_longer_than_a_stop(sqlite_place: Place) -> None:
    await create(sqlite_place)
    await append(sqlite_place, b"a")
    app = app_at(sqlite_place, revoke_wait=30.0, stop_wait=0.5)
    events = collecting(app)
    await app.start()
    await until(lambda: len(events) == 1)
    consumer: Any = app.consumer
    revoked = asyncio.ensure_future(consumer.on_partitions_revoked(set(consumer.assignment())))
    await asyncio.sleep(0.3)
    start = time.monotonic()
    await app.stop()
    await revoked
    assert time.monotonic() - start < 2.5


# -- Kafka alone


async def test_partitions_are_shared_and_taken_over_and_nothing_is_lost(
    kafka_place: Place, workers: list[Worker]
) -> None:
    await create(kafka_place, 4)
    log = kafka_place.open()
    writer = log.writer()
    sent = 0

    async def feed(until_true: Callable[[], bool]) -> None:
        nonlocal sent
        end = time.monotonic() + 20
        while not until_true():
            assert time.monotonic() < end
            await writer.append(EVENTS, sent % 4, [b"%d" % sent])
            sent += 1
            await asyncio.sleep(0.005)

    one, two = (Worker(kafka_place, kafka_place.folder / name) for name in ("one", "two"))
    workers += [one, two]
    await feed(lambda: len(one.held()) == len(two.held()) == 2)
    assert one.held().isdisjoint(two.held())
    await feed(lambda: bool(two.lines()))
    two.stop()
    await feed(lambda: len(one.held()) == 4)
    two = Worker(kafka_place, kafka_place.folder / "two again")
    workers.append(two)
    await feed(lambda: len(one.held()) == len(two.held()) == 2)
    one.kill()
    await feed(lambda: len(two.held()) == 4)
    await until(lambda: lag(kafka_place) == 0)
    two.stop()
    seen = [
        int(line)
        for name in ("one", "two", "two again")
        for line in (kafka_place.folder / name).read_text().splitlines()
        if line[:1].isdigit()
        for line in [line.split(" ", 2)[2]]
    ]
    assert set(seen) == set(range(sent))
    await writer.close()
    log.close()


async def test_a_broker_that_is_away_for_seconds_costs_nothing_but_time(
    own_kafka_place: Place, own_broker: Broker
) -> None:
    place = own_kafka_place
    await create(place)
    app = app_at(place, session_timeout=6, send_timeout=2)
    got: list[bytes] = []

    @app.agent(app.batches(EVENTS))
    async def agent(stream: Any) -> None:
        async for event in stream.noack().events():
            got.extend(lines_of([event]))
            event.ack()

    log = place.open(timeout=1.0)
    writer = log.writer()
    async with running(app):
        await writer.append(EVENTS, 0, [b"before"])
        await until(lambda: got == [b"before"])
        assert last_heartbeat_age(app) < 3
        await asyncio.to_thread(own_broker.stop)
        start = time.monotonic()
        with pytest.raises(LogUnavailable):
            await writer.append(EVENTS, 0, [b"lost"])
        assert time.monotonic() - start < 1.5
        with pytest.raises(LogUnavailable):
            await send(app, EVENTS, 1, b"lost too")
        await asyncio.sleep(1)
        assert last_heartbeat_age(app) > 2
        await asyncio.to_thread(own_broker.start)
        back = time.monotonic()
        while b"after" not in got:
            assert time.monotonic() < back + 20
            with contextlib.suppress(LogUnavailable):
                await writer.append(EVENTS, 0, [b"after"])
            await asyncio.sleep(0.1)
        await until(lambda: last_heartbeat_age(app) < 2)
        await send(app, EVENTS, 1, b"sent")
        await until(lambda: b"sent" in got)
        await until(lambda: lag(place) == 0)
    await writer.close()
    log.close()


def test_a_long_value_is_sent_in_records_that_keep_its_lines() -> None:
    for lines in ([b"x" * 90_000] * 20, [b"y"] * 3 * MAX_LINES_PER_RECORD, [b"z"]):
        records = list(records_of(b"\n".join(lines)))
        assert b"\n".join(records).split(b"\n") == lines
        assert all(len(each) <= 500_000 and each.count(b"\n") < MAX_LINES_PER_RECORD for each in records)
