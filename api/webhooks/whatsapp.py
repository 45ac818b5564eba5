"""WhatsApp's webhooks by Meta's Cloud API: what became of messages, and messages that people wrote."""

from collections.abc import Mapping
from typing import Any, Final

from api.webhooks.event import event, message_id
from api.webhooks.reading import get, json_object, listed, number, text
from api.webhooks.signature import check_hex
from api.webhooks.vendor import Event, Forged, Mapped, Meaning, Posted, Unmapped, Vendor
from pipeline.ingest.redaction import shown

CHANNEL = "messenger"
REPLIED = "message"
_SYSTEM = "system"  # tells of a changed number; nobody wrote it
MEANINGS: Final[Mapping[str, Meaning]] = {
    "status sent": Meaning("Message Sent", CHANNEL),
    "status delivered": Meaning("Message Delivered", CHANNEL),
    "status read": Meaning("Message Read", CHANNEL),
    "status played": Meaning("Message Played", CHANNEL, "a voice message"),
    "status failed": Meaning("Message Failed", CHANNEL, "`error_code`"),
    REPLIED: Meaning("Message Replied", CHANNEL, "what the person wrote is not kept; `ad_id` where an ad led to it"),
}


def signed(posted: Posted, secret: str) -> None:
    """`X-Hub-Signature-256: sha256=...`, HMAC-SHA256 of the body. Raises Forged."""
    method, _, given = posted.headers.get("x-hub-signature-256", "").partition("=")
    if method != "sha256":
        raise Forged("the request has no X-Hub-Signature-256 that begins with sha256=")
    check_hex(given, secret, posted.body)


def mapped(posted: Posted) -> Mapped:
    note = json_object(posted.body)
    if isinstance(note, Unmapped):
        return Mapped(unmapped=(note,))
    changes = [change for entry in listed(note, "entry") for change in listed(entry, "changes")]
    events, unmapped = [], []
    for change in changes:
        value = get(change, "value")
        told = [(f"status {text(one, 'status')}", one) for one in listed(value, "statuses")]
        told += [
            (REPLIED if text(one, "type") != _SYSTEM else "message of the system", one)
            for one in listed(value, "messages")
        ]
        for word, one in told:
            if word in MEANINGS:
                events.append(_event(word, one))
            else:
                unmapped.append(Unmapped(one, f"no status of WhatsApp that is known: {shown(word)}"))
        if not told:
            unmapped.append(Unmapped(change, f"no field of WhatsApp that is mapped: {shown(text(change, 'field'))}"))
    if not changes:
        unmapped.append(Unmapped(note, "tells of no change"))
    return Mapped(tuple(events), tuple(unmapped))


def _event(word: str, one: Any) -> Event:
    meaning = MEANINGS[word]
    is_reply = word == REPLIED
    who = text(one, "from") if is_reply else text(one, "recipient_id")
    # Who has a user name may hide his number: then there is Meta's id of him alone.
    own = text(one, "from_user_id") if is_reply else text(one, "recipient_user_id")
    return event(
        meaning.event,
        message=message_id("whatsapp", text(one, "id"), word),
        channel=meaning.channel,
        at=number(one, "timestamp"),
        phone=f"+{who.removeprefix('+')}" if who else "",
        ids={"whatsapp": own},
        properties={
            "vendor": "whatsapp",
            "message_id": text(one, "id"),
            "kind": text(one, "type"),
            "category": text(one, "pricing", "category"),
            "error_code": text(one, "errors", 0, "code"),
            "ad_id": text(one, "referral", "source_id") if text(one, "referral", "source_type") == "ad" else "",
            "click_id": text(one, "referral", "ctwa_clid"),
        },
    )


VENDOR: Final = Vendor(
    name="whatsapp",
    title="WhatsApp (Meta's Cloud API)",
    mapped=mapped,
    meanings=MEANINGS,
    once="`id` of the message, and the status",
    secret="the app's secret",
    signature="HMAC-SHA256 of the body, `X-Hub-Signature-256`; no time is signed",
    signed=signed,
    identity="phone number of the other side, and the id that the business knows of it",
    has_challenge=True,
)
