"""Twilio's status callbacks of messages and calls, and its webhook of incoming messages: forms, or queries of GET."""

import hashlib
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import parse_qs, urlsplit

from api.webhooks.event import event, message_id
from api.webhooks.reading import Fields, first, form_of, number
from api.webhooks.signature import base64_of, check_one
from api.webhooks.vendor import Event, Forged, Mapped, Meaning, Posted, Unmapped, Vendor
from pipeline.ingest.redaction import shown

SMS, PHONE = "sms", "phone"
_UNDER_WAY = Meaning("Call Queued", PHONE, "a call that has not ended is no contact yet")
_MISSED = Meaning("Call Failed", PHONE, "`status` says why")
_AGAIN = Meaning("", note="another note tells of it")
MEANINGS: Final[Mapping[str, Meaning]] = {
    "message queued": Meaning("SMS Queued", SMS),
    "message accepted": Meaning("SMS Queued", SMS),
    "message scheduled": Meaning("SMS Queued", SMS),
    "message sending": Meaning("SMS Queued", SMS),
    "message sent": Meaning("SMS Sent", SMS),
    "message delivered": Meaning("SMS Delivered", SMS),
    "message partially_delivered": Meaning("SMS Delivered", SMS),
    "message undelivered": Meaning("SMS Undelivered", SMS),
    "message failed": Meaning("SMS Failed", SMS),
    "message canceled": Meaning("SMS Failed", SMS),
    "message read": Meaning("SMS Read", SMS),
    "message click": Meaning("SMS Link Clicked", SMS, "of a shortened link: `url`"),
    "message receiving": _AGAIN,
    "message received": Meaning("SMS Replied", SMS, "what the person wrote is not kept"),
    "call queued": _UNDER_WAY,
    "call initiated": _UNDER_WAY,
    "call ringing": _UNDER_WAY,
    "call in-progress": _UNDER_WAY,
    "call answered": _UNDER_WAY,
    "call completed": Meaning("Call Ended", PHONE, "`duration_s`"),
    "call busy": _MISSED,
    "call no-answer": _MISSED,
    "call failed": _MISSED,
    "call canceled": _MISSED,
    **dict.fromkeys(("recording", "transcription", "conference", "who answered"), _AGAIN),
}
_OF_CALLS = {"RecordingSid": "recording", "TranscriptionSid": "transcription", "ConferenceSid": "conference",
             "AnsweredBy": "who answered"}  # fmt: skip
# `whatsapp:+491701234567`, `messenger:1234567890`; what stands behind `client:` or `sip:` is no number of a person.
_PREFIXES = {"whatsapp": "messenger", "messenger": "messenger"}
_WITH_NUMBER = ("", "whatsapp", "rcs")


def signed(posted: Posted, secret: str) -> None:
    """HMAC-SHA1 over the address that Twilio called and the fields of the form. Raises Forged.

    A proxy may have changed scheme and port, so any address under which we may be known is tried.
    """
    given, fields = posted.headers.get("x-twilio-signature", ""), form_of(posted)
    if not given or not posted.urls:
        raise Forged("the request has no X-Twilio-Signature")
    digest = parse_qs(urlsplit(posted.urls[0]).query).get("bodySHA256")
    if digest:  # a body that is no form is signed by its digest in the address
        check_one(hashlib.sha256(posted.body).hexdigest(), digest[0])
        fields = {}
    told = "".join(name + value for name in sorted(fields) for value in sorted(set(fields[name])))
    check_one(given, *(base64_of(secret, (url + told).encode(), "sha1") for url in posted.urls))


def mapped(posted: Posted) -> Mapped:
    fields = form_of(posted) if posted.body or not posted.urls else _in_address(posted.urls[0])
    is_call = "CallSid" in fields
    said = first(fields, "CallStatus") if is_call else first(fields, "MessageStatus") or first(fields, "SmsStatus")
    said = said or first(fields, "event_type")
    word = next((word for name, word in _OF_CALLS.items() if name in fields), "") if not said else ""
    meaning = MEANINGS.get(word or f"{'call' if is_call else 'message'} {said}")
    if meaning is not None and not meaning.event:
        return Mapped()
    if meaning is None:
        return Mapped(unmapped=(Unmapped(dict(fields), f"no status of Twilio that is known: {shown(said)}"),))
    return Mapped((_event(meaning, fields, said, is_call),))


def _event(meaning: Meaning, fields: Fields, said: str, is_call: bool) -> Event:
    is_incoming = first(fields, "Direction") == "inbound" if is_call else said == "received"
    other = first(fields, "From") if is_incoming else first(fields, "To") or first(fields, "to")
    prefix, _, bare = other.lower().rpartition(":")
    sid = first(fields, "CallSid") if is_call else _message(fields)
    clicked = (first(fields, "link"), first(fields, "click_time")) if said == "click" else ()
    return event(
        meaning.event,
        message=message_id("twilio", sid, said, *clicked),
        channel=_PREFIXES.get(prefix, meaning.channel),
        at=_time(first(fields, "Timestamp")) or first(fields, "click_time"),
        phone=bare if prefix in _WITH_NUMBER else "",
        ids={"messenger": bare if prefix == "messenger" else ""},
        properties={
            "vendor": "twilio",
            "status": said,
            "direction": "inbound" if is_incoming else "outbound",
            "message_id": sid,
            "error_code": first(fields, "ErrorCode"),
            "duration_s": number(first(fields, "CallDuration")),
            "url": first(fields, "link"),
            "opt_out": first(fields, "OptOutType"),
        },
    )


def _message(fields: Fields) -> str:
    return first(fields, "MessageSid") or first(fields, "SmsSid") or first(fields, "sms_sid")


def _in_address(url: str) -> Fields:
    """Of a callback by GET. The address alone is signed then, as it has all of them."""
    found = parse_qs(urlsplit(url).query, keep_blank_values=True, max_num_fields=1000)
    return {name: values for name, values in found.items() if name != "key"}


def _time(told: str) -> str | None:
    """Of `Tue, 14 Nov 2023 22:13:20 +0000`; messages bring no time."""
    try:
        return parsedate_to_datetime(told).isoformat()
    except ValueError:
        return None


VENDOR: Final = Vendor(
    name="twilio",
    title="Twilio",
    mapped=mapped,
    meanings=MEANINGS,
    once="`MessageSid` or `CallSid`, and the status",
    secret="the account's auth token",
    signature="HMAC-SHA1 over address and fields, `X-Twilio-Signature`, by POST and GET; no time is signed",
    signed=signed,
    answer=("text/xml", b'<?xml version="1.0" encoding="UTF-8"?><Response></Response>'),
    is_by_get=True,
    identity="phone number of the other side",
)
