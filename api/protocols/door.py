"""The routes of other trackers: which protocol is asked, whose key it is, and what the notes become.

It makes lines of a request; the collector appends them and then answers as the protocol's clients expect.
"""

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import Any, NamedTuple

import msgspec

from api.collect.answers import JSON_TYPE, Answer, Refused, refusal
from api.collect.bodies import must_hold_few_values
from api.collect.cookieless import DAY_MS, Salt, cookieless_id, prefix_of
from api.collect.limits import Limits
from api.collect.lines import EventLines
from api.collect.routing import TYPES, Context, Routing, agents_of
from api.collect.senders import Keys, Sender, key_in_headers, sender_of_key
from api.collect.signs import may_hold_email, may_hold_secret, may_name_phone, names_address_or_phone
from api.protocols.once import Once
from api.protocols.protocol import ALIAS, Asked, Posted, Protocol, Ready, Refusal, Told
from api.protocols.protocols import PROTOCOLS
from api.webhooks.door import json_bytes
from api.webhooks.vendor import Event, Unmapped

# (whose, sent at, headers of the request, its sender's address) -> lines of now
Lines = Callable[[Sender, str, dict[bytes, bytes], str], EventLines]


def _routes() -> tuple[dict[str, tuple[Protocol, ...]], dict[str, tuple[Protocol, ...]]]:
    exact: dict[str, tuple[Protocol, ...]] = {}
    beginnings: dict[str, tuple[Protocol, ...]] = {}
    for each in PROTOCOLS.values():
        for path in each.paths:
            known, name = (beginnings, path[:-1]) if path.endswith("/*") else (exact, path)
            known[name] = (*known.get(name, ()), each)
    return exact, beginnings


EXACT, BEGINNINGS = _routes()
_encode = msgspec.json.Encoder().encode
_BEGINNINGS = tuple(BEGINNINGS)


def asked_of(path: str) -> tuple[Protocol, ...]:
    """The protocols that may be asked at this path; most have a path of their own."""
    found = EXACT.get(path) or EXACT.get(path.rstrip("/"))
    if found is None and path.startswith(_BEGINNINGS):
        found = next(each for name, each in BEGINNINGS.items() if path.startswith(name))
    return found or ()


def asked_by(
    scope: MutableMapping[str, Any], body: bytes, headers: dict[bytes, bytes], now: int, address: str
) -> Asked:
    """An ASGI request with its unpacked body. Raises Refused (413) for one that decoded is many times its size."""
    must_hold_few_values(body)
    query = scope.get("query_string", b"").decode("latin-1")
    return Asked(scope["method"], scope["path"].rstrip("/"), query, headers, body, now, address)


class Taken(NamedTuple):
    """A request that was understood: what is answered once the log has all of its chunks."""

    protocol: Protocol
    asked: Asked
    told: Sequence[tuple[Sender, Told]]  # of each key

    @property
    def size(self) -> int:
        return sum(len(each.posted.notes) for _, each in self.told)

    @property
    def notes(self) -> dict[Sender, int]:
        """How many of each sender, under whichever of its names."""
        found: dict[Sender, int] = {}
        for sender, each in self.told:
            found[sender] = found.get(sender, 0) + len(each.posted.notes)
        return found

    def answer(self, accepted: int, rejected: int) -> Answer:
        for _, each in self.told:
            if each.posted.wrong:
                return dressed(self.protocol, refusal(400, "unknown_version", each.posted.wrong))
        if self.protocol.answered_to is not None:
            return self.protocol.answered_to(self.told[0][1], accepted, rejected)
        return self.protocol.answered(self.asked, accepted, rejected)


class Reader:
    def __init__(self, keys: Keys, salt: Salt) -> None:
        """`salt` of the day is for the ids of visitors who have none."""
        self._keys, self._salt = keys, salt

    def limit(self, headers: dict[bytes, bytes], limits: Limits) -> int:
        """Bytes of a body: as many as of an import only where it is known before the first of them whose it is."""
        given = key_in_headers(headers)
        key = self._keys(given) if given else None
        return limits.body if key is None or key.revoked else limits.import_body

    def read(self, protocol: Protocol, asked: Asked) -> Answer | Taken:
        """Raises Refused: 400 where nothing can be made out, 401 for a key that is missing or not known."""
        found = protocol.read(asked)
        if isinstance(found, Answer):
            return found
        told = []
        for each in found:
            sender = self._sender(protocol, asked, each)
            told.append((sender, Told(asked, each, sender.is_trusted, visitors(self._salt, sender.project, asked.now))))
        return Taken(protocol, asked, told)

    def chunks(self, taken: Taken, chunk: int, lines: Lines) -> Iterator[tuple[Sender, EventLines]]:
        """Lines of so many notes at a time, each made when it is asked for."""
        for sender, told in taken.told:
            posted = told.posted
            address = "" if posted.hides_address else taken.asked.address
            for start in range(0, len(posted.notes), chunk):
                made = Adding(lines(sender, posted.sent_at, taken.asked.headers, address))
                for note in posted.notes[start : start + chunk]:
                    if posted.wrong:
                        made.add(Unmapped(taken.protocol.public(note), posted.wrong))
                        continue
                    for each in taken.protocol.mapped(note, told):
                        made.add(each)
                made.flush()
                yield sender, made.lines

    def _sender(self, protocol: Protocol, asked: Asked, posted: Posted) -> Sender:
        """A key in a header counts before what the client calls its site. Raises Refused (401)."""
        own = key_in_headers(asked.headers) if b"x-write-key" in asked.headers and not protocol.has_key_header else None
        if own is None and posted.key and not posted.is_secret:
            alias = f"{protocol.name}{ALIAS}{posted.key}"
            if self._keys(alias) is not None:
                return sender_of_key(alias, self._keys)
        return sender_of_key(posted.key if own is None else own, self._keys)


