"""The queue in front of both logs, with a sink that does as it is told."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import LogFull, LogUnavailable, UserMistake, WayfareError
from pipeline.log.group_commit import RECORD_BYTES, Done, GroupCommit, Record
from schemas.log import MAX_LINES_PER_RECORD


class Sink:
    """Keeps what it is given until the test answers for it."""

    max_line_bytes = 900_000

    def __init__(self, at_once: bool = False) -> None:
        self.records: list[Record] = []
        self._at_once = at_once

    def start(self, done: Done) -> None:
        self._done = done

    def put(self, record: Record) -> None:
        self.records.append(record)
        if self._at_once:
            self._done([record], None)

    def answer(self, record: Record, error: WayfareError | None = None) -> None:
        self._done([record], error)

    async def stop(self, timeout: float) -> None: ...  # noqa: ASYNC109


@contextlib.asynccontextmanager
async def queue(sink: Sink, timeout: float = 5, queue_bytes: int = 10_000_000) -> AsyncIterator[GroupCommit]:  # noqa: ASYNC109
    writer = GroupCommit(sink, timeout=timeout, queue_bytes=queue_bytes)
    yield writer
    await writer.close()


async def test_what_arrives_while_a_record_is_under_way_travels_in_the_next() -> None:
    sink = Sink()
    async with queue(sink) as writer:
        appends = [asyncio.ensure_future(writer.append("events", 0, [b"a"]))]
        await asyncio.sleep(0.001)
        appends += [asyncio.ensure_future(writer.append("events", 0, [each])) for each in (b"b", b"c")]
        await asyncio.sleep(0)
        assert [record.value for record in sink.records] == [b"a"]
        sink.answer(sink.records[0])
        await appends[0]
        assert [record.value for record in sink.records] == [b"a", b"b\nc"]
        sink.answer(sink.records[1])
        await asyncio.gather(*appends)


async def test_a_sink_that_never_answers_ends_in_unavailable_in_bounded_time() -> None:
    sink = Sink()
    async with queue(sink, timeout=0.2) as writer:
        start = time.monotonic()
        answers = await asyncio.gather(*(writer.append("events", n, [b"x"]) for n in range(50)), return_exceptions=True)
        assert {type(each) for each in answers} == {LogUnavailable}
        assert 0.15 < time.monotonic() - start < 0.6


async def test_an_answer_that_comes_too_late_harms_nobody() -> None:
    sink = Sink()
    async with queue(sink, timeout=0.1) as writer:
        with pytest.raises(LogUnavailable):
            await writer.append("events", 0, [b"late"])
        sink.answer(sink.records[0])
        await asyncio.sleep(0.01)
        assert writer.waiting_bytes == 0
        append = asyncio.ensure_future(writer.append("events", 0, [b"next"]))
        await asyncio.sleep(0.01)
        sink.answer(sink.records[1])
        await append


async def test_bytes_of_records_that_nobody_waits_for_any_more_still_fill_the_queue() -> None:
    sink = Sink()
    async with queue(sink, timeout=0.1, queue_bytes=1000) as writer:
        with pytest.raises(LogUnavailable):
            await writer.append("events", 0, [b"x" * 900])
        with pytest.raises(LogFull):
            await writer.append("events", 0, [b"x" * 900])


async def test_an_append_is_done_only_when_all_its_records_are() -> None:
    sink = Sink()
    async with queue(sink) as writer:
        append = asyncio.ensure_future(writer.append("events", 0, [b"x" * 400_000] * 3))
        await asyncio.sleep(0.01)
        assert len(sink.records) == 3
        for record in sink.records[:2]:
            sink.answer(record)
        await asyncio.sleep(0.01)
        assert not append.done()
        sink.answer(sink.records[2])
        await append


async def test_one_failed_record_fails_the_append() -> None:
    sink = Sink()
    async with queue(sink) as writer:
        append = asyncio.ensure_future(writer.append("events", 0, [b"x" * 400_000] * 2))
        await asyncio.sleep(0.01)
        sink.answer(sink.records[0], LogUnavailable("gone", code="log_gone"))
        sink.answer(sink.records[1])
        with pytest.raises(LogUnavailable, match="gone") as failed:
            await append
        assert failed.value.code == "log_gone"


async def test_a_sender_that_went_away_stops_nothing() -> None:
    sink = Sink()
    async with queue(sink) as writer:
        gone, stays = (asyncio.ensure_future(writer.append("events", 0, [each])) for each in (b"a", b"b"))
        await asyncio.sleep(0.001)
        gone.cancel()
        sink.answer(sink.records[0])
        await stays


async def test_a_closed_writer_takes_nothing() -> None:
    async with queue(Sink()) as writer:
        pass
    with pytest.raises(LogUnavailable):
        await writer.append("events", 0, [b"x"])


lines = st.lists(st.one_of(st.integers(1, 50), st.integers(1, 900_500)).map(lambda size: b"x" * size), max_size=8)
runs = st.integers(1, 10_000).map(lambda count: [b"y"] * count)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.one_of(lines, runs)), max_size=8))
def test_records_hold_all_lines_in_order_and_stay_within_their_bounds(appends: list[tuple[int, list[bytes]]]) -> None:
    sink = Sink(at_once=True)

    async def run() -> list[object]:
        async with queue(sink, queue_bytes=1 << 40) as writer:
            return list(
                await asyncio.gather(*(writer.append("events", *each) for each in appends), return_exceptions=True)
            )

    answers = asyncio.run(run())
    for answer, (_, sent) in zip(answers, appends, strict=True):
        too_large = any(len(line) > 900_000 for line in sent)
        assert isinstance(answer, UserMistake) if too_large else answer is None
    for partition in (0, 1):
        taken = [(each, sent) for each, (to, sent) in zip(answers, appends, strict=True) if to == partition]
        expected = [line for answer, sent in taken if answer is None for line in sent]
        records = [record for record in sink.records if record.partition == partition]
        assert [line for record in records for line in record.value.split(b"\n")] == expected
    for record in sink.records:
        count = record.value.count(b"\n") + 1
        assert count <= MAX_LINES_PER_RECORD
        assert len(record.value) <= RECORD_BYTES or count == 1
