"""Intercom's webhooks: one topic a request. Source: developers.intercom.com, webhook topics, API 2.15."""

import re
from collections.abc import Mapping
from typing import Any, Final

from api.webhooks import intercom_stats as stats
from api.webhooks.event import IDENTIFY, event, message_id
from api.webhooks.mail import MEANINGS as MAIL
from api.webhooks.reading import get, json_object, number, text
from api.webhooks.signature import check_hex
from api.webhooks.vendor import NOT_A_CUSTOMERS, Event, Mapped, Meaning, Posted, Unmapped, Vendor, meaning_of
from pipeline.ingest.redaction import shown

CHANNEL, PHONE = "chat", "phone"
NAMED = "event.created"
RESOLVED = "Ticket Resolved"
_TICKET, _TALK = "channel by the ticket's `channel`", "channel by `source.type`"
_SMS_OFF, _SMS_ON = Meaning("SMS Unsubscribed", "sms"), Meaning("SMS Subscribed", "sms")
_OF_STAFF: Final = (  # what the people who answer do among themselves, and what a workspace is made of
    *("admin.*", "article.*", "audience.*", "company.*", "content_import_source.*", "content_snippet.*"),
    *("api.request.completed", "data_connector.*", "job.*", "messenger.*", "procedure.*", "contact.archived"),
    *("call.recording_available", "call.transcription_available", "contact.deleted", "contact.unarchive"),
    *("contact.tag.*", "contact.lead.tag.*", "contact.user.tag.*", "user.tag.*", "user.deleted"),
    *("conversation.admin.assigned", "conversation.admin.noted", "conversation.admin.open.assigned"),
    *("conversation.admin.opened", "conversation.admin.snoozed", "conversation.admin.unsnoozed"),
    *("conversation.admin.replied.translated", "conversation.company.updated", "conversation.contact.*"),
    *("conversation.deleted", "conversation.priority.updated", "conversation.redacted", "conversation_part.*"),
    *("ticket.note.created", "ticket.admin.assigned", "ticket.team.assigned", "ticket.attribute.updated"),
    *("ticket.admin.replied.translated", "ticket.contact.*", stats.ELSE),
)
MEANINGS: Final[Mapping[str, Meaning]] = {
    "conversation.user.created": Meaning("Support Conversation Started", CHANNEL, _TALK),
    "conversation.user.replied": Meaning("Support Conversation Continued", CHANNEL, _TALK),
    "conversation.admin.replied": Meaning("Support Reply Sent", CHANNEL, _TALK),
    "conversation.admin.single.created": Meaning("Support Message Sent", CHANNEL, _TALK),
    "conversation.operator.replied": Meaning("Support Reply Sent", CHANNEL, f"by a bot or a workflow; {_TALK}"),
    "conversation.read": Meaning("Message Read", CHANNEL, _TALK),
    "conversation.admin.closed": Meaning("Support Conversation Closed", CHANNEL, _TALK),
    "conversation.rating.added": Meaning("Survey Answered", "survey", "`rating`"),
    "ticket.created": Meaning("Ticket Created", CHANNEL, _TICKET),
    "ticket.contact.replied": Meaning("Ticket Commented", CHANNEL, _TICKET),
    "ticket.admin.replied": Meaning("Ticket Reply Sent", CHANNEL, _TICKET),
    "ticket.state.updated": Meaning("Ticket Status Processed", CHANNEL, _TICKET),
    "ticket.resolved": Meaning(RESOLVED, CHANNEL, f"{_TICKET}; both notes of one moment count once"),
    "ticket.closed": Meaning(RESOLVED, CHANNEL, f"{_TICKET}; both notes of one moment count once"),
    "ticket.rating.provided": Meaning("Survey Answered", "survey", "`rating`"),
    "call.started": Meaning("Call Started", PHONE),
    "call.ended": Meaning("Call Ended", PHONE, "`duration_s`, `direction`"),
    **dict.fromkeys(("contact.unsubscribed", "user.unsubscribed"), MAIL["unsubscribed"]),
    "contact.subscribed": MAIL["subscribed"],
    "granular.unsubscribe": MAIL["unsubscribed"],
    "granular.subscribe": MAIL["subscribed"],
    **dict.fromkeys(("contact.unsubscribed_from_sms", "granular.unsubscribe, of SMS"), _SMS_OFF),
    "granular.subscribe, of SMS": _SMS_ON,
    NAMED: Meaning("the event's `event_name`", "app", "properties: its `metadata`"),
    **stats.MEANINGS,
    **dict.fromkeys(
        (
            *("user.created", "user.updated", "user.email.updated", "visitor.signed_up", "contact.created"),
            *("contact.user.created", "contact.user.updated", "contact.lead.created", "contact.lead.updated"),
            *("contact.lead.added_email", "contact.lead.signed_up", "contact.signed_up", "contact.added_email"),
            *("contact.updated", "contact.email.updated"),
        ),
        Meaning(IDENTIFY),
    ),
    "contact.merged": Meaning(IDENTIFY, note="one for each of the two ids of Intercom"),
    **dict.fromkeys(_OF_STAFF, NOT_A_CUSTOMERS),
}
_PEOPLE: Final = ("user", "lead", "contact")
_CHANNELS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("phone", "phone_call", "phone_switch"), PHONE),
    **dict.fromkeys(("whatsapp", "instagram", "facebook"), "messenger"),
    "email": "email",
    "sms": "sms",
    "twitter": "social",
}
# Intercom's own ids for who is not known yet look so, and a ticket does not say whether its contact is.
_MADE_UP: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def signed(posted: Posted, secret: str) -> None:
    """`X-Hub-Signature: sha1=...`, HMAC-SHA1 of the body. Raises Forged."""
    check_hex(posted.headers.get("x-hub-signature", "").removeprefix("sha1="), secret, posted.body, "sha1")


