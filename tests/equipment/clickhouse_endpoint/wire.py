"""Bytes of the native protocol: numbers and texts, and where a block of columns ends.

A block is never decoded: its columns are walked over by their types, to copy it between chdb, which writes blocks
without the byte that the protocol has after each type, and the client.
"""

import re
import struct
from collections.abc import Callable

BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"  # not overflowed, no bucket
NO_CUSTOM_SERIALIZATION = b"\x00"


def varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def text(value: str) -> bytes:
    data = value.encode("utf-8", "surrogateescape")
    return varint(len(data)) + data


class ClientGone(Exception):
    """The other side has closed the connection."""


class Reader:
    """A cursor over bytes that arrive; `copied` takes all that was read since `copy`."""

    def __init__(self, receive: Callable[[], bytes]) -> None:
        self._receive = receive
        self._buffer = bytearray()
        self._at = 0
        self._copy_from: int | None = None

    def skip(self, size: int) -> None:
        """Goes on by so many bytes, receiving what is not here yet."""
        while len(self._buffer) - self._at < size:
            if self._copy_from is None and self._at:
                del self._buffer[: self._at]
                self._at = 0
            data = self._receive()
            if not data:
                raise ClientGone
            self._buffer += data
        self._at += size

    def take(self, size: int) -> bytes:
        self.skip(size)
        return bytes(self._buffer[self._at - size : self._at])

    def skip_texts(self, count: int) -> None:
        while count:
            buffer, at, end = self._buffer, self._at, len(self._buffer)
            while count and at < end and buffer[at] < 0x80 and at + buffer[at] < end:
                at += buffer[at] + 1
                count -= 1
            self._at = at
            if count:  # a long one, or one that is not here yet
                self.skip(self.varint())
                count -= 1

    def byte(self) -> int:
        return self.take(1)[0]

    def varint(self) -> int:
        number = shift = 0
        while True:
            byte = self.byte()
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7

    def word(self) -> int:
        return int(struct.unpack("<Q", self.take(8))[0])

    def text(self) -> str:
        return self.take(self.varint()).decode("utf-8", "surrogateescape")

    def at_end(self) -> bool:
        """True where nothing more comes. Blocks until that is known."""
        try:
            self.take(1)
        except ClientGone:
            return True
        self._at -= 1
        return False

    def copy(self) -> None:
        self._copy_from = self._at

    def copied(self) -> bytes:
        start, self._copy_from = self._copy_from or 0, None
        return bytes(self._buffer[start : self._at])


def reader_of(data: bytes) -> Reader:
    chunks = [data]
    return Reader(lambda: chunks.pop() if chunks else b"")


_SIZES = {"Int8": 1, "UInt8": 1, "Bool": 1, "Nothing": 1, "Enum8": 1, "Int16": 2, "UInt16": 2, "Date": 2, "Enum16": 2}
_SIZES |= {"Int32": 4, "UInt32": 4, "Float32": 4, "Date32": 4, "DateTime": 4, "IPv4": 4}
_SIZES |= {"Int64": 8, "UInt64": 8, "Float64": 8, "DateTime64": 8, "Int128": 16, "UInt128": 16, "UUID": 16, "IPv6": 16}


class UnknownType(Exception):
    """A type whose columns this endpoint cannot walk over."""


def arguments_of(type_name: str) -> list[str]:
    """The arguments of a parametric type; those of a named Tuple without the names."""
    _, _, rest = type_name.partition("(")
    parts, depth, start, rest = [], 0, 0, rest.removesuffix(")")
    for found in re.finditer(r"'(?:[^'\\]|\\.)*'|[(),]", rest):
        if found[0] == "," and depth == 0:
            parts.append(rest[start : found.start()])
            start = found.end()
        depth += {"(": 1, ")": -1}.get(found[0], 0)
    return [re.sub(r"^(?:\w+|`[^`]*`) (?=[A-Z])", "", part.strip()) for part in [*parts, rest[start:]]]


def skip_prefix(reader: Reader, type_name: str) -> None:
    """What comes before a column's values: a version word for each LowCardinality in it."""
    kind = type_name.partition("(")[0]
    if kind == "LowCardinality":
        reader.skip(8)
    elif kind in ("Array", "Nullable", "Tuple", "Map"):
        for argument in arguments_of(type_name):
            skip_prefix(reader, argument)


def skip_values(reader: Reader, type_name: str, count: int) -> None:
    """Raises UnknownType."""
    kind = type_name.partition("(")[0]
    if kind in _SIZES:
        reader.skip(_SIZES[kind] * count)
    elif kind == "String":
        reader.skip_texts(count)
    elif kind == "FixedString":
        reader.skip(int(arguments_of(type_name)[0]) * count)
    elif kind == "Decimal":
        digits = int(arguments_of(type_name)[0])
        reader.skip((4 if digits <= 9 else 8 if digits <= 18 else 16 if digits <= 38 else 32) * count)
    elif kind == "Nullable":
        reader.skip(count)
        skip_values(reader, arguments_of(type_name)[0], count)
    elif kind in ("Array", "Map"):
        reader.skip(8 * max(count - 1, 0))
        elements = reader.word() if count else 0
        for argument in arguments_of(type_name):
            skip_values(reader, argument, elements)
    elif kind == "Tuple":
        for argument in arguments_of(type_name):
            skip_values(reader, argument, count)
    elif kind == "LowCardinality":
        _skip_low_cardinality(reader, arguments_of(type_name)[0], count)
    else:
        raise UnknownType(type_name)


def _skip_low_cardinality(reader: Reader, of: str, count: int) -> None:
    if not count:
        return
    flags = reader.word()
    skip_values(reader, arguments_of(of)[0] if of.startswith("Nullable(") else of, reader.word())
    reader.skip(reader.word() << (flags & 0xF))


Header = list[tuple[str, str]]


def read_block(reader: Reader, *, marked: bool) -> tuple[Header, int, list[bytes]]:
    """Names and types, number of rows, the bytes of each column. `marked`: with the protocol's byte after each type."""
    header: Header = []
    bodies = []
    columns, rows = reader.varint(), reader.varint()
    for _ in range(columns):
        name, type_name = reader.text(), reader.text()
        header.append((name, type_name))
        if marked and reader.byte():
            raise UnknownType(f"{type_name} in a serialization of its own")
        reader.copy()
        if rows:
            skip_prefix(reader, type_name)
            skip_values(reader, type_name, rows)
        bodies.append(reader.copied())
    return header, rows, bodies


def block(header: Header, rows: int = 0, bodies: list[bytes] | None = None, *, marked: bool) -> bytes:
    mark = NO_CUSTOM_SERIALIZATION if marked else b""
    out = [varint(len(header)), varint(rows)]
    for (name, type_name), body in zip(header, bodies or [b""] * len(header), strict=True):
        out += text(name), text(type_name), mark, body
    return b"".join(out)
