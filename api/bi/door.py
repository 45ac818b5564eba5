"""The routes: `/bi/` and, for tools that cannot be told a path, POST to `/`; `/bi/ping`, `/ping`.

A `bi` key opens one project and nothing else; it is asked for on this machine too. Errors are told as ClickHouse tells
them, because its clients read them: the number in X-ClickHouse-Exception-Code, the words in the body.
"""

import asyncio
import logging
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Literal, NamedTuple, cast

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from api.bi import asked as asking
from api.bi import blocks
from api.runtime import Runtime
from pipeline.errors import StoreUnavailable
from pipeline.store.bi import BiLimits, BiReader, BiRefused, BiStatement
from pipeline.store.embedded import EmbeddedStore
from schemas.definitions import Key

log = logging.getLogger(__name__)

_STATUS: Final = {516: 403, 497: 403, 164: 403, 60: 404, 81: 404, 46: 404, 159: 408, 202: 503, 241: 500}
_TYPES: Final = {"JSON": "application/json", "CSV": "text/csv; charset=UTF-8"}
_LEAST_TO_PACK: Final = 1_000
_GONE: Final = 499  # nobody reads it
Packing = Literal["", "gzip", "blocks"]
AT_ONCE: Final = 4  # statements; others wait
WAIT_SECONDS: Final = 30.0
_END_EVERY: Final = 0.5  # seconds, until the statement has ended


class Told(NamedTuple):
    """An answer's body, and how it is packed where HTTP's own header tells it."""

    data: bytes
    rows: int
    form: str
    encoding: Literal["", "gzip"] = ""


def router(runtime: Runtime) -> APIRouter:
    """Over the store of this process, which is embedded."""
    routes, settings = APIRouter(include_in_schema=False), runtime.settings
    limits = BiLimits(settings.query_seconds, settings.query_memory_bytes, settings.bi_rows, settings.bi_bytes)
    door = Door(runtime, BiReader(cast(EmbeddedStore, runtime.store), limits))
    for path in ("/bi", "/bi/"):
        routes.add_api_route(path, door.answer, methods=["GET", "POST"])
    routes.add_api_route("/", door.answer, methods=["POST"])
    for path in ("/bi/ping", "/ping"):
        routes.add_api_route(path, ping, methods=["GET", "HEAD"])
    return routes


async def ping() -> Response:
    return Response("Ok.\n", media_type="text/plain")


class Door:
    def __init__(self, runtime: Runtime, reader: BiReader) -> None:
        self._runtime, self._reader = runtime, reader
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._threads = ThreadPoolExecutor(AT_ONCE, "wayfare-bi")  # of its own: it may hold up nobody else

    async def answer(self, request: Request) -> Response:
        packing = _packing(request)
        try:
            asked = dict(request.query_params)
            key = self._key(asking.secret(request.headers, asked))
            if request.method == "GET" and not asked.get("query"):
                return await ping()
            statement = asking.statement(key.project, request.headers, asked, await _body(request))
            told = await self._in_turn(request, statement)
        except ClientDisconnect:
            return Response(status_code=_GONE)
        except BiRefused as refused:
            return self._refused(refused, packing)
        except StoreUnavailable as error:
            busy = BiRefused(202, f"DB::Exception: {error.message}. (TOO_MANY_SIMULTANEOUS_QUERIES)")
            return self._refused(busy, packing)
        return Response(status_code=_GONE) if told is None else self._answer(told)

    def _key(self, secret: str) -> Key:
        key = self._runtime.key(secret) if secret else None
        if key is None or key.kind != "bi" or not key.project:
            told = "a `bi` key is needed as the password: `wayfare key create NAME --kind bi`"
            raise BiRefused(516, f"DB::Exception: Authentication failed: {told}. (AUTHENTICATION_FAILED)")
        return key

    async def _in_turn(self, request: Request, statement: BiStatement) -> Told | None:
        try:
            await asyncio.wait_for(self._slots.acquire(), WAIT_SECONDS)
        except TimeoutError as error:
            raise StoreUnavailable(f"{AT_ONCE} statements of BI tools run already: try again") from error
        try:
            return await self._read(request, statement)
        finally:
            self._slots.release()

    async def _read(self, request: Request, statement: BiStatement) -> Told | None:
        """None where the client has gone; then the statement is ended, too."""
        name = self._reader.name(statement)
        running = asyncio.get_running_loop().run_in_executor(
            self._threads, self._told, statement, name, _packing(request)
        )
        reading = asyncio.ensure_future(running)
        leaving = asyncio.create_task(_left(request))
        try:
            await asyncio.wait((reading, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                while not reading.done():  # it may not have begun when it is ended for the first time
                    await asyncio.to_thread(self._reader.end, name)
                    await asyncio.wait((reading,), timeout=_END_EVERY)
                if (error := reading.exception()) is not None:
                    log.info("a statement of a BI tool ended, as its client had gone: %s", type(error).__name__)
                return None
            return await reading
        finally:
            leaving.cancel()

    def _told(self, statement: BiStatement, name: str, packing: Packing) -> Told:
        """In a thread, packing too: that takes seconds where an answer is long."""
        data, rows, form = self._reader.read(statement, name)
        if packing == "blocks":
            return Told(blocks.framed(data), rows, form)
        if packing == "" or len(data) < _LEAST_TO_PACK:
            return Told(data, rows, form)
        packer = zlib.compressobj(1, wbits=31)
        return Told(packer.compress(data) + packer.flush(), rows, form, "gzip")

    def _answer(self, told: Told) -> Response:
        # The JDBC client believes an answer empty without it. What was read below the views is not told: it would tell
        # the sizes of other projects.
        summary = msgspec.json.encode({"result_rows": str(told.rows)}).decode()
        headers = self._headers() | {"X-ClickHouse-Format": told.form, "X-ClickHouse-Summary": summary}
        if told.encoding:
            headers["Content-Encoding"] = told.encoding
        return Response(told.data, headers=headers, media_type=_TYPES.get(told.form, "application/octet-stream"))

    def _refused(self, refused: BiRefused, packing: Packing) -> Response:
        told = f"Code: {refused.number}. {refused.message} (version {self._reader.version} (official build))\n"
        headers = self._headers() | {"X-ClickHouse-Exception-Code": str(refused.number)}
        body = blocks.framed_as_it_is(told.encode()) if packing == "blocks" else told.encode()
        return Response(body, _STATUS.get(refused.number, 400), headers, media_type="text/plain; charset=utf-8")

    def _headers(self) -> dict[str, str]:
        return {"X-ClickHouse-Server-Display-Name": "wayfare", "X-ClickHouse-Timezone": self._reader.zone}


async def _body(request: Request) -> bytes:
    """Raises BiRefused where it is longer than a statement may be."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > asking.LONGEST:
            raise BiRefused(62, f"DB::Exception: A statement has 1 to {asking.LONGEST} bytes. (SYNTAX_ERROR)")
    return bytes(body)


def _packing(request: Request) -> Packing:
    if request.query_params.get("compress") == "1":
        return "blocks"
    takes = "gzip" in request.headers.get("accept-encoding", "")
    return "gzip" if takes and request.query_params.get("enable_http_compression") == "1" else ""


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
