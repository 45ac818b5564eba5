"""The routes: `/bi/` and, for tools that cannot be told a path, POST to `/`; `/bi/ping`, `/ping`.

A `bi` key opens one project and nothing else; it is asked for on this machine too. Errors are told as ClickHouse tells
them, because its clients read them: the number in X-ClickHouse-Exception-Code, the words in the body.
"""

import asyncio
import logging
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple, cast

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from api.bi import asked as asking
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
AT_ONCE: Final = 4  # statements; others wait
WAIT_SECONDS: Final = 30.0
_END_EVERY: Final = 0.5  # seconds, until the statement has ended


class Told(NamedTuple):
    """An answer's body."""

    data: bytes
    is_packed: bool  # with gzip


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
            return self._refused(refused)
        except StoreUnavailable as error:
            return self._refused(BiRefused(202, f"DB::Exception: {error.message}. (TOO_MANY_SIMULTANEOUS_QUERIES)"))
        return Response(status_code=_GONE) if told is None else self._answer(statement, told)

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
            self._threads, self._told, statement, name, _takes_gzip(request)
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

    def _told(self, statement: BiStatement, name: str, packs: bool) -> Told:
        """In a thread, packing too: that takes seconds where an answer is long."""
        data = self._reader.read(statement, name)
        if not packs or len(data) < _LEAST_TO_PACK:
            return Told(data, False)
        packer = zlib.compressobj(1, wbits=31)
        return Told(packer.compress(data) + packer.flush(), True)

    def _answer(self, statement: BiStatement, told: Told) -> Response:
        headers = self._headers() | {"X-ClickHouse-Format": statement.form}
        if told.is_packed:
            headers["Content-Encoding"] = "gzip"
        return Response(told.data, headers=headers, media_type=_TYPES.get(statement.form, "application/octet-stream"))

    def _refused(self, refused: BiRefused) -> Response:
        told = f"Code: {refused.number}. {refused.message} (version {self._reader.version} (official build))\n"
        headers = self._headers() | {"X-ClickHouse-Exception-Code": str(refused.number)}
        return Response(told, _STATUS.get(refused.number, 400), headers, media_type="text/plain")

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


def _takes_gzip(request: Request) -> bool:
    takes = "gzip" in request.headers.get("accept-encoding", "")
    return takes and request.query_params.get("enable_http_compression") == "1"


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
