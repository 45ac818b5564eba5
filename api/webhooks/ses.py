"""Amazon SES, by SNS: event publishing and feedback notifications.

SNS signs with a certificate of its own, and asks once whether we listen. A signing secret is the topic's ARN: without
it any topic of any account may post, if it knows the key.
"""

import re
from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509 import load_pem_x509_certificate

from api.webhooks.mail import MEANINGS, Kind, mail, meanings, reply_kind
from api.webhooks.reading import fields, get, json_object, json_of, listed, text
from api.webhooks.signature import HOURS, check_one, check_time, unbased
from api.webhooks.vendor import Event, Forged, Mapped, Posted, Unmapped, Vendor
from pipeline.ingest.event_time import to_ms
from pipeline.ingest.redaction import shown

KINDS: Final[Mapping[str, Kind]] = {
    "Send": "sent",
    "Delivery": "delivered",
    "DeliveryDelay": "deferred",
    "Bounce": "bounced",
    "Reject": "rejected",
    "Rendering Failure": "failed",
    "Open": "opened",
    "Click": "clicked",
    "Complaint": "complained",
    "Subscription": "unsubscribed",
}
_PARTS = {"Rendering Failure": "failure", "DeliveryDelay": "deliveryDelay"}  # whose name is not the type's
_NAMED = {
    "Bounce": "bouncedRecipients",
    "Complaint": "complainedRecipients",
    "DeliveryDelay": "delayedRecipients",
    "Delivery": "recipients",
}
RECEIVED: Final = "Received"  # a mail that comes in
_CONFIRM = "SubscriptionConfirmation"
TRIED_MS = 2 * HOURS  # SNS tries for an hour at most, and signs the time of the first attempt
_SIGNED = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_SIGNED_CONFIRM = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_HOST = re.compile(r"sns\.[a-z0-9-]{4,30}\.amazonaws\.com(?:\.cn)?")
_TEST = "Successfully validated SNS topic for Amazon SES event publishing."
_SUBSCRIBED = "AmazonSnsSubscriptionSucceeded"  # the test note of feedback notifications


def certificate(posted: Posted) -> str:
    """Where Amazon's certificate stands. Raises Forged where the note names another site's."""
    if posted.headers.get("x-amz-sns-rawdelivery", "").lower() == "true":
        raise Forged("raw message delivery is on: SNS does not sign such notes; turn it off in the subscription")
    note = json_object(posted.body)
    url = "" if isinstance(note, Unmapped) else text(note, "SigningCertURL") or text(note, "SigningCertUrl")
    if not _is_amazon(url) or not urlsplit(url).path.endswith(".pem"):
        raise Forged("SigningCertURL must be a certificate of Amazon SNS")
    return url


def signed_with(posted: Posted, topic: str, pem: bytes) -> None:
    """Raises Forged where the note is not signed by the certificate's key, or is not of the topic."""
    note = json_object(posted.body)
    if isinstance(note, Unmapped):
        raise Forged("not a note of SNS")
    names = _SIGNED if text(note, "Type") == "Notification" else _SIGNED_CONFIRM
    message = "".join(f"{name}\n{note[name]}\n" for name in names if isinstance(note.get(name), str))
    digest = hashes.SHA256() if text(note, "SignatureVersion") == "2" else hashes.SHA1()  # SNS chooses: 1 is SHA-1
    try:
        key = load_pem_x509_certificate(pem).public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise Forged("the certificate of SNS has no RSA key")
        key.verify(unbased(text(note, "Signature")), message.encode(), padding.PKCS1v15(), digest)
    except (InvalidSignature, ValueError) as error:
        raise Forged("the note is not signed by Amazon SNS") from error
    if topic:
        check_one(text(note, "TopicArn"), topic)
    check_time((to_ms(text(note, "Timestamp")) or 0) / 1000, posted.now, TRIED_MS)


def mapped(posted: Posted) -> Mapped:
    note = json_object(posted.body)
    if isinstance(note, Unmapped):
        return Mapped(unmapped=(note,))
    if text(note, "Type") == _CONFIRM:
        url = text(note, "SubscribeURL")
        return Mapped(visit=url) if _is_amazon(url) else Mapped(unmapped=(Unmapped(note, "no SubscribeURL of SNS"),))
    if text(note, "Type") == "UnsubscribeConfirmation" or text(note, "Message").strip() == _TEST:
        return Mapped()
    told = json_object(text(note, "Message"))
    if isinstance(told, Unmapped):
        return Mapped(unmapped=(Unmapped(note, f"Message: {told.words}"),))
    if text(told, "notificationType") == _SUBSCRIBED:
        return Mapped()
    if text(told, "notificationType") == RECEIVED:
        return _incoming(told)
    return _events(note, told)


