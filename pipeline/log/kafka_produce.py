"""Produce requests of Kafka's protocol, for records without keys, headers and compression, acks=all.

A producer for all cases copies and boxes each record several times; lines of the log are already packed, so it pays to
write the few bytes around them here: a round of 16 partitions costs a third, and a large one a fifth.
Source: https://kafka.apache.org/protocol and https://kafka.apache.org/documentation/#recordbatch (format 2).
"""

import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO

from aiokafka.errors import IncompatibleBrokerVersion
from aiokafka.protocol.produce import ProduceRequest_v7, ProduceResponse_v7
from aiokafka.structs import TopicPartition
from crc32c import crc32c

VERSION = 7  # since Kafka 2.1, and in 4
BATCH_OVERHEAD, RECORD_OVERHEAD = 61, 24  # bytes around a batch, and at most around a record

_ALL, _NO_TRANSACTION = -1, -1
_INT = struct.Struct(">i")
_START = struct.Struct(">hhii")  # transactional id, acks, timeout, topics
_BEGIN = struct.Struct(">qiibI")  # base offset, length, leader epoch, format, checksum of what follows
_REST = struct.Struct(
    ">hiqqqhii"
)  # attributes, last offset, first and last time, producer's id, epoch, sequence, count
_ANSWER = struct.Struct(">ihqqq")  # partition, error, offset, time, first offset


class Answer(ProduceResponse_v7):  # type: ignore[misc] # aiokafka's types are not looked at
    """Error codes by partition, 0 for what is acknowledged."""

    def __init__(self, codes: dict[TopicPartition, int]) -> None:
        self.codes = codes

    @classmethod
    def decode(cls, data: BytesIO | bytes) -> "Answer":
        text = data if isinstance(data, bytes) else data.read()
        codes: dict[TopicPartition, int] = {}
        (topics,), at = _INT.unpack_from(text), 4
        for _ in range(topics):
            (length,) = struct.unpack_from(">h", text, at)
            topic = text[at + 2 : at + 2 + length].decode()
            at += 2 + length
            (partitions,) = _INT.unpack_from(text, at)
            at += 4
            for partition, code, *_ in _ANSWER.iter_unpack(text[at : at + partitions * _ANSWER.size]):
                codes[TopicPartition(topic, partition)] = code
            at += partitions * _ANSWER.size
        return cls(codes)

    def __repr__(self) -> str:
        return f"Answer({self.codes})"


class Produce(ProduceRequest_v7):  # type: ignore[misc]
    """A request that is encoded already; what aiokafka's client asks of requests."""

    RESPONSE_TYPE = Answer

    def __init__(self, body: bytes) -> None:
        self.body = body

    def prepare(self, versions: Mapping[int, tuple[int, int]]) -> "Produce":
        """Raises IncompatibleBrokerVersion for a broker that does not know this version."""
        low, high = versions.get(self.API_KEY, (0, 0))
        if not low <= VERSION <= high:
            raise IncompatibleBrokerVersion(f"the broker takes produce requests {low} to {high}, not {VERSION}")
        return self

    def encode(self) -> bytes:
        return self.body

    def __repr__(self) -> str:
        return f"Produce({len(self.body)} bytes)"


def produce(records: Mapping[TopicPartition, Sequence[bytes]], timeout_ms: int) -> Produce:
    """A request that appends values, in order, to their partitions: one batch each. At least one value to each."""
    by_topic: dict[str, list[tuple[int, Sequence[bytes]]]] = {}
    for place, values in records.items():
        by_topic.setdefault(place.topic, []).append((place.partition, values))
    now = time.time_ns() // 1_000_000
    parts = [_START.pack(_NO_TRANSACTION, _ALL, timeout_ms, len(by_topic))]
    for topic, partitions in by_topic.items():
        name = topic.encode()
        parts += (struct.pack(">h", len(name)), name, _INT.pack(len(partitions)))
        for partition, values in partitions:
            batch = list(_batch(values, now))
            parts.append(struct.pack(">ii", partition, sum(map(len, batch))))
            parts += batch
    return Produce(b"".join(parts))


def _batch(values: Sequence[bytes], now: int) -> Iterator[bytes]:
    """A batch of format 2, in parts; `now` is the time of all its records, ms."""
    records: list[bytes] = []
    for offset, value in enumerate(values):
        # attributes, time after the first, offset after the first, no key
        head = b"\0\0" + _varint(offset) + b"\x01" + _varint(len(value))
        records += (_varint(len(head) + len(value) + 1), head, value)
        records.append(b"\0")  # no headers
    rest = _REST.pack(0, len(values) - 1, now, now, -1, -1, -1, len(values))
    checksum = crc32c(rest)
    for part in records:
        checksum = crc32c(part, checksum)
    length = _BEGIN.size - 12 + _REST.size + sum(map(len, records))  # of what follows the length
    yield _BEGIN.pack(0, length, -1, 2, checksum)
    yield rest
    yield from records


def _varint(number: int) -> bytes:
    """A number of 0 or more, zigzag and in groups of 7 bits."""
    number <<= 1
    if number < 0x80:
        return _SHORT[number]
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


_SHORT = [bytes([number]) for number in range(0x80)]
