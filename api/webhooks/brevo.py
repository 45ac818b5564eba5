"""Brevo's webhooks of mails, mails that come in and transactional SMS: one note a request, or an array of them.

Brevo signs nothing.
"""

from collections.abc import Mapping
from typing import Any, Final

from api.webhooks.event import IDENTIFY, event, message_id
from api.webhooks.mail import MEANINGS, Kind, mail, meanings, reply_kind, written_at
from api.webhooks.reading import json_object, json_of, listed, number, text
from api.webhooks.vendor import NOT_A_CUSTOMERS, Event, Mapped, Meaning, Posted, Unmapped, Vendor
from pipeline.ingest.redaction import shown

KINDS: Final[Mapping[str, Kind]] = {
    "request": "queued",
    "sent": "queued",
    "delivered": "delivered",
    "deferred": "deferred",
    "soft_bounce": "bounced",
    "hard_bounce": "bounced",
    "invalid_email": "bounced",
    "invalid": "bounced",
    "blocked": "rejected",
    "error": "failed",
    "opened": "opened",
    "unique_opened": "opened",
    "first_opening": "opened",
    "proxy_open": "opened",
    "unique_proxy_open": "opened",
    "loaded_by_proxy": "opened",
    "unique_loaded_by_proxy": "opened",
    "click": "clicked",
    "spam": "complained",
    "complaint": "complained",
    "unsubscribe": "unsubscribed",
    "unsubscribed": "unsubscribed",
}
_KINDS = {word.replace("_", ""): kind for word, kind in KINDS.items()}  # notes and settings spell them differently
_REASONS = {
    "softbounce": "bounced",
    "hardbounce": "bounced",
    "invalidemail": "invalid",
    "invalid": "invalid",
    "blocked": "blocked",
    "spam": "spam",
    "complaint": "spam",
}
PEOPLE: Final[Mapping[str, Meaning]] = {
    "contact_updated": Meaning(IDENTIFY),
    "list_addition": Meaning(IDENTIFY),
    "contact_deleted": NOT_A_CUSTOMERS,
}
INBOUND: Final = "a mail that comes in"
SMS = "sms"
TEXTS: Final[Mapping[str, Meaning]] = {  # by `msg_status`, however it is spelled: softBounce, soft_bounce
    "sent": Meaning("SMS Sent", SMS),
    "accepted": Meaning("SMS Queued", SMS),
    "delivered": Meaning("SMS Delivered", SMS),
    "softbounce": Meaning("SMS Undelivered", SMS),
    "hardbounce": Meaning("SMS Undelivered", SMS),
    "rejected": Meaning("SMS Failed", SMS),
    "blacklisted": Meaning("SMS Failed", SMS),
    "skip": Meaning("SMS Failed", SMS),
    "replied": Meaning("SMS Replied", SMS, "what the person wrote is not kept"),
    "subscribe": Meaning("SMS Subscribed", SMS),
    "unsubscribe": Meaning("SMS Unsubscribed", SMS),
}
_BY_PROXY = (
    "proxyopen",
    "uniqueproxyopen",
    "loadedbyproxy",
    "uniqueloadedbyproxy",
)  # fetched ahead, as Apple's mail does: nobody need have read it


def mapped(posted: Posted) -> Mapped:
    notes = json_of(posted.body)
    if isinstance(notes, Unmapped):
        return Mapped(unmapped=(notes,))
    events: list[Event] = []
    unmapped: list[Unmapped] = []
    for note in notes if isinstance(notes, list) else [notes]:
        if incoming := [one for one in listed(note, "items") if text(one, "From", "Address")]:
            events += map(_reply, incoming)
            continue
        said = text(note, "event") or text(note, "msg_status")
        if _plain(said) in _KINDS and "msg_status" not in note:
            events.append(_event(_plain(said), note))
        elif said in PEOPLE:
            events += [_person(said, email, note) for email in _addresses(note)]
        elif (meaning := TEXTS.get(_plain(text(note, "msg_status")))) is not None:
            events.append(_text(meaning, note))
        else:
            unmapped.append(Unmapped(note, f"no event of Brevo that is known: {shown(said)}"))
    return Mapped(tuple(events), tuple(unmapped))


