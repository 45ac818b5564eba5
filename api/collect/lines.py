"""From events as sent to the lines of the log `events`.

The bytes of an event are spliced into its line as they came; only an event that holds what may not be kept, as an
address, an e-mail or a key, is written anew without it. What cannot be used becomes a line too, with the reason: it was
acknowledged, so it must be found in `rejected`.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import xxhash

from api.collect import salvage
from api.collect.cookieless import prefix_of
from api.collect.requests import sent_at_text
from api.collect.routing import (
    NOWHERE,
    TYPES,
    Routing,
    Way,
    Ways,
    device_of,
    has_number_as_id_out_of_range,
    routing_of,
    ways_of,
)
from api.collect.senders import IMPORT, Sender
from api.collect.signs import may_hold_email, may_hold_secret, names_address_or_phone
from api.collect.visitors import Refusal, Visitor
from pipeline.domain.identifiers import Kind, identifier
from pipeline.ingest.redacted_event import redacted_json, redacted_text
from pipeline.ingest.redaction import Redaction, reduced_agent, shown, without_secrets
from pipeline.ingest.remembered import remembered

Starts = tuple[Ways, bytes, bytes]
Made = dict[str, Any]  # an event in Segment's form, as values
Place = tuple[str, str, str]  # country code, region, city
Places = Callable[[str], Place | None]

MOST_USER_AGENT = 512
MOST_PAYLOAD, PAYLOAD_KEPT = 262_144, 32_768  # bytes of a reject's payload; characters kept of a longer one

_SPACES = " \t\r\n"
_quoted = msgspec.json.encode


class EventLines:
    """Lines by partition, of the events of one sender that were received at one time.

    State of one request: `add` and `add_text` fill `by_partition`, `accepted` and `rejected` (by reason).
    """

    __slots__ = (
        "_agent", "_limit", "_own_sent_at", "_partitions", "_peer_place", "_places", "_sender", "_stamp", "_visitor",
        "_starts",
        "accepted", "by_partition", "rejected",
    )  # fmt: skip

    def __init__(
        self,
        sender: Sender,
        *,
        sent_at: str,
        partitions: int,
        event_limit: int,
        places: Places,
        visitor: Visitor,
    ) -> None:
        """`sent_at` as `sent_at_text` has it ("" = the client told none); `event_limit` in bytes."""
        self._sender, self._partitions, self._limit = sender, partitions, event_limit
        self._places, self._visitor = places, visitor
        self._agent = self._peer_place = b""
        if not visitor.is_trusted:
            self._agent = _agent(visitor.agent)
            if visitor.address:
                self._peer_place = _place(places(visitor.address))
                if visitor.policy.privacy.keep_ip_prefix:
                    self._peer_place += _prefix(visitor.address)
        self._stamp = b"%b%d" % (_beginning(sender), visitor.received_at)
        if sent_at:
            self._stamp += b',"t":' + _quoted(sent_at)
        # An imported event's own sentAt is of its first sending, long before it is received here: no clock to correct.
        self._own_sent_at = not sent_at and sender.kind != IMPORT
        self._starts: Starts | None = None
        self.by_partition: dict[int, list[bytes]] = defaultdict(list)
        self.accepted = 0
        self.rejected: dict[str, int] = {}

    @property
    def size(self) -> int:
        """How many events it holds, rejects too."""
        return self.accepted + sum(self.rejected.values())

    def _started(self) -> Starts:
        """Where events go by their ids, and how lines begin of those that tell their user agent, and that do not."""
        before = self._peer_place + b',"d":'
        self._starts = (
            ways_of(self._sender.project, self._partitions), self._stamp + before, self._stamp + self._agent + before
        )  # fmt: skip
        return self._starts

    def add_plain(
        self,
        texts: Sequence[bytes | msgspec.Raw],
        events: Sequence[Routing],
        has_signs: bool = True,
        has_secrets: bool = True,
        has_names: bool = True,
    ) -> None:
        """Events whose bytes can go into their lines as they are (see requests.is_plain). The hot path of a batch.

        Whatever is not quite usual about one of them, `add` looks at.
        """
        if self._visitor.needs_look:
            for text, event in zip(texts, events, strict=True):
                self.add(bytes(text).strip(), event)
            return
        limit, own_sent_at, join = self._limit, self._own_sent_at, b"".join
        (ways, with_agent, without), by_partition = self._starts or self._started(), self.by_partition
        looks, left = has_signs or has_secrets or has_names, 0
        for text, event in zip(texts, events, strict=True):
            context, anonymous = event.context, event.anonymous_id
            if context is None:
                consent, start = None, without
            else:
                consent = context.consent or context.consent_management
                start = with_agent if context.user_agent else without
            if own_sent_at and event.sent_at is not None and (own := sent_at_text(event.sent_at)):
                start = b'%b,"t":%b,"d":' % (start[:-5], _quoted(own))
            if anonymous.__class__ is not str or (way := ways[anonymous]) is NOWHERE:
                way = ways.by_ids(anonymous, event.user_id)
            partition, device = way
            line = join((start, device, text, b"}"))
            if (
                consent
                or partition < 0
                or len(line) > limit
                or event.write_key is not None
                or (not event.event and event.type == "track")
                or (
                    looks
                    and (
                        (has_signs and may_hold_email(line))
                        or (has_secrets and may_hold_secret(bytes(text)))
                        or (has_names and names_address_or_phone(bytes(text)))
                    )
                )
            ):
                self.add(bytes(text).strip(), event)
                left += 1
            elif partition in by_partition:
                by_partition[partition].append(line)
            else:
                by_partition[partition] = [line]
        self.accepted += len(texts) - left

    def way_of_made(self, event: Made) -> Way:
        """The partition of an event that is made here, and how its line begins; NOWHERE where `add` has to see it."""
        get = event.get
        anonymous, context, kind = get("anonymousId"), get("context"), get("type")
        ways, with_agent, start = self._starts or self._started()
        partition, device = ways[anonymous] if type(anonymous) is str else NOWHERE
        if partition < 0:
            partition, device = ways.by_ids(anonymous, get("userId"))
        if partition < 0 or kind not in TYPES or (kind == "track" and not get("event")):
            return NOWHERE
        if context:
            if type(context) is not dict or "consent" in context or "consentManagement" in context:
                return NOWHERE
            if context.get("userAgent"):
                start = with_agent
        if "sentAt" in event and self._own_sent_at and (own := sent_at_text(event["sentAt"])):
            start = b'%b,"t":%b,"d":' % (start[:-5], _quoted(own))
        return partition, start + device

    def add_made(
        self, texts: Sequence[bytes], ways: Sequence[Way], has_signs: bool, has_secrets: bool, has_names: bool
    ) -> None:
        """Events that are made here, as JSON, each with its way; otherwise as `add_plain`."""
        if self._visitor.needs_look:
            for text in texts:
                self.add(text, routing_of(text))
            return
        limit, by_partition = self._limit, self.by_partition
        looks, left = has_signs or has_secrets or has_names, 0
        for text, (partition, start) in zip(texts, ways, strict=True):
            line = b"%b%b}" % (start, text)
            if (
                partition < 0
                or len(line) > limit
                or (
                    looks
                    and (
                        (has_signs and may_hold_email(line))
                        or (has_secrets and may_hold_secret(text))
                        or (has_names and names_address_or_phone(text))
                    )
                )
            ):
                self.add(text, routing_of(text))
                left += 1
            else:
                by_partition[partition].append(line)
        self.accepted += len(texts) - left

    def add_single(self, text: bytes | msgspec.Raw, event: Routing, kind: str) -> None:
        """The event of a single-event route: its type is the route's where it names none."""
        raw = bytes(text)
        if not event.type:
            raw, event.type = with_type(raw, kind), kind
        return self.add(raw, event)

    def add_text(self, text: bytes | msgspec.Raw) -> None:
        """An event as it came: an element of a batch or a line of an import."""
        raw = bytes(text).strip()
        if salvage.MARK in raw:
            return self._reject_text(salvage.original(raw), "NaN, Infinity or half a surrogate pair is no JSON")
        try:
            event = routing_of(raw)
        except msgspec.ValidationError:
            return self._reject(raw, "not_an_object", "an event must be a JSON object", 0)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return self._reject_text(raw.decode("utf-8", "replace"), f"not JSON: {error}")
        except RecursionError:
            return self._reject(raw, "too_deep", "nested far deeper than an event may be", 0)
        return self.add(raw, event)

    def add(self, raw: bytes, event: Routing) -> None:
        """An event that is valid JSON in UTF-8, without space around it, and what was decoded of it."""
        found = self._visitor.judged(self._sender.project, raw, event)
        if isinstance(found, Refusal):
            return self._refuse(raw, found)
        raw, event = found
        try:
            device = device_of(self._sender.project, raw, event)
        except msgspec.ValidationError as error:
            return self._reject(raw, "number_out_of_range", str(error), 0)
        if len(raw) > self._limit:
            return self._reject(raw, "too_large", f"{len(raw)} bytes; at most {self._limit} are taken", device)
        if event.type not in TYPES:
            return self._reject_type(raw, event.type, device)
        if event.type == "track" and (event.event is None or event.event == ""):
            return self._reject(raw, "missing_event", "a track call needs its name in `event`", device)
        if not device and has_number_as_id_out_of_range(event):
            return self._reject(raw, "number_out_of_range", "an id in digits must fit into 64 bits", 0)
        if not device:
            told = "needs anonymousId, userId, an e-mail, a phone or a vendor id; placeholders are none"
            return self._reject(raw, "missing_identity", told, 0)
        context = event.context
        around = self._agent if context is None or not context.user_agent else b""
        if not self._visitor.is_trusted:
            around += self._peer_place
        elif context is not None and context.ip and isinstance(context.ip, str):
            around += _place(self._places(context.ip))
        if self._own_sent_at and (own := sent_at_text(event.sent_at)):
            around += b',"t":' + _quoted(own)
        line = b'%b%b,"d":%d,"e":%b}' % (self._stamp, around, device, _on_one_line(raw))
        self.accepted += 1
        return self._put(device, line)

    def add_unmapped(self, payload: bytes, is_json: bool, words: str) -> None:
        """What a vendor posted and no event was made of."""
        if is_json:
            return self._reject(payload, "unmapped", words, 0)
        return self._reject_text(payload.decode("utf-8", "replace"), words)

    def add_refused(self, payload: bytes, reason: str, words: str) -> None:
        """JSON that came without being an event."""
        self._reject(payload, reason, words, 0)

    def _put(self, device: int, line: bytes) -> None:
        self.by_partition[device % self._partitions].append(line)

    def _reject_type(self, raw: bytes, kind: object, device: int) -> None:
        if kind is not None and not isinstance(kind, str):
            return self._reject(raw, "wrong_type", "`type` must be text", device)
        told = f"type is {shown(kind, 40)}" if kind else "type is missing"
        return self._reject(raw, "unknown_type", f"{told}; it must be one of {', '.join(TYPES)}", device)

    def _refuse(self, raw: bytes, why: Refusal) -> None:
        """An event that the project's privacy does not let in: that it came is kept, and no more."""
        if why.is_kept:
            return self._reject_text(raw.decode("utf-8", "replace"), why.words)
        device = identifier(self._sender.project, Kind.device, f"refused {xxhash.xxh3_64_hexdigest(raw)}")
        return self._put_reject(b"null", why.reason, why.words, device)

    def _reject_text(self, text: str, words: str) -> None:
        """A payload that is no JSON is kept as a JSON string."""
        self._put_reject(_text_kept(text.strip(_SPACES), self._visitor.policy.redaction), "malformed_json", words, 0)

    def _reject(self, raw: bytes, reason: str, words: str, device: int) -> None:
        """`raw` is JSON. Without a device the line goes by its content, so that it is the same when it comes again."""
        rules = self._visitor.policy.redaction
        if len(raw) > MOST_PAYLOAD or reason == "too_deep":
            payload = _text_kept(raw[: 4 * PAYLOAD_KEPT].decode("utf-8", "replace"), rules)
        else:
            payload = redacted_json(raw, rules)
        self._put_reject(payload, reason, words, device)

    def _put_reject(self, payload: bytes, reason: str, words: str, device: int) -> None:
        payload = _on_one_line(payload)
        project = self._sender.project
        device = device or identifier(project, Kind.device, f"rejected {xxhash.xxh3_64_hexdigest(payload)}")
        line = b'%b,"d":%d,"x":%b,"w":%b,"e":%b}' % (
            self._stamp,
            device,
            _quoted(reason),
            _quoted(without_secrets(words)[:500]),
            payload,
        )
        self.rejected[reason] = self.rejected.get(reason, 0) + 1
        self._put(device, line)


