"""ClickHouse's block compression, which its JDBC and Go clients ask for unless they are told not to (`compress=1`).

checksum  16 bytes  CityHash128 of the rest of the frame
method     1 byte   0x82: LZ4
sizes      4 + 4    of the frame without the checksum, and of what it holds; little endian
data                LZ4 block
"""

import struct
from typing import Final

from clickhouse_cityhash.cityhash import CityHash128
from lz4 import block

_LZ4: Final = 0x82
_HEAD: Final = struct.Struct("<BII")
_CHECKSUM: Final = struct.Struct("<QQ")
_HALF: Final = 1 << 64
FRAME_BYTES: Final = 1 << 20  # of what a frame holds, as ClickHouse's own max_compress_block_size


def framed(data: bytes) -> bytes:
    """An answer as frames."""
    view = memoryview(data)
    return b"".join(_frame(view[at : at + FRAME_BYTES]) for at in range(0, len(data), FRAME_BYTES))


def _frame(piece: memoryview) -> bytes:
    packed: bytes = block.compress(piece, store_size=False)
    frame = _HEAD.pack(_LZ4, _HEAD.size + len(packed), len(piece)) + packed
    return _CHECKSUM.pack(*divmod(CityHash128(frame), _HALF)) + frame
