"""Marks and notes of a turn: each once, to the partition that its rule names, and only while the shards are held."""

import asyncio
from zlib import crc32

import msgspec
import pytest

from agents.outbox import Outbox
from pipeline.errors import LogUnavailable
from schemas.log import CHANGES, MAX_LINES_PER_RECORD, PAIRS, Mark, PairNote
from tests.agents.fakes import FakePorts
from tests.agents.virtual_time import run


def marks(ports: FakePorts) -> list[tuple[int, Mark]]:
    sent = [(partition, line) for topic, partition, lines in ports.sent if topic == CHANGES for line in lines]
    return [(partition, msgspec.json.decode(line, type=Mark)) for partition, line in sent]


def notes(ports: FakePorts) -> list[tuple[int, PairNote]]:
    sent = [(partition, line) for topic, partition, lines in ports.sent if topic == PAIRS for line in lines]
    return [(partition, msgspec.json.decode(line, type=PairNote)) for partition, line in sent]


def test_of_several_marks_for_one_identifier_of_a_customer_the_least_time_is_sent_once() -> None:
    ports = FakePorts()
    outbox = Outbox(ports)
    for at in (30, 10, 20):
        outbox.mark("shop", 7, 7, at)
    outbox.mark("shop", 7, 8, 40)
    run(outbox.send())
    assert marks(ports) == [(1, Mark("shop", 7, 7, 10)), (1, Mark("shop", 7, 8, 40))]


def test_a_mark_goes_to_its_customers_partition_and_never_names_a_time_before_1970() -> None:
    ports = FakePorts(partitions=5)
    outbox = Outbox(ports)
    for customer in (3, 4, 13):
        outbox.mark("shop", customer, 99, -(1 << 62))
    run(outbox.send())
    assert sorted((partition, mark.c, mark.t) for partition, mark in marks(ports)) == [(3, 3, 0), (3, 13, 0), (4, 4, 0)]


def test_a_pair_is_noted_once_in_whatever_direction_it_was_told_and_by_its_project() -> None:
    ports = FakePorts(partitions=4)
    outbox = Outbox(ports)
    outbox.note("shop", 9, 2)
    outbox.note("shop", 2, 9)
    outbox.note("mart", 5, 5)
    run(outbox.send())
    expected = [(crc32(b"shop") % 4, PairNote("shop", 2, 9)), (crc32(b"mart") % 4, PairNote("mart", 5, 5))]
    assert sorted(notes(ports), key=repr) == sorted(expected, key=repr)


def test_a_record_has_no_more_lines_than_a_log_position_can_count() -> None:
    ports = FakePorts(partitions=1)
    outbox = Outbox(ports)
    for customer in range(MAX_LINES_PER_RECORD + 1):
        outbox.mark("shop", customer, customer, 0)
    run(outbox.send())
    assert [len(lines) for _, _, lines in ports.sent] == [MAX_LINES_PER_RECORD, 1]


def test_a_worker_that_may_have_lost_its_shards_sends_nothing() -> None:
    ports = FakePorts()
    ports.silence = lambda: ports.session_timeout
    outbox = Outbox(ports)
    outbox.mark("shop", 1, 1, 0)
    with pytest.raises(LogUnavailable):
        run(outbox.send())
    assert ports.sent == []


def test_it_returns_once_the_log_has_all_of_it() -> None:
    ports = FakePorts()
    outbox = Outbox(ports)
    for customer in range(4):
        outbox.mark("shop", customer, customer, 0)
    ports.send_faults = [LogUnavailable("away")]
    with pytest.raises(LogUnavailable):
        run(outbox.send())

    async def slow(topic: str, partition: int, value: bytes) -> None:
        await asyncio.sleep(5)
        ports.sent.append((topic, partition, [value]))

    ports.send, ports.sent = slow, []
    run(outbox.send())
    assert len(ports.sent) == 2