def mapped(posted: Posted) -> Mapped:
    note = json_object(posted.body)
    if isinstance(note, Unmapped):
        return Mapped(unmapped=(note,))
    topic, item = text(note, "topic"), get(note, "data", "item")
    if topic == "ping":
        return Mapped()
    meaning = meaning_of(_word(topic, item), MEANINGS)
    if meaning is None or not isinstance(item, dict):
        return Mapped(unmapped=(Unmapped(note, f"no topic of Intercom that is mapped: {shown(topic)}"),))
    if not meaning.event:
        return Mapped()
    made = [_event(meaning, note, item)]
    if other := text(item, "merged_from", "id"):
        made.append(_event(meaning, note, {**item, "id": other}))
    return Mapped(tuple(made))


def _word(topic: str, item: Any) -> str:
    """The topic, and where it leaves open what happened, what says so."""
    if topic.startswith(stats.PREFIX):
        return f"{topic}, {text(item, 'content_stat', 'stat_type')}"
    if topic.startswith("granular.") and _contents(item) and "email" not in _contents(item):
        return f"{topic}, of SMS"
    return topic


def _contents(item: Any) -> list[Any]:
    kinds = get(item, "subscription_types", "data", 0, "content_types")
    return kinds if isinstance(kinds, list) else []


def _event(meaning: Meaning, note: dict[str, Any], item: dict[str, Any]) -> Event:
    is_person, topic = meaning.event == IDENTIFY, text(note, "topic")
    ticket = get(item, "ticket") if isinstance(get(item, "ticket"), dict) and topic.startswith("ticket.") else item
    person = item if is_person else _person(item, ticket)
    own: tuple[str, ...] = (text(note, "id"),)
    if text(item, "merged_from", "id"):
        own += (text(item, "id"),)
    if meaning.event == RESOLVED and text(ticket, "updated_at"):
        own = (RESOLVED, text(ticket, "id"), text(ticket, "updated_at"))
    return event(
        text(item, "event_name") or "Event" if topic == NAMED else meaning.event,
        message=message_id("intercom", *own),
        channel=_channel(meaning, item, ticket),
        at=number(item, "created_at") if topic == NAMED else number(note, "created_at"),
        email=text(person, "email"),
        phone=text(person, "phone"),
        user_id=_user_id(person),
        ids={"intercom": text(person, "intercom_user_id") or text(person, "id")},
        properties=None if is_person else _properties(meaning, topic, item, ticket),
    )


def _channel(meaning: Meaning, item: dict[str, Any], ticket: Any) -> str:
    """Where somebody wrote, or called; what is not told is in the messenger."""
    if _TICKET in meaning.note:
        return _CHANNELS.get(text(ticket, "channel"), CHANNEL)
    return _CHANNELS.get(text(item, "source", "type"), CHANNEL) if _TALK in meaning.note else meaning.channel


def _user_id(person: Any) -> str:
    """His id with the sender; nothing where Intercom made it up: once he signs up he has another, and would be two."""
    external = text(person, "user_id") or text(person, "external_id")
    said = (text(person, "role"), text(person, "type"))
    if "lead" in said or get(person, "anonymous") is True:
        return ""
    return "" if "user" not in said and _MADE_UP.fullmatch(external) else external


def _properties(meaning: Meaning, topic: str, item: dict[str, Any], ticket: Any) -> dict[str, Any]:
    if topic == NAMED:
        told = item.get("metadata")
        return {**(told if isinstance(told, dict) else {}), "vendor": "intercom"}
    stat, is_ticket = get(item, "content_stat"), topic.startswith("ticket.")
    ratings = (number(ticket, name, "rating") for name in ("conversation_rating", "ticket_rating", "rating"))
    return {
        "vendor": "intercom",
        "conversation_id": "" if stat or is_ticket else text(item, "conversation_id") or text(item, "id"),
        "ticket_id": text(ticket, "ticket_id") or text(ticket, "id") if is_ticket else "",
        "ticket_type": text(ticket, "ticket_type", "name"),
        "state": text(ticket, "ticket_state", "category") or text(item, "state"),
        "rating": next((found for found in ratings if found is not None), number(ticket, "rating")),
        "campaign": text(stat, "content_title"),
        "series": text(stat, "series_title"),
        "topic": topic,
        **(_of_call(item) if meaning.channel == PHONE else {}),
    }


def _person(item: dict[str, Any], ticket: Any) -> Any:
    """Whom it is about: what older versions call its user, newer ones its contacts or first author.

    A contact is named by its ids alone; whether it is a lead the author of the conversation says.
    """
    author = get(item, "source", "author")
    part = get(item, "ticket_part", "author")
    contact = get(ticket, "contacts", "contacts", 0)
    if isinstance(item.get("user"), dict):
        return item["user"]
    if isinstance(item.get("contact"), dict):
        return item["contact"]
    if text(item, "type") == "event":
        return {name: item.get(name) for name in ("intercom_user_id", "user_id", "email")} | {"type": "user"}
    if text(item, "type") == "call":
        return {"id": text(item, "contact_id"), "phone": text(item, "phone")}
    if isinstance(contact, dict):
        if text(author, "id") == text(contact, "id"):
            return {**contact, **author}
        if text(part, "id") == text(contact, "id"):  # there every contact is called a user
            return {**contact, "email": text(part, "email")}
        return contact
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
    once="`id`; of a resolved ticket its id and time",
    secret="the app's client secret",
    signature="HMAC-SHA1 of the body, `X-Hub-Signature`; no time is signed",
    signed=signed,
    is_pinged=True,
    identity="e-mail, phone, `user_id` or `external_id`, Intercom's id",
)
