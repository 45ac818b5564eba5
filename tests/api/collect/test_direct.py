"""Requests that are taken without ASGI: over real connections, held against the same requests through ASGI."""

import asyncio
import contextlib
import gzip
import json
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import httpx
import pytest
import uvicorn

from api.collect.admission import Admission
from api.collect.protocol import protocol_of
from pipeline.errors import LogUnavailable
from schemas.definitions import Key
from tests.api.collect.door import Door, MemoryLog, basic, small_limits, track


class FutureLog(MemoryLog):
    """A log whose appends are under way as the real one's are; `gate` holds them back."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.gate.set()

    def append_all(self, topic: str, lines: Mapping[int, list[bytes]]) -> "asyncio.Future[None]":  # type: ignore[override]
        return asyncio.ensure_future(self._appended(topic, lines))

    async def _appended(self, topic: str, lines: Mapping[int, list[bytes]]) -> None:
        await self.gate.wait()
        for each in lines.items():
            await self.append(topic, *each)


class Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Listening:
    """A collector behind uvicorn with our protocol: its log, and how many requests came through ASGI."""

    def __init__(self, whole_s: float = 40, keep_alive_s: float = 5, beside: Any = None, **given: Any) -> None:
        """`beside` is the app of paths that are none of the collector's."""
        self.log, self._beside = FutureLog(), beside
        self.door = Door(writer=self.log, **given)
        self.through_asgi = 0
        self._writers: list[asyncio.StreamWriter] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            self._app,
            http=protocol_of(self.door.collector.take, whole_s),
            timeout_keep_alive=keep_alive_s,  # type: ignore[arg-type]
            interface="asgi3",
            lifespan="off",
            log_config=None,
            access_log=False,
        )
        self.server = Server(config)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        self.through_asgi += 1
        is_beside = self._beside and not scope["path"].startswith("/v1/")
        await (self._beside if is_beside else self.door.collector)(scope, receive, send)

    def protocol(self) -> asyncio.Protocol:
        """Of a connection to another socket of the server."""
        made: asyncio.Protocol = self.server.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.server.config, server_state=self.server.server_state, app_state={}
        )
        return made

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(*self.socket.getsockname())
        self._writers.append(writer)
        return reader, writer

    async def close(self) -> None:
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        self.server.should_exit = True


@contextlib.asynccontextmanager
async def serving(**given: Any) -> AsyncIterator[Listening]:
    listening = Listening(**given)
    running = asyncio.create_task(listening.server.serve(sockets=[listening.socket]))
    await listening.server.listening.wait()
    try:
        yield listening
    finally:
        await listening.close()
        await running
        listening.socket.close()


def request(body: bytes, *more: str, path: str = "/v1/track", key: str = "web-key") -> bytes:
    own = f"POST {path} HTTP/1.1", "Host: collector", f"Authorization: {basic(key)}", f"Content-Length: {len(body)}"
    head = [*own, *more]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], Any]:
    """Status, headers and body of the next answer."""
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    body = await reader.readexactly(int(headers["content-length"]))
    return int(head[0].split()[1]), headers, json.loads(body)


def one(number: int = 1) -> bytes:
    return json.dumps(track(messageId=f"m-{number}")).encode()


