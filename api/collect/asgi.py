"""The collector: Segment's HTTP API as a bare ASGI app, because a framework costs more than the work itself.

    read (bounded, in time) -> whose key -> events, each a line or a reject -> one append of all partitions -> 200

200 is said only once the log has every line of the request; where one partition fails the whole request is answered
503, and what its other partitions took is recognised by message id when it comes again. A request that is there whole
may be taken without ASGI, see api.collect.at_once and api.collect.protocol; all others come through `__call__`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from api.collect import answers
from api.collect.answers import Answer, Refused, preflight, taken
from api.collect.at_once import AtOnce, Scope
from api.collect.bodies import SenderLeft, read_body, unpacked
from api.collect.client_settings import settings_of
from api.collect.routes import KINDS, ROUTES
from api.collect.senders import IMPORT, peer_of, sender_in_body, sender_in_headers
from api.links import door as links
from api.protocols import door as trackers
from api.protocols.protocol import Protocol
from api.webhooks import door
from pipeline.errors import LogFull, LogUnavailable, UserMistake
from schemas.log import EVENTS

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Collector(AtOnce):
    """Takes events on /v1/... and answers once the log has them."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: http only; the app around it has the lifespan and calls `close`."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        self._enter()
        try:
            try:
                answer = await self._taken(scope, headers, receive)
            except (UserMistake, LogFull, LogUnavailable) as error:
                answer = self._refused(error)
            answer = self._told(answer, headers)
            await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
            await send({"type": "http.response.body", "body": answer.body})
        except SenderLeft:
            self.counters.cut += 1
        finally:
            self._leave()

    async def close(self, within_s: float = 10.0) -> None:
        """Refuses what comes from now on and waits for what is under way. Close the writer after it."""
        self._closing = True
        try:
            async with asyncio.timeout(within_s):
                await self._idle.wait()
        except TimeoutError:
            return  # their senders get no answer and will send again
        finally:
            self._deadline.close()

    async def _taken(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> Answer:
        if scope["path"].startswith(door.PREFIX):
            return await self._webhook(scope, headers, receive)
        kind = ROUTES.get(scope["path"])
        if scope["method"] == "OPTIONS":
            return preflight(headers)
        if links.is_asked(scope):
            return await self._links.answer(scope, headers, peer_of(scope), self._now())
        if kind is None and (protocols := trackers.asked_of(scope["path"])):
            return await self._tracker(protocols, scope, headers, receive)
        if scope["method"] == "GET" and (settings := settings_of(scope, headers, self._keys)):
            return settings
        if kind is None:
            raise Refused(
                404, "not_found", f"there is no such route; events are sent to /v1/ and one of {', '.join(KINDS)}"
            )
        self._must_post(scope)
        peer = peer_of(scope)
        self._admission.request(peer)
        sender = sender_in_headers(kind, headers, self._keys, self._has_project)
        limit = self._limits.import_body if sender is not None and sender.kind == IMPORT else self._limits.body
        body = await self._body(receive, headers, limit)
        request = self._request(kind, body, headers)
        if sender is None:
            sender = sender_in_body(request.write_key, self._keys)
        if sender.kind != IMPORT:
            answers.must_be_few(len(request.events), self._limits.events)
        self._admission.events(sender, len(request.events))
        rejected = 0
        for start in range(0, len(request.events), self._limits.chunk):
            # Stamped and appended without a pause in between: no clock record of this process, which has the time of a
            # later moment, comes before an event that was received earlier.
            lines = self._lines(request, start, kind, sender, headers, peer)
            await self._writer.append_all(EVENTS, lines.by_partition)
            rejected += self._count(sender, lines)
        return taken(rejected)

    async def _tracker(
        self, protocols: tuple[Protocol, ...], scope: Scope, headers: dict[bytes, bytes], receive: Receive
    ) -> Answer:
        """A request of another tracker's client; also an error is answered as that client knows it."""
        protocol, peer = protocols[0], peer_of(scope)
        try:
            if self._closing:
                raise answers.stopping()
            self._admission.request(peer)
            body = await self._body(receive, headers, self._trackers.limit(headers, self._limits))
            asked = trackers.asked_by(scope, body, headers, self._now(), peer)
            protocol = trackers.claimed(protocols, asked)
            found = self._trackers.read(protocol, asked)
            if isinstance(found, Answer):
                return found
            answers.must_be_few(found.size, self._limits.events)
            self._admission.all_events(found.notes)
            accepted = rejected = 0
            for sender, lines in self._trackers.chunks(found, self._limits.chunk, self._new_lines):
                await self._writer.append_all(EVENTS, lines.by_partition)
                accepted += lines.accepted
                rejected += self._count(sender, lines)
            return found.answer(accepted, rejected)
        except (UserMistake, LogFull, LogUnavailable) as error:
            return trackers.dressed(protocol, self._refused(error))

    async def _webhook(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> Answer:
        vendor = door.asked_of(scope, headers, self._keys, self._mappings)
        if scope["method"] == "OPTIONS":
            return door.may_send(headers, preflight(headers))
        if challenge := door.challenge_of(vendor, scope, self._keys):
            return challenge
        self._must_post(scope, also="GET" if vendor.is_by_get else "")
        self._admission.request(peer_of(scope))
        source = door.source_of(scope, {} if vendor.is_key_in_address else headers, self._keys)
        body = await self._body(receive, headers, self._limits.import_body)
        mapped = await self._webhooks.read(vendor, source, scope, headers, body, self._now())
        lines = self._new_lines(source.sender, "", headers, "")
        door.add(mapped, lines)
        self._admission.events(source.sender, lines.size)
        await self._writer.append_all(EVENTS, lines.by_partition)
        return door.answer_of(vendor, taken(self._count(source.sender, lines)))

    def _must_post(self, scope: Scope, also: str = "") -> None:
        if scope["method"] not in ("POST", also):
            raise Refused(405, "method_not_allowed", "send events with POST", headers=((b"allow", b"POST, OPTIONS"),))
        if self._closing:
            raise answers.stopping()

    async def _body(self, receive: Receive, headers: dict[bytes, bytes], limit: int) -> bytes:
        deadline, task = self._deadline, asyncio.current_task()
        assert task is not None
        deadline.begin(task)
        try:
            body = await read_body(receive, headers, limit, self._held)
        except asyncio.CancelledError:
            if not deadline.has_cut(task):
                raise
            raise answers.too_slow(deadline.seconds) from None
        finally:
            deadline.end(task)
        self.counters.body_bytes += len(body)
        return unpacked(body, headers, limit)
