"""A request's visitor as the project's privacy sees him, and each of his events as it may be kept."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec
import re2

from api.collect.consent import NAMING, USUAL, Policy, is_opted_out, verdict, without_ids
from api.collect.cookieless import DAY_MS, Salt, cookieless_id, prefix_of
from api.collect.routing import Routing, routing_of
from pipeline.errors import SaltMissing
from pipeline.ingest.redacted_event import redacted_event

# In quotes: a name as a whole, or one with a part behind letters and before letters and digits.
_NAMES = re2.compile(rb'(?i)"(?:ip|request_ip|writekey|[a-z_]*(?:phone|ipaddr|ip_addr)\w*)"')
# Signs of addresses. Both begin with a byte, which is found fast. Digits behind a letter, or behind a slash and before
# a space, are a version, as Chrome/140.0.0.0 in most user agents.
_IPV4 = re.compile(
    rb"\.(?=\d{1,3}+\.\d{1,3}+\.\d)(?:(?<=[^\w.]\d\.)|(?<=[^\w.]\d\d\.)|(?<=[^\w.]\d\d\d\.))"
    rb"(?!(?:(?<=/\d\.)|(?<=/\d\d\.)|(?<=/\d\d\d\.))\d+\.\d+\.\d+ )"
)
# RE2 goes from sign to sign several at a time, where its pattern begins with one that it can look for.
_IPV6 = re2.compile(rb":(?:[\da-fA-F]{1,4}:(?::|[\da-fA-F]{1,4}:)|:[\da-fA-F]{1,4}:)")
_KEYS = re2.compile(rb"wf_")


class Refusal(NamedTuple):
    """An event that may not be kept as it is: nothing of it stays unless it `is_kept` as a text."""

    reason: str
    words: str
    is_kept: bool = False


def no_salt(day: int) -> bytes:
    raise SaltMissing("there is no salt")


class Visitor(NamedTuple):
    """Who sends a request, as far as its connection and headers tell."""

    policy: Policy = USUAL
    is_trusted: bool = False
    is_opted_out: bool = False  # by a signal of the browser's that the project honours
    address: str = ""  # the peer's
    agent: bytes = b""
    received_at: int = 0
    salt: Salt = no_salt

    @property
    def needs_look(self) -> bool:
        """Whether every event of the request has to be looked through."""
        policy = self.policy
        return (
            policy.redaction.has_names
            or self.is_opted_out
            or (policy.privacy.consent == "required" and not self.is_trusted)
        )

    def judged(self, project: str, raw: bytes, event: Routing) -> tuple[bytes, Routing] | Refusal:
        """The event as it may be kept, and its routing; or why it may not.

        `raw` is a JSON object without space around it. Raises SaltMissing where a cookieless id cannot be made now.
        """
        found = "opted_out" if self.is_opted_out else verdict(self.policy, event, self.is_trusted)
        told = event.context
        if found == "cookieless":
            if event.type in NAMING:
                return Refusal("cookieless_identity", f"without consent no {event.type} is taken")
            device = self._cookieless(project, event)
            if not device:
                return Refusal("consent_missing", "and there is no address to tell a cookieless id from")
            raw = without_ids(raw, device)
        elif found != "taken":
            return Refusal(found, "nothing of it is kept")
        elif not self._has_sign(raw, event):
            return raw, event
        try:
            raw = redacted_event(raw, self.policy.passing)
        except msgspec.DecodeError as error:  # half a surrogate pair in one of its texts
            return Refusal("malformed_json", f"not JSON: {error}", is_kept=True)
        event = routing_of(raw)
        if told is not None and event.context is not None:
            event.context.ip = told.ip  # for its place
        return raw, event

    def _has_sign(self, raw: bytes, event: Routing) -> bool:
        # A name may be written with escapes, or twice, the last one counting.
        return (
            self.policy.redaction.has_names
            or event.write_key is not None
            or may_hold_email(raw)
            or may_hold_secret(raw)
            or (b"\\" in raw and b"\\u" in raw)
            or names_address_or_phone(raw)
        )

    def _cookieless(self, project: str, event: Routing) -> str:
        """The id of the day; "" where the sender's own address says nothing of the visitor and none is told."""
        address, agent, context = self.address, self.agent.decode("latin-1"), event.context
        if context is not None and isinstance(context.user_agent, str) and context.user_agent:
            agent = context.user_agent
        if self.is_trusted:
            address = context.ip if context is not None and isinstance(context.ip, str) else ""
        if not prefix_of(address):
            return ""
        return cookieless_id(self.salt(self.received_at // DAY_MS), project, address, agent)


def visitor_of(
    policy: Policy, headers: Mapping[bytes, bytes], peer: str, received_at: int, salt: Salt, *, is_trusted: bool
) -> Visitor:
    """`peer` is the address of the connection, or "" where it says nothing."""
    opted_out = policy.looks_at_signals and not is_trusted and is_opted_out(policy, headers)
    return Visitor(policy, is_trusted, opted_out, peer, headers.get(b"user-agent", b""), received_at, salt)


def names_address_or_phone(raw: bytes) -> bool:
    """Whether a text names an address, a phone number or a key: `"ip"`, `"home_phone2"`, but no `(iPhone; ...)`."""
    return _NAMES.search(raw) is not None


def may_hold_email(raw: bytes) -> bool:
    """Whether a text may hold an e-mail address: an @ behind what may be a name, or one that is percent-encoded."""
    at = raw.find(b"@")
    while at >= 0:
        if raw[at - 1 : at] not in (b'"', b"/", b" "):
            return True
        at = raw.find(b"@", at + 1)
    return raw.find(b"%") >= 0 and (raw.rfind(b"%40") >= 0 or raw.rfind(b"%25") >= 0)


def may_hold_secret(raw: bytes, own_keys: int = 0) -> bool:
    """Whether a text may hold an IP address, or a key of ours beside so many that it names as its sender's. Quick: it
    is asked of every body.
    """
    return (
        _IPV4.search(raw) is not None
        or _IPV6.search(raw) is not None
        or (_KEYS.search(raw) is not None and raw.count(b"wf_") > own_keys)
    )