def _event(said: str, note: dict[str, Any]) -> Event:
    # Of a first open come two notes, `opened` and `unique_opened`: one key, so that they count once. Only ts_epoch is a
    # moment, and ts_event of campaigns, which have no message id; else these are of the account's zone.
    mail_id, recipient, url = text(note, "message-id"), text(note, "email"), text(note, "link") or text(note, "URL")
    kind, at = _KINDS[said], number(note, "ts_epoch") or (None if mail_id else number(note, "ts_event"))
    custom = json_object(text(note, "X-Mailin-custom"))
    by_proxy = said in _BY_PROXY
    return mail(
        "brevo",
        kind,
        key=(
            mail_id or text(note, "camp_id"),
            recipient,
            kind,
            by_proxy,
            at or text(note, "ts_event") or text(note, "date"),
            url,
        ),
        at=at,
        recipient=recipient,
        mail_id=mail_id,
        url=url,
        reason=_REASONS.get(said, ""),
        reply=text(note, "reason"),
        tags=note.get("tags") or _tags(note.get("tag")),
        metadata={} if isinstance(custom, Unmapped) else custom,
        user_agent=text(note, "user_agent"),
        subject=text(note, "subject"),
        campaign=text(note, "campaign name") or text(note, "camp_id"),
        template=text(note, "template_id"),
        is_machine=by_proxy,
        ids={"brevo": text(note, "contact_id")},  # of who opened by a proxy there may be no address
    )


def _tags(told: Any) -> Any:
    """One tag, a list of them, or a list as JSON in a text: `["spring"]`."""
    found = json_of(told) if isinstance(told, str) and told.startswith("[") else told
    return told if isinstance(found, Unmapped) else found


def _addresses(note: dict[str, Any]) -> list[str]:
    """Whom a note of a list or of contacts is about: one address, or a list of them; nobody where they are deleted."""
    found = note.get("email")
    told = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    return [one for one in told if isinstance(one, str)] if PEOPLE[text(note, "event")].event else []


def _person(said: str, email: str, note: dict[str, Any]) -> Event:
    at = number(note, "ts") or number(note, "ts_event")
    return event(
        IDENTIFY,
        message=message_id("brevo", said, text(note, "id"), email, at or text(note, "date")),
        at=at,
        email=email,
    )


def _reply(incoming: dict[str, Any]) -> Event:
    """Of what was written, and of its subject and attachments, nothing is kept."""
    mail_id = text(incoming, "MessageId")
    return mail(
        "brevo",
        reply_kind(text(incoming, "Headers", "Auto-Submitted")),
        key=("inbound", mail_id or text(incoming, "Uuid", 0)),
        at=written_at(text(incoming, "SentAtDate")),
        recipient=text(incoming, "From", "Address"),
        mail_id=mail_id,
    )


def _text(meaning: Meaning, note: dict[str, Any]) -> Event:
    said, to, sms = text(note, "msg_status"), text(note, "to"), text(note, "messageId") or text(note, "reference")
    at = number(note, "ts_event")  # `date` is of the account's zone
    return event(
        meaning.event,
        message=message_id("brevo", SMS, sms, to, _plain(said), at or text(note, "date")),
        channel=meaning.channel,
        at=at,
        phone=f"+{to.removeprefix('+')}" if to else "",
        properties={
            "vendor": "brevo",
            "status": said,
            "message_id": sms,
            "kind": text(note, "type"),
            "error_code": text(note, "error_code"),
            "parts": number(note, "sms_count"),
            "credits": number(note, "credits_used"),
            "tags": note.get("tag"),
        },
    )


def _plain(said: str) -> str:
    return said.replace("_", "").lower()


VENDOR: Final = Vendor(
    name="brevo",
    title="Brevo",
    mapped=mapped,
    meanings={
        **meanings(KINDS),
        **PEOPLE,
        INBOUND: MEANINGS["replied"],
        **{f"SMS, {said}": meaning for said, meaning in TEXTS.items()},
    },
    once="`message-id`, recipient, what happened, time, link; of an SMS `messageId`",
    identity="e-mail, Brevo's id of the contact; of an SMS the phone number",
)
