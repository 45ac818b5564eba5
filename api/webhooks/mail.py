"""What mail vendors tell of, in one vocabulary: Segment's names where it has them.

A mail's properties: `message_id` (the mail's own), `url` (of a click), `reason` (one of REASONS), `reply` (what the
recipient's server said), `description`, `tags`, `metadata` (what the sender gave with the mail), `labels` (names and
values by which he has it counted), `subject`, `campaign`.
"""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from api.webhooks.event import event, message_id
from api.webhooks.vendor import Event, Meaning

Kind = Literal[
    "queued", "sent", "delivered", "deferred", "bounced", "rejected", "failed",
    "opened", "clicked", "complained", "unsubscribed", "subscribed", "autoresponded", "replied",
]  # fmt: skip

CHANNEL = "email"
_AUTOMATIC = ("auto-replied", "auto-generated", "auto-notified")
MEANINGS: Mapping[Kind, Meaning] = {
    "queued": Meaning("Email Queued", CHANNEL),
    "sent": Meaning("Email Sent", CHANNEL),
    "delivered": Meaning("Email Delivered", CHANNEL),
    "deferred": Meaning("Email Deferred", CHANNEL),
    "bounced": Meaning("Email Bounced", CHANNEL),
    "rejected": Meaning("Email Dropped", CHANNEL),
    "failed": Meaning("Email Failed", CHANNEL),
    "opened": Meaning("Email Opened", CHANNEL),
    "clicked": Meaning("Email Link Clicked", CHANNEL),
    "complained": Meaning("Email Marked as Spam", CHANNEL),
    "unsubscribed": Meaning("Email Unsubscribed", CHANNEL),
    "subscribed": Meaning("Email Subscribed", CHANNEL),
    "autoresponded": Meaning("Email Autoresponse Processed", CHANNEL),
    "replied": Meaning("Email Replied", CHANNEL, "what the person wrote is not kept"),
}
REASONS = ("invalid", "bounced", "timed_out", "blocked", "spam", "unsubscribed", "other")
USER_ID_KEYS = ("user_id", "userId")  # in what the sender gave with the mail

# Image proxies open a mail when its reader does; their user agents say "bot", and nothing of the reader.
_PROXIES = ("GoogleImageProxy", "YahooMailProxy")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")


def meanings(kinds: Mapping[str, Kind]) -> dict[str, Meaning]:
    """For the page: a vendor's own words and what each becomes."""
    return {word: MEANINGS[kind] for word, kind in kinds.items()}


def reply_kind(auto_submitted: str) -> Kind:
    """Of a mail that comes in, by its header Auto-Submitted (RFC 3834)."""
    return "autoresponded" if auto_submitted.partition(";")[0].strip().lower() in _AUTOMATIC else "replied"


def written_at(date: str) -> str | None:
    """Of a header Date, `Fri, 1 Aug 2014 16:45:32 -0400`, as the writer's mail server wrote it."""
    try:
        return parsedate_to_datetime(date).isoformat()
    except ValueError:
        return None


def mail(
    vendor: str,
    kind: Kind,
    *,
    key: tuple[object, ...],
    at: str | float | None,
    recipient: str,
    mail_id: str = "",
    url: str = "",
    reason: str = "",
    reply: str = "",
    description: str = "",
    tags: Any = None,
    metadata: Any = None,
    labels: Mapping[str, str] | None = None,
    user_agent: str = "",
    address: str = "",
    country: str = "",
    region: str = "",
    city: str = "",
    is_machine: bool = False,
    ids: Mapping[str, str] | None = None,
    **more: Any,
) -> Event:
    """One thing that happened to a mail. `key` tells it from all others of this vendor, at each attempt alike; `ids`
    are ids of the recipient that vendors gave.

    Addresses in what servers say are removed: an e-mail is kept as a hash only.
    """
    metadata = metadata if isinstance(metadata, dict) else {}
    known = {**(labels or {}), **metadata}
    is_proxy = any(name in user_agent for name in _PROXIES)
    is_acting = kind in ("opened", "clicked") and not is_machine and not is_proxy
    return event(
        MEANINGS[kind].event,
        message=message_id(vendor, *key),
        channel=CHANNEL,
        at=at,
        email=recipient,
        ids=ids,
        user_id=next((str(found) for name in USER_ID_KEYS if isinstance(found := known.get(name), str | int)), ""),
        properties={
            "vendor": vendor,
            "message_id": mail_id,
            "url": url,
            "reason": reason,
            "reply": without_addresses(reply),
            "description": without_addresses(description),
            "tags": _tags(tags),
            "metadata": metadata,
            "labels": labels,
            "user_agent": user_agent,
            "is_machine": is_machine or None,
            **more,
        },
        user_agent=user_agent if is_acting else "",
        address=address if is_acting else "",
        country=country if is_acting else "",
        region=region if is_acting else "",
        city=city if is_acting else "",
        is_machine=is_machine,
    )


def without_addresses(said: str) -> str:
    """`550 <jane@example.com> unknown` -> `550 <...> unknown`."""
    return _ADDRESS.sub("...", said)


def _tags(given: Any) -> list[str]:
    """Tags as a list, whether one is a text or a list in a list."""
    if isinstance(given, str):
        return [given] if given else []
    if not isinstance(given, list):
        return []
    return [tag for one in given for tag in _tags(one)]
