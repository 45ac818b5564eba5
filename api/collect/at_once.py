"""Requests that are there whole, taken without ASGI (see api.collect.protocol); and what every request needs: its
events as lines of now, and its answer, counted.

    whose key -> events, each a line or a reject -> one append of all partitions -> the answer, when the log has them
"""

import asyncio
import logging
from collections.abc import Callable, MutableMapping
from typing import Any

from api.collect import answers
from api.collect.admission import Admission
from api.collect.answers import Answer, Refused, origin_headers, refusal, taken
from api.collect.bodies import Held, unpacked
from api.collect.clock import wall_clock
from api.collect.counters import Counters
from api.collect.deadline import ReadDeadline
from api.collect.limits import Limits
from api.collect.lines import EventLines, Places
from api.collect.requests import Request, batch_of, is_ndjson, lines_of, single_of
from api.collect.routes import BATCH, ROUTES
from api.collect.routing import TYPES
from api.collect.senders import IMPORT, Keys, Sender, key_in_headers, sender_in_body, sender_in_headers
from api.collect.visitors import Visitor
from api.links import door as links
from api.links.token import Signers
from api.protocols import door as trackers
from api.protocols.protocol import Protocol
from api.webhooks import door
from pipeline.errors import LogFull, LogUnavailable, UserMistake
from pipeline.log.port import LogWriter, Topic
from schemas.log import EVENTS

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Answers = Callable[[BaseException | None], Answer]  # by what the log said


