"""Zendesk's event webhooks: tickets name their requester by Zendesk's id, users bring the e-mail that belongs to it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from api.webhooks.event import IDENTIFY, event, message_id
from api.webhooks.reading import get, json_object, text
from api.webhooks.signature import check_base64, check_time
from api.webhooks.vendor import Event, Forged, Mapped, Meaning, Posted, Unmapped, Vendor
from pipeline.ingest.redaction import shown

_BY = "channel by `detail.via.channel`"
_PREFIX = "zen:event-type:"
MEANINGS: Final[Mapping[str, Meaning]] = {
    "ticket.created": Meaning("Ticket Created", "other", _BY),
    "ticket.comment_added": Meaning("Ticket Commented", "other", _BY),
    "ticket.comment_added, by staff": Meaning("Ticket Reply Sent", "other", _BY),
    "ticket.status_changed": Meaning("Ticket Status Processed", "other", _BY),
    "ticket.status_changed, solved": Meaning("Ticket Resolved", "other", _BY),
    "user.created": Meaning(IDENTIFY),
    "user.identity_created": Meaning(IDENTIFY),
    "user.identity_changed": Meaning(IDENTIFY),
    "user.external_id_changed": Meaning(IDENTIFY),
}
_CHANNELS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("email", "mail"), "email"),
    **dict.fromkeys(("web", "web_widget", "help_center"), "form"),
    **dict.fromkeys(("chat", "messaging", "native_messaging", "web_messaging"), "chat"),
    **dict.fromkeys(("voice", "phone", "api_phone_call_inbound"), "phone"),
    **dict.fromkeys(("whatsapp", "facebook", "telegram", "line", "instagram_dm", "viber"), "messenger"),
    "sms": "sms",
}


def signed(posted: Posted, secret: str) -> None:
    """HMAC-SHA256 over time and body. Raises Forged."""
    at = posted.headers.get("x-zendesk-webhook-signature-timestamp", "")
    check_base64(posted.headers.get("x-zendesk-webhook-signature", ""), secret, at.encode() + posted.body)
    _check_time(at, posted.now)


def _check_time(at: str, now: int) -> None:
    try:
        seconds = datetime.fromisoformat(at).timestamp()
    except ValueError:
        raise Forged("X-Zendesk-Webhook-Signature-Timestamp is no time") from None
    check_time(seconds, now)


def mapped(posted: Posted) -> Mapped:
    note = json_object(posted.body)
    if isinstance(note, Unmapped):
        return Mapped(unmapped=(note,))
    word = text(note, "type").removeprefix(_PREFIX)
    if word == "ticket.status_changed" and text(note, "event", "current").lower() == "solved":
        word += ", solved"
    elif word == "ticket.comment_added" and get(note, "event", "comment", "author", "is_staff") is True:
        word += ", by staff"
    meaning, detail = MEANINGS.get(word), note.get("detail")
    if meaning is None or not isinstance(detail, dict):
        return Mapped(unmapped=(Unmapped(note, f"no event of Zendesk that is mapped: {shown(word)}"),))
    return Mapped((_event(meaning, note, detail),))


def _event(meaning: Meaning, note: dict[str, Any], detail: dict[str, Any]) -> Event:
    is_person = meaning.event == IDENTIFY
    return event(
        meaning.event,
        message=message_id("zendesk", text(note, "id")),
        channel="" if is_person else _CHANNELS.get(text(detail, "via", "channel").lower(), meaning.channel),
        at=text(note, "time"),
        email=text(detail, "email"),
        phone=text(detail, "phone"),
        user_id=text(detail, "external_id") if is_person else "",
        ids={"zendesk": text(detail, "id") if is_person else text(detail, "requester_id")},
        properties=None
        if is_person
        else {
            "vendor": "zendesk",
            "ticket_id": text(detail, "id"),
            "status": text(detail, "status").lower(),
            "priority": text(detail, "priority").lower(),
            "ticket_type": text(detail, "type").lower(),
            "tags": detail.get("tags"),
        },
    )


VENDOR: Final = Vendor(
    name="zendesk",
    title="Zendesk",
    mapped=mapped,
    meanings=MEANINGS,
    once="`id`",
    secret="the webhook's signing secret",
    signature="HMAC-SHA256 over time and body, `X-Zendesk-Webhook-Signature`, within 5 min",
    signed=signed,
    identity="Zendesk's user id; of users also e-mail, phone, `external_id`",
)
