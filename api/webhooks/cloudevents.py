"""CloudEvents 1.0 over HTTP: one in a body (structured), many (batch), or its attributes in headers (binary)."""

from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from api.webhooks.event import event, message_id
from api.webhooks.reading import json_of, text
from api.webhooks.vendor import Event, Mapped, Meaning, Posted, Unmapped, Vendor

STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
MEANINGS: Final[Mapping[str, Meaning]] = {
    "any `type`": Meaning(
        "the `type`",
        "other",
        "properties: `data`; `ce_source`, `ce_subject` and extensions as `ce_NAME`; channel: attribute `channel`",
    ),
}
_OWN = frozenset(("id", "source", "specversion", "type", "time", "subject", "data", "data_base64", "datacontenttype",
                  "dataschema", "channel", "userid", "anonymousid"))  # fmt: skip
_NEEDED = ("id", "source", "specversion", "type")
_USER, _DEVICE = ("userId", "user_id"), ("anonymousId", "anonymous_id")


def mapped(posted: Posted) -> Mapped:
    kind = posted.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in (STRUCTURED, BATCH):
        found = json_of(posted.body)
        notes = found if isinstance(found, list) and kind == BATCH else [found]
    else:
        notes = [_binary(posted)]
    events, unmapped = [], []
    for note in notes:
        if isinstance(note, Unmapped):
            unmapped.append(note)
        elif missing := [name for name in _NEEDED if not text(note, name)]:
            unmapped.append(Unmapped(note, f"a CloudEvent needs its {', '.join(missing)}"))
        else:
            events.append(_event(note))
    return Mapped(tuple(events), tuple(unmapped))


def _binary(posted: Posted) -> Any:
    """The attributes of `ce-...` headers, and the body as data."""
    note: dict[str, Any] = {
        name.removeprefix("ce-"): unquote(value) for name, value in posted.headers.items() if name.startswith("ce-")
    }
    kind = posted.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind.startswith("text/"):
        return {**note, "data": posted.body.decode("utf-8", "replace")}
    data = json_of(posted.body) if posted.body else None
    if isinstance(data, Unmapped):
        return data
    return {**note, "data": data}


def _data(note: dict[str, Any]) -> Any:
    """The data, packed in base64 or not; what is packed and no JSON stays packed."""
    packed = note.get("data_base64")
    if "data" in note or not isinstance(packed, str):
        return note.get("data")
    try:
        found = json_of(b64decode(packed, validate=True))
    except (ValueError, NoBase64):
        return packed
    return packed if isinstance(found, Unmapped) else found


def _event(note: dict[str, Any]) -> Event:
    data = _data(note)
    properties = data if isinstance(data, dict) else {"data": data}
    extensions = {f"ce_{name}": value for name, value in note.items() if name not in _OWN}
    return event(
        text(note, "type"),
        message=message_id("cloudevents", text(note, "source"), text(note, "id")),
        channel=text(note, "channel") or text(properties, "channel"),
        at=text(note, "time"),
        user_id=text(note, "userid") or next((found for name in _USER if (found := text(properties, name))), ""),
        anonymous_id=text(note, "anonymousid")
        or next((found for name in _DEVICE if (found := text(properties, name))), ""),
        properties={**properties, **extensions, "ce_source": text(note, "source"), "ce_subject": text(note, "subject")},
    )


VENDOR: Final = Vendor(
    name="cloudevents",
    title="CloudEvents",
    mapped=mapped,
    meanings=MEANINGS,
    once="`source` and `id`",
    identity="attribute `userid` or `anonymousid`; in `data` `userId`, `anonymousId`, `email`, `phone`",
)
