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
from api.collect.requests import sent_at_text
from api.collect.senders import Keys, Sender, key_in_headers, sender_of_key
from api.protocols.adding import Adding
from api.protocols.protocol import ALIAS, Asked, Posted, Protocol, Refusal, Told
from api.protocols.protocols import PROTOCOLS
from api.webhooks.vendor import Unmapped

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
            mapped = taken.protocol.mapped
            for start in range(0, len(posted.notes), chunk):
                made = Adding(lines(sender, sent_at_text(posted.sent_at), taken.asked.headers, address))
                add = made.add
                notes = posted.notes
                for place in range(start, min(start + chunk, len(notes))):
                    # None is held after it: so many requests wait for the log that their notes are much.
                    note, notes[place] = notes[place], None
                    if posted.wrong:
                        add(Unmapped(taken.protocol.public(note), posted.wrong))
                        continue
                    for each in mapped(note, told):
                        add(each)
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
