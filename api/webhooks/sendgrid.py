"""SendGrid's event webhook: a list of events in one request, merged with what the sender gave with the mail.

And its inbound parse: a mail that comes in, as a multipart form. It is signed as events are where a security policy
with a signature is attached to the host, and not at all where none is.
"""

import base64
import binascii
from collections.abc import Mapping
from email.parser import HeaderParser
from email.utils import parseaddr
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from api.webhooks.mail import MEANINGS, Kind, mail, meanings, reply_kind, written_at
from api.webhooks.reading import Fields, first, form_of, json_object, json_of, number, text
from api.webhooks.signature import RETRIED_WINDOW_MS, check_time, unbased
from api.webhooks.vendor import NOT_A_CUSTOMERS, Event, Forged, Mapped, Posted, Unmapped, Vendor
from pipeline.ingest.redaction import shown

KINDS: Final[Mapping[str, Kind]] = {
    "processed": "queued",
    "delivered": "delivered",
    "deferred": "deferred",
    "bounce": "bounced",
    "dropped": "rejected",
    "open": "opened",
    "click": "clicked",
    "spamreport": "complained",
    "unsubscribe": "unsubscribed",
    "group_unsubscribe": "unsubscribed",
    "group_resubscribe": "subscribed",
}
INBOUND: Final = "a mail that comes in"  # by inbound parse; has no event
ACCOUNTS: Final = ("account_status_change",)
MOST_HEADERS = 65_536
_REASONS = {
    "invalid": "invalid",
    "unsubscribed address": "unsubscribed",
    "bounced address": "bounced",
    "bounce": "bounced",
    "blocked": "blocked",
    "expired": "timed_out",
    "spam reporting address": "spam",
}
_OWN = frozenset((  # SendGrid's own fields; all others are the sender's
    "anymail_id", "asm_group_id", "attempt", "bounce_classification", "category", "cert_err", "email", "event",
    "ip", "marketing_campaign_id", "marketing_campaign_name", "marketing_campaign_split_id",
    "marketing_campaign_version", "newsletter", "nlvx_campaign_id", "nlvx_campaign_split_id", "nlvx_user_id",
    "pool", "post_type", "reason", "response", "send_at", "sg_content_type", "sg_event_id", "sg_machine_open",
    "sg_message_id", "sg_template_id", "sg_template_name", "singlesend_id", "singlesend_name", "smtp-id",
    "status", "template_id", "timestamp", "tls", "type", "url", "url_offset", "useragent",
))  # fmt: skip


def signed(posted: Posted, secret: str) -> None:
    """ECDSA over the time and the body, by the webhook's own key. Raises Forged."""
    at = posted.headers.get("x-twilio-email-event-webhook-timestamp", "")
    signature = unbased(posted.headers.get("x-twilio-email-event-webhook-signature", ""))
    body = "".join(line for line in secret.split("\n") if "-----" not in line)
    try:
        key = load_der_public_key(base64.b64decode(body))
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise Forged("the source's signing secret is no verification key of SendGrid")
        key.verify(signature, at.encode() + posted.body, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise Forged("the request is not signed by the key that the source's signing secret is") from error
    except (binascii.Error, ValueError, UnsupportedAlgorithm) as error:
        raise Forged("the source's signing secret is no verification key of SendGrid") from error
    check_time(at, posted.now, RETRIED_WINDOW_MS)


def mapped(posted: Posted) -> Mapped:
    if posted.headers.get("content-type", "").lower().startswith("multipart/"):
        return _incoming(form_of(posted))
    notes = json_of(posted.body)
    if isinstance(notes, Unmapped):
        return Mapped(unmapped=(notes,))
    events, unmapped = [], []
    for note in notes if isinstance(notes, list) else [notes]:
        kind = KINDS.get(text(note, "event"))
        if text(note, "type") in ACCOUNTS or text(note, "event") in ACCOUNTS:
            continue
        if kind is None:
            unmapped.append(Unmapped(note, f"no event of SendGrid that is known: {shown(text(note, 'event'))}"))
        else:
            events.append(_event(kind, note))
    return Mapped(tuple(events), tuple(unmapped))


def _incoming(form: Fields) -> Mapped:
    """Of what was written, of its subject and its attachments, nothing is kept."""
    raw = first(form, "headers") or first(form, "email")[:MOST_HEADERS]  # the whole mail, where it comes raw
    headers = HeaderParser().parsestr(raw, headersonly=True)
    envelope = json_object(first(form, "envelope") or "{}")
    sender = parseaddr(first(form, "from"))[1] or text(envelope, "from")
    if not sender or "envelope" not in form:
        told = "no mail that comes in: neither `envelope` nor `from`"
        return Mapped(unmapped=(Unmapped({name: first(form, name)[:1000] for name in list(form)[:32]}, told),))
    mail_id, date = str(headers.get("message-id") or "").strip(), str(headers.get("date") or "")
    made = mail(
        "sendgrid",
        reply_kind(str(headers.get("auto-submitted") or "")),
        key=("inbound", mail_id or (date, sender, first(form, "subject")), text(envelope, "to", 0)),
        at=written_at(date),
        recipient=sender,
        mail_id=mail_id,
    )
    return Mapped((made,))


def _event(kind: Kind, note: dict[str, Any]) -> Event:
    why = text(note, "type") or text(note, "reason")
    return mail(
        "sendgrid",
        kind,
        key=(text(note, "sg_event_id") or sorted((name, str(value)) for name, value in note.items()),),
        at=number(note, "timestamp"),
        recipient=text(note, "email"),
        mail_id=text(note, "anymail_id") or text(note, "smtp-id") or text(note, "sg_message_id"),
        url=text(note, "url"),
        reason=_REASONS.get(why.lower(), "other") if kind == "rejected" else "",
        reply="" if kind == "rejected" else text(note, "response") or text(note, "reason"),
        tags=note.get("category"),
        metadata={name: value for name, value in note.items() if name not in _OWN},
        user_agent=text(note, "useragent"),
        address=text(note, "ip"),
        is_machine=note.get("sg_machine_open") is True,
    )


VENDOR: Final = Vendor(
    name="sendgrid",
    title="SendGrid",
    mapped=mapped,
    meanings={**meanings(KINDS), INBOUND: MEANINGS["replied"], **dict.fromkeys(ACCOUNTS, NOT_A_CUSTOMERS)},
    once="`sg_event_id`; of a mail that comes in its `Message-ID`",
    secret="verification key of the signed event webhook, or `public_key` of the inbound parse's security policy",
    signature="ECDSA over time and body, `X-Twilio-Email-Event-Webhook-Signature`, within 26 h",
    signed=signed,
)