class AtOnce:
    """Takes what needs no pause until the log is asked."""

    def __init__(
        self,
        *,
        keys: Keys,
        has_project: Callable[[str], bool],
        writer: LogWriter,
        topic: Callable[[], Topic],
        places: Places = lambda address: None,
        limits: Limits | None = None,
        counters: Counters | None = None,
        now: Callable[[], int] = wall_clock,
        fetch: door.Fetch | None = None,
        mappings: door.Mappings = lambda project, name: None,
        admission: Admission | None = None,
        signers: Signers = lambda name: None,
    ) -> None:
        """`keys` and `has_project` ask the snapshot of now.

        `topic` gives the topic `events` as it is now, is asked for every request, and may raise LogUnavailable. `fetch`
        gets what vendors' signatures are checked with.
        """
        self._keys, self._has_project = keys, has_project
        self._writer, self._topic = writer, topic
        self._places, self._now = places, now
        self._webhooks, self._mappings = door.Reader(fetch), mappings
        self._admission = admission or Admission()
        self._trackers = trackers.Reader(keys, self._admission.salt)
        self._limits = limits or Limits()
        self._deadline, self._held = ReadDeadline(self._limits.read_s), Held(self._limits.held)
        self.counters = counters or Counters()
        self._links = links.LinkDoor(signers, self._admission, writer, self._lines_of, self.counters)
        self._closing = False
        self._idle = asyncio.Event()
        self._idle.set()

    def take(self, scope: Scope, peer: str, body: bytes, tell: Callable[[Answer], None]) -> bool:
        """A request of one event or batch that is there whole, `body` as sent; `peer` is the sender's address or "".

        `tell` is called once, with the answer: at once, or when the log has the events. False where the request has to
        go the long way; nothing has happened then.
        """
        kind = ROUTES.get(scope["path"])
        limit = self._limits.body
        if self._closing or len(body) > limit:
            return False
        if kind is None and scope["path"].startswith(door.PREFIX):
            return scope["method"] == "POST" and self._take_webhook(scope, peer, body, tell)
        if kind is None:
            protocols = () if links.is_asked(scope) else trackers.asked_of(scope["path"])
            is_one = bool(protocols) and scope["method"] != "OPTIONS"
            return is_one and self._take_tracker(protocols, scope, peer, body, tell)
        if kind == IMPORT or scope["method"] != "POST":
            return False
        headers: dict[bytes, bytes] = dict(scope["headers"])
        read = 0
        try:
            self._admission.request(peer)
            sender = sender_in_headers(kind, headers, self._keys, self._has_project)
            read = len(body)
            request = self._request(kind, unpacked(body, headers, limit), headers)
            if sender is None:
                sender = sender_in_body(request.write_key, self._keys)
            if len(request.events) > self._limits.chunk:
                self._admission.asks_again(peer)
                return False
            self._admission.events(sender, len(request.events))
            lines = self._lines(request, 0, kind, sender, headers, peer)
            appended = self._writer.append_all(EVENTS, lines.by_partition)
        except (UserMistake, LogFull, LogUnavailable) as error:
            self.counters.body_bytes += read
            tell(self._told(self._refused(error), headers))
            return True
        answer: Answers = lambda error: self._failed(error) if error else taken(self._count(sender, lines))  # noqa: E731
        return self._answer_later(appended, read, answer, headers, tell)

    def _take_tracker(
        self, protocols: tuple[Protocol, ...], scope: Scope, peer: str, body: bytes, tell: Callable[[Answer], None]
    ) -> bool:
        """`take` for a request of another tracker's client, with the notes of one key."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        protocol, read = protocols[0], 0
        try:
            self._admission.request(peer)
            whole = unpacked(body, headers, self._trackers.limit(headers, self._limits))
            asked = trackers.asked_by(scope, whole, headers, self._now(), peer)
            protocol = trackers.claimed(protocols, asked)
            found = self._trackers.read(protocol, asked)
            if isinstance(found, Answer) or len(found.told) != 1 or not 0 < found.size <= self._limits.chunk:
                self._admission.asks_again(peer)
                return False
            read = len(body)
            self._admission.all_events(found.notes)
            ((sender, lines),) = self._trackers.chunks(found, self._limits.chunk, self._new_lines)
            appended = self._writer.append_all(EVENTS, lines.by_partition)
        except (UserMistake, LogFull, LogUnavailable) as error:
            self.counters.body_bytes += read
            tell(self._told(trackers.dressed(protocol, self._refused(error)), headers))
            return True

        def answer(error: BaseException | None) -> Answer:
            if error is not None:
                return trackers.dressed(protocol, self._failed(error))
            return found.answer(lines.accepted, self._count(sender, lines))

        return self._answer_later(appended, read, answer, headers, tell)

    def _take_webhook(self, scope: Scope, peer: str, body: bytes, tell: Callable[[Answer], None]) -> bool:
        """`take` for a vendor's note for which nothing has to be fetched."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        read = 0
        try:
            self._admission.request(peer)
            vendor = door.asked_of(scope, headers, self._keys, self._mappings)
            source = door.source_of(scope, {} if vendor.is_key_in_address else headers, self._keys)
            read = len(body)
            whole = unpacked(body, headers, self._limits.import_body)
            mapped = self._webhooks.read_at_once(vendor, source, scope, headers, whole, self._now())
            if mapped is None or not 0 < len(mapped.events) + len(mapped.unmapped) <= self._limits.chunk:
                self._admission.asks_again(peer)
                return False
            lines = self._new_lines(source.sender, "", headers, "")
            door.add(mapped, lines)
            self._admission.events(source.sender, lines.size)
            appended = self._writer.append_all(EVENTS, lines.by_partition)
        except (UserMistake, LogFull, LogUnavailable) as error:
            self.counters.body_bytes += read
            tell(self._told(self._refused(error), headers))
            return True

        def answer(error: BaseException | None) -> Answer:
            if error is not None:
                return self._failed(error)
            told = taken(self._count(source.sender, lines))
            try:
                return door.answer_of(vendor, told)
            except Refused as unknown:
                return self._refused(unknown)

        return self._answer_later(appended, read, answer, headers, tell)

    def _answer_later(
        self, appended: "asyncio.Future[None]", read: int, answer: Answers, headers: dict[bytes, bytes],
        tell: Callable[[Answer], None],
    ) -> bool:  # fmt: skip
        """Answers when the log has taken, or not, what a body of so many bytes held. True, as `take` says it."""
        self.counters.body_bytes += read
        self._enter()

        def done(appended: "asyncio.Future[None]") -> None:
            found = answer(appended.exception())
            self._leave()
            tell(self._told(found, headers))

        appended.add_done_callback(done)
        return True

    def _enter(self) -> None:
        self.counters.in_flight += 1
        self._idle.clear()

    def _leave(self) -> None:
        self.counters.in_flight -= 1
        if not self.counters.in_flight:
            self._idle.set()

    def _told(self, answer: Answer, headers: dict[bytes, bytes]) -> Answer:
        """The answer, counted, with what lets the page that sent the request read it."""
        self.counters.answers[answer.status] += 1
        return Answer(answer.status, answer.headers + origin_headers(headers, answer), answer.body)

    def _failed(self, error: BaseException) -> Answer:
        """What a request is answered whose events the log did not take."""
        if isinstance(error, UserMistake | LogFull | LogUnavailable):
            return self._refused(error)
        log.error("an append failed: %r", error, exc_info=error)
        return refusal(500, "internal_error", "the events were not taken, for a fault of ours; send them again")

    def _refused(self, error: UserMistake | LogFull | LogUnavailable) -> Answer:
        answer, code = answers.refused(error)
        self.counters.refusals[answer.status, code] += 1
        return answer

    def _request(self, kind: str, body: bytes, headers: dict[bytes, bytes]) -> Request:
        if kind == IMPORT and is_ndjson(headers):
            return lines_of(body)
        if kind in (BATCH, IMPORT):
            return batch_of(body, headers, key_in_headers(headers))
        request = single_of(body, headers)
        size = len(request.events[0])
        if size > self._limits.event:
            told = f"the event has {size} bytes; at most {self._limits.event} are taken"
            raise Refused(413, "event_too_large", told)
        return request

    def _lines(
        self, request: Request, start: int, kind: str, sender: Sender, headers: dict[bytes, bytes], peer: str
    ) -> EventLines:
        """A chunk of the events as lines of now. Raises LogUnavailable where the topic has not been seen yet."""
        lines = self._new_lines(sender, request.sent_at, headers, peer)
        chunk = slice(start, start + self._limits.chunk)
        if kind in TYPES:
            lines.add_single(request.events[0], request.decoded[0], kind)
        elif request.decoded:
            signs = request.has_signs, request.has_secrets, request.has_names
            lines.add_plain(request.events[chunk], request.decoded[chunk], *signs)
        else:
            for text in request.events[chunk]:
                lines.add_text(text)
        return lines

    def _new_lines(self, sender: Sender, sent_at: str, headers: dict[bytes, bytes], peer: str) -> EventLines:
        return self._lines_of(sender, self._admission.visitor(sender, headers, peer, self._now()), sent_at)

    def _lines_of(self, sender: Sender, visitor: Visitor, sent_at: str = "") -> EventLines:
        return EventLines(
            sender, sent_at=sent_at, partitions=self._topic().partitions, event_limit=self._limits.event,
            places=self._places, visitor=visitor,
        )  # fmt: skip

    def _count(self, sender: Sender, lines: EventLines) -> int:
        """Counts what the log has taken; how many of them as rejects."""
        return self.counters.took(sender.project, sender.source, lines.accepted, lines.rejected)
