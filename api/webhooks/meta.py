"""Meta's webhooks of pages: Messenger and Instagram; an app that has WhatsApp too may send all to one address.

What changed on the page itself is in meta_page.

Source: developers.facebook.com, Messenger Platform, webhook events.
"""

from collections.abc import Mapping
from typing import Any, Final

from api.webhooks import meta_page, whatsapp
from api.webhooks.event import event, message_id
from api.webhooks.reading import fields, get, json_object, listed, number, text
from api.webhooks.vendor import NOT_A_CUSTOMERS, Event, Mapped, Meaning, Posted, Unmapped, Vendor
from pipeline.ingest.redaction import shown

CHANNEL: Final = "messenger"
_OF_APPS: Final = (  # what apps of the business settle among themselves
    *("app_roles", "pass_thread_control", "take_thread_control", "request_thread_control", "policy_enforcement"),
    *("account_linking", "message_edit", "game_play"),
)
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
    "optin": Meaning("Message Subscribed", CHANNEL, "`action`: its `payload`"),
    "optout": Meaning("Message Unsubscribed", CHANNEL),
    "response_feedback": Meaning("Message Reacted", CHANNEL, "`action`: what was said of an answer"),
    "messaging_feedback": Meaning("Survey Answered", "survey", "`rating`"),
    **dict.fromkeys(_OF_APPS, NOT_A_CUSTOMERS),
    **meta_page.MEANINGS,
    **{f"WhatsApp, {name}": meaning for name, meaning in whatsapp.MEANINGS.items() if meaning.event},
}
_KINDS: Final = (
    *("message", "postback", "referral", "reaction", "optin", "optout", "messaging_feedback", "response_feedback"),
    *("delivery", "read"),
)
_OF_A_MESSAGE: Final = ("reaction", "response_feedback")  # whose `mid` is that of the message that they are about
_ACTIONS: Final = (("payload",), ("quick_reply", "payload"), ("action",), ("ref",), ("feedback",))
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
        # In `standby` another app of the business answers: it happened all the same.
        said = [*listed(entry, "messaging"), *listed(entry, "standby")]
        for one in said:
            kind = next((name for name in _KINDS if isinstance(get(one, name), dict)), "")
            if vendor and kind:
                events.append(_event(vendor, kind, one, entry))
            elif not vendor or not any(name in _OF_APPS for name in (one if isinstance(one, dict) else ())):
                unmapped.append(Unmapped(one, "no messaging event of Meta that is mapped"))
        changes = listed(entry, "changes")
        for change in changes:
            _add_change(vendor, entry, change, events, unmapped)
        if not said and not changes:
            unmapped.append(Unmapped(entry, "no field of Meta that is mapped"))
    if not listed(note, "entry"):
        unmapped.append(Unmapped(note, "tells of nothing"))
    return Mapped(tuple(events), tuple(unmapped))


def _add_change(vendor: str, entry: Any, change: Any, events: list[Event], unmapped: list[Unmapped]) -> None:
    field, value = text(change, "field"), get(change, "value")
    meaning = meta_page.MEANINGS.get(meta_page.word(field, value, text(entry, "id"))) if vendor else None
    if meaning is None or (meaning.event and not isinstance(value, dict)):
        unmapped.append(Unmapped(change, f"no field of Meta that is mapped: {shown(field)}"))
    elif meaning.event:
        events.append(meta_page.made(vendor, field, meaning, value, number(entry, "time")))


def _event(vendor: str, kind: str, one: dict[str, Any], entry: Any) -> Event:
    told = one[kind]
    is_echo = kind == "message" and told.get("is_echo") is True
    who = text(one, "recipient", "id") if is_echo else text(one, "sender", "id")
    meaning = MEANINGS["message, echo" if is_echo else kind]
    own = "" if kind in _OF_A_MESSAGE else text(told, "mid")
    own = own or text(told, "watermark") or text(one, "timestamp") or text(entry, "time")
    return event(
        meaning.event,
        message=message_id(vendor, kind, who, own),
        channel=meaning.channel,
        at=number(one, "timestamp") or number(told, "watermark") or number(entry, "time"),
        ids={vendor: who},
        properties={
            "vendor": vendor,
            "message_id": text(told, "mid") or text(told, "mids", 0),
            "kind": text(told, "attachments", 0, "type"),
            "action": next(filter(None, (text(told, *path) for path in _ACTIONS)), ""),
            "rating": _rating(told) if kind == "messaging_feedback" else None,
            "ad_id": next(filter(None, (text(told, *path, "ad_id") for path in ((), ("referral",)))), ""),
        },
    )


def _rating(told: dict[str, Any]) -> float | int | None:
    """The first answer that is a number."""
    asked = fields(told, "feedback_screens", 0, "questions").values()
    return next((found for one in asked if (found := number(one, "payload")) is not None), None)


VENDOR: Final = Vendor(
    name="meta",
    title="Meta (Messenger, Instagram, pages)",
    mapped=mapped,
    meanings=MEANINGS,
    once="`mid`, else who and `watermark`; `leadgen_id`; of a post or comment its id, who and when",
    secret="the app's secret",
    signature=whatsapp.VENDOR.signature,
    signed=whatsapp.signed,
    identity="the person's id within the page; the id of the lead; WhatsApp's phone number",
    has_challenge=True,
)
