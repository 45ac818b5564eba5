"""Where a command's requests go: to the `wayfare up` that holds the data folder, else to the same app in this process.

Everything that a command does is an HTTP route, so both ways do the same.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx

from pipeline.errors import Fault, InUse, UserMistake
from pipeline.lock import holder_of
from pipeline.settings import Settings

if TYPE_CHECKING:
    from agents.embedded import EmbeddedAgents

PATIENCE_SECONDS = 60.0


class Connection:
    """Requests with the local token's rights. `is_own`: the app runs in this process, and ends with the command."""

    def __init__(
        self, client: httpx.AsyncClient, project: str, agents: "EmbeddedAgents | None", *, is_own: bool
    ) -> None:
        self._client, self.project, self.agents, self.is_own = client, project, agents, is_own

    @property
    def base(self) -> str:
        """Path of the project's questions and definitions."""
        return f"/api/v1/projects/{self.project}"

    @property
    def admin(self) -> str:
        return f"/api/v1/admin/projects/{self.project}"

    async def get(self, path: str, **query: Any) -> Any:
        return await self._answer(
            "GET", path, params={name: value for name, value in query.items() if value is not None}
        )

    async def post(self, path: str, body: Any = None, *, patience: float | None = PATIENCE_SECONDS) -> Any:
        """`patience`: seconds to wait for the answer; None = as long as it takes."""
        return await self._answer("POST", path, json={} if body is None else body, timeout=patience)

    async def file(self, path: str, body: Any, media: str, **query: str) -> bytes:
        """What a POST is answered with as such a type."""
        try:
            answer = await self._client.post(path, json=body, params=query, headers={"Accept": media})
        except httpx.HTTPError as error:
            raise Fault(f"no answer from {self._client.base_url}: {error or type(error).__name__}") from error
        if answer.is_success:
            return answer.content
        raise _refusal(answer)

    async def put(self, path: str, body: Any) -> Any:
        return await self._answer("PUT", path, json=body)

    async def delete(self, path: str) -> Any:
        return await self._answer("DELETE", path)

    async def send(self, lines: bytes) -> Any:
        """Newline-delimited events to the collector, as a trusted import into the project."""
        headers = {"Content-Type": "application/x-ndjson", "X-Wayfare-Project": self.project}
        return await self._answer("POST", "/v1/import", content=lines, headers=headers)

    async def caught_up(self, tell: Callable[[dict[str, int]], None] = lambda lag: None) -> dict[str, Any]:
        """Waits until the agents have done everything that lies in the logs now, whatever comes meanwhile.

        `tell` hears what waits, by topic. Returns the last progress. Raises Fault where nothing moves for a minute.
        """
        moved, before, called_at = time.monotonic(), None, None
        while True:
            progress: dict[str, Any] = await self.get("/api/v1/admin/progress")
            called_at = called_at or progress["now"]
            if progress["drained"] or (progress["data_until"] or 0) > called_at:
                return progress
            if self.agents is not None:
                self.agents.check()
            tell(progress["lag"])
            if (progress["lag"], progress["data_until"]) != before:
                moved, before = time.monotonic(), (progress["lag"], progress["data_until"])
            elif time.monotonic() - moved > PATIENCE_SECONDS:
                raise Fault(f"the agents do not move: {progress['lag']} records wait. Does a worker run?")
            await asyncio.sleep(0.1)

    async def _answer(self, method: str, path: str, **more: Any) -> Any:
        try:
            answer = await self._client.request(method, path, **more)
        except httpx.HTTPError as error:
            raise Fault(f"no answer from {self._client.base_url}: {error or type(error).__name__}") from error
        if answer.is_success:
            return answer.json() if answer.content else None
        raise _refusal(answer)


@asynccontextmanager
async def connected(
    settings: Settings, command: str, *, project: str = "", agents: bool = False
) -> AsyncIterator[Connection]:
    """A connection for one command.

    `agents`: where the data is embedded and nobody holds it, run the agents too. Raises InUse where another process
    holds the data and does not listen.
    """
    holder = await asyncio.to_thread(holder_of, settings.folders)
    if holder is not None and not holder.url:
        raise InUse(f"the data is held by `wayfare {holder.command}`, process {holder.pid}: wait until it has ended")
    if holder is not None:
        headers = {"Authorization": f"Bearer {holder.token}"}
        async with httpx.AsyncClient(base_url=holder.url, headers=headers, timeout=PATIENCE_SECONDS) as client:
            yield Connection(client, project or holder.project or settings.project, None, is_own=False)
        return
    from api.app import create  # beside a running one a command needs no app, which is most of what it imports
    from api.runtime import Opened

    async with AsyncExitStack() as stack:
        opened = await asyncio.to_thread(Opened, settings, command)
        stack.push_async_callback(asyncio.to_thread, opened.close)
        app = await stack.enter_async_context(create(opened.runtime).running())
        running = None
        if agents and settings.embedded:
            from agents.embedded import EmbeddedAgents

            running = EmbeddedAgents(settings, opened.log, opened.store)
            await asyncio.to_thread(running.start)
            stack.push_async_callback(asyncio.to_thread, running.stop)
        client = await stack.enter_async_context(
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app, raise_app_exceptions=False),
                base_url="http://wayfare.internal",
                headers={"Authorization": f"Bearer {opened.runtime.local_token}"},
                timeout=None,
            )
        )
        yield Connection(client, project or settings.project, running, is_own=True)


def _refusal(answer: httpx.Response) -> Exception:
    """The exception that the server's error stands for."""
    try:
        error = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        return Fault(f"{answer.request.method} {answer.request.url.path} answered {answer.status_code}")
    message, field, code = str(error["message"]), str(error.get("field", "")), str(error["code"])
    if answer.status_code >= 500:
        return Fault(message, field=field, code=code)
    mistake = UserMistake(message, field=field, code=code)
    mistake.others = tuple((str(one["field"]), str(one["message"])) for one in error.get("others", ()))
    return mistake
