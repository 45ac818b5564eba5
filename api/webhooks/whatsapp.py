"""WhatsApp's webhooks by Meta's Cloud API: what became of messages, messages that people wrote, their calls and wishes.

Source: developers.facebook.com, WhatsApp Business Platform, webhooks' fields.
"""

from collections.abc import Mapping
from typing import Any, Final

from api.webhooks.event import event, message_id
from api.webhooks.reading import get, json_object, listed, number, text
from api.webhooks.signature import check_hex
from api.webhooks.vendor import NOT_A_CUSTOMERS, Event, Forged, Mapped, Meaning, Posted, Unmapped, Vendor
from pipeline.ingest.redaction import shown

CHANNEL = "messenger"
PHONE = "phone"
REPLIED = "message"
_DIRECTIONS: Final = {"USER_INITIATED": "inbound", "BUSINESS_INITIATED": "outbound"}
MEANINGS: Final[Mapping[str, Meaning]] = {
    "status sent": Meaning("Message Sent", CHANNEL),
    "status delivered": Meaning("Message Delivered", CHANNEL),
    "status read": Meaning("Message Read", CHANNEL),
    "status played": Meaning("Message Played", CHANNEL, "a voice message"),
    "status failed": Meaning("Message Failed", CHANNEL, "`error_code`"),
    "status deleted": Meaning("", note="the business took it back"),
    "status warning": Meaning("", note="the message goes on its way"),
    REPLIED: Meaning("Message Replied", CHANNEL, "what the person wrote is not kept; `ad_id` where an ad led to it"),
    "message, reaction": Meaning("Message Reacted", CHANNEL),
    "message, order": Meaning("Checkout Started", CHANNEL, "a cart that was sent: `products`, no value"),
    "message, request_welcome": Meaning("Message Link Opened", CHANNEL, "the chat was opened for the first time"),
    "message, system": Meaning("", note="of a changed number; nobody wrote it"),
    "message echo": Meaning("Message Sent", CHANNEL, "by the business's phone"),
    "user_preferences stop": Meaning("Message Unsubscribed", CHANNEL),
    "user_preferences resume": Meaning("Message Subscribed", CHANNEL),
    "call connect": Meaning("Call Started", PHONE),
    "call terminate": Meaning("Call Ended", PHONE, "`duration_s`, `direction`"),
    "call terminate, failed": Meaning("Call Failed", PHONE, "nobody answered"),
    "call status": Meaning("", note="`call connect` and `call terminate` tell of it"),
    **dict.fromkeys(
        (
            *("account_alerts", "account_review_update", "account_settings_update", "account_update"),
            *("business_capability_update", "business_status_update", "business_username_update", "flows", "history"),
            *("group_lifecycle_update", "group_participants_update", "group_settings_update", "group_status_update"),
            *("message_template_components_update", "message_template_quality_update"),
            *("message_template_status_update", "partner_solutions", "payment_configuration_update"),
            *("phone_number_name_update", "phone_number_quality_update", "security", "smb_app_state_sync"),
            *("template_category_update", "template_correct_category_detection", "tracking_events"),
        ),
        NOT_A_CUSTOMERS,
    ),
}
# Lists of a change's value, and the first word of what each tells.
_TOLD: Final = (("statuses", "status"), ("messages", REPLIED), ("message_echoes", "message echo"), ("calls", "call"),
                ("user_preferences", "user_preferences"))  # fmt: skip


def signed(posted: Posted, secret: str) -> None:
    """`X-Hub-Signature-256: sha256=...`, HMAC-SHA256 of the body. Raises Forged."""
    method, _, given = posted.headers.get("x-hub-signature-256", "").partition("=")
    if method != "sha256":
        raise Forged("the request has no X-Hub-Signature-256 that begins with sha256=")
    check_hex(given, secret, posted.body)


