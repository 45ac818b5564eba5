"""A request's visitor as the project's privacy sees him, and each of his events as it may be kept."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from api.collect.consent import NAMING, USUAL, Policy, is_opted_out, verdict, without_ids
from api.collect.cookieless import DAY_MS, Salt, cookieless_id, prefix_of
from api.collect.routing import Routing, routing_of
from api.collect.signs import may_not_be_kept
from pipeline.errors import SaltMissing
from pipeline.ingest.redacted_event import redacted_event


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
        return self.policy.redaction.has_names or event.write_key is not None or may_not_be_kept(raw)

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
