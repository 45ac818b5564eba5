"""Mailgun's forms: mails that come in by a route, and the webhooks of before 2018.

In these the sender's own variables lie among Mailgun's fields, so a name may come twice. Of Mailgun's own it is the
first that counts, but of the signature's fields the last.
"""

from collections.abc import Mapping
from email.utils import parseaddr
from typing import Final

from api.webhooks.mail import Kind, mail, reply_kind
from api.webhooks.reading import Fields, first, json_of, number, text
from api.webhooks.vendor import Event, Mapped, Unmapped
from pipeline.ingest.redaction import shown

KINDS: Final[Mapping[str, Kind]] = {
    "delivered": "delivered",
    "dropped": "rejected",
    "bounced": "bounced",
    "complained": "complained",
    "unsubscribed": "unsubscribed",
    "opened": "opened",
    "clicked": "clicked",
}
_CODES = {499: "timed_out", 605: "bounced", 606: "unsubscribed", 607: "spam"}
_LAST = ("signature", "timestamp", "token")
_OWN = frozenset((  # of events that come without the mail's headers
    "event", "recipient", "domain", "ip", "country", "region", "city", "user-agent", "device-type",
    "client-type", "client-name", "client-os", "campaign-id", "campaign-name", "tag", "mailing-list",
    "timestamp", "token", "signature", "url", "body-plain", "h", "message-id",
))  # fmt: skip


def signature(fields: Fields) -> tuple[str, str, str]:
    """(time, token, signature)."""
    return _last(fields, "timestamp"), _last(fields, "token"), _last(fields, "signature")


INBOUND: Final = "a mail that comes in"  # by a route's forward(); has no event


def mapped(fields: Fields) -> Mapped:
    if not first(fields, "event") and "body-plain" in fields and _address(fields):
        return Mapped((_reply(fields),))
    kind = KINDS.get(first(fields, "event"))
    if kind is None:
        said = first(fields, "event")
        return Mapped(unmapped=(Unmapped(dict(fields), f"no event of Mailgun that is known: {shown(said)}"),))
    mail_id = first(fields, "Message-Id") or first(fields, "message-id")
    made = mail(
        "mailgun",
        kind,
        key=(_last(fields, "token"),),
        at=number(_last(fields, "timestamp")),
        recipient=first(fields, "recipient"),
        mail_id=f"<{mail_id}>" if mail_id and not mail_id.startswith("<") else mail_id,
        url=first(fields, "url"),
        reason=_reason(first(fields, "code")),
        reply=first(fields, "error") or first(fields, "notification"),
        description=first(fields, "description"),
        tags=fields.get("tag") or fields.get("X-Mailgun-Tag"),
        metadata=_metadata(fields, kind),
        user_agent=first(fields, "user-agent"),
        address=first(fields, "ip"),
        country=first(fields, "country"),
        region=first(fields, "region"),
        city=first(fields, "city"),
    )
    return Mapped((made,))


def _address(fields: Fields) -> str:
    """Who wrote it: by its header, as the envelope's sender may be a mailer's."""
    return parseaddr(first(fields, "from"))[1] or first(fields, "sender")


def _reply(fields: Fields) -> Event:
    """Of what was written, and of its subject and attachments, nothing is kept."""
    mail_id = first(fields, "Message-Id")
    return mail(
        "mailgun",
        reply_kind(first(fields, "Auto-Submitted")),
        key=("inbound", mail_id or _last(fields, "token"), first(fields, "recipient")),
        at=number(_last(fields, "timestamp")),
        recipient=_address(fields),
        mail_id=mail_id,
    )


def _last(fields: Fields, name: str) -> str:
    return (fields.get(name) or [""])[-1]


def _reason(code: str) -> str:
    """By the server's reply code: 550, or 5.1.1."""
    if not code:
        return ""
    if code.isdigit():
        return _CODES.get(int(code), "bounced" if 400 <= int(code) < 600 else "other")
    return "bounced" if code.partition(".")[0] in ("4", "5") else "other"


def _metadata(fields: Fields, kind: Kind) -> dict[str, object]:
    """The sender's variables: a header of the mail where the headers came, else what is not Mailgun's own."""
    found: dict[str, object] = {}
    if "message-headers" in fields:
        headers = json_of(_last(fields, "message-headers"))
        for header in headers if isinstance(headers, list) else []:
            if text(header, 0) == "X-Mailgun-Variables":
                variables = json_of(text(header, 1))
                found.update(variables if isinstance(variables, dict) else {})
        return found
    if kind in ("opened", "clicked", "unsubscribed"):
        for name, values in fields.items():
            if name not in _OWN:
                found[name] = values[-1]
            elif len(values) > 1 and name != "tag":
                found[name] = values[0] if name in _LAST else values[-1]
    return found
