"""Whether a request is let in: by the origin of its page, and by how much its key and its address have sent.

Buckets of tokens, in this process alone: behind several collectors each lets in so much. What a request holds is known
only when it has been read, so a bucket may go below zero; then its sender waits until it is above again.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from ipaddress import ip_network
from math import ceil
from time import monotonic
from urllib.parse import urlsplit

from api.collect.addresses import address_of
from api.collect.answers import Refused
from api.collect.consent import USUAL, Policy
from api.collect.cookieless import Salt
from api.collect.senders import Sender
from api.collect.visitors import Visitor, no_salt, visitor_of
from pipeline.ingest.remembered import remembered

BURST_SECONDS = 10  # of its rate that a sender may send at once
MOST_BUCKETS = 100_000  # that are kept; full ones are forgotten first
_V6_BITS = 64  # of an IPv6 address: what one customer of a provider has


class OriginRefused(Refused):
    """The answer to a page that may not send: not for the page to read."""

    is_readable = False


class Buckets:
    """A bucket of tokens a name. State: what is in those that are not full."""

    def __init__(self, rate: int, now: Callable[[], float] = monotonic) -> None:
        """`rate` is tokens a second; 0: no limit. `now` in seconds."""
        self.rate, self._now = rate, now
        self._most = float(rate * BURST_SECONDS)
        self._left: dict[str, tuple[float, float]] = {}  # tokens, when

    def take(self, name: str, count: int) -> float:
        """0 where there was a token, and then `count` are gone; else the seconds until there is one."""
        if not self.rate:
            return 0.0
        now = self._now()
        left = self._of(name, now)
        if left <= 0:
            return -left / self.rate + 1 / self.rate
        if name not in self._left and len(self._left) >= MOST_BUCKETS:
            self._forget(now)
        self._left[name] = left - count, now
        return 0.0

    def give_back(self, name: str) -> None:
        """A token that was taken in vain."""
        if name in self._left:
            left, then = self._left[name]
            self._left[name] = left + 1, then

    def _of(self, name: str, now: float) -> float:
        tokens, then = self._left.get(name, (self._most, now))
        return min(self._most, tokens + (now - then) * self.rate)

    def _forget(self, now: float) -> None:
        self._left = {name: held for name, held in self._left.items() if self._of(name, now) < self._most}
        if len(self._left) >= MOST_BUCKETS:  # so many senders at once: rather none is held than memory without end
            self._left.clear()


class Admission:
    """Raises Refused: 403 for a page's origin, 429 with the time to come back."""

    def __init__(
        self,
        key_rate: int = 0,
        address_rate: int = 0,
        now: Callable[[], float] = monotonic,
        *,
        policies: Callable[[str], Policy] = lambda project: USUAL,
        salt: Salt = no_salt,
    ) -> None:
        """Events a second of a key, requests a second of an address. `policies` asks the snapshot of now."""
        self._policies, self.salt = policies, salt
        self._keys, self._addresses = Buckets(key_rate, now), Buckets(address_rate, now)

    def request(self, address: str) -> None:
        """Before a body is read."""
        if self._addresses.rate and address and (wait := self._addresses.take(_network(address), 1)):
            raise _too_many("this address sends more requests than one may", wait)

    def asks_again(self, address: str) -> None:
        """A request that was let in will be asked for once more, and counts once."""
        if self._addresses.rate and address:
            self._addresses.give_back(_network(address))

    def events(self, sender: Sender, count: int) -> None:
        """When it is known how many events a request holds; one without any counts as one."""
        if self._keys.rate and (wait := self._keys.take(f"{sender.project} {sender.key}", max(count, 1))):
            raise _too_many("this write key sends more events than one may", wait)

    def all_events(self, counts: Mapping[Sender, int]) -> None:
        """Of a request before any of it is taken: a part that is refused would come again with all that was taken."""
        for sender, count in counts.items():
            self.events(sender, count)

    def visitor(self, sender: Sender, headers: Mapping[bytes, bytes], peer: str, received_at: int) -> Visitor:
        """Who sends, where the page may."""
        policy = self._policies(sender.project)
        self.page(sender, policy, headers)
        return visitor_of(policy, headers, peer, received_at, self.salt, is_trusted=sender.is_trusted)

    def page(self, sender: Sender, policy: Policy, headers: Mapping[bytes, bytes]) -> None:
        """Whether the page that sends may do so with the key."""
        allowed = sender.origins or policy.origins
        if not allowed:
            return
        origin = headers.get(b"origin") or _origin_of(headers.get(b"referer", b""))
        if origin and not is_allowed(origin.decode("latin-1").lower(), allowed):
            told = (
                "pages of this origin may not send with this key: `wayfare project set --origin` names those that may"
            )
            raise OriginRefused(403, "origin_not_allowed", told, headers=((b"vary", b"Origin"),))


@remembered(4096)
def is_allowed(origin: str, allowed: tuple[str, ...]) -> bool:
    """Whether an origin is one of those; `https://*.shop.example` is every host below it, and it itself."""
    scheme, _, host = origin.partition("://")
    for one in allowed:
        if one.lower() == origin:
            return True
        wanted, _, below = one.lower().partition("://*.")
        if below and scheme == wanted and (host == below or host.endswith("." + below)):
            return True
    return False


def _origin_of(referer: bytes) -> bytes:
    try:
        parts = urlsplit(referer.decode("latin-1"))
    except ValueError:
        return b"null"
    return f"{parts.scheme}://{parts.netloc}".encode("latin-1") if parts.netloc else b""


@lru_cache(4096)
def _network(address: str) -> str:
    found = address_of(address)
    if found is None:
        return address
    return str(found) if found.version == 4 else str(ip_network((found, _V6_BITS), strict=False))


def _too_many(words: str, wait: float) -> Refused:
    return Refused(
        429, "too_many_requests", f"{words}; send it again later", headers=((b"retry-after", b"%d" % ceil(wait)),)
    )
