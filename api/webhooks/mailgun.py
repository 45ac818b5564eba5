"""Mailgun's webhooks: JSON, and forms: mails that come in, and the webhooks of before 2018 (mailgun_forms)."""

from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any, Final

from api.webhooks import mailgun_forms
from api.webhooks.mail import MEANINGS, Kind, mail, meanings
from api.webhooks.reading import form_of, get, json_object, number, text
from api.webhooks.signature import RETRIED_WINDOW_MS, check_hex, check_time
from api.webhooks.vendor import Event, Mapped, Posted, Unmapped, Vendor
from pipeline.ingest.redaction import shown

KINDS: Final[Mapping[str, Kind]] = {
    "accepted": "queued",
    "delivered": "delivered",
    "failed": "bounced",
    "rejected": "rejected",
    "opened": "opened",
    "clicked": "clicked",
    "complained": "complained",
    "unsubscribed": "unsubscribed",
}
TEMPORARY = "failed, temporary"
_REASONS = {"bounce": "bounced", "suppress-bounce": "bounced", "suppress-unsubscribe": "unsubscribed"}


def signed(posted: Posted, secret: str) -> None:
    """HMAC-SHA256 over time and token, which stand in the body. Raises Forged."""
    if _is_json(posted):
        note = json_object(posted.body)
        block = {} if isinstance(note, Unmapped) else get(note, "signature")
        at, token, given = (text(block, name) for name in ("timestamp", "token", "signature"))
    else:
        at, token, given = mailgun_forms.signature(form_of(posted))
    check_hex(given, secret, f"{at}{token}".encode())
    check_time(at, posted.now, RETRIED_WINDOW_MS)


def mapped(posted: Posted) -> Mapped:
    if not _is_json(posted):
        return mailgun_forms.mapped(form_of(posted))
    note = json_object(posted.body)
    if isinstance(note, Unmapped):
        return Mapped(unmapped=(note,))
    told = get(note, "event-data")
    kind = KINDS.get(text(told, "event"))
    if kind is None:
        return Mapped(unmapped=(Unmapped(note, f"no event of Mailgun that is known: {shown(text(told, 'event'))}"),))
    if kind == "bounced" and text(told, "severity") == "temporary":
        kind = "deferred"
    return Mapped((_event(kind, note, told),))


def _is_json(posted: Posted) -> bool:
    """By the body: no form begins with a brace, and a proxy or a tool may have taken the content type off."""
    kind = posted.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or posted.body.lstrip()[:1] == b"{"


def _event(kind: Kind, note: dict[str, Any], told: dict[str, Any]) -> Event:
    mail_id, why = text(told, "message", "headers", "message-id"), text(told, "reason")
    reason = _REASONS.get(why, "other") if why or kind == "rejected" else ""
    to = parseaddr(text(told, "message", "headers", "to"))[1] if kind == "rejected" else ""
    place = get(told, "geolocation")
    # The id alone is unique within a day only.
    own = (text(told, "id"), number(told, "timestamp")) if text(told, "id") else (text(note, "signature", "token"),)
    return mail(
        "mailgun",
        kind,
        key=own,
        at=number(told, "timestamp"),
        recipient=text(told, "recipient") or to,
        mail_id=f"<{mail_id}>" if mail_id and not mail_id.startswith("<") else mail_id,
        url=text(told, "url"),
        reason=reason,
        reply=text(told, "delivery-status", "message"),
        description=text(told, "delivery-status", "description") or text(told, "reject", "reason"),
        tags=told.get("tags"),
        metadata=told.get("user-variables"),
        user_agent=text(told, "client-info", "user-agent"),
        address=text(told, "ip"),
        country=text(place, "country"),
        region=text(place, "region"),
        city=text(place, "city"),
        is_machine=bool(text(told, "client-info", "bot")),
    )


VENDOR: Final = Vendor(
    name="mailgun",
    title="Mailgun",
    mapped=mapped,
    meanings={**meanings({**KINDS, TEMPORARY: "deferred"}), mailgun_forms.INBOUND: MEANINGS["replied"]},
    once="`event-data.id` and its time",
    secret="HTTP webhook signing key",
    signature="HMAC-SHA256 over time and token, in the body, within 26 h",
    signed=signed,
)
