"""Brevo's transactional webhooks: one note a request. Brevo signs nothing."""

from collections.abc import Mapping
from typing import Any, Final

from api.webhooks.mail import Kind, mail, meanings
from api.webhooks.reading import json_object, json_of, number, text
from api.webhooks.vendor import Event, Mapped, Posted, Unmapped, Vendor

KINDS: Final[Mapping[str, Kind]] = {
    "request": "queued",
    "sent": "queued",
    "delivered": "delivered",
    "deferred": "deferred",
    "soft_bounce": "bounced",
    "hard_bounce": "bounced",
    "invalid_email": "bounced",
    "blocked": "rejected",
    "error": "failed",
    "opened": "opened",
    "unique_opened": "opened",
    "proxy_open": "opened",
    "unique_proxy_open": "opened",
    "click": "clicked",
    "spam": "complained",
    "complaint": "complained",
    "unsubscribe": "unsubscribed",
    "unsubscribed": "unsubscribed",
}
_REASONS = {
    "soft_bounce": "bounced",
    "hard_bounce": "bounced",
    "invalid_email": "invalid",
    "blocked": "blocked",
    "spam": "spam",
    "complaint": "spam",
}
_BY_PROXY = ("proxy_open", "unique_proxy_open")  # fetched ahead, as Apple's mail does: nobody need have read it


def mapped(posted: Posted) -> Mapped:
    notes = json_of(posted.body)
    if isinstance(notes, Unmapped):
        return Mapped(unmapped=(notes,))
    events, unmapped = [], []
    for note in notes if isinstance(notes, list) else [notes]:
        said = text(note, "event")
        if said in KINDS:
            events.append(_event(said, note))
        else:
            unmapped.append(Unmapped(note, f"no event of Brevo that is known: {said[:80]!r}"))
    return Mapped(tuple(events), tuple(unmapped))


def _event(said: str, note: dict[str, Any]) -> Event:
    # Of a first open come two notes, `opened` and `unique_opened`: one key, so that they count once. Only ts_epoch is a
    # moment, and ts_event of campaigns, which have no message id; else these are of the account's zone.
    mail_id, recipient, url = text(note, "message-id"), text(note, "email"), text(note, "link") or text(note, "URL")
    kind, at = KINDS[said], number(note, "ts_epoch") or (None if mail_id else number(note, "ts_event"))
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
        tags=note.get("tags") or note.get("tag"),
        metadata={} if isinstance(custom, Unmapped) else custom,
        user_agent=text(note, "user_agent"),
        subject=text(note, "subject"),
        campaign=text(note, "campaign name") or text(note, "camp_id"),
        template=text(note, "template_id"),
        is_machine=by_proxy,
    )


VENDOR: Final = Vendor(
    name="brevo",
    title="Brevo",
    mapped=mapped,
    meanings=meanings(KINDS),
    once="`message-id`, recipient, what happened, time, link",
)
