"""What a protocol's module gives and gets: a request, the notes in it, and what each of them becomes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

import msgspec

from api.collect.answers import EXPOSED, Answer, Refused
from api.collect.routing import Routing
from api.protocols.once import Once
from api.webhooks.vendor import Event, Unmapped

MOST_FIELDS, MOST_FIELD = 1 << 14, 512  # of queries and forms that are remembered; characters of one
ALIAS = ":"  # between a protocol's name and what its clients call their site


@dataclass(eq=False)  # nobody changes one; frozen, it would take longer to make than to read
class Asked:
    """A request that is there whole. Names of headers are in lower case."""

    method: str
    path: str  # without a slash at its end
    query: str
    headers: dict[bytes, bytes]
    body: bytes  # without gzip
    now: int  # ms
    address: str = ""  # the sender's, "" = not known

    @cached_property
    def fields(self) -> dict[str, str]:
        """Of the query; of a name that is there twice the last."""
        return fields_of(self.query)

    def header(self, name: bytes) -> str:
        return self.headers.get(name, b"").decode("latin-1").strip()

    @property
    def is_form(self) -> bool:
        return self.headers.get(b"content-type", b"").startswith(b"application/x-www-form-urlencoded")


class Posted(NamedTuple):
    """The notes of one key in a request."""

    key: str  # as the client gives it: a write key, or what an alias is made of
    notes: list[Any]  # JSON values, as the client wrote them; each is let go when it is read
    sent_at: str = ""  # by the client's clock, for all of them
    about: Any = None  # what the module wants to know of all of them again
    is_secret: bool = False  # the key may not come by an alias: it opens what only servers may do
    hides_address: bool = False  # the sender's address tells no place
    wrong: str = ""  # nothing of it is understood (a version that is not known): all become rejects, and this is told


class Told(NamedTuple):
    """What a note was sent with."""

    asked: Asked
    posted: Posted
    is_trusted: bool  # the source is a server: what it says about addresses and times is believed
    visitor: Callable[[str, str], str]  # (address, user agent) -> the day's id of who has none, "" where there is none


class Ready(NamedTuple):
    """An event that came in our form, as the bytes that it came in; see requests.is_plain."""

    raw: bytes | msgspec.Raw
    event: Routing


class Refusal(NamedTuple):
    status: int
    code: str
    message: str
    request_id: str


Read = Answer | Sequence[Posted]


@dataclass(frozen=True, slots=True)
class Protocol:
    """All that the door and the page need."""

    name: str  # before the colon of an alias
    title: str
    paths: tuple[str, ...]  # without a slash at their end; one that ends with /* is the beginning of many
    read: Callable[[Asked], Read]  # raises Refused
    mapped: Callable[[Any, Told], Iterable[Event | Once | Ready | Unmapped]]
    answered: Callable[[Asked, int, int], Answer]  # after the log has (events, rejects)
    refused: Callable[[Refusal], tuple[str, bytes]]  # content type and body of an error
    homes: Mapping[str, str]  # a client's field -> the field of ours; what has none stays in properties
    becomes: Mapping[str, str]  # a client's event -> ours
    key: str  # where the key comes, in words
    once: str  # what tells copies apart, in words
    switch: str  # what a site changes, in words
    public: Callable[[Any], Any] = lambda note: note  # a note without keys and addresses, for `rejected`
    notes: Mapping[str, str] = field(default_factory=dict)  # what else is to be known, for the page
    answered_to: Callable[[Told, int, int], Answer] | None = None  # the same, where it tells what the first key's is
    has_key_header: bool = False  # its own clients send X-Write-Key, and the module reads what is in it
    claims: Callable[[Asked], bool] = lambda asked: True  # of protocols with one path the first that claims it reads


def fields_of(text: str) -> dict[str, str]:
    """The fields of a query or of a form; of a name that is there twice the last."""
    found = dict(map(_kept, text.split("&")))
    found.pop("", None)
    return found


def _field(pair: str) -> tuple[str, str]:
    name, _, value = pair.partition("=")
    if "%" in name or "+" in name:
        name = unquote_plus(name)
    return name, unquote_plus(value) if "%" in value or "+" in value else value


class _Fields(dict[str, tuple[str, str]]):
    """A field by how it is written. State: those that were seen lately, and those that were before.

    Most come again and again, addresses, titles and agents too, and reading them is most of the work. Others never do:
    those that came again since the last time that it was full stay.
    """

    def __init__(self) -> None:
        super().__init__()
        self._before: dict[str, tuple[str, str]] = {}

    def __missing__(self, pair: str) -> tuple[str, str]:
        if len(pair) > MOST_FIELD:
            return _field(pair)
        if len(self) >= MOST_FIELDS:
            self._before = self.copy()
            self.clear()
        found = self[pair] = self._before.get(pair) or _field(pair)
        return found


_kept = _Fields().__getitem__


def missing_key(where: str) -> Refused:
    return Refused(401, "missing_write_key", f"no write key: it comes as {where}")


def answer(status: int, kind: str, body: bytes = b"", *headers: tuple[bytes, bytes]) -> Answer:
    own = ((b"content-type", kind.encode()),) if kind else ()
    # EXPOSED: posthog-js looks for Retry-After in every answer, and a browser tells of it where it may not.
    return Answer(status, (*own, (b"content-length", b"%d" % len(body)), EXPOSED, *headers), body)


PIXEL = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,"
    b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