NINE = [track(who=f"d{number}") for number in range(9)]
LONG_WAY = ("body too large", "more events than a chunk", "unknown route", "import")
REQUESTS: dict[str, tuple[str, bytes, dict[str, str]]] = {
    "one event": ("/v1/track", one(), {}),
    "type of the route": ("/v1/page", b'{"userId":"u","name":"Home"}', {}),
    "batch": ("/v1/batch", json.dumps({"batch": NINE[:3], "sentAt": "x"}).encode(), {}),
    "short form": ("/v1/t", one(), {}),
    "bad events in it": ("/v1/batch", json.dumps({"batch": [track(), 1, {"type": "no"}]}).encode(), {}),
    "nothing in it": ("/v1/batch", b'{"batch":[]}', {}),
    "gzip": ("/v1/batch", gzip.compress(json.dumps({"batch": [track(), track()]}).encode()), {}),
    "key in the body": ("/v1/batch", b'{"writeKey":"web-key","batch":[{"type":"page","userId":"u"}]}', {"key": ""}),
    "own user agent": ("/v1/track", one(), {"user-agent": "Firefox"}),
    "from a page": ("/v1/track", one(), {"origin": "https://shop.example"}),
    "unknown key": ("/v1/track", one(), {"authorization": basic("nobody's")}),
    "no key": ("/v1/track", one(), {"key": ""}),
    "no JSON": ("/v1/batch", b'{"batch":[', {"origin": "https://shop.example"}),
    "no object": ("/v1/track", b"[1]", {}),
    "event too large": ("/v1/track", json.dumps(track(pad="x" * 1000)).encode(), {}),
    "body too large": ("/v1/batch", b"x" * 3000, {}),
    "more events than a chunk": ("/v1/batch", json.dumps({"batch": NINE}).encode(), {}),
    "unknown encoding": ("/v1/track", one(), {"content-encoding": "br"}),
    "unknown route": ("/v1/nowhere", one(), {}),
    "import": ("/v1/import", one(), {"content-type": "application/x-ndjson"}),
}  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
async def test_it_is_answered_and_logged_as_through_asgi(name: str) -> None:
    path, body, headers = REQUESTS[name]
    given = {"user-agent": "test", "authorization": basic("web-key"), **headers}
    headers = {name: value for name, value in given.items() if name not in ("key", "key" in given and "authorization")}
    door = Door(limits=small_limits())
    expected = await door.client.post(path, content=body, headers=headers)
    async with serving(limits=small_limits()) as listening, httpx.AsyncClient(base_url=listening.url) as client:
        found = await client.post(path, content=body, headers=headers)
        assert listening.through_asgi == (
            name in ("body too large", "more events than a chunk", "unknown route", "import")
        )
    assert found.status_code == expected.status_code
    assert {**told(found), "date": "", "server": ""} == {**told(expected), "date": "", "server": ""}
    ours, theirs = (sorted(placeless(line) for line in log.raw) for log in (listening.log, door.log))
    assert ours == theirs
    assert listening.door.counters.render() == door.counters.render()


def told(response: httpx.Response) -> dict[str, Any]:
    """Headers and body without what is another's every time."""
    body, headers = response.json(), dict(response.headers)
    if "error" in body:
        assert len(response.content) == int(headers.pop("content-length"))
        assert body["error"].pop("request_id") == headers.pop("x-request-id")
    return {"body": body} | headers


def placeless(line: bytes) -> bytes:
    """A line without the place of the sender, who has another address here."""
    return line.replace(b',"g":["FR","","Paris"]', b"")


async def test_requests_follow_each_other_on_a_connection() -> None:
    async with serving() as listening:
        reader, writer = await listening.connect()
        for number in range(3):
            writer.write(request(one(number)))
            status, headers, _ = await answer(reader)
            assert (status, "connection" in headers) == (200, False)
    assert [bytes(line.e) for line in listening.log.lines] == [one(number) for number in range(3)]
    assert listening.through_asgi == 0


async def test_requests_sent_in_one_go_are_answered_in_their_order() -> None:
    async with serving() as listening:
        reader, writer = await listening.connect()
        bodies = [one(1), b"no JSON", one(2), b"[]", one(3)]
        writer.write(b"".join(request(body) for body in bodies))
        assert [(await answer(reader))[0] for _ in bodies] == [200, 400, 200, 400, 200]
    assert [bytes(line.e) for line in listening.log.lines] == [one(1), one(2), one(3)]


async def test_a_request_that_comes_in_pieces_is_taken_whole() -> None:
    async with serving() as listening:
        reader, writer = await listening.connect()
        whole = request(one())
        for start in range(0, len(whole), 60):
            writer.write(whole[start : start + 60])
            await writer.drain()
            await asyncio.sleep(0.005)
        assert (await answer(reader))[0] == 200
    assert [bytes(line.e) for line in listening.log.lines] == [one()]


