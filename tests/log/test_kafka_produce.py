"""Produce requests are what aiokafka's own reader of the protocol makes of them."""

import struct
from io import BytesIO

import pytest
from aiokafka.errors import IncompatibleBrokerVersion
from aiokafka.protocol.produce import ProduceRequest_v7, ProduceResponse_v7
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.log.kafka_produce import BATCH_OVERHEAD, RECORD_OVERHEAD, Answer, Produce, produce

places = st.builds(TopicPartition, st.sampled_from(["events-1", "pairs-é"]), st.integers(0, 2_000))
values = st.one_of(st.binary(max_size=300), st.integers(0, 70_000).map(lambda size: b"x" * size))
taken = st.dictionaries(places, st.lists(values, min_size=1, max_size=70), min_size=1, max_size=5)


def read(request: Produce) -> tuple[tuple[object, ...], dict[TopicPartition, bytes]]:
    """Its settings, and the bytes of each partition's batch."""
    told = ProduceRequest_v7.decode(BytesIO(b"" + request.encode()))
    batches = {
        TopicPartition(topic, partition): bytes(batch)
        for topic, partitions in told.topics
        for partition, batch in partitions
    }
    return (told.transactional_id, told.required_acks, told.timeout), batches


@settings(max_examples=60, deadline=None)
@given(taken)
def test_a_reader_finds_the_same_values_in_order(
    records: dict[TopicPartition, list[bytes]],
) -> None:
    told, batches = read(produce(records, 5_000))
    assert told == (None, -1, 5_000)
    assert batches.keys() == records.keys()
    for place, written in records.items():
        batch = MemoryRecords(batches[place]).next_batch()
        assert batch.validate_crc()
        found = list(batch)
        assert [(each.offset, each.key, each.value) for each in found] == [
            (offset, None, value) for offset, value in enumerate(written)
        ]
        assert not any(each.headers for each in found)


@given(st.lists(values, min_size=1, max_size=300))
def test_a_batch_is_no_larger_than_is_reckoned_with(written: list[bytes]) -> None:
    _, batches = read(produce({TopicPartition("t", 0): written}, 1))
    (batch,) = batches.values()
    assert len(batch) <= BATCH_OVERHEAD + sum(len(value) + RECORD_OVERHEAD for value in written)


@given(st.dictionaries(places, st.integers(-1, 100), max_size=20))
def test_an_answer_tells_the_error_code_of_every_partition(codes: dict[TopicPartition, int]) -> None:
    topics: dict[str, list[tuple[int, int, int, int, int]]] = {}
    for place, code in codes.items():
        topics.setdefault(place.topic, []).append((place.partition, code, 7, -1, 0))
    encoded = ProduceResponse_v7(list(topics.items()), 0).encode()
    assert Answer.decode(BytesIO(encoded)).codes == codes


@pytest.mark.parametrize("versions", [{}, {0: (0, 6)}, {0: (8, 12)}])
def test_a_broker_that_does_not_know_the_version_is_told_apart(versions: dict[int, tuple[int, int]]) -> None:
    request = produce({TopicPartition("t", 0): [b"x"]}, 1)
    with pytest.raises(IncompatibleBrokerVersion):
        request.prepare(versions)
    assert request.prepare({0: (3, 12)}) is request


def test_the_time_of_a_record_is_that_of_its_sending() -> None:
    _, batches = read(produce({TopicPartition("t", 0): [b"x"]}, 1))
    (stamp,) = struct.unpack_from(">q", batches[TopicPartition("t", 0)], 27)
    assert stamp > 1_700_000_000_000


def test_a_request_is_one_text_behind_its_length_as_the_client_puts_it_together() -> None:
    place = TopicPartition("events-1", 0)
    request = produce({place: [b"x" * 900]}, 5_000)
    alone = b"" + produce({place: [b"x" * 900]}, 5_000).encode()
    message = request.build_request_header(correlation_id=7, client_id="me").encode() + request.encode()
    sent = struct.pack(">i", len(message)) + message
    assert sent[:4] == struct.pack(">i", len(sent) - 4)
    assert sent[4:16] == struct.pack(">hhih", 0, 7, 7, 2) + b"me"
    assert sent[16:60] == alone[:44]  # up to its batch, in which the time is
