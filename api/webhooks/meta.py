"""Meta's webhooks of pages: Messenger and Instagram; an app that has WhatsApp too may send all to one address.

Source: developers.facebook.com, Messenger Platform, webhook events.
"""

from collections.abc import Mapping
from typing import Any, Final

from api.webhooks import whatsapp
from api.webhooks.event import event, message_id
from api.webhooks.reading import get, json_object, listed, number, text
from api.webhooks.vendor import Event, Mapped, Meaning, Posted, Unmapped, Vendor

CHANNEL: Final = "messenger"
MEANINGS: Final[Mapping[str, Meaning]] = {
    "message": Meaning("Message Replied", CHANNEL, "what the person wrote is not kept"),
    "referral": Meaning(
        "Message Link Opened", CHANNEL, "a link or an ad led into the chat: `ad_id`, `action`: its `ref`"
    ),
    "reaction": Meaning("Message Reacted", CHANNEL, "`action`: react or unreact"),
    "postback": Meaning("Message Replied", CHANNEL, "`action`: the payload of the button"),
    "message, echo": Meaning("Message Sent", CHANNEL),
    "delivery": Meaning("Message Delivered", CHANNEL),
    "read": Meaning("Message Read", CHANNEL),
    **{f"WhatsApp, {name}": meaning for name, meaning in whatsapp.MEANINGS.items()},
}
_KINDS: Final = ("message", "postback", "referral", "reaction", "delivery", "read")
_ACTIONS: Final = (("payload",), ("quick_reply", "payload"), ("action",), ("ref",))
_VENDORS: Final = {"page": "messenger", "instagram": "instagram"}


def mapped(posted: Posted) -> Mapped:
    note = json_object(posted.body)
    if isinstance(note, Unmapped):
        return Mapped(unmapped=(note,))
    if text(note, "object") == "whatsapp_business_account":
        return whatsapp.mapped(posted)
    vendor = _VENDORS.get(text(note, "object"), "")
    events, unmapped = [], []
    for entry in listed(note, "entry"):
        for one in listed(entry, "messaging"):
            kind = next((name for name in _KINDS if isinstance(get(one, name), dict)), "")
            if vendor and kind:
                events.append(_event(vendor, kind, one))
            else:
                unmapped.append(Unmapped(one, "no messaging event of Meta that is mapped"))
        if not listed(entry, "messaging"):
            unmapped.append(Unmapped(entry, "no field of Meta that is mapped"))
    if not listed(note, "entry"):
        unmapped.append(Unmapped(note, "tells of nothing"))
    return Mapped(tuple(events), tuple(unmapped))


def _event(vendor: str, kind: str, one: dict[str, Any]) -> Event:
    told = one[kind]
    is_echo = kind == "message" and told.get("is_echo") is True
    who = text(one, "recipient", "id") if is_echo else text(one, "sender", "id")
    own = "" if kind == "reaction" else text(told, "mid")  # a reaction's is that of the message
    own = own or text(told, "watermark") or text(one, "timestamp")
    return event(
        MEANINGS["message, echo" if is_echo else kind].event,
        message=message_id(vendor, kind, who, own),
        channel=CHANNEL,
        at=number(one, "timestamp") or number(told, "watermark"),
        ids={vendor: who},
        properties={
            "vendor": vendor,
            "message_id": text(told, "mid") or text(told, "mids", 0),
            "kind": text(told, "attachments", 0, "type"),
            "action": next(filter(None, (text(told, *path) for path in _ACTIONS)), ""),
            "ad_id": next(filter(None, (text(told, *path, "ad_id") for path in ((), ("referral",)))), ""),
        },
    )


VENDOR: Final = Vendor(
    name="meta",
    title="Meta (Messenger, Instagram)",
    mapped=mapped,
    meanings=MEANINGS,
    once="`mid`, else who and `watermark`",
    secret="the app's secret",
    signature=whatsapp.VENDOR.signature,
    signed=whatsapp.signed,
    identity="the person's id within the page; WhatsApp's phone number",
    has_challenge=True,
)
