"""Channel: where a contact takes place; and what kind of contact an event off the site is.

The tables of words are all here. An unknown channel is kept as the sender wrote it, in lower case.
"""

import re

from pipeline.ingest.remembered import remembered
from pipeline.ingest.vocabulary import VOCABULARY

_SYNONYMS = {
    "web": ("web", "website", "site", "browser", "online", "www", "internet", "server"),
    "app": ("app", "mobile", "mobile_app", "ios", "android", "native", "in_app"),
    "email": ("email", "e_mail", "mail", "newsletter", "e_newsletter"),
    "sms": ("sms", "text", "text_message", "mms"),
    "push": ("push", "push_notification", "web_push", "mobile_push", "notification"),
    "messenger": ("messenger", "whatsapp", "telegram", "facebook_messenger", "wechat", "line", "viber"),
    "chat": ("chat", "support_chat", "livechat", "live_chat", "webchat", "web_chat", "chat_support"),
    "chatbot": ("chatbot", "chat_bot", "bot", "virtual_assistant"),
    "phone": (
        "phone",
        "telephone",
        "phone_call",
        "call",
        "calls",
        "call_center",
        "call_centre",
        "hotline",
        "voice",
        "ivr",
    ),
    "store": ("store", "shop", "in_store", "instore", "branch", "pos", "point_of_sale", "retail", "offline"),
    "event": ("event", "trade_fair", "fair", "webinar", "conference"),
    "social": ("social", "social_media"),
    "ad": ("ad", "ads", "advert", "advertising", "display", "banner"),
    "survey": ("survey", "poll", "questionnaire", "nps", "csat"),
    "form": ("form", "web_form", "lead_form"),
    "print": ("print", "letter", "direct_mail", "catalogue", "catalog", "brochure"),
}
_CHANNEL_OF = {word: channel for channel, words in _SYNONYMS.items() for word in words}
_CHANNEL_OF_KIND = {"browser": "web", "app": "app", "server": "web", "import": "web", "vendor": "other", "": "web"}

ON_SITE = frozenset(("web", "app", "chat"))  # where sessions are
SERVER_WORD = "server"  # what server libraries send as `channel`: says who sends, not where the contact was

# Events that tell of a visit without being an act of the visitor.
PASSIVE = frozenset(
    ("heartbeat", "session_heartbeat", "ping", "page_ping", "user_engagement", "leave", "page_leave", "pageleave")
    + (
        "page_exit",
        "page_unload",
        "page_hide",
        "page_hidden",
        "vitals",
        "web_vitals",
        "scroll",
        "scroll_depth",
        "page_scroll",
    )
    # The site's own doing, or none: who comes to a page that is not there, and leaves, has bounced.
    + ("page_not_found", "survey_shown", "survey_dismissed")
)
HEARTBEATS = frozenset(("heartbeat", "session_heartbeat", "ping", "page_ping", "user_engagement"))
PAGE_PING = "page_ping"

# Contact off the site, by the words of the event's name: the first line that has one of them. "" is no contact at all.
_CONTACTS = tuple(
    (contact, frozenset(words))
    for contact, words in (
        ("", ("sent", "send", "queued", "scheduled", "processed", "deferred", "delivered", "delivery", "undelivered")),
        ("", ("bounce", "bounced", "dropped", "failed", "blocked", "suppressed", "abandoned")),
        # Before the words of a sale: an order refunded, a payment disputed is no sale.
        (
            "service",
            ("refund", "refunded", "cancelled", "canceled", "cancellation", "dispute", "disputed", "chargeback"),
        ),
        ("exposure", ("impression", "impressions", "shown", "displayed", "exposed", "exposure", "received")),
        ("conversion", ("purchase", "purchased", "order", "ordered", "bought", "sale", "sold", "checkout", "payment")),
        ("service", ("call", "called", "ticket", "complaint", "case", "support", "service", "helpdesk")),
        ("service", ("return", "returned")),
    )
)
_SERVICE_CHANNELS = frozenset(("phone",))
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@remembered(1 << 12)
def channel(word: str, kind: str) -> str:
    """The channel by the sender's word, "" = the kind of the source that sent it."""
    text = word.strip().lower().replace("-", "_").replace(" ", "_")
    if not text or text == SERVER_WORD:
        return _CHANNEL_OF_KIND.get(kind, "web")
    return _CHANNEL_OF.get(text, text)


@remembered(1 << 12)
def plain_name(event: str) -> str:
    """An event's name in lower case with underscores, without a vendor's leading $: `Page Ping` is `page_ping`."""
    return "_".join(_WORDS.findall(event)).lower()


# What leads to a sale has its words and is none: names of Segment's and Google's vocabularies of shops.
_BEFORE_A_SALE = (
    *("checkout_started", "checkout_step_viewed", "checkout_step_completed", "payment_info_entered"),
    *("begin_checkout", "add_payment_info"),
)
_CONTACT_OF_NAME = dict.fromkeys(_BEFORE_A_SALE, "engagement") | {
    plain_name(name): known.contact for name, known in VOCABULARY.items()
}
_CHANNEL_OF_NAME = {plain_name(name): known.channel for name, known in VOCABULARY.items()}
_TELLS_OF_OTHERS = frozenset(("server", "vendor", "import"))  # kinds of sources that are where no customer is


@remembered(1 << 14)
def channel_of(event: str, type: str, word: str, kind: str) -> str:
    """`channel`, and for a call, a visit or a scan that a server tells of without a word where these take place."""
    text = word.strip().lower()
    if kind in _TELLS_OF_OTHERS and type == "track" and (not text or text == SERVER_WORD):
        return _CHANNEL_OF_NAME.get(plain_name(event)) or channel(word, kind)
    return channel(word, kind)


@remembered(1 << 14)
def contact(event: str, type: str, channel: str, has_device: bool) -> str:
    """exposure, engagement, conversion or service for a touchpoint of its own; "" for none.

    On web and app all contact is in sessions; in a chat too, where the event has a device.
    """
    if type not in ("track", "page", "screen") or (channel in ON_SITE and (channel != "chat" or has_device)):
        return ""
    name = plain_name(event)
    if name in _CONTACT_OF_NAME:
        return _CONTACT_OF_NAME[name]
    words = name.split("_")
    for kind, meaning_it in _CONTACTS:
        if not meaning_it.isdisjoint(words):
            return kind
    return "service" if channel in _SERVICE_CHANNELS else "engagement"
