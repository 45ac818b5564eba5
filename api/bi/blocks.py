"""ClickHouse's block compression: of answers, which its JDBC and Go clients ask for unless they are told not to
(`compress=1`), and of statements (`decompress=1`).

checksum  16 bytes  CityHash128 of the rest of the frame
method     1 byte   0x82: LZ4, 0x90: ZSTD, 0x02: as it is
sizes      4 + 4    of the frame without the checksum, and of what it holds; little endian
data                LZ4 block, ZSTD frame

Answers are LZ4, which every client reads; a statement comes in any of them.
"""

import struct
import sys
from typing import Final

from clickhouse_cityhash.cityhash import CityHash128
from lz4 import block

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_LZ4: Final = 0x82
_ZSTD: Final = 0x90
_NONE: Final = 0x02
_HEAD: Final = struct.Struct("<BII")
_CHECKSUM: Final = struct.Struct("<QQ")
_HALF: Final = 1 << 64
FRAME_BYTES: Final = 1 << 20  # of what a frame holds, as ClickHouse's own max_compress_block_size


def framed(data: bytes) -> bytes:
    """An answer as frames."""
    view = memoryview(data)
    pieces = (view[at : at + FRAME_BYTES] for at in range(0, len(data), FRAME_BYTES))
    return b"".join(_frame(piece, block.compress(piece, store_size=False)) for piece in pieces)


def framed_as_it_is(told: bytes) -> bytes:
    """An error as a frame. Some JDBC clients show the bytes of one as they come: so nothing in it is shortened, though
    it is LZ4, which others demand: one run of literals."""
    longer = len(told) - 15  # of 15 and more the rest follows in bytes, as far as one is less than 255
    length = bytes([0xF0, *[255] * (longer // 255), longer % 255]) if longer >= 0 else bytes([len(told) << 4])
    return _frame(memoryview(told), length + told)


def _frame(piece: memoryview, packed: bytes) -> bytes:
    frame = _HEAD.pack(_LZ4, _HEAD.size + len(packed), len(piece)) + packed
    return _CHECKSUM.pack(*divmod(CityHash128(frame), _HALF)) + frame


def unframed(data: bytes, limit: int) -> bytes:
    """What frames hold, at most `limit` bytes. Raises ValueError for what is no frame, a wrong checksum, or more."""
    view, found = memoryview(data), bytearray()
    while view:
        if len(view) < _CHECKSUM.size + _HEAD.size:
            raise ValueError("a frame is cut short")
        method, packed_bytes, held_bytes = _HEAD.unpack_from(view, _CHECKSUM.size)
        frame = view[_CHECKSUM.size : _CHECKSUM.size + packed_bytes]
        if packed_bytes < _HEAD.size or len(frame) < packed_bytes:
            raise ValueError("a frame is cut short")
        if _CHECKSUM.unpack_from(view) != divmod(CityHash128(bytes(frame)), _HALF):
            raise ValueError("the checksum of a frame does not match")
        if len(found) + held_bytes > limit:
            raise ValueError(f"frames hold more than {limit} bytes")
        found += _held(method, bytes(frame[_HEAD.size :]), held_bytes)
        view = view[_CHECKSUM.size + packed_bytes :]
    return bytes(found)


def _held(method: int, packed: bytes, size: int) -> bytes:
    if method == _LZ4:
        try:
            held: bytes = block.decompress(packed, uncompressed_size=size)
        except block.LZ4BlockError as error:
            raise ValueError("a frame is no LZ4") from error
    elif method == _ZSTD:
        try:
            # One byte more than it says shows that it says too little, and no more is unpacked.
            held = zstd.ZstdDecompressor().decompress(packed, max_length=size + 1)
        except zstd.ZstdError as error:
            raise ValueError("a frame is no ZSTD") from error
    elif method == _NONE:
        held = packed
    else:
        raise ValueError(f"method {method:#x} is not read: LZ4, ZSTD and none are")
    if len(held) != size:
        raise ValueError("a frame does not hold what it says")
    return held
