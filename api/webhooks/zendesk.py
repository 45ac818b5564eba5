"""Zendesk's event webhooks: tickets name their requester by Zendesk's id, users bring the e-mail that belongs to it.

Source: developer.zendesk.com, event types of webhooks.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from api.webhooks.event import IDENTIFY, event, message_id
from api.webhooks.reading import get, json_object, number, text
from api.webhooks.signature import check_base64, check_time
from api.webhooks.vendor import (
    NOT_A_CUSTOMERS,
    Event,
    Forged,
    Mapped,
    Meaning,
    Posted,
    Unmapped,
    Vendor,
    meaning_of,
)
from pipeline.ingest.redaction import shown

_BY = "channel by `detail.via.channel`"
_PREFIX = "zen:event-type:"
MESSAGE: Final = "messaging_ticket.message_added"
MEANINGS: Final[Mapping[str, Meaning]] = {
    "ticket.created": Meaning("Ticket Created", "other", _BY),
    "ticket.comment_added": Meaning("Ticket Commented", "other", _BY),
    "ticket.comment_added, by staff": Meaning("Ticket Reply Sent", "other", _BY),
    MESSAGE: Meaning("Ticket Commented", "chat"),
    f"{MESSAGE}, by staff": Meaning("Ticket Reply Sent", "chat", "or by a bot"),
    "ticket.status_changed": Meaning("Ticket Status Processed", "other", _BY),
    "ticket.status_changed, solved": Meaning("Ticket Resolved", "other", _BY),
    "ticket.csat_requested": Meaning("Survey Sent", "survey"),
    "ticket.csat_received": Meaning("Survey Answered", "survey", "`rating`, as a number or in Zendesk's word"),
    "user.created": Meaning(IDENTIFY),
    "user.identity_created": Meaning(IDENTIFY),
    "user.identity_changed": Meaning(IDENTIFY),
    "user.external_id_changed": Meaning(IDENTIFY),
    **dict.fromkeys(
        (
            *("ticket.comment_added, private", "user.*, of staff", "ticket.*", "messaging_ticket.*", "user.*"),
            *("organization.*", "article.*", "community_post.*", "agent.*"),
        ),
        NOT_A_CUSTOMERS,
    ),
}
_STAFF: Final = ("agent", "admin")
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
    elif word == "ticket.comment_added":
        word += _by(get(note, "event", "comment"))
    elif word == MESSAGE and text(note, "event", "actor", "type").lower() != "end_user":
        word += ", by staff"
    meaning, detail = meaning_of(word, MEANINGS), note.get("detail")
    if word.startswith("user.") and text(detail, "role").lower() in _STAFF:
        meaning = NOT_A_CUSTOMERS
    if meaning is None or not isinstance(detail, dict):
        return Mapped(unmapped=(Unmapped(note, f"no event of Zendesk that is mapped: {shown(word)}"),))
    return Mapped((_event(meaning, note, detail),) if meaning.event else ())


def _by(comment: Any) -> str:
    if get(comment, "is_public") is False:
        return ", private"
    return ", by staff" if get(comment, "author", "is_staff") is True else ""


def _event(meaning: Meaning, note: dict[str, Any], detail: dict[str, Any]) -> Event:
    is_person = meaning.event == IDENTIFY
    return event(
        meaning.event,
        message=message_id("zendesk", text(note, "id")),
        channel=_CHANNELS.get(text(detail, "via", "channel").lower(), "other")
        if meaning.note == _BY
        else meaning.channel,
        at=text(note, "time"),
        email=text(detail, "email"),
        phone=text(detail, "phone"),
        user_id=text(detail, "external_id") if is_person else "",
        ids={"zendesk": text(detail, "id") if is_person else text(detail, "requester_id") or _writer(note)},
        properties=None
        if is_person
        else {
            "vendor": "zendesk",
            "ticket_id": text(detail, "id"),
            "status": text(detail, "status").lower(),
            "priority": text(detail, "priority").lower(),
            "ticket_type": text(detail, "type").lower(),
            "tags": detail.get("tags"),
            "rating": _rating(note) if meaning.channel == "survey" else None,
        },
    )


def _writer(note: dict[str, Any]) -> str:
    """Of a message in a chat, whose ticket names nobody."""
    actor = get(note, "event", "actor")
    return text(actor, "id") if text(actor, "type").lower() == "end_user" else ""


def _rating(note: dict[str, Any]) -> float | str | None:
    """Of a survey after a ticket: 1 to 5, or of the older one `good` or `bad`."""
    told = get(note, "event", "satisfaction_score")
    score = get(told, "score") if isinstance(told, dict) else told or get(note, "event", "current")
    return score.lower() if isinstance(score, str) and not score.isdigit() else number({"score": score}, "score")


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
