"""Mails that come in, by the vendors that take them in, each in its own form."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from api.webhooks.reading import form_of
from api.webhooks.vendor import Posted
from tests.api.webhooks.test_signatures import der, sendgrid
from tests.api.webhooks.test_vendors import mapped, one, row
from tests.api.webhooks.vendors_door import SECONDS, SIGNED, send, vendor_door

BOUNDARY = "xYzZY"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
HEADERS = (
    "Received: by mx.example.com\nMessage-ID: <m-1@example.com>\nDate: Wed, 11 Oct 2017 18:31:04 -0700\n"
    "From: Ann <ann@example.com>\nSubject: Re: offer\n"
)
PARSED = {
    "headers": HEADERS, "dkim": "{@example.com : pass}", "to": "shop@in.example.com", "text": "I want two",
    "from": '"Ann" <ann@example.com>', "sender_ip": "209.85.1.1", "subject": "Re: offer", "attachments": "1",
    "envelope": '{"to":["shop@in.example.com"],"from":"bounce@example.com"}', "SPF": "pass",
}  # fmt: skip
RAW = {name: PARSED[name] for name in ("to", "from", "subject", "envelope")} | {"email": f"{HEADERS}\n\nI want two"}


def form(fields: dict[str, str], file: bytes = b"") -> bytes:
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    head = b'Content-Disposition: form-data; name="attachment1"; filename="a,b.csv"\r\nContent-Type: text/csv\r\n\r\n'
    parts += [head + file] if file else []
    mark = f"--{BOUNDARY}".encode()
    return b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"


@pytest.mark.parametrize("fields", [PARSED, RAW])
def test_a_mail_that_sendgrid_parsed_is_a_reply_of_who_wrote_it(fields: dict[str, str]) -> None:
    event = one("sendgrid", form(fields, b"a,b\r\n1,2"), MULTIPART)
    assert (event["event"], event["context"]["traits"]) == ("Email Replied", {"email": "ann@example.com"})
    assert (row(event).contact, row(event).occurred_at) == ("engagement", 1_507_771_864_000)
    assert event["properties"]["message_id"] == "<m-1@example.com>"
    assert event["messageId"] == one("sendgrid", form(fields), MULTIPART)["messageId"]
    for kept in ("want two", "offer", "bounce@", "a,b"):
        assert kept not in json.dumps(event)


def test_a_machines_answer_to_a_mail_is_no_reply_and_what_is_no_mail_is_a_reject() -> None:
    automatic = PARSED | {"headers": f"{HEADERS}Auto-Submitted: auto-replied\n"}
    assert row(one("sendgrid", form(automatic), MULTIPART)).contact == ""
    assert len(mapped("sendgrid", form({"a": "b"}), MULTIPART).unmapped) == 1


async def test_a_parsed_mail_is_signed_with_the_key_of_its_policy_over_its_bytes_as_they_came() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    door = vendor_door(secret=der(key))
    body = form(PARSED, b"\xff\xfe\x00," * 400_000)  # an attachment of bytes that are no text, and many commas
    headers = {"content-type": MULTIPART, **sendgrid(key, body, SECONDS)}
    answer = await send(door, "sendgrid", body, headers, key=SIGNED)
    assert answer.status_code == 200
    assert (await send(door, "sendgrid", body + b" ", headers, key=SIGNED)).status_code == 401
    assert (await send(door, "sendgrid", body, {"content-type": MULTIPART}, key=SIGNED)).status_code == 401


def test_files_of_a_form_are_passed_over_and_its_fields_keep_their_order() -> None:
    body = form({"a": "1", "b": "x\r\ny"}, b"--\r\n--other\r\n") + form({"a": "2"})
    assert form_of(Posted(body, {"content-type": MULTIPART}, 0)) == {"a": ["1", "2"], "b": ["x\r\ny"]}


MAILJET = {
    "Sender": "bounce@example.com", "Recipient": "shop@in.example.com", "Date": "20171012T013104",
    "From": '"Ann" <ann@example.com>', "Subject": "Re: offer", "Text-part": "I want two", "SpamAssassinScore": "1.7",
    "Headers": {"Received": ["by mx"], "Message-ID": "<m-1@example.com>", "Date": ["Wed, 11 Oct 2017 18:31:04 -0700"]},
}  # fmt: skip
SES = {
    "notificationType": "Received", "content": "I want two",
    "mail": {
        "source": "bounce@example.com", "messageId": "ses-1", "timestamp": "2017-10-12T01:31:04.000Z",
        "destination": ["shop@in.example.com"], "headers": [{"name": "Message-ID", "value": "<m-1@example.com>"}],
        "commonHeaders": {"from": ["Ann <ann@example.com>"], "subject": "Re: offer"},
    },
    "receipt": {"recipients": ["shop@in.example.com"], "spamVerdict": {"status": "PASS"}},
}  # fmt: skip


def sns(told: dict[str, Any]) -> dict[str, Any]:
    return {"Type": "Notification", "MessageId": "n-1", "Message": json.dumps(told)}


@pytest.mark.parametrize(("vendor", "body"), [("mailjet", MAILJET), ("ses", sns(SES))])
def test_a_mail_that_mailjet_or_ses_took_in_is_a_reply_of_who_wrote_it(vendor: str, body: Any) -> None:
    event = one(vendor, body)
    assert (event["event"], event["context"]["traits"]) == ("Email Replied", {"email": "ann@example.com"})
    assert (row(event).contact, row(event).occurred_at) == ("engagement", 1_507_771_864_000)
    assert event["properties"]["message_id"] == "<m-1@example.com>"
    for kept in ("want two", "offer", "bounce@"):
        assert kept not in json.dumps(event)


def test_spam_that_ses_took_in_is_a_machines() -> None:
    spam = {**SES, "receipt": {"spamVerdict": {"status": "FAIL"}}}
    assert row(one("ses", sns(spam))).is_bot


def test_people_that_brevo_tells_of_are_identified_and_one_that_is_deleted_is_nobody() -> None:
    listed = {"id": 1, "event": "list_addition", "email": ["ann@example.com", "ben@example.com"], "ts": 1_700_000_000}
    found = mapped("brevo", listed).events
    assert [(event["type"], event["context"]["traits"]["email"]) for event in found] == [
        ("identify", "ann@example.com"),
        ("identify", "ben@example.com"),
    ]
    assert mapped("brevo", {**listed, "event": "contact_deleted"}) == mapped("intercom", {"topic": "ping"})


def test_a_mail_that_sparkpost_passes_on_without_a_sender_of_its_own_is_its_headers() -> None:
    content = {"headers": [{"From": '"Ann" <ann@example.com>'}, {"Message-ID": "<m-1@example.com>"}]}
    event = one("sparkpost", [{"msys": {"relay_message": {"msg_from": "bounce@example.com", "content": content}}}])
    assert event["context"]["traits"] == {"email": "ann@example.com"}


@pytest.mark.parametrize("at", ["1539300285", "2018-10-11T23:24:45.000+00:00"])
def test_a_note_of_sparkpost_has_its_time_in_seconds_or_as_a_text(at: str) -> None:
    failed = {"type": "generation_failure", "rcpt_to": "ann@example.com", "event_id": "1", "timestamp": at}
    assert row(one("sparkpost", [{"msys": {"gen_event": failed}}])).occurred_at == 1_539_300_285_000


def test_who_opened_by_a_proxy_of_brevo_is_known_by_its_id_and_tags_may_lie_in_a_text() -> None:
    opened = {
        "event": "unique_proxy_open", "email": "", "message-id": "m", "contact_id": 4816445214646337536,
        "tag": '["this", "that"]', "ts_epoch": 1724322809710,
    }  # fmt: skip
    event = one("brevo", opened)
    assert (event["context"]["externalIds"], "traits" in event["context"]) == (
        [{"type": "brevo", "id": "4816445214646337536"}], False,
    )  # fmt: skip
    assert (event["properties"]["tags"], row(event).is_bot) == (["this", "that"], True)
    clicked = opened | {"event": "click", "email": "ann@example.com"}
    assert row(one("brevo", clicked)).vendors == row(event).vendors
