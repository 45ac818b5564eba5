"""Senders that take their time over a request, or never begin one: each holds a connection."""

import asyncio
from typing import Any

import pytest

from tests.api.collect.test_direct import Listening, answer, one, request, serving

SOON_S = 0.5


async def ends(reader: asyncio.StreamReader) -> bytes:
    """All that still comes until the connection is closed; nothing where that broke off what was being sent."""
    try:
        return await asyncio.wait_for(reader.read(), 20)
    except ConnectionResetError:
        return b""


async def drips(listening: Listening, *pieces: bytes) -> bytes:
    """What a sender is told of which a byte comes every moment, after these pieces."""
    reader, writer = await listening.connect()
    told = asyncio.create_task(ends(reader))
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(SOON_S / 5)
    while not told.done():
        writer.write(b"a")
        await asyncio.sleep(SOON_S / 5)
    return told.result()


HEAD, _, BODY = request(one()).partition(b"\r\n\r\n")
SLOW: dict[str, tuple[bytes, ...]] = {
    "a head without an end": (b"POST /v1/track HTTP/1.1\r\nX-Slow: ",),
    "a head without an end, in pieces": (b"POST /v1/tr", b"ack HTTP/1.1\r\nX-", b"Slow: "),
    "the same after a request": (HEAD + b"\r\n\r\n" + BODY, b"POST /v1/track HTTP/1.1\r\nX-Slow: "),
    "a body for a route that is none of the collector's": (
        b"POST /wayfare.id HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n{",
    ),
}


@pytest.mark.parametrize("how", SLOW)
async def test_a_request_that_does_not_come_whole_is_given_up(how: str) -> None:
    async with serving(whole_s=SOON_S, beside=never_answers) as listening:
        assert b"408 Request Timeout" in await drips(listening, *SLOW[how])


async def never_answers(scope: Any, receive: Any, send: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"\r\n\r\n\r\n"])
async def test_a_connection_on_which_nothing_is_asked_is_closed(sent: bytes) -> None:
    async with serving(whole_s=SOON_S) as listening:
        reader, writer = await listening.connect()
        writer.write(sent)
        assert await ends(reader) == b""


async def test_empty_lines_after_a_request_do_not_hold_the_connection() -> None:
    async with serving(whole_s=SOON_S, keep_alive_s=SOON_S) as listening:
        reader, writer = await listening.connect()
        writer.write(request(one()))
        assert (await answer(reader))[0] == 200
        writer.write(b"\r\n")
        assert await ends(reader) == b""


async def test_who_asks_now_and_then_or_waits_for_the_log_keeps_the_connection() -> None:
    async with serving(whole_s=SOON_S) as listening:
        reader, writer = await listening.connect()
        for number in range(4):
            writer.write(request(one(number), f"X-Head: {number}"))
            assert (await answer(reader))[0] == 200
            await asyncio.sleep(SOON_S / 2)
        listening.log.gate.clear()
        writer.write(request(one(5)) + request(one(6))[:20])  # the next begins before this one is answered
        await asyncio.sleep(2 * SOON_S)
        listening.log.gate.set()
        assert (await answer(reader))[0] == 200
        writer.write(request(one(6))[20:])
        assert (await answer(reader))[0] == 200


def chunked(*trailers: bytes) -> bytes:
    """A request whose body comes in one chunk, up to the last of the lines after it."""
    head = request(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    return head + b"%x\r\n%b\r\n0\r\n" % (len(one()), one()) + b"".join(trailers)


async def test_what_follows_a_body_is_no_header() -> None:
    """A proxy may let through what it would have taken out of a head."""
    async with serving() as listening:
        reader, writer = await listening.connect()
        writer.write(chunked(b"X-Forwarded-For: 203.0.113.9\r\n", b"User-Agent: Other\r\n", b"\r\n"))
        assert (await answer(reader))[0] == 200
        assert (listening.log.line.g or [])[2:] != ["Berlin"]
        assert listening.log.line.a != "Other"
        trailed = chunked(b"X-Write-Key: web-key\r\n", b"\r\n")
        writer.write(b"".join(line + b"\r\n" for line in trailed.split(b"\r\n") if b"Authorization" not in line))
        assert (await answer(reader))[0] == 401


@pytest.mark.parametrize("line", [b"X-Flood: 0123456789\r\n", b"0123456789"], ids=["lines", "a line"])
async def test_what_follows_a_body_without_an_end_is_given_up(line: bytes) -> None:
    async with serving() as listening:
        reader, writer = await listening.connect()
        writer.write(chunked(b"X-Flood: "))
        told = asyncio.create_task(ends(reader))
        sent = 0
        while not told.done() and sent < 2_000_000:
            writer.write(line * 1000)
            sent += len(line) * 1000
            await asyncio.sleep(0)
        await told
    assert sent < 2_000_000
    assert listening.log.lines == []


async def test_small_chunks_are_no_flood() -> None:
    body = one() + b" " * 30_000
    async with serving() as listening:
        reader, writer = await listening.connect()
        head = request(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        for piece in (head, *(b"1\r\n%c\r\n" % letter for letter in body), b"0\r\n\r\n"):
            writer.write(piece)
        assert (await answer(reader))[0] == 200


async def test_who_shuts_his_side_after_asking_is_answered() -> None:
    async with serving() as listening:
        for is_known in (False, True):
            listening.log.gate.clear()
            reader, writer = await listening.connect()
            writer.write(request(one()))
            writer.write_eof()
            await asyncio.sleep(0.05)
            listening.log.gate.set()
            assert (await answer(reader))[0] == 200, is_known
            assert await ends(reader) == b""
        reader, writer = await listening.connect()
        writer.write(request(one())[:-5])
        writer.write_eof()
        assert await ends(reader) == b"", "what is not whole is nobody's"
    assert len(listening.log.lines) == 2
