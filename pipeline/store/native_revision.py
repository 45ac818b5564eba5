"""Blocks of the Native format as a client of some protocol revision reads them over HTTP (`client_protocol_version`).

    revision 0     columns, rows, then per column its name, its type and its values: what chdb tells
    from 1         before that what the block is: field 1 is_overflows, field 2 bucket, end
    from 54454     after each type a byte: 0 = the usual serialization of its values

The Go client, which Grafana uses, reads nothing else. Where a column ends is not told, so its values are passed over by
its type. Source: ClickHouse's NativeWriter and its serializations.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from pipeline.errors import StoreRefused
from pipeline.store.native import varint
from pipeline.store.results import Block, split_types, unnamed

CUSTOM_SERIALIZATION: Final = 54454
_BLOCK_INFO: Final = bytes((1, 0, 2)) + (-1).to_bytes(4, "little", signed=True) + bytes((0,))
_HAS_KEYS: Final = 0x200  # of LowCardinality: the block brings its dictionary

Pass = Callable[[Block, int], None]  # (at values, how many) -> behind them

# Bytes of a value.
_WIDTHS: Final = {
    **dict.fromkeys(("UInt8", "Int8", "Bool", "Enum8", "Nothing"), 1),
    **dict.fromkeys(("UInt16", "Int16", "Enum16", "Date", "BFloat16"), 2),
    **dict.fromkeys(("UInt32", "Int32", "Float32", "Date32", "DateTime", "IPv4", "Time"), 4),
    **dict.fromkeys(("UInt64", "Int64", "Float64", "DateTime64", "Time64"), 8),
    **dict.fromkeys(("UInt128", "Int128", "UUID", "IPv6"), 16),
    **dict.fromkeys(("UInt256", "Int256"), 32),
}
_SAME_AS: Final = {
    "Point": "Tuple(Float64, Float64)",
    "Ring": "Array(Point)",
    "LineString": "Array(Point)",
    "Polygon": "Array(Ring)",
    "MultiLineString": "Array(LineString)",
    "MultiPolygon": "Array(Polygon)",
}
_DECIMALS: Final = ((9, 4), (18, 8), (38, 16), (76, 32))  # digits -> bytes


def revised(data: bytes, revision: int) -> bytes:
    """An answer of revision 0 at another one. StoreRefused for a type whose values cannot be passed over."""
    if revision <= 0:
        return data
    mark = b"\0" if revision >= CUSTOM_SERIALIZATION else b""
    block, out = Block(data), list[bytes]()
    while block.at < len(data):
        columns, rows = block.varint(), block.varint()
        out += _BLOCK_INFO, varint(columns), varint(rows)
        for _ in range(columns):
            start = block.at
            block.take(block.varint())
            column_type = block.text()
            out += data[start : block.at], mark
            start = block.at
            if rows:
                words, values = _passing(column_type)
                block.take(8 * words)
                values(block, rows)
            out.append(data[start : block.at])
    return b"".join(out)


@lru_cache(1024)
def _passing(column_type: str) -> tuple[int, Pass]:
    """(words before the values: one for each LowCardinality in it, how its values are passed over)."""
    kind, _, rest = _SAME_AS.get(column_type, column_type).partition("(")
    if kind in _WIDTHS:
        return 0, _fixed(_WIDTHS[kind])
    if kind == "String":
        return 0, _strings
    of = list(split_types(rest.removesuffix(")")))
    if kind == "FixedString":
        return 0, _fixed(int(of[0]))
    if kind == "Decimal":
        return 0, _fixed(next(width for digits, width in _DECIMALS if int(of[0]) <= digits))
    if kind.startswith("Interval"):
        return 0, _fixed(8)
    if kind == "LowCardinality":
        return 1, _low_cardinality(of[0][9:-1] if of[0].startswith("Nullable(") else of[0])
    if kind == "Nullable":
        return _together(["UInt8", of[0]])
    if kind == "Tuple":
        return _together(list(map(unnamed, of))) if of else (0, _fixed(1))
    if kind == "Array":
        return _array(of[0])
    if kind == "Map":
        return _array(f"Tuple({of[0]}, {of[1]})")
    if kind == "SimpleAggregateFunction":
        return _passing(of[1])
    raise StoreRefused(f"a column of type {column_type} cannot be told to this client", code="unfit_type")


def _fixed(width: int) -> Pass:
    def values(block: Block, count: int) -> None:
        block.at += width * count

    return values


def _strings(block: Block, count: int) -> None:
    data, at = block.data, block.at
    for _ in range(count):
        size = data[at]
        if size < 0x80:  # nearly all
            at += 1 + size
        else:
            block.at = at
            size = block.varint()
            at = block.at + size
    block.at = at


def _together(types: list[str]) -> tuple[int, Pass]:
    """Columns of as many values each, one after the other."""
    passing = [_passing(one) for one in types]

    def values(block: Block, count: int) -> None:
        for _, each in passing:
            each(block, count)

    return sum(words for words, _ in passing), values


def _array(of: str) -> tuple[int, Pass]:
    words, elements = _passing(of)

    def values(block: Block, count: int) -> None:
        block.take(8 * (count - 1))
        if total := block.word():
            elements(block, total)

    return words, values


def _low_cardinality(of: str) -> Pass:
    _, keys = _passing(of)

    def values(block: Block, count: int) -> None:
        flags = block.word()
        if flags & _HAS_KEYS:
            keys(block, block.word())
        block.take(8)  # how many positions follow: as many as values
        block.take(count << (flags & 0xFF))

    return values
