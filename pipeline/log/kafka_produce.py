"""Produce requests of Kafka's protocol, for records without keys, headers and compression, acks=all.

A producer for all cases copies and boxes each record several times; lines of the log are already packed, so it pays to
write the few bytes around them here: a round of 16 partitions costs a third, and a large one a fifth.
Source: https://kafka.apache.org/protocol and https://kafka.apache.org/documentation/#recordbatch (format 2).
"""

import struct
import time
from collections.abc import Mapping, Sequence
from io import BytesIO

from aiokafka.errors import IncompatibleBrokerVersion
from aiokafka.protocol.produce import ProduceRequest_v7, ProduceResponse_v7
from aiokafka.structs import TopicPartition
from crc32c import crc32c

VERSION = 7  # since Kafka 2.1, and in 4
BATCH_OVERHEAD, RECORD_OVERHEAD = 61, 24  # bytes around a batch, and at most around a record

_ALL, _NO_TRANSACTION = -1, -1
_INT = struct.Struct(">i")
_HEADER = struct.Struct(">hhih")  # request, its version, correlation id, length of the client's name
_START = struct.Struct(">hhii")  # transactional id, acks, timeout, topics
_BEGIN = struct.Struct(">qiibI")  # base offset, length, leader epoch, format, checksum of what follows
_REST = struct.Struct(
    ">hiqqqhii"
)  # attributes, last offset, first and last time, producer's id, epoch, sequence, count
_LENGTH_ENDS = 12  # where in a batch what its length counts begins
_TEXT, _PARTITION = struct.Struct(">h"), struct.Struct(">ii")  # length; partition and size of its batch
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
            (length,) = _TEXT.unpack_from(text, at)
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
    """A request that is encoded already, in parts; what aiokafka's client asks of requests."""

    RESPONSE_TYPE = Answer

    def __init__(self, parts: list[bytes]) -> None:
        self._parts = parts

    def prepare(self, versions: Mapping[int, tuple[int, int]]) -> "Produce":
        """Raises IncompatibleBrokerVersion for a broker that does not know this version."""
        low, high = versions.get(self.API_KEY, (0, 0))
        if not low <= VERSION <= high:
            raise IncompatibleBrokerVersion(f"the broker takes produce requests {low} to {high}, not {VERSION}")
        return self

    def build_request_header(self, correlation_id: int, client_id: str) -> "_Nothing":
        """The client would join the request to its header, and both to their length; some megabytes are rather joined
        once, see `_Message`.
        """
        name = client_id.encode()
        self._parts.insert(0, _HEADER.pack(self.API_KEY, VERSION, correlation_id, len(name)) + name)
        return _Nothing()

    def encode(self) -> "_Message":
        return _Message(self._parts)

    def __repr__(self) -> str:
        return f"Produce({sum(map(len, self._parts))} bytes)"


class _Message:
    """The parts of a request, joined when their length is put before them."""

    def __init__(self, parts: list[bytes]) -> None:
        self._parts = parts

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def __radd__(self, before: bytes) -> bytes:
        return b"".join((before, *self._parts))


class _Nothing:
    """A header that is a part already."""

    def encode(self) -> "_Nothing":
        return self

    def __add__(self, message: _Message) -> _Message:
        return message


def produce(records: Mapping[TopicPartition, Sequence[bytes]], timeout_ms: int) -> Produce:
    """A request that appends values, in order, to their partitions: one batch each. At least one value to each."""
    by_topic: dict[str, list[tuple[int, Sequence[bytes]]]] = {}
    for (topic, partition), values in records.items():
        by_topic.setdefault(topic, []).append((partition, values))
    now = time.time_ns() // 1_000_000
    parts = [_START.pack(_NO_TRANSACTION, _ALL, timeout_ms, len(by_topic))]
    for topic, partitions in by_topic.items():
        name = topic.encode()
        parts.append(_TEXT.pack(len(name)) + name + _INT.pack(len(partitions)))
        for partition, values in partitions:
            size, batch = _batch(values, now)
            parts.append(_PARTITION.pack(partition, size))
            parts += batch
    return Produce(parts)


def _batch(values: Sequence[bytes], now: int) -> tuple[int, list[bytes]]:
    """Size and parts of a batch of format 2; `now` is the time of all its records, ms."""
    rest = _REST.pack(0, len(values) - 1, now, now, -1, -1, -1, len(values))
    parts = [b"", rest]
    size, checksum = _BEGIN.size + _REST.size, crc32c(rest)
    for offset, value in enumerate(values):
        length = len(value)
        # attributes, time after the first, offset after the first, no key
        head = b"\0\0" + _varint(offset) + b"\x01" + _varint(length)
        head = _varint(len(head) + length + 1) + head
        size += len(head) + length + 1
        checksum = crc32c(b"\0", crc32c(value, crc32c(head, checksum)))
        parts += (head, value, b"\0")  # no headers
    parts[0] = _BEGIN.pack(0, size - _LENGTH_ENDS, -1, 2, checksum)
    return size, parts


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