async def test_an_offer_of_http_2_is_overlooked_and_the_body_taken() -> None:
    """As Java's HttpClient makes it with each request: the parser would leave the body to that protocol."""
    offer = "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "upgrade: other", "HTTP2-Settings: AAEAAEAA"
    async with serving() as listening:
        reader, writer = await listening.connect()
        for number, cut in enumerate([0, 0, 40, -len(one())]):  # the second time under a head that is known
            whole = request(one(number), *offer)
            for piece in filter(None, (whole[:cut], whole[cut:])):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.005)
            assert (await answer(reader))[0] == 200
    assert [bytes(line.e) for line in listening.log.lines] == [one(number) for number in range(4)]


@pytest.mark.parametrize("pieces", [1, 3])
async def test_a_chunked_body_is_taken(pieces: int) -> None:
    body, size = one(), len(one()) // pieces + 1
    chunks = b"".join(
        b"%x\r\n%b\r\n" % (len(part), part) for part in (body[at : at + size] for at in range(0, len(body), size))
    )
    async with serving() as listening:
        reader, writer = await listening.connect()
        head = request(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        writer.write(head + chunks + b"0\r\n\r\n")
        assert (await answer(reader))[0] == 200
    assert [bytes(line.e) for line in listening.log.lines] == [body]


async def test_a_sender_that_asks_whether_to_go_on_is_told() -> None:
    async with serving() as listening:
        reader, writer = await listening.connect()
        head, _, body = request(one(), "Expect: 100-continue").partition(b"\r\n\r\n")
        writer.write(head + b"\r\n\r\n")
        assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5) == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(body)
        assert (await answer(reader))[0] == 200


@pytest.mark.parametrize("head", ["1.1\r\nConnection: close", "1.0"])
async def test_a_connection_that_is_to_be_closed_is_closed_after_the_answer(head: str) -> None:
    async with serving() as listening:
        reader, writer = await listening.connect()
        writer.write(request(one()).replace(b"1.1", head.encode(), 1))
        status, headers, _ = await answer(reader)
        assert (status, headers["connection"], await reader.read()) == (200, "close", b"")


async def test_200_is_said_only_after_the_log_has_the_lines() -> None:
    async with serving() as listening:
        listening.log.gate.clear()
        reader, writer = await listening.connect()
        writer.write(request(one()))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.05)
        assert listening.door.counters.in_flight == 1
        listening.log.gate.set()
        assert (await answer(reader))[0] == 200
        assert listening.door.counters.in_flight == 0


async def test_a_log_that_fails_is_503_and_the_connection_goes_on() -> None:
    async with serving() as listening:
        reader, writer = await listening.connect()

        def away(partition: int) -> None:
            raise LogUnavailable("away")

        listening.log.fail = away
        writer.write(request(one()))
        status, headers, body = await answer(reader)
        assert (status, headers["retry-after"], body["error"]["code"]) == (503, "2", "log_unavailable")
        listening.log.fail = lambda partition: None
        writer.write(request(one()))
        assert (await answer(reader))[0] == 200


async def test_a_fault_of_ours_is_500_and_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as listening:
        reader, writer = await listening.connect()
        listening.log.fail = lambda partition: 1 // 0  # type: ignore[assignment, return-value]
        writer.write(request(one()))
        status, _, body = await answer(reader)
        assert (status, body["error"]["code"]) == (500, "internal_error")
    assert "ZeroDivisionError" in caplog.text


async def test_a_sender_that_leaves_before_the_answer_harms_nobody() -> None:
    async with serving() as listening:
        listening.log.gate.clear()
        _, writer = await listening.connect()
        writer.write(request(one()))
        await asyncio.sleep(0.05)
        writer.transport.abort()
        await asyncio.sleep(0.05)
        listening.log.gate.set()
        await asyncio.sleep(0.05)
        assert listening.door.counters.in_flight == 0
    assert [bytes(line.e) for line in listening.log.lines] == [one()]


async def test_a_server_that_ends_answers_what_is_under_way() -> None:
    async with serving() as listening:
        listening.log.gate.clear()
        reader, writer = await listening.connect()
        writer.write(request(one()))
        await asyncio.sleep(0.05)
        listening.server.should_exit = True
        await asyncio.sleep(0.2)
        listening.log.gate.set()
        status, headers, _ = await answer(reader)
        assert (status, headers["connection"]) == (200, "close")


