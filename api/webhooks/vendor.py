"""What a vendor's module gives and gets: a request, what is made of it, and how the vendor signs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from pipeline.errors import UserMistake

Event = dict[str, Any]  # in Segment's format
Fetch = Callable[[str], bytes]  # a URL -> its body; only where a vendor's signature needs it


class Posted(NamedTuple):
    """A webhook's request as it came."""

    body: bytes
    headers: Mapping[str, str]  # names in lower case
    now: int  # ms
    urls: tuple[str, ...] = ()  # under which the vendor may know us, where it signs the address too


class Forged(UserMistake):
    """The signature is missing, wrong or too old: nothing of the request is taken."""

    code = "invalid_signature"


class Unmapped(NamedTuple):
    """A note, or part of one, that no rule of its vendor maps: it becomes a reject with its payload."""

    payload: Any  # JSON value, or bytes where it is none
    words: str


class Mapped(NamedTuple):
    events: tuple[Event, ...] = ()
    unmapped: tuple[Unmapped, ...] = ()
    visit: str = ""  # a URL that the vendor wants to see asked for, to believe that we listen


class Meaning(NamedTuple):
    """What a vendor's note becomes."""

    event: str  # name of a track call; "identify" for an identify call
    channel: str = ""
    note: str = ""  # what else is to be known, for the page


NOT_A_CUSTOMERS: Final = Meaning("", note="of no customer: answered, and nothing is kept")


def meaning_of(word: str, meanings: Mapping[str, Meaning]) -> Meaning | None:
    """What a vendor's word becomes: by its own row, else by that of its nearest family, as `payout.*` or `themes/*`."""
    if (own := meanings.get(word)) is not None:
        return own
    ends = [index + 1 for index, sign in enumerate(word[:200]) if sign in "./"]
    return next((found for end in reversed(ends) if (found := meanings.get(f"{word[:end]}*")) is not None), None)


@dataclass(frozen=True, slots=True)
class Vendor:
    """All that the route and the page need. `secret` "" = the vendor signs nothing."""

    name: str  # in the route
    title: str
    mapped: Callable[[Posted], Mapped]
    meanings: Mapping[str, Meaning]
    once: str  # what tells copies apart
    secret: str = ""  # what the source's signing secret is, in words
    signature: str = ""  # how it is checked, in words
    signed: Callable[[Posted, str], None] | None = None  # raises Forged
    certificate: Callable[[Posted], str] | None = None  # URL of what the signature is checked with
    signed_with: Callable[[Posted, str, bytes], None] | None = None  # the same with what stands there
    answer: tuple[str, bytes] | None = None  # content type and body of a 200, where the vendor reads it
    has_challenge: bool = False  # asks by GET whether we listen, with the source's key as its token
    is_pinged: bool = False  # asks by HEAD whether the address is there, with the source's key in it
    is_by_get: bool = False  # may be set to send by GET, what it tells in the address
    is_key_in_address: bool = False  # its Authorization says who it is to us, so it is no key of ours
    is_unknown: bool = False  # what it sends is kept as rejects, and it is told that nobody knows it
    identity: str = field(default="e-mail")  # whom its events name
