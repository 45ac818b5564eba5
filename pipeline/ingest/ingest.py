"""Lines of the log `events` to rows: the fast reader of whole records and the careful one of single lines.

The fast reader decodes a record in one pass and runs the steps. Whatever it cannot settle (a line that the typed
decoder refuses, one without a message id, a rejection and its payload) goes to the careful reader, line by line, so a
bad line never hurts its neighbours. Both give the same: tests/ingest holds them against each other.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Raw

from pipeline.ingest.incoming import UNDECODABLE, Incoming, Received, lenient
from pipeline.ingest.properties import Reject
from pipeline.ingest.rules import Rules, rules_of
from pipeline.ingest.steps import accepted
from pipeline.ingest.who import content_hash, message_hash, message_text
from schemas.definitions import Project
from schemas.facts import EventRow, Rejected
from schemas.log import Line, log_position

MAX_EVENT_BYTES: Final = 32 * 1024
_STRICT = frozenset(("type", "event", "messageId", "anonymousId", "userId", "groupId", "previousId", "context"))
_IDS = frozenset(("messageId", "anonymousId", "userId", "groupId", "previousId"))
_STAMPS = frozenset(("timestamp", "originalTimestamp", "sentAt"))

_decode_received = msgspec.json.Decoder(Received)
_decode_line = msgspec.json.Decoder(Line)


class Ingest:
    """The steps for the projects of a definitions snapshot.

    `projects` maps names to definitions and is read at every call, so an update of it is seen after `refresh`; an event
    of a project that it lacks is treated by the default project's rules.
    """

    def __init__(self, projects: Mapping[str, Project]) -> None:
        self._projects = projects
        self._rules: dict[str, Rules] = {}

    def refresh(self) -> None:
        """Definitions have changed: read them anew."""
        self._rules.clear()

    def _rules_of(self, project: str) -> Rules:
        rules = self._rules.get(project)
        if rules is None:
            rules = self._rules[project] = rules_of(self._projects.get(project) or Project(name=project))
        return rules

    def accept_lines(
        self, value: bytes, generation: int, partition: int, offset: int
    ) -> list[EventRow | Rejected | Line]:
        """One result a line of a record's value, in order; control lines (Line.c) come as they are.

        `log_position` of line i is that of (generation, partition, offset, i). Never raises on what a line holds.
        """
        base = log_position(generation, partition, offset, 0)
        results: list[EventRow | Rejected | Line] = []
        try:
            decoded = _decode_received.decode_lines(value) if _has_only_small_lines(value) else ()
            if len(decoded) != value.count(b"\n") + (not value.endswith(b"\n")):  # blank lines, or two on one
                decoded = ()
        except UNDECODABLE:
            decoded = ()
        rules = self._rules_of(decoded[0].p) if decoded else Rules()  # of most records' only project
        for position, received in enumerate(decoded, base):
            if received.c or received.x:
                break
            if received.p != rules.project:
                rules = self._rules_of(received.p)
            row = accepted(received, position, rules, b"")
            if not isinstance(row, EventRow):
                break
            results.append(row)
        else:
            if decoded:
                return results
        # Some line needs the careful reader: from there on line by line.
        rest = _lines(value)[len(results) :]
        return results + [self._accept_line(line, position) for position, line in enumerate(rest, base + len(results))]

    def _accept_line(self, line: bytes, position: int) -> EventRow | Rejected | Line:
        if len(line) <= MAX_EVENT_BYTES:
            try:
                row = self._accept_decoded(_decode_received.decode(line), position)
            except UNDECODABLE:
                row = None
            if row is not None:
                return row
        return self._accept_carefully(line, position)

    def _accept_decoded(self, line: Received, position: int) -> EventRow | None:
        """The row of a decoded line; None where the careful reader must look at it."""
        if line.c or line.x:
            return None
        found = accepted(line, position, self._rules_of(line.p), b"")
        return found if isinstance(found, EventRow) else None

    def _accept_carefully(self, line: bytes, position: int) -> EventRow | Rejected | Line:
        try:
            read = _decode_line.decode(line)
        except UNDECODABLE as error:
            salvaged = _salvage(line)
            if salvaged is None:  # no line of ours: kept for whoever looks into the log
                text = line.decode(errors="replace")
                return Rejected("", 0, content_hash("", line), position, 0, "", "malformed_json", "", str(error), text)
            read = salvaged
        return read if read.c else self.accept(read, position)

    def accept(self, line: Line, position: int) -> EventRow | Rejected:
        """The row of one line, or why there is none. The careful reader: field by field. `line.c` must be ""."""
        raw = bytes(line.e)
        if line.x:
            return _rejected(line, position, Reject(line.x, "", line.w))
        if len(raw) > MAX_EVENT_BYTES:
            return _rejected(line, position, Reject("too_large", "", f"an event may have {MAX_EVENT_BYTES} bytes"))
        event = _read_event(raw)
        if isinstance(event, Reject):
            return _rejected(line, position, event)
        received = Received(line.p, line.d, line.r, line.s, line.k, line.t, line.a, line.g, line.i, e=event)
        found = accepted(received, position, self._rules_of(line.p), content_of(raw))
        return found if isinstance(found, EventRow) else _rejected(line, position, found)


def _salvage(line: bytes) -> Line | None:
    """A line whose event is no JSON: the collector's stamps stand before it; no string can hold this separator."""
    head, separator, tail = line.partition(b',"e":')
    if not separator:
        return None
    try:
        read = _decode_line.decode(head + b"}")
    except UNDECODABLE:
        return None
    read.e = Raw(tail.rstrip().removesuffix(b"}"))
    return read


