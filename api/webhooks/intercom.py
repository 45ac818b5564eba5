"""Intercom's webhooks: one topic a request."""

from collections.abc import Mapping
from typing import Any, Final

from api.webhooks.event import IDENTIFY, event, message_id
from api.webhooks.reading import get, json_object, number, text
from api.webhooks.signature import check_hex
from api.webhooks.vendor import Event, Mapped, Meaning, Posted, Unmapped, Vendor
from pipeline.ingest.redaction import shown

CHANNEL, PHONE = "chat", "phone"
MEANINGS: Final[Mapping[str, Meaning]] = {
    "conversation.user.created": Meaning("Support Conversation Started", CHANNEL),
    "conversation.user.replied": Meaning("Support Conversation Continued", CHANNEL),
    "conversation.admin.replied": Meaning("Support Reply Sent", CHANNEL),
    "conversation.admin.single.created": Meaning("Support Message Sent", CHANNEL),
    "conversation.operator.replied": Meaning("Support Reply Sent", CHANNEL, "by a bot or a workflow"),
    "conversation.admin.closed": Meaning("Support Conversation Closed", CHANNEL),
    "conversation.rating.added": Meaning("Survey Answered", "survey", "`rating`"),
    "call.started": Meaning("Call Started", PHONE),
    "call.ended": Meaning("Call Ended", PHONE, "`duration_s`, `direction`"),
    "user.created": Meaning(IDENTIFY),
    "user.updated": Meaning(IDENTIFY),
    "contact.created": Meaning(IDENTIFY),
    "contact.user.created": Meaning(IDENTIFY),
    "contact.user.updated": Meaning(IDENTIFY),
    "contact.lead.created": Meaning(IDENTIFY),
    "contact.lead.updated": Meaning(IDENTIFY),
    "contact.lead.added_email": Meaning(IDENTIFY),
    "contact.lead.signed_up": Meaning(IDENTIFY),
    "contact.added_email": Meaning(IDENTIFY),
    "contact.email.updated": Meaning(IDENTIFY),
}
_PEOPLE = ("user", "lead", "contact")


def signed(posted: Posted, secret: str) -> None:
    """`X-Hub-Signature: sha1=...`, HMAC-SHA1 of the body. Raises Forged."""
    check_hex(posted.headers.get("x-hub-signature", "").removeprefix("sha1="), secret, posted.body, "sha1")


def mapped(posted: Posted) -> Mapped:
    note = json_object(posted.body)
    if isinstance(note, Unmapped):
        return Mapped(unmapped=(note,))
    if text(note, "topic") == "ping":
        return Mapped()
    meaning, item = MEANINGS.get(text(note, "topic")), get(note, "data", "item")
    if meaning is None or not isinstance(item, dict):
        return Mapped(unmapped=(Unmapped(note, f"no topic of Intercom that is mapped: {shown(text(note, 'topic'))}"),))
    return Mapped((_event(meaning, note, item),))


def _event(meaning: Meaning, note: dict[str, Any], item: dict[str, Any]) -> Event:
    is_person = meaning.event == IDENTIFY
    person = item if is_person else _person(item)
    external = text(person, "user_id") or text(person, "external_id")
    if "lead" in (text(person, "role"), text(person, "type")) or get(person, "anonymous") is True:
        external = ""  # Intercom made it up; once he signs up he has another, and nobody is two users
    return event(
        meaning.event,
        message=message_id("intercom", text(note, "id")),
        channel=meaning.channel,
        at=number(note, "created_at"),
        email=text(person, "email"),
        phone=text(person, "phone"),
        user_id=external,
        ids={"intercom": text(person, "id")},
        properties=None
        if is_person
        else {
            "vendor": "intercom",
            "conversation_id": text(item, "conversation_id") or text(item, "id"),
            "state": text(item, "state"),
            "rating": number(item, "conversation_rating", "rating"),
            "topic": text(note, "topic"),
            **(_of_call(item) if meaning.channel == PHONE else {}),
        },
    )


def _person(item: dict[str, Any]) -> Any:
    """Whom the conversation is with: what older versions call its user, newer ones its contacts or first author."""
    author = get(item, "source", "author")
    contact = get(item, "contacts", "contacts", 0)
    if isinstance(item.get("user"), dict):
        return item["user"]
    if text(item, "type") == "call":
        return {"id": text(item, "contact_id"), "phone": text(item, "phone")}
    if isinstance(contact, dict):
        same = author if text(author, "id") == text(contact, "id") else {}
        return {**(same if isinstance(same, dict) else {}), **contact}
    return author if text(author, "type") in _PEOPLE else None


def _of_call(item: dict[str, Any]) -> dict[str, Any]:
    answered, ended = number(item, "answered_at"), number(item, "ended_at")
    return {
        "call_id": text(item, "id"),
        "direction": text(item, "direction"),
        "reason": text(item, "ended_reason"),
        "duration_s": ended - answered if answered and ended and ended >= answered else None,
    }


VENDOR: Final = Vendor(
    name="intercom",
    title="Intercom",
    mapped=mapped,
    meanings=MEANINGS,
    once="`id`",
    secret="the app's client secret",
    signature="HMAC-SHA1 of the body, `X-Hub-Signature`; no time is signed",
    signed=signed,
    is_pinged=True,
    identity="e-mail, phone, `user_id` or `external_id`, Intercom's id",
)
