"""What an opened mail or a followed link becomes: the events that mail vendors' webhooks become too."""

import secrets
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import urlencode, urlsplit, urlunsplit

from api.links.token import Claims
from api.webhooks.mail import mail
from api.webhooks.vendor import Event
from pipeline.domain.identifiers import HASHED

VENDOR: Final = "wayfare"
CONTACT: Final = "contact"  # the kind of id that a contact's is
COOKIE: Final = "wayfare_id"  # the tracker's, and the parameter of its links between domains (api/snippet/crossing.js)
_APPLE: Final = "Mozilla/5.0"  # and no more: Apple's Mail Privacy Protection opens every mail ahead of its reader
_HEX: Final = frozenset("0123456789abcdef")
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


class Visit(NamedTuple):
    """A request for a pixel or a link."""

    headers: Mapping[bytes, bytes]
    address: str
    now: int  # ms
    is_head: bool

    @property
    def agent(self) -> str:
        return self.headers.get(b"user-agent", b"").decode("latin-1").strip()[:512]

    @property
    def is_machine(self) -> bool:
        """Whether a program asks ahead of the reader, or in his place: a scanner of links, a prefetching client."""
        purpose = b" ".join(self.headers.get(name, b"") for name in (b"sec-purpose", b"purpose", b"x-moz"))
        return self.is_head or b"prefetch" in purpose.lower() or self.agent in ("", _APPLE)


class Followed(NamedTuple):
    event: Event
    to: str  # where the reader is sent on


def followed(claims: Claims, visit: Visit) -> Followed:
    """The event of a request with these claims, and where it leads; each request is an event of its own."""
    device, to = _device(claims, visit)
    event = mail(
        VENDOR,
        "clicked" if claims.to else "opened",
        key=(secrets.token_hex(16),),
        at=None,
        recipient=_hashed(claims.email),
        mail_id=claims.mail,
        url=claims.to,
        metadata={"user_id": claims.user} if claims.user else None,
        user_agent=visit.agent,
        address=visit.address,
        is_machine=visit.is_machine,
        campaign=claims.campaign,
    )
    context = event["context"]
    if claims.contact:
        context["externalIds"] = [{"type": CONTACT, "id": claims.contact}]
    if claims.campaign:
        context["campaign"] = {"name": claims.campaign, "medium": "email"}
    if device:
        event["anonymousId"] = device
    return Followed(event, to)


def _hashed(email: str) -> str:
    return HASHED + email.removeprefix(HASHED) if email else ""


def _device(claims: Claims, visit: Visit) -> tuple[str, str]:
    """The device that follows a link, where it may be told, and the target.

    the tracker's cookie came with the request        its device; the target as it is
    it did not: another domain, or the first visit    a new one, which the target's tracker takes from the address
    """
    if not (claims.join and claims.to) or visit.is_machine:
        return "", claims.to
    known = _cookie(visit.headers.get(b"cookie", b""))
    if known:
        return known, claims.to
    device = secrets.token_hex(16)
    return device, _dressed(claims.to, device, visit)


def _cookie(header: bytes) -> str:
    for part in header.decode("latin-1").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE and len(value) == 32 and not set(value) - _HEX:
            return value
    return ""


def _dressed(to: str, device: str, visit: Visit) -> str:
    """The target with the device in it as the tracker reads it: for two minutes, and in this browser alone."""
    language = visit.headers.get(b"accept-language", b"").decode("latin-1").partition(",")[0].partition(";")[0].strip()
    text = f"{device}.{_base36(visit.now)}"
    parts = urlsplit(to)
    mark = urlencode({COOKIE: f"{text}.{crossing_sum(text + visit.agent + language)}"})
    others = [pair for pair in parts.query.split("&") if pair and pair.partition("=")[0] != COOKIE]
    return urlunsplit(parts._replace(query="&".join([*others, mark])))


def crossing_sum(text: str) -> str:
    """The check that crossing.js makes of an id, a time, the user agent and the language."""
    value = 7
    for letter in text:
        value = (value * 31 + ord(letter)) & 0xFFFFFFFF
    return _base36(value)


def _base36(number: int) -> str:
    found = ""
    while number:
        number, digit = divmod(number, 36)
        found = _DIGITS[digit] + found
    return found or "0"
