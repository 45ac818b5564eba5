"""Mailjet's event webhooks: one note a request, or a list where events are grouped; and its Parse API.

Mailjet signs nothing.
"""

from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any, Final

from api.webhooks.mail import Kind, mail, meanings, reply_kind, written_at
from api.webhooks.reading import fields, json_object, json_of, number, text
from api.webhooks.vendor import Event, Mapped, Posted, Unmapped, Vendor
from pipeline.ingest.redaction import shown

KINDS: Final[Mapping[str, Kind]] = {
    "sent": "delivered",  # taken by the recipient's server
    "open": "opened",
    "click": "clicked",
    "bounce": "bounced",
    "blocked": "rejected",
    "spam": "complained",
    "unsub": "unsubscribed",
}
INBOUND: Final = "a mail that comes in"  # by the Parse API; has no event
GREYLISTED = "bounce, greylisted"
_REASONS = {
    **dict.fromkeys(("user unknown", "mailbox inactive", "quota exceeded"), "bounced"),
    **dict.fromkeys(("invalid domain", "no mail host", "relay/access denied"), "bounced"),
    **dict.fromkeys(("blacklisted", "sender blocked", "content blocked", "policy issue", "preblocked"), "blocked"),
    "spam reporter": "spam",
    "typofix": "invalid",
}


def mapped(posted: Posted) -> Mapped:
    notes = json_of(posted.body)
    if isinstance(notes, Unmapped):
        return Mapped(unmapped=(notes,))
    events, unmapped = [], []
    for note in notes if isinstance(notes, list) else [notes]:
        if "event" not in fields(note) and (text(note, "From") or text(note, "Sender")) and fields(note, "Headers"):
            events.append(_reply(note))
            continue
        kind = KINDS.get(text(note, "event"))
        if kind is None:
            unmapped.append(Unmapped(note, f"no event of Mailjet that is known: {shown(text(note, 'event'))}"))
            continue
        if text(note, "error") == "greylisted" and not note.get("hard_bounce"):
            kind = "deferred"  # it is tried again
        events.append(_event(kind, note))
    return Mapped(tuple(events), tuple(unmapped))


def _reply(note: dict[str, Any]) -> Event:
    """By the Parse API. Of what was written, of its subject and attachments, nothing is kept."""
    # A header is a text, or a list where it may come more than once.
    headers = {name.lower(): text({"": one}, "") or text(one, 0) for name, one in fields(note, "Headers").items()}
    who, mail_id, date = parseaddr(text(note, "From"))[1], headers.get("message-id", ""), headers.get("date", "")
    return mail(
        "mailjet",
        reply_kind(headers.get("auto-submitted", "")),
        key=("inbound", mail_id or (date, text(note, "Date")), who, text(note, "Recipient")),
        at=written_at(date),
        recipient=who or text(note, "Sender"),
        mail_id=mail_id,
    )


def _event(kind: Kind, note: dict[str, Any]) -> Event:
    error, recipient, url = text(note, "error"), text(note, "email"), text(note, "url")
    given = json_object(text(note, "Payload"))
    return mail(
        "mailjet",
        kind,
        key=(text(note, "MessageID"), recipient, text(note, "event"), number(note, "time"), url, error),
        at=number(note, "time"),
        recipient=recipient,
        mail_id=text(note, "MessageID"),
        url=url,
        reason=_REASONS.get(error, "other") if error else "",
        reply=text(note, "smtp_reply"),
        tags=text(note, "customcampaign"),
        metadata={} if isinstance(given, Unmapped) else given,
        user_agent=text(note, "agent"),
        address=text(note, "ip"),
        country=text(note, "geo"),
        campaign=text(note, "mj_campaign_id"),
        custom_id=text(note, "CustomID"),
    )


VENDOR: Final = Vendor(
    name="mailjet",
    title="Mailjet",
    mapped=mapped,
    meanings=meanings({**KINDS, GREYLISTED: "deferred", INBOUND: "replied"}),
    once="`MessageID`, recipient, event, time, link; of a mail that comes in its `Message-ID`",
)
