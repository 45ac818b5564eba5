"""What the notes of a request become, put into lines of the log together."""

from typing import Final

import msgspec

from api.collect.lines import EventLines
from api.collect.routing import Way, agents_of
from api.collect.signs import may_hold_email, may_hold_secret, may_name_phone, names_address_or_phone
from api.protocols.once import Once
from api.protocols.protocol import Ready
from api.webhooks.door import json_bytes
from api.webhooks.vendor import Event, Unmapped

_encode: Final = msgspec.json.Encoder().encode


class Adding:
    """State: events in a row that are not in the lines yet, as JSON.

    What is searched for in them is searched for once, in the bytes of all: only where something is found, in each. Of
    an event nothing else is held: what is let go at once leaves its memory, still near, to the next.
    """

    __slots__ = ("_agents", "_readies", "_texts", "_ways", "lines")

    def __init__(self, lines: EventLines) -> None:
        self.lines = lines
        self._texts: list[bytes] = []
        self._ways: list[Way] = []
        self._agents: list[object] = []
        self._readies: list[Ready] = []

    def add(self, one: Event | Once | Ready | Unmapped) -> None:
        """Of events that came as bytes and others only one kind is held at a time, so that all stay in their order."""
        if type(one) is dict:
            self._add_event(one, None)
        elif type(one) is Once:
            self._add_event(one.event, one)
        elif type(one) is Ready:
            if self._texts:
                self._flush_made()
            self._readies.append(one)
        elif type(one) is Unmapped:
            self.flush()
            is_json = not isinstance(one.payload, bytes)
            self.lines.add_unmapped(json_bytes(one.payload) if is_json else one.payload, is_json, one.words)

    def _add_event(self, event: Event, once: Once | None) -> None:
        if self._readies:
            self._flush_ready()
        try:
            raw = _encode(event)
        except (OverflowError, TypeError, ValueError, RecursionError):  # a number beyond 64 bits
            self.flush()
            self.lines.add_text(json_bytes(event))
            return
        self._texts.append(raw if once is None else once.with_id(raw))
        self._ways.append(self.lines.way_of_made(event))
        if type(context := event.get("context")) is dict and "userAgent" in context:
            self._agents.append(context["userAgent"])

    def flush(self) -> None:
        """To be called at the end."""
        if self._texts:
            self._flush_made()
        elif self._readies:
            self._flush_ready()

    def _flush_made(self) -> None:
        texts, ways, agents = self._texts, self._ways, self._agents
        self._texts, self._ways, self._agents = [], [], []
        whole = b"\n".join(texts)
        has_secrets = may_hold_secret(whole, 0, agents if b"\\" not in whole else ())
        self.lines.add_made(texts, ways, may_hold_email(whole), has_secrets, names_address_or_phone(whole))

    def _flush_ready(self) -> None:
        readies, self._readies = self._readies, []
        texts = [one.raw for one in readies]
        events = [one.event for one in readies]
        whole = b"\n".join(texts)
        has_secrets = may_hold_secret(whole, 0, agents_of(events) if b"\\" not in whole else ())
        self.lines.add_plain(texts, events, may_hold_email(whole), has_secrets, may_name_phone(whole))
