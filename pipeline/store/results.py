"""Results in ClickHouse's Native format -> rows of ints, floats, strings, bools, None, lists and tuples.

JSON would be the shorter way, but makes 0.0 an int, NaN a null and a tuple a list. The same values come from
clickhouse-driver, so both adapters answer alike.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from pipeline.errors import StoreRefused
from pipeline.store.native import WORDS

_NAME = re.compile(r"\A(?:`(?:[^`\\]|\\.)*`|[A-Za-z_]\w*) +(?=[A-Z])")  # types begin with a capital
Values = list[Any]
Reader = Callable[["Block", int], Values]  # (block, number of values) -> values


class Block:
    """A cursor over the bytes of a result."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def varint(self) -> int:
        number = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7

    def take(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]

    def text(self) -> str:
        return self.take(self.varint()).decode()

    def word(self) -> int:
        return int.from_bytes(self.take(8), "little")


def rows_of(data: bytes) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of each block. Raises StoreRefused for a type that may not leave the store."""
    block = Block(data)
    while block.at < len(data):
        columns, rows = block.varint(), block.varint()
        read = []
        for _ in range(columns):
            block.text()
            read.append(_column(block, block.text(), rows))
        if rows:
            yield list(zip(*read, strict=True))


def columns_of(data: bytes) -> list[np.ndarray[Any, np.dtype[Any]]]:
    """Each column of all blocks as one array; none where there is no row.

    Raises StoreRefused for a column that is not of numbers.
    """
    block = Block(data)
    found: list[list[np.ndarray[Any, np.dtype[Any]]]] = []
    while block.at < len(data):
        columns, rows = block.varint(), block.varint()
        found = found or [[] for _ in range(columns)]
        for parts in found:
            block.text()
            kind = number_type(block.text())
            parts.append(np.frombuffer(block.take(kind.itemsize * rows), kind))
    return [np.concatenate(parts) for parts in found if sum(map(len, parts))]


def number_type(column_type: str) -> np.dtype[Any]:
    """The type of an array of such a column. Raises StoreRefused for one that is not of numbers."""
    if column_type not in WORDS:
        raise StoreRefused(f"a column of type {column_type} is not of numbers", code="unfit_type")
    return np.dtype("?" if column_type == "Bool" else WORDS[column_type]).newbyteorder("<")


def check_type(column_type: str) -> None:
    """Raises StoreRefused for times and other types that have no plain Python value."""
    for word in (
        "Date",
        "Decimal",
        "UUID",
        "Enum",
        "IPv",
        "Interval",
        "JSON",
        "Dynamic",
        "Variant",
        "Aggregate",
        "Int128",
        "Int256",
    ):
        if word in column_type:
            raise StoreRefused(
                f"a result of type {column_type} may not leave the store: turn it into ms with "
                "toUnixTimestamp64Milli, or into a number or text",
                code="unfit_type",
            )


def _column(block: Block, column_type: str, rows: int) -> Values:
    if not rows:
        return []
    prefix, read = _reader(column_type)
    for _ in range(prefix):
        block.word()
    return read(block, rows)


@lru_cache(256)
def _reader(column_type: str) -> tuple[int, Reader]:
    """(words before the values: one for each LowCardinality in it, reader of the values)."""
    if column_type in WORDS:
        return 0, _words(column_type)
    if column_type == "String":
        return 0, _strings
    if column_type == "Nothing":
        return 0, _nothing
    kind, _, rest = column_type.partition("(")
    arguments = list(split_types(rest.removesuffix(")")))
    if kind == "LowCardinality":
        return 1, _low_cardinality(arguments[0])
    if kind == "Nullable":
        return _nullable(arguments[0])
    if kind == "Array":
        return _array(arguments[0])
    if kind == "Tuple":
        return _tuple([unnamed(argument) for argument in arguments])
    if kind == "Map":
        prefix, pairs = _array(f"Tuple({', '.join(arguments)})")
        return prefix, lambda block, count: [dict(entries) for entries in pairs(block, count)]
    check_type(column_type)
    raise StoreRefused(f"a result of type {column_type} is not known to the store", code="unfit_type")


def _words(column_type: str) -> Reader:
    dtype = number_type(column_type)

    def read(block: Block, count: int) -> Values:
        return np.frombuffer(block.take(dtype.itemsize * count), dtype).tolist()  # type: ignore[no-any-return]

    return read


def _strings(block: Block, count: int) -> Values:
    data, at, out = block.data, block.at, []
    for _ in range(count):
        size = data[at]
        at += 1
        if size >= 0x80:
            block.at = at - 1
            size = block.varint()
            at = block.at
        out.append(data[at : at + size].decode())
        at += size
    block.at = at
    return out


def _nothing(block: Block, count: int) -> Values:
    block.take(count)
    return [None] * count


def _low_cardinality(of: str) -> Reader:
    nullable = of.startswith("Nullable(")
    _, read_keys = _reader(of[9:-1] if nullable else of)

    def read(block: Block, count: int) -> Values:
        if not count:
            return []
        width = 1 << (block.word() & 0xFF)
        keys = read_keys(block, block.word())
        if nullable:
            keys[0] = None  # the first key stands for NULL
        positions = np.frombuffer(block.take(width * block.word()), f"<u{width}").tolist()
        return [keys[position] for position in positions]

    return read


def _nullable(of: str) -> tuple[int, Reader]:
    prefix, read_values = _reader(of)

    def read(block: Block, count: int) -> Values:
        nulls = block.take(count)
        values = read_values(block, count)
        return [None if null else value for null, value in zip(nulls, values, strict=True)]

    return prefix, read


def _array(of: str) -> tuple[int, Reader]:
    prefix, read_elements = _reader(of)

    def read(block: Block, count: int) -> Values:
        if not count:
            return []
        ends = np.frombuffer(block.take(8 * count), "<u8").tolist()
        elements = read_elements(block, ends[-1])
        return [elements[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]

    return prefix, read


def _tuple(of: list[str]) -> tuple[int, Reader]:
    readers = [_reader(element) for element in of]

    def read(block: Block, count: int) -> Values:
        if not readers:
            block.take(count)
            return [()] * count
        return list(zip(*[read_element(block, count) for _, read_element in readers], strict=True))

    return sum(prefix for prefix, _ in readers), read


def unnamed(element: str) -> str:
    """ "name Type" or "Type" -> "Type", of an element of a tuple."""
    return _NAME.sub("", element, count=1)


def split_types(text: str) -> Iterator[str]:
    """The arguments of a parametric type: "String, Array(UInt8)" -> String, Array(UInt8)."""
    depth = start = 0
    quoted = False
    for at, character in enumerate(text):
        if character == "'":
            quoted = not quoted
        elif not quoted and character in "()":
            depth += 1 if character == "(" else -1
        elif not quoted and character == "," and depth == 0:
            yield text[start:at].strip()
            start = at + 1
    if text[start:].strip():
        yield text[start:].strip()
