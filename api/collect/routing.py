"""The few fields of an event that the collector reads; everything else passes through as bytes."""

from collections.abc import Callable
from typing import Any

import msgspec

TYPES = ("track", "page", "screen", "identify", "group", "alias")


class Traits(msgspec.Struct, gc=False):
    email: Any = None
    phone: Any = None


class Context(msgspec.Struct, gc=False, rename={"user_agent": "userAgent"}):
    ip: Any = None
    user_agent: Any = None
    traits: Traits | None = None


class Routing(
    msgspec.Struct,
    gc=False,
    rename={"message_id": "messageId", "anonymous_id": "anonymousId", "user_id": "userId",
            "write_key": "writeKey", "sent_at": "sentAt"},
):  # fmt: skip
    """What decides where an event goes and whether it can be one at all."""

    type: str | None = None
    event: Any = None
    message_id: Any = None
    anonymous_id: Any = None
    user_id: Any = None
    traits: Traits | None = None
    context: Context | None = None
    write_key: Any = None
    sent_at: Any = None


class Envelope(msgspec.Struct, rename={"write_key": "writeKey", "sent_at": "sentAt"}):
    """Body of /v1/batch and /v1/import."""

    batch: list[msgspec.Raw] | None = None
    write_key: Any = None
    sent_at: Any = None


# The identifier of the device key of an event in a project, 0 where nothing in it can be one.
DeviceKey = Callable[[str, Routing], int]

decode_routing = msgspec.json.Decoder(Routing).decode
decode_envelope = msgspec.json.Decoder(Envelope).decode
decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
