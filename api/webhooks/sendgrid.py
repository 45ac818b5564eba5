"""SendGrid's event webhook: a list of events in one request, merged with what the sender gave with the mail."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from api.webhooks.mail import Kind, mail, meanings
from api.webhooks.reading import json_of, number, text
from api.webhooks.signature import RETRIED_WINDOW_MS, check_time, unbased
from api.webhooks.vendor import Event, Forged, Mapped, Posted, Unmapped, Vendor
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
    notes = json_of(posted.body)
    if isinstance(notes, Unmapped):
        return Mapped(unmapped=(notes,))
    events, unmapped = [], []
    for note in notes if isinstance(notes, list) else [notes]:
        kind = KINDS.get(text(note, "event"))
        if kind is None:
            unmapped.append(Unmapped(note, f"no event of SendGrid that is known: {shown(text(note, 'event'))}"))
        else:
            events.append(_event(kind, note))
    return Mapped(tuple(events), tuple(unmapped))


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
    meanings=meanings(KINDS),
    once="`sg_event_id`",
    secret="verification key of the signed event webhook",
    signature="ECDSA over time and body, `X-Twilio-Email-Event-Webhook-Signature`, within 26 h",
    signed=signed,
)