def mapped(posted: Posted) -> Mapped:
    note = json_object(posted.body)
    if isinstance(note, Unmapped):
        return Mapped(unmapped=(note,))
    changes = [change for entry in listed(note, "entry") for change in listed(entry, "changes")]
    events, unmapped = [], []
    for change in changes:
        value, field = get(change, "value"), text(change, "field")
        told = [(_word(word, one), one) for name, word in _TOLD for one in listed(value, name)]
        for word, one in told:
            meaning = MEANINGS.get(word)
            if meaning is None:
                unmapped.append(Unmapped(one, f"nothing of WhatsApp that is known: {shown(word)}"))
            elif meaning.event:
                events.append(_event(meaning, word, one))
        if not told and MEANINGS.get(field) is not NOT_A_CUSTOMERS:
            unmapped.append(Unmapped(change, f"no field of WhatsApp that is mapped: {shown(field)}"))
    if not changes:
        unmapped.append(Unmapped(note, "tells of no change"))
    return Mapped(tuple(events), tuple(unmapped))


def _word(word: str, one: Any) -> str:
    """A row of MEANINGS."""
    if word == "status":
        return "call status" if text(one, "type") == "call" else f"status {text(one, 'status')}"
    if word == "call":
        is_failed = text(one, "event") == "terminate" and text(one, "status").lower() == "failed"
        return f"call {text(one, 'event')}" + (", failed" if is_failed else "")
    if word == "user_preferences":
        return f"{word} {text(one, 'value')}"
    own = f"{word}, {text(one, 'type')}"
    return own if word == REPLIED and own in MEANINGS else word


def _other(word: str, one: Any) -> tuple[str, str]:
    """The number of the other side, and Meta's id of him: who has a user name may hide his number."""
    if word.startswith("status"):
        return text(one, "recipient_id"), text(one, "recipient_user_id")
    if word.startswith("user_preferences"):
        return text(one, "wa_id"), text(one, "user_id")
    if word == "message echo" or text(one, "direction") == "BUSINESS_INITIATED":
        return text(one, "to"), text(one, "to_user_id")
    return text(one, "from"), text(one, "from_user_id")


def _event(meaning: Meaning, word: str, one: Any) -> Event:
    who, own = _other(word, one)
    is_preference, is_call = word.startswith("user_preferences"), meaning.channel == PHONE
    what = (who or own, text(one, "timestamp")) if is_preference else (text(one, "id"),)
    return event(
        meaning.event,
        message=message_id("whatsapp", *what, REPLIED if word.startswith(f"{REPLIED},") else word),
        channel=meaning.channel,
        at=number(one, "timestamp"),
        phone=f"+{who.removeprefix('+')}" if who else "",
        ids={"whatsapp": own},
        properties={
            "vendor": "whatsapp",
            "message_id": "" if is_call else text(one, "id"),
            "call_id": text(one, "id") if is_call else "",
            "kind": text(one, "type"),
            "category": text(one, "pricing", "category") or text(one, "category"),
            "error_code": text(one, "errors", 0, "code"),
            "ad_id": text(one, "referral", "source_id") if text(one, "referral", "source_type") == "ad" else "",
            "click_id": text(one, "referral", "ctwa_clid"),
            "duration_s": number(one, "duration"),
            "direction": _DIRECTIONS.get(text(one, "direction"), ""),
            "products": [
                {"product_id": text(each, "product_retailer_id"), "price": number(each, "item_price"),
                 "quantity": number(each, "quantity")}
                for each in listed(one, "order", "product_items")
            ],
            "currency": text(one, "order", "product_items", 0, "currency"),
        },
    )  # fmt: skip


VENDOR: Final = Vendor(
    name="whatsapp",
    title="WhatsApp (Meta's Cloud API)",
    mapped=mapped,
    meanings=MEANINGS,
    once="`id` of the message, and the status",
    secret="the app's secret",
    signature="HMAC-SHA256 of the body, `X-Hub-Signature-256`; no time is signed",
    signed=signed,
    identity="phone number of the other side, and the id that the business knows of it",
    has_challenge=True,
)