def _lines(value: bytes) -> list[bytes]:
    return [line for line in value.split(b"\n") if line and not line.isspace()]


def _has_only_small_lines(value: bytes) -> bool:
    """Whether no line is longer than MAX_EVENT_BYTES; jumps from line end to line end as far as that allows."""
    start = 0
    while len(value) - start > MAX_EVENT_BYTES:
        end = value.rfind(b"\n", start, start + MAX_EVENT_BYTES + 1)
        if end < 0:
            return False
        start = end + 1
    return True


def _read_event(raw: bytes) -> Incoming | Reject:
    """An event read field by field. Ids, type, name and context must have their types; others count as absent."""
    if raw[:1] != b"{":
        return Reject("not_an_object", "", "an event must be a JSON object")
    wrong: list[str] = []
    try:
        event = lenient(Incoming, raw, wrong)
        for name in wrong:
            if name in _STRICT or name in _STAMPS:
                part = bytes(getattr(msgspec.json.decode(raw, type=_Strict), name))
                if name in _IDS and part in (b"true", b"false"):
                    continue  # a placeholder, as "true" is
                if name in _STAMPS:
                    setattr(event, name, part.decode()[:100])  # unreadable as a time, and kept as sent
                    continue
                if name == "context" and not part.strip(b"[] \t\r\n"):
                    continue
                return Reject("wrong_type", name, f"`{name}` has a type that the event format does not give it")
    except RecursionError:
        return Reject("too_deep", "", "objects are nested too deeply to be read")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Reject("malformed_json", "", str(error))
    return event


_Strict = msgspec.defstruct("_Strict", [(name, Raw, Raw(b"")) for name in sorted(_STRICT | _STAMPS)], gc=False)
_STAMPED = ("sentAt", "receivedAt", "writeKey")  # differ from sending to sending, or were added on the way


def content_of(raw: bytes) -> bytes:
    """An event's canonical bytes, for the id of one that brings none; key order and stamps of sending don't count."""
    try:
        event: Any = msgspec.json.decode(raw)
    except UNDECODABLE:
        return raw
    if not isinstance(event, dict):
        return raw
    for name in _STAMPED:
        event.pop(name, None)
    if isinstance(event.get("context"), dict):
        event["context"].pop("ip", None)
    try:
        return msgspec.json.encode(event, order="deterministic")
    except (OverflowError, ValueError, RecursionError):  # an integer beyond 64 bits
        return raw


def _rejected(line: Line, position: int, reject: Reject) -> Rejected:
    raw = bytes(line.e)
    try:
        event = lenient(Incoming, raw, []) if raw[:1] == b"{" else Incoming()
    except UNDECODABLE:
        event = Incoming()
    text = message_text(event.messageId)
    message_id = message_hash(line.p, text) if text else content_hash(line.p, content_of(raw))
    return Rejected(
        project=line.p,
        device=line.d,
        message_id=message_id,
        log_position=position,
        received_at=line.r,
        source=line.s,
        reason=reject.reason,
        field=reject.field,
        message=reject.message,
        payload=raw.decode(errors="replace"),
    )