async def test_a_collector_that_closes_refuses_and_closes_the_connection() -> None:
    async with serving() as listening:
        await listening.door.collector.close()
        reader, writer = await listening.connect()
        writer.write(request(one()))
        status, _, body = await answer(reader)
        assert (status, body["error"]["code"], await reader.read()) == (503, "shutting_down", b"")


@pytest.mark.parametrize(
    ("forwarded", "place"),
    [(["203.0.113.9"], "Berlin"), (["10.0.0.1", "203.0.113.9"], "Berlin"), (["203.0.113.9, 198.51.100.7"], "Paris")],
)
async def test_a_browser_behind_a_proxy_is_placed_by_the_address_that_the_proxy_tells(
    forwarded: list[str], place: str
) -> None:
    async with serving() as listening:
        reader, writer = await listening.connect()
        writer.write(request(one(), *(f"X-Forwarded-For: {each}" for each in forwarded)))
        assert (await answer(reader))[0] == 200
    assert listening.log.line.g is not None
    assert listening.log.line.g[2] == place
    assert listening.through_asgi == 0


async def test_a_request_that_goes_the_long_way_counts_once_for_its_address() -> None:
    many = json.dumps({"batch": NINE}).encode()
    notes = json.dumps([{"event": "Seen", "properties": {"token": "web-key", "distinct_id": "u"}}] * 9).encode()
    for path, body in (("/v1/batch", many), ("/track", notes)):
        admission = Admission(address_rate=1, now=lambda: 0.0)
        async with serving(limits=small_limits(), admission=admission) as listening:
            reader, writer = await listening.connect()
            statuses = []
            for _ in range(11):
                writer.write(request(body, path=path))
                statuses.append((await answer(reader))[0])
            assert (statuses, listening.through_asgi) == ([200] * 10 + [429], 10), path


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
async def test_a_proxy_is_trusted_whichever_way_its_socket_tells_its_address() -> None:
    async with serving() as listening:
        both = socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        server = await asyncio.get_running_loop().create_server(listening.protocol, sock=both)
        async with server:
            reader, writer = await asyncio.open_connection("127.0.0.1", both.getsockname()[1])
            writer.write(request(one(), "X-Forwarded-For: ::ffff:203.0.113.9"))
            assert (await answer(reader))[0] == 200
            writer.close()
            await writer.wait_closed()
    assert listening.log.line.g is not None
    assert listening.log.line.g[2] == "Berlin"


def named(*, agent: str, number: int) -> bytes:
    """A request of a sender with a user agent of its own."""
    return request(one(number), f"User-Agent: {agent}")


async def test_requests_under_the_same_head_are_each_taken_with_their_own_body_and_length() -> None:
    async with serving() as listening:
        for _ in range(2):
            reader, writer = await listening.connect()
            for number in (1, 2, 10, 300):
                writer.write(named(agent="Mozilla/5.0 A", number=number))
                assert (await answer(reader))[0] == 200
    assert [bytes(line.e) for line in listening.log.lines] == [one(number) for number in (1, 2, 10, 300)] * 2
    assert listening.through_asgi == 0


async def test_under_a_known_head_the_query_is_what_it_was() -> None:
    note = json.dumps({"client_id": "1.2", "events": [{"name": "tap"}]}).encode()
    async with serving() as listening:
        reader, writer = await listening.connect()
        for _ in range(3):
            writer.write(request(note, path="/mp/collect?api_secret=server-key"))
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            assert head.startswith(b"HTTP/1.1 204 ")
        assert listening.through_asgi == 0
    assert {line.s for line in listening.log.lines} == {"backend"}


async def test_a_vendors_note_is_taken_without_asgi() -> None:
    async with serving() as listening:
        keys = {"vendor-key": Key("forms", "shop", "write", "h", source="forms", source_kind="vendor")}
        listening.door.collector._keys = keys.get
        reader, writer = await listening.connect()
        note = b'{"event_type":"response_completed","event_id":"1","object_id":"7"}'
        for number in range(2):
            writer.write(request(note, path="/webhooks/surveymonkey?key=vendor-key", key="vendor-key"))
            assert (await answer(reader))[::2] == (200, {"success": True})
            assert len(listening.log.lines) == number + 1
        writer.write(request(b"{}", path="/webhooks/surveymonkey", key="vendor-key"))
        assert (await answer(reader))[::2] == (200, {"success": True, "rejected": 1})
        writer.write(request(note, path="/webhooks/nobody", key="vendor-key"))
        assert (await answer(reader))[0] == 404
        assert listening.through_asgi == 0