def _on_one_line(raw: bytes) -> bytes:
    """A line break can only be space between tokens here: inside of a text JSON has it escaped."""
    return raw.replace(b"\n", b" ").replace(b"\r", b" ") if b"\n" in raw or b"\r" in raw else raw


def _text_kept(text: str, rules: Redaction) -> bytes:
    """A payload that is kept as a text, the first of it."""
    cut = text[: 4 * PAYLOAD_KEPT]
    return _quoted(redacted_text(cut, rules)[: min(PAYLOAD_KEPT, len(cut))])


def with_type(raw: bytes, kind: str) -> bytes:
    """An object's bytes with `type` put last, where it counts even if there was a null before."""
    comma = b"" if raw[1:-1].strip() == b"" else b","
    return b'%b%b"type":"%b"}' % (raw[:-1], comma, kind.encode())


@lru_cache(4096)
def _beginning(sender: Sender) -> bytes:
    """Of each of its lines, up to the time of receipt."""
    named = _quoted(sender.project), _quoted(sender.source), _quoted(sender.kind)
    return b'{"p":%b,"s":%b,"k":%b,"r":' % named


@remembered(4096)
def _agent(header: bytes) -> bytes:
    text = without_secrets(header.decode("latin-1"))[:MOST_USER_AGENT]
    return b',"a":' + _quoted(reduced_agent(text)) if header else b""


@lru_cache(4096)
def _prefix(address: str) -> bytes:
    found = prefix_of(address)
    return b',"i":' + _quoted(found) if found else b""


def _place(place: Place | None) -> bytes:
    return b"" if place is None else b',"g":' + _quoted(place)
