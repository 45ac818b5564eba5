"""Senders that take their time over a request, or never begin one: each holds a connection."""

import asyncio
from typing import Any

import pytest

from tests.api.collect.test_direct import Listening, answer, one, request, serving

SOON_S = 0.3


async def ends(reader: asyncio.StreamReader) -> bytes:
    """All that still comes until the connection is closed."""
    return await asyncio.wait_for(reader.read(), 10 * SOON_S)


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
