"""Message ids of events whose client gives none: a hash of what is told, so that a request sent again is recognised.

An event without a time of its own may happen again in the same words, a second click on one button. So the moment of
receipt counts with it, in steps: the same words within one step are one event.
"""

from typing import NamedTuple

import xxhash

from api.webhooks.door import json_bytes
from api.webhooks.vendor import Event

STEP_MS = 5_000  # clients try again after 0.5, 1 and 2 s


class Once(NamedTuple):
    """An event that has `once` of itself for its id."""

    event: Event
    protocol: str
    number: int = 0
    now: int | None = None

    def with_id(self, raw: bytes) -> bytes:
        """`raw`, the event as JSON, with its id in it."""
        return b'%b,"messageId":"%b"}' % (raw[:-1], _id(self.protocol, self.event, raw, self.number, self.now).encode())


def once(protocol: str, made: Event, number: int = 0, now: int | None = None) -> str:
    """The id of an event. `number` is its place in the request, where copies in one request are events of their own;
    `now` (ms) counts where the event has no timestamp, None = the same words are always the same event.
    """
    return _id(protocol, made, json_bytes(made), number, now)


def _id(protocol: str, made: Event, raw: bytes, number: int, now: int | None) -> str:
    return id_of(protocol, raw, number, now // STEP_MS if now is not None and "timestamp" not in made else 0)


def id_of(protocol: str, raw: bytes, number: int = 0, step: int = 0) -> str:
    """The id of an event whose JSON is `raw`."""
    return f"{protocol}-{xxhash.xxh3_128_hexdigest(b'%d %d ' % (number, step) + raw)}"
