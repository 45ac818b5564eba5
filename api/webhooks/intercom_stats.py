"""Intercom's content stats: what became of the mails, texts, pushes, messages and surveys that it sent to somebody.

A note's topic names the kind of content, its `stat_type` what happened. A goal that was reached, and the steps of a
series, say nothing that another note does not.
"""

from collections.abc import Mapping
from typing import Final

from api.webhooks.mail import MEANINGS as MAIL
from api.webhooks.vendor import Meaning

PREFIX: Final = "content_stat."
ELSE: Final = "content_stat.*"
_CHAT, _SMS, _PUSH, _SURVEY = "chat", "sms", "push", "survey"
_SHOWN, _OPENED = Meaning("Message Shown", _CHAT), Meaning("Message Opened", _CHAT)
_CLICKED, _REPLIED = Meaning("Message Link Clicked", _CHAT), Meaning("Message Replied", _CHAT)
_IN_PRODUCT: Final = ("chat", "post", "banner", "news_item", "carousel", "custom_bot")
_OF_MESSAGES: Final[Mapping[str, Meaning]] = {
    "receipt": _SHOWN,
    "open": _OPENED,
    "click": _CLICKED,
    "button_tap": _CLICKED,
    "reaction": _REPLIED,
    "reply": _REPLIED,
}
MEANINGS: Final[Mapping[str, Meaning]] = {
    "content_stat.email, receipt": MAIL["sent"],
    "content_stat.email, open": MAIL["opened"],
    "content_stat.email, click": MAIL["clicked"],
    "content_stat.email, reply": MAIL["replied"],
    "content_stat.email, hard_bounce": MAIL["bounced"],
    "content_stat.email, soft_bounce": MAIL["bounced"],
    "content_stat.email, spam_complaint": MAIL["complained"],
    "content_stat.email, unsubscribe": MAIL["unsubscribed"],
    "content_stat.sms, receipt": Meaning("SMS Sent", _SMS),
    "content_stat.sms, keyword_reply": Meaning("SMS Replied", _SMS),
    "content_stat.sms, sms_failure": Meaning("SMS Failed", _SMS),
    "content_stat.sms, unsubscribe": Meaning("SMS Unsubscribed", _SMS),
    "content_stat.push, receipt": Meaning("Push Sent", _PUSH),
    "content_stat.push, open": Meaning("Push Opened", _PUSH),
    "content_stat.push, push_failure": Meaning("Push Failed", _PUSH),
    "content_stat.survey, receipt": Meaning("Survey Shown", _SURVEY),
    "content_stat.survey, completion": Meaning("Survey Answered", _SURVEY),
    **{f"{PREFIX}{kind}, {stat}": meaning for kind in _IN_PRODUCT for stat, meaning in _OF_MESSAGES.items()},
}