def visitors(salt: Salt, project: str, now: int) -> Callable[[str, str], str]:
    """(address, user agent) -> id of that visitor in the project on the day of `now` (ms); "" without an address.

    For trackers that give no id. It raises SaltMissing where there is no salt now.
    """

    def visitor(address: str, agent: str) -> str:
        return cookieless_id(salt(now // DAY_MS), project, address, agent) if prefix_of(address) else ""

    return visitor


class Adding:
    """Puts what notes become into lines. State: events in a row, which go together as those of a batch do.

    What is searched for in them is searched for once, in the bytes of all: only where something is found, in each.
    """

    __slots__ = ("_are_ready", "_events", "_texts", "lines")

    def __init__(self, lines: EventLines) -> None:
        self.lines = lines
        self._texts: list[bytes | msgspec.Raw] = []
        self._events: list[Routing] = []
        self._are_ready = False  # those that are held: as they came, and so judged as those of a batch are

    def add(self, one: Event | Once | Ready | Unmapped) -> None:
        if isinstance(one, dict):  # as most are
            self._add_event(one, None)
        elif isinstance(one, Once):
            self._add_event(one.event, one)
        elif isinstance(one, Ready):
            self._hold(one.raw, one.event, True)
        else:
            self.flush()
            is_json = not isinstance(one.payload, bytes)
            self.lines.add_unmapped(json_bytes(one.payload) if is_json else one.payload, is_json, one.words)

    def _add_event(self, event: Event, once: Once | None) -> None:
        try:
            raw = _encode(event) if once is None else once.encoded()
        except (OverflowError, TypeError, ValueError, RecursionError):  # a number beyond 64 bits
            self.flush()
            self.lines.add_text(json_bytes(event))
            return
        routing = _routing(event)
        if routing.type in TYPES:
            self._hold(raw, routing, False)
            return
        self.flush()
        self.lines.add(raw, routing)

    def _hold(self, raw: bytes | msgspec.Raw, event: Routing, is_ready: bool) -> None:
        if is_ready is not self._are_ready:
            self.flush()
            self._are_ready = is_ready
        self._texts.append(raw)
        self._events.append(event)

    def flush(self) -> None:
        """To be called at the end."""
        texts, events = self._texts, self._events
        if not texts:
            return
        self._texts, self._events = [], []
        whole = b"\n".join(texts)
        names = may_name_phone(whole) if self._are_ready else names_address_or_phone(whole)
        has_secrets = may_hold_secret(whole, 0, agents_of(events) if b"\\" not in whole else ())
        self.lines.add_plain(texts, events, may_hold_email(whole), has_secrets, names)


def _routing(event: Event) -> Routing:
    get, context = event.get, None
    if isinstance(told := get("context"), dict) and told:
        context = Context(told.get("ip"), told.get("userAgent"), told.get("consent"), told.get("consentManagement"))
    return Routing(get("type"), get("event"), get("anonymousId"), get("userId"), context, None, get("sentAt"))


def dressed(protocol: Protocol, house: Answer) -> Answer:
    """An error of the house in the form that the protocol's clients know, with the house's status and headers."""
    told = msgspec.json.decode(house.body)["error"]
    kind, body = protocol.refused(Refusal(house.status, told["code"], told["message"], told["request_id"]))
    others = tuple(one for one in house.headers if one != JSON_TYPE and one[0] != b"content-length")
    return Answer(
        house.status, ((b"content-type", kind.encode()), (b"content-length", b"%d" % len(body)), *others), body,
        house.is_readable,
    )  # fmt: skip


def claimed(found: Sequence[Protocol], asked: Asked) -> Protocol:
    """Raises Refused (404) where none of them knows such a request."""
    for each in found:
        if each.claims(asked):
            return each
    raise Refused(404, "not_found", f"{' and '.join(each.title for each in found)} have no such request")
