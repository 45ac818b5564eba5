"""Request bodies: read whole, bounded as they come and as they unpack.

What a body is, its first bytes say and not its headers: released clients send gzip with and without a
Content-Encoding, and proxies unpack it and leave the header on.
"""

import zlib
from collections.abc import Awaitable, Callable
from typing import Any

from api.collect.answers import CLOSE, RETRY_AFTER, Refused

Receive = Callable[[], Awaitable[dict[str, Any]]]

GZIP = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"
TAKEN_ENCODINGS = (b"", b"identity", b"gzip", b"x-gzip")
# A refused body up to so many times the limit is read to its end and dropped (of one with a Content-Length the server
# does that), so that the sender sees the answer; a longer one finds the connection closed.
DRAINED = 16
SMALL = 65_536  # bytes that a body may have though too many are held: few senders cannot keep all others out
MOST_VALUES = 300_000  # of a body that is decoded whole: each becomes an object of its own
MOST_MEMBERS = 64  # of a gzip body; each costs a copy of what follows it


class SenderLeft(Exception):
    """The sender closed the connection before the body was whole: there is nobody to answer."""


class Held:
    """Bytes of all bodies that have come in part. Slow senders of large ones would fill the memory together."""

    def __init__(self, most: int) -> None:
        self.most, self.bytes = most, 0


async def read_body(receive: Receive, headers: dict[bytes, bytes], limit: int, held: Held) -> bytes:
    """The body as sent, at most `limit` bytes. Raises Refused (413; 503 where too much is held) or SenderLeft."""
    told = headers.get(b"content-length", b"")
    if told.isdigit() and (len(told) > 18 or int(told) > limit):
        raise _too_large(limit, closing=len(told) > 18 or int(told) > DRAINED * limit)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit, closing=False)
        return body
    pieces = _Pieces(held)
    try:
        while message["type"] == "http.request":
            if pieces.add(message.get("body", b""), limit, more=bool(message.get("more_body"))):
                return b"".join(pieces.kept)
            message = await receive()
    finally:
        pieces.let_go()
    raise SenderLeft


class _Pieces:
    """What has come of one body, and its part in what is held."""

    def __init__(self, held: Held) -> None:
        self._held, self._counted = held, 0
        self.kept: list[bytes] = []
        self._size = 0

    def add(self, piece: bytes, limit: int, *, more: bool) -> bool:
        """Whether the body is whole. One that is too large is read on, and dropped, see DRAINED."""
        self._size += len(piece)
        if self._size > limit:
            self.let_go()
            if not more or self._size > DRAINED * limit:
                raise _too_large(limit, closing=more)
            return False
        self.kept.append(piece)
        self._counted += len(piece)
        self._held.bytes += len(piece)
        if more and self._held.bytes > self._held.most and self._size > SMALL:
            raise Refused(
                503, "busy", "more bodies come at once than can be held; send the same again later",
                headers=(*RETRY_AFTER, CLOSE),
            )  # fmt: skip
        return not more

    def let_go(self) -> None:
        self._held.bytes -= self._counted
        self._counted, self.kept = 0, []


def unpacked(body: bytes, headers: dict[bytes, bytes], limit: int) -> bytes:
    """The body without gzip and byte order mark, at most `limit` bytes. Raises Refused: 413, 400 (broken), 415."""
    if body[:2] == GZIP:
        body = _gunzip(body, limit)
    elif (encoding := headers.get(b"content-encoding", b"").strip().lower()) not in TAKEN_ENCODINGS:
        raise Refused(
            415,
            "unsupported_encoding",
            f"Content-Encoding {encoding[:40].decode('latin-1')!r} is not taken; send the body plain or with gzip",
            headers=((b"accept-encoding", b"gzip"),),
        )
    return body[3:] if body[:3] == BOM else body


def _gunzip(body: bytes, limit: int) -> bytes:
    """All members of a gzip body, never unpacking more than limit + 1 bytes."""
    parts, size = [], 0
    while body[:2] == GZIP:
        member = zlib.decompressobj(wbits=31)
        try:
            part = member.decompress(body, limit + 1 - size)
        except zlib.error as error:
            raise Refused(400, "invalid_gzip", "the body starts as gzip but cannot be unpacked") from error
        parts.append(part)
        if len(parts) > MOST_MEMBERS:
            raise Refused(400, "invalid_gzip", f"the gzip body has more than {MOST_MEMBERS} members")
        size += len(part)
        if size > limit:
            raise _too_large(limit, closing=False)
        if not member.eof:
            raise Refused(400, "invalid_gzip", "the gzip body is cut short")
        body = member.unused_data
    if body.strip(b"\0"):
        raise Refused(400, "invalid_gzip", "the gzip body is followed by other bytes")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def must_hold_few_values(body: bytes) -> None:
    """Raises Refused (413) for a body that decoded is many times its size."""
    if len(body) > MOST_VALUES and body.count(b",") > MOST_VALUES:
        told = f"the body holds more than {MOST_VALUES} values; send smaller batches"
        raise Refused(413, "payload_too_large", told)


def _too_large(limit: int, *, closing: bool) -> Refused:
    return Refused(
        413,
        "payload_too_large",
        f"the body is larger than {limit} bytes (unpacked); send smaller batches",
        headers=(CLOSE,) if closing else (),
    )
