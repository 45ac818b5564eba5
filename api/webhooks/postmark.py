"""Postmark's webhooks: one note a request, also of a mail that came in. Postmark signs nothing."""

from collections.abc import Mapping
from typing import Any, Final

from api.webhooks.mail import Kind, mail, meanings, reply_kind, written_at
from api.webhooks.reading import get, json_object, listed, text
from api.webhooks.vendor import Event, Mapped, Posted, Unmapped, Vendor
from pipeline.ingest.redaction import shown

KINDS: Final[Mapping[str, Kind]] = {
    "Delivery": "delivered",
    "Bounce": "bounced",
    "Open": "opened",
    "Click": "clicked",
    "SpamComplaint": "complained",
    "SubscriptionChange": "unsubscribed",
}
_BOUNCES: Final[Mapping[str, tuple[Kind, str]]] = {  # by Type of a bounce, or SuppressionReason
    "HardBounce": ("bounced", "bounced"),
    "SoftBounce": ("bounced", "bounced"),
    "VirusNotification": ("bounced", "other"),
    "Transient": ("deferred", ""),
    "DnsError": ("deferred", ""),
    "OpenRelayTest": ("deferred", ""),
    "AutoResponder": ("autoresponded", ""),
    "AddressChange": ("autoresponded", ""),
    "ChallengeVerification": ("autoresponded", ""),
    "SpamNotification": ("complained", "spam"),
    "SpamComplaint": ("complained", "spam"),
    "Unsubscribe": ("unsubscribed", "unsubscribed"),
    "ManualSuppression": ("unsubscribed", "unsubscribed"),
    "Subscribe": ("subscribed", ""),
    "BadEmailAddress": ("rejected", "invalid"),
    "ManuallyDeactivated": ("rejected", "blocked"),
    "Unconfirmed": ("rejected", ""),
    "Blocked": ("rejected", "blocked"),
    "DMARCPolicy": ("rejected", "blocked"),
    "InboundError": ("failed", ""),
    "SMTPApiError": ("failed", ""),
    "TemplateRenderingFailed": ("failed", ""),
}


INBOUND: Final = "a mail that comes in"  # has no RecordType


def mapped(posted: Posted) -> Mapped:
    note = json_object(posted.body)
    if isinstance(note, Unmapped):
        return Mapped(unmapped=(note,))
    if "RecordType" not in note and isinstance(note.get("FromFull"), dict) and text(note, "MessageID"):
        return Mapped((_reply(note),))
    kind = KINDS.get(text(note, "RecordType"))
    if kind is None:
        said = text(note, "RecordType")
        return Mapped(unmapped=(Unmapped(note, f"no RecordType of Postmark that is known: {shown(said)}"),))
    reason = ""
    if kind in ("bounced", "complained"):
        kind, reason = _BOUNCES.get(text(note, "Type"), (kind, ""))
    elif kind == "unsubscribed" and note.get("SuppressSending") is True:
        kind, reason = _BOUNCES.get(text(note, "SuppressionReason"), (kind, ""))
    elif kind == "unsubscribed":
        kind = "subscribed"
    return Mapped((_event(kind, reason, note),))


def _event(kind: Kind, reason: str, note: dict[str, Any]) -> Event:
    at = next(
        (found for name in ("DeliveredAt", "BouncedAt", "ReceivedAt", "ChangedAt") if (found := text(note, name))), ""
    )
    recipient, url = text(note, "Email") or text(note, "Recipient"), text(note, "OriginalLink")
    place = get(note, "Geo")
    return mail(
        "postmark",
        kind,
        key=(text(note, "RecordType"), text(note, "ID"), text(note, "MessageID"), recipient, at, url),
        at=at,
        recipient=recipient,
        mail_id=text(note, "MessageID"),
        url=url,
        reason=reason,
        reply=text(note, "Details"),
        description=text(note, "Description"),
        tags=text(note, "Tag"),
        metadata=note.get("Metadata"),
        user_agent=text(note, "UserAgent"),
        address=text(place, "IP"),
        country=text(place, "CountryISOCode"),
        region=text(place, "Region"),
        city=text(place, "City"),
        stream=text(note, "MessageStream"),
    )


def _reply(note: dict[str, Any]) -> Event:
    """Of what was written, and of its subject and attachments, nothing is kept."""
    headers = {text(one, "Name").lower(): text(one, "Value") for one in listed(note, "Headers")}
    return mail(
        "postmark",
        reply_kind(headers.get("auto-submitted", "")),
        key=("Inbound", text(note, "MessageID")),
        at=written_at(text(note, "Date")),
        recipient=text(note, "FromFull", "Email"),
        mail_id=text(note, "MessageID"),
        tags=text(note, "Tag"),
        is_machine=headers.get("x-spam-status", "").lower().startswith("yes"),
        stream=text(note, "MessageStream"),
    )


VENDOR: Final = Vendor(
    name="postmark",
    title="Postmark",
    mapped=mapped,
    meanings=meanings(
        {
            **KINDS,
            **{f"Bounce, {name}": kind for name, (kind, _) in _BOUNCES.items() if kind != "bounced"},
            INBOUND: "replied",
        }
    ),
    once="`RecordType`, `ID`, `MessageID`, recipient, time, link",
)