def _incoming(told: dict[str, Any]) -> Mapped:
    """A mail that SES took in, by a receipt rule's action. Of what was written, and of its subject, nothing is kept."""
    note = get(told, "mail")
    headers = {text(one, "name").lower(): text(one, "value") for one in listed(note, "headers")}
    who = parseaddr(text(note, "commonHeaders", "from", 0) or headers.get("from", ""))[1] or text(note, "source")
    if not who:
        return Mapped(unmapped=(Unmapped(told, "a mail that comes in, without who wrote it"),))
    is_spam = text(told, "receipt", "spamVerdict", "status") == "FAIL"
    made = mail(
        "ses",
        reply_kind(headers.get("auto-submitted", "")),
        key=("inbound", text(note, "messageId")),
        at=text(told, "receipt", "timestamp") or text(note, "timestamp"),
        recipient=who,
        mail_id=text(note, "commonHeaders", "messageId") or headers.get("message-id", ""),
        is_machine=is_spam,
    )
    return Mapped((made,))


def _events(note: dict[str, Any], told: dict[str, Any]) -> Mapped:
    kind_said = text(told, "eventType") or text(told, "notificationType")
    kind = KINDS.get(kind_said)
    if kind is None:
        return Mapped(unmapped=(Unmapped(told, f"no event type of SES that is known: {shown(kind_said)}"),))
    part = get(told, _PARTS.get(kind_said, kind_said.lower()))
    if kind_said == "Subscription" and get(part, "newTopicPreferences", "unsubscribeAll") is not True:
        kind = "subscribed"
    whom = listed(part, _NAMED[kind_said]) if kind_said in _NAMED else listed(told, "mail", "destination")
    if kind in ("opened", "clicked") and len(whom) > 1:
        words = f"SES does not say which of {len(whom)} recipients it was: send each a mail of his own"
        return Mapped(unmapped=(Unmapped(told, words),))
    if not whom:
        return Mapped(unmapped=(Unmapped(told, "names no recipient"),))
    return Mapped(tuple(_event(note, told, kind, part, one) for one in whom))


def _event(note: dict[str, Any], told: dict[str, Any], kind: Kind, part: Any, whom: Any) -> Event:
    recipient = whom if isinstance(whom, str) else text(whom, "emailAddress")
    headers = [one for one in listed(told, "mail", "headers") if isinstance(one, dict)]
    given = [text(one, "value") for one in headers if text(one, "name").lower() == "x-metadata"]
    tags = {name: one for name, value in fields(told, "mail", "tags").items() if (one := text(value, 0))}
    metadata = fields(json_of(given[-1])) if given else {}
    bounce = f"{text(part, 'bounceType')}: {text(part, 'bounceSubType')}" if kind == "bounced" else ""
    reasons: dict[Kind, str] = {"bounced": "bounced", "complained": "spam", "rejected": "blocked"}
    return mail(
        "ses",
        kind,
        key=(text(note, "MessageId"), recipient),
        at=text(part, "timestamp") or text(note, "Timestamp"),
        recipient=recipient,
        mail_id=text(told, "mail", "messageId"),
        url=text(part, "link"),
        reason=reasons.get(kind, ""),
        reply=text(whom, "diagnosticCode") or text(part, "smtpResponse"),
        description=bounce or text(part, "complaintFeedbackType") or text(part, "reason") or text(part, "errorMessage"),
        tags=[text(one, "value") for one in headers if text(one, "name").lower() == "x-tag"],
        metadata=metadata,
        labels={name: one for name, one in tags.items() if not name.startswith("ses:")},  # those are Amazon's own
        user_agent=text(part, "userAgent"),
        address=text(part, "ipAddress"),
        subject=text(told, "mail", "commonHeaders", "subject"),
    )


def _is_amazon(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" and parts.netloc == parts.hostname and bool(_HOST.fullmatch(parts.netloc))


VENDOR: Final = Vendor(
    name="ses",
    title="Amazon SES (by SNS)",
    mapped=mapped,
    meanings={**meanings(KINDS), RECEIVED: MEANINGS["replied"]},
    once="`MessageId` of SNS, and the recipient; of a mail that comes in `mail.messageId`",
    secret="ARN of the topic",
    signature="always: RSA, by a certificate of `sns.*.amazonaws.com`, within 2 h; never raw delivery",
    certificate=certificate,
    signed_with=signed_with,
)
