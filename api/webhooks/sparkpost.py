"""SparkPost's webhooks: a batch of notes, each wrapped twice. SparkPost signs nothing."""

from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any, Final

from api.webhooks.mail import MEANINGS, Kind, mail, meanings, reply_kind, written_at
from api.webhooks.reading import get, json_of, listed, number, text
from api.webhooks.vendor import NOT_A_CUSTOMERS, Event, Mapped, Meaning, Posted, Unmapped, Vendor
from pipeline.ingest.redaction import shown

KINDS: Final[Mapping[str, Kind]] = {
    "injection": "queued",
    "delivery": "delivered",
    "delay": "deferred",
    "bounce": "bounced",
    "out_of_band": "bounced",
    "policy_rejection": "rejected",
    "generation_rejection": "rejected",
    "generation_failure": "failed",
    "open": "opened",
    "amp_open": "opened",
    "click": "clicked",
    "amp_click": "clicked",
    "spam_complaint": "complained",
    "list_unsubscribe": "unsubscribed",
    "link_unsubscribe": "unsubscribed",
}
# Two pixels tell of one open: the one at the mail's end is `open`, the one at its top would count it twice.
INBOUND: Final = "relay_message"  # a mail that comes in
_LEFT_OUT = ("initial_open", "amp_initial_open")
_ELSE: Final = (  # of tests of subjects, of files that were taken in, of mails that were passed on
    *("ab_test_completed", "ab_test_cancelled", "success", "error"),
    *("relay_injection", "relay_rejection", "relay_delivery", "relay_tempfail", "relay_permfail"),
)
_CLASSES: Final[Mapping[str, str]] = {  # bounce_class -> reason
    "10": "invalid",
    **dict.fromkeys(("20", "21", "22", "23", "30", "40", "70"), "bounced"),
    "24": "timed_out",
    **dict.fromkeys(("25", "50", "54"), "blocked"),
    **dict.fromkeys(("51", "52"), "spam"),
    "90": "unsubscribed",
}
_KIND_OF_CLASS: Final[Mapping[str, Kind]] = {
    "60": "autoresponded",
    "100": "autoresponded",
    "80": "subscribed",
    "90": "unsubscribed",
}


def mapped(posted: Posted) -> Mapped:
    notes = json_of(posted.body)
    if isinstance(notes, Unmapped):
        return Mapped(unmapped=(notes,))
    events, unmapped = [], []
    for wrapped in notes if isinstance(notes, list) else [notes]:
        inner = get(wrapped, "msys")
        if inner == {}:
            continue  # asks whether we listen
        if text(inner, INBOUND, "friendly_from") or text(inner, INBOUND, "msg_from"):
            events.append(_reply(get(inner, INBOUND)))
            continue
        note = next(iter(inner.values()), None) if isinstance(inner, dict) else None
        said = text(note, "type")
        if isinstance(note, dict) and said in KINDS:
            events.append(_event(KINDS[said], note))
        elif said not in (*_LEFT_OUT, *_ELSE):
            unmapped.append(Unmapped(wrapped, f"no event of SparkPost that is known: {shown(said)}"))
    return Mapped(tuple(events), tuple(unmapped))


def _reply(note: dict[str, Any]) -> Event:
    """Of what was written, and of its subject and attachments, nothing is kept."""
    headers: dict[str, str] = {}  # each in an object of its own
    for one in listed(note, "content", "headers"):
        headers.update({name.lower(): str(value) for name, value in one.items()} if isinstance(one, dict) else {})
    who = text(note, "friendly_from") or parseaddr(headers.get("from", ""))[1] or text(note, "msg_from")
    mail_id, date = headers.get("message-id", ""), headers.get("date", "")
    return mail(
        "sparkpost",
        reply_kind(headers.get("auto-submitted", "")),
        key=(INBOUND, mail_id or date, who, text(note, "rcpt_to")),
        at=written_at(date),
        recipient=who,
        mail_id=mail_id,
    )


def _event(kind: Kind, note: dict[str, Any]) -> Event:
    bounce = text(note, "bounce_class")
    place = get(note, "geo_ip")
    return mail(
        "sparkpost",
        _KIND_OF_CLASS.get(bounce, kind) if kind == "bounced" else kind,
        key=(text(note, "event_id") or sorted((name, str(value)) for name, value in note.items()),),
        at=number(note, "timestamp") or text(note, "timestamp"),  # seconds, or ISO 8601
        recipient=text(note, "raw_rcpt_to") or text(note, "rcpt_to"),
        mail_id=text(note, "transmission_id"),
        url=text(note, "target_link_url"),
        reason=_CLASSES.get(bounce, "other") if bounce else "",
        reply=text(note, "raw_reason"),
        tags=[text(note, "campaign_id"), *listed(note, "rcpt_tags")],
        metadata=note.get("rcpt_meta"),
        user_agent=text(note, "user_agent"),
        address=text(note, "ip_address"),
        country=text(place, "country"),
        region=text(place, "region"),
        city=text(place, "city"),
        subject=text(note, "subject"),
        is_machine=get(note, "user_agent_parsed", "is_prefetched") is True,
    )


VENDOR: Final = Vendor(
    name="sparkpost",
    title="SparkPost",
    mapped=mapped,
    meanings={
        **meanings(KINDS),
        INBOUND: MEANINGS["replied"],
        **dict.fromkeys(_LEFT_OUT, Meaning("", note="the same open as `open`")),
        **dict.fromkeys(_ELSE, NOT_A_CUSTOMERS),
    },
    once="`event_id`",
)