async def test_a_head_that_differs_in_any_byte_is_another() -> None:
    async with serving() as listening:
        reader, writer = await listening.connect()
        for agent in ("Mozilla/5.0 A", "Mozilla/5.0 B", "Mozilla/5.0 A"):
            writer.write(named(agent=agent, number=1))
            assert (await answer(reader))[0] == 200
        writer.write(request(one(), "User-Agent: Mozilla/5.0 A", key="nobody's"))
        assert (await answer(reader))[0] == 401
    assert [line.a[-1] for line in listening.log.lines] == ["A", "B", "A"]


async def test_under_a_known_head_pieces_and_requests_in_a_row_are_taken_as_ever() -> None:
    async with serving() as listening:
        reader, writer = await listening.connect()
        whole = [named(agent="Mozilla/5.0 A", number=number) for number in range(6)]
        for sent in (whole[0], whole[1][:40], whole[1][40:-7], whole[1][-7:] + whole[2], whole[3] + whole[4][:99]):
            writer.write(sent)
            await writer.drain()
            await asyncio.sleep(0.01)
        writer.write(whole[4][99:] + whole[5])
        assert [(await answer(reader))[0] for _ in whole] == [200] * 6
    assert [bytes(line.e) for line in listening.log.lines] == [one(number) for number in range(6)]


async def test_under_a_known_head_a_request_that_comes_before_the_last_is_answered_waits_for_it() -> None:
    async with serving() as listening:
        reader, writer = await listening.connect()
        writer.write(named(agent="Mozilla/5.0 A", number=0))
        await answer(reader)
        listening.log.gate.clear()
        for number in (1, 2):
            writer.write(named(agent="Mozilla/5.0 A", number=number))
            await asyncio.sleep(0.02)
        assert len(listening.log.lines) == 1
        listening.log.gate.set()
        assert [(await answer(reader))[0] for _ in range(2)] == [200, 200]
    assert [bytes(line.e) for line in listening.log.lines] == [one(number) for number in range(3)]


async def test_a_quiet_connection_is_closed_in_time_however_many_requests_it_had() -> None:
    async with serving() as listening:
        listening.server.config.timeout_keep_alive = 0.2  # type: ignore[assignment] # a whole second is long here
        reader, writer = await listening.connect()
        loop = asyncio.get_running_loop()
        for number in range(8):
            writer.write(named(agent="Mozilla/5.0 A", number=number))
            assert (await answer(reader))[0] == 200
            await asyncio.sleep(0.05)  # longer in all than a quiet connection may stay
        answered = loop.time()
        assert await asyncio.wait_for(reader.read(), 5) == b""
        assert loop.time() - answered < 2


async def test_a_request_that_takes_longer_than_a_quiet_connection_stays_is_answered() -> None:
    async with serving() as listening:
        listening.server.config.timeout_keep_alive = 0.1  # type: ignore[assignment]
        reader, writer = await listening.connect()
        writer.write(named(agent="Mozilla/5.0 A", number=1))
        await answer(reader)
        listening.log.gate.clear()
        writer.write(named(agent="Mozilla/5.0 A", number=2))
        await asyncio.sleep(0.3)
        listening.log.gate.set()
        assert (await answer(reader))[0] == 200
        assert await asyncio.wait_for(reader.read(), 5) == b""


@pytest.mark.parametrize("flood", [b"X-Flood: 0123456789\r\n", b"X-Flood: ", b"a"])
async def test_a_head_without_an_end_is_refused_before_it_takes_room(flood: bytes) -> None:
    async with serving() as at:
        reader, writer = await at.connect()
        writer.write(b"POST /v1/track HTTP/1.1\r\nHost: a\r\n")
        with contextlib.suppress(ConnectionError):  # it hangs up meanwhile
            for _ in range(200):
                writer.write(flood * (10_000 // len(flood)))
                await writer.drain()
        async with asyncio.timeout(10):
            assert (await reader.readline()).startswith(b"HTTP/1.1 431 ")
