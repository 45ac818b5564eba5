"""Request bodies: read whole, bounded as they come and as they unpack.

What a body is, its first bytes say and not its headers: released clients send gzip with and without a
Content-Encoding, and proxies unpack it and leave the header on.
"""

import zlib
from collections.abc import Awaitable, Callable
from typing import Any

from api.collect.answers import CLOSE, Refused

Receive = Callable[[], Awaitable[dict[str, Any]]]

GZIP = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"
TAKEN_ENCODINGS = (b"", b"identity", b"gzip", b"x-gzip")
# A refused body up to so many times the limit is read to its end and dropped (of one with a Content-Length the server
# does that), so that the sender sees the answer; a longer one finds the connection closed.
DRAINED = 16
MOST_MEMBERS = 64  # of a gzip body; each costs a copy of what follows it


class SenderLeft(Exception):
    """The sender closed the connection before the body was whole: there is nobody to answer."""


async def read_body(receive: Receive, headers: dict[bytes, bytes], limit: int) -> bytes:
    """The body as sent, at most `limit` bytes. Raises Refused (413) or SenderLeft."""
    told = headers.get(b"content-length", b"")
    if told.isdigit() and (len(told) > 18 or int(told) > limit):
        raise _too_large(limit, closing=len(told) > 18 or int(told) > DRAINED * limit)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit, closing=False)
        return body
    chunks, size = [], 0
    while message["type"] == "http.request":
        chunk, more = message.get("body", b""), message.get("more_body")
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
            if not more:
                return b"".join(chunks)
        else:
            chunks.clear()
            if not more or size > DRAINED * limit:
                raise _too_large(limit, closing=bool(more))
        message = await receive()
    raise SenderLeft


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


def _too_large(limit: int, *, closing: bool) -> Refused:
    return Refused(
        413,
        "payload_too_large",
        f"the body is larger than {limit} bytes (unpacked); send smaller batches",
        headers=(CLOSE,) if closing else (),
    )
