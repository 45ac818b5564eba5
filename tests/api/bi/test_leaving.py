"""What the door does beside the engine: clients that leave, and the packing of answers."""

import asyncio
import threading
import zlib
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import Request, Response

from api.bi import door
from pipeline.store.bi import BiRefused, BiStatement
from pipeline.store.embedded_sessions import Answered
from schemas.definitions import Key


class Reader:
    """One whose statement ends when it has been ended for the second time: the first time it had not begun."""

    version, zone = "1", "UTC"

    def __init__(self, data: bytes = b"") -> None:
        self.data, self.ended, self.over = data, 0, threading.Event()

    def name(self, statement: BiStatement) -> str:
        return statement.project

    def read(self, statement: BiStatement, name: str) -> Answered:
        if self.data:
            return Answered(self.data, 1, statement.form)
        assert self.over.wait(60)
        raise BiRefused(394, "DB::Exception: Query was cancelled. (QUERY_WAS_CANCELLED)")

    def end(self, name: str) -> None:
        self.ended += 1
        if self.ended == 2:
            self.over.set()


async def answer(reader: Reader, *messages: Mapping[str, Any], query: bytes = b"", **headers: str) -> Response:
    """Of a request that sends so much, and then nothing more."""
    left = list(messages)

    async def receive() -> Any:
        return left.pop(0) if left else await asyncio.Event().wait()

    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": "/bi/", "query_string": query, "headers": given}
    runtime: Any = SimpleNamespace(key={"wf_bi_x": Key("tool", "shop", "bi", "h")}.get)
    reads: Any = reader
    return await door.Door(runtime, reads).answer(Request(scope, receive))


def part(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


LEAVES = {"type": "http.disconnect"}


async def test_a_statement_is_ended_again_until_it_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_END_EVERY", 0.01)
    reader = Reader()
    assert (await answer(reader, part(b"SELECT 1"), LEAVES, x_clickhouse_key="wf_bi_x")).status_code == 499
    assert reader.ended == 2


async def test_who_leaves_before_the_statement_is_whole_is_no_fault() -> None:
    reader = Reader()
    assert (await answer(reader, part(b"SELECT", more=True), LEAVES, x_clickhouse_key="wf_bi_x")).status_code == 499
    assert not reader.ended


async def test_answers_are_packed_in_a_thread_of_the_door(monkeypatch: pytest.MonkeyPatch) -> None:
    names, compressobj = [], zlib.compressobj

    def seen(*given: Any, **named: Any) -> Any:
        names.append(threading.current_thread().name)
        return compressobj(*given, **named)

    monkeypatch.setattr(door, "zlib", SimpleNamespace(compressobj=seen))
    asked = {"query": b"enable_http_compression=1", "x_clickhouse_key": "wf_bi_x", "accept_encoding": "gzip"}
    found = await answer(Reader(b"a" * 5000), part(b"SELECT 1"), **asked)
    assert zlib.decompress(bytes(found.body), wbits=31) == b"a" * 5000
    assert [name.rpartition("_")[0] for name in names] == ["wayfare-bi"]
